// By the tables of ANSI/SCTE 35 2023: 9.6 (the section), 9.7 (commands), 10.2 and 10.3 (descriptors).
#include "encoder/splice_section.hpp"

extern "C" {
#include <libavutil/crc.h>
}

namespace troupe::av {

namespace {

constexpr size_t header_bytes = 14;
constexpr size_t crc_bytes = 4;
constexpr size_t marks_max = 32;

constexpr uint64_t splice_insert = 0x05;
constexpr uint64_t time_signal = 0x06;
constexpr uint64_t splice_null = 0x00;
constexpr uint64_t bandwidth_reservation = 0x07;

constexpr uint64_t cue_identifier = 0x43554549; // "CUEI"

/// Reads big-endian fields. Beyond the end everything is 0, and `failed` says so.
class bit_reader {
public:
  explicit bit_reader(std::span<const uint8_t> bytes) : bytes_{bytes} {}

  uint64_t take(size_t bits) {
    uint64_t result = 0;
    for (; bits > 0; --bits, ++at_)
      result = result << 1 | (at_ / 8 < bytes_.size() ? bytes_[at_ / 8] >> (7 - at_ % 8) & 1 : 0);
    return result;
  }

  bool flag() {
    return take(1) != 0;
  }

  void skip(size_t bits) {
    at_ += bits;
  }

  bool failed() const {
    return at_ > bytes_.size() * 8;
  }

private:
  std::span<const uint8_t> bytes_;
  size_t at_ = 0; ///< bits
};

std::optional<int64_t> take_splice_time(bit_reader& from) {
  if (!from.flag()) {
    from.skip(7);
    return std::nullopt;
  }
  from.skip(6);
  return static_cast<int64_t>(from.take(33));
}

std::optional<splice_section> read_insert(std::span<const uint8_t> bytes) {
  bit_reader from{bytes};
  splice_section result;
  splice_mark mark;
  mark.event = from.take(32);
  auto cancelled = from.flag();
  from.skip(7);
  if (!cancelled) {
    mark.what = from.flag() ? splice_mark::kind::out : splice_mark::kind::in;
    auto whole_program = from.flag();
    auto has_duration = from.flag();
    auto immediate = from.flag();
    from.skip(4);
    if (whole_program && !immediate)
      result.time = take_splice_time(from);
    if (!whole_program)
      for (auto count = from.take(8); count > 0; --count) {
        from.skip(8);
        if (auto time = immediate ? std::nullopt : take_splice_time(from); time && !result.time)
          result.time = time;
      }
    if (has_duration) {
      from.skip(7);
      mark.duration = static_cast<int64_t>(from.take(33));
    }
    from.skip(32);
  }
  result.marks.push_back(mark);
  return from.failed() ? std::nullopt : std::optional{result};
}

/// Which kinds of segments are breaks: each of these numbers begins one, the next number ends it (table 23).
bool begins_break(uint64_t type) {
  return type == 0x22 || type == 0x30 || type == 0x32 || type == 0x34 || type == 0x36 || type == 0x44 || type == 0x46;
}

std::optional<splice_mark> read_segmentation(std::span<const uint8_t> bytes) {
  bit_reader from{bytes};
  if (from.take(32) != cue_identifier)
    return std::nullopt;
  splice_mark result;
  auto event = from.take(32);
  auto cancelled = from.flag();
  from.skip(7);
  if (cancelled)
    return from.failed() ? std::nullopt : std::optional{result};
  auto whole_program = from.flag();
  auto has_duration = from.flag();
  from.skip(6);
  if (!whole_program)
    from.skip(from.take(8) * 48);
  auto duration = has_duration ? std::optional{static_cast<int64_t>(from.take(40))} : std::nullopt;
  from.skip(8);
  from.skip(from.take(8) * 8);
  auto type = from.take(8);
  from.skip(16);
  if (from.failed())
    return std::nullopt;
  auto begins = begins_break(type);
  auto ends = type > 0 && begins_break(type - 1);
  result.what = begins ? splice_mark::kind::out : ends ? splice_mark::kind::in : splice_mark::kind::command;
  // Segments of several kinds may have the same number.
  result.event = (ends ? type - 1 : type) << 32 | event;
  result.duration = begins ? duration : std::nullopt;
  return result;
}

std::vector<splice_mark> read_descriptors(std::span<const uint8_t> bytes) {
  constexpr uint8_t segmentation = 0x02;
  std::vector<splice_mark> result;
  while (bytes.size() >= 2 && bytes.size() - 2 >= bytes[1] && result.size() < marks_max) {
    if (bytes[0] == segmentation)
      if (auto mark = read_segmentation(bytes.subspan(2, bytes[1])))
        result.push_back(*mark);
    bytes = bytes.subspan(2 + size_t{bytes[1]});
  }
  return result;
}

} // namespace

int64_t clock_distance(int64_t from, int64_t to) noexcept {
  auto forward = (to - from) & (clock_turn - 1);
  return forward < clock_turn / 2 ? forward : forward - clock_turn;
}

uint32_t section_crc(std::span<const uint8_t> bytes) noexcept {
  // libavutil keeps the checksum with its bytes the other way round.
  auto x = av_crc(av_crc_get_table(AV_CRC_32_IEEE), 0xffffffff, bytes.data(), bytes.size());
  return x << 24 | (x << 8 & 0xff0000) | (x >> 8 & 0xff00) | x >> 24;
}

std::optional<splice_section> read_splice(std::span<const uint8_t> bytes) {
  if (bytes.size() < header_bytes + 2 + crc_bytes || bytes.size() > section_bytes_max || bytes[0] != 0xfc)
    return std::nullopt;
  bit_reader from{bytes};
  from.skip(12);
  auto length = from.take(12);
  auto version = from.take(8);
  auto encrypted = from.flag();
  from.skip(6);
  auto adjustment = from.take(33);
  from.skip(20);
  auto command_bytes = from.take(12);
  auto type = from.take(8);
  if (length + 3 != bytes.size() || version != 0 || encrypted || section_crc(bytes) != 0)
    return std::nullopt;
  auto body = bytes.subspan(header_bytes, bytes.size() - header_bytes - crc_bytes);
  // Older senders leave the command's length open (0xfff).
  auto known = command_bytes != 0xfff;
  if (known && command_bytes + 2 > body.size())
    return std::nullopt;
  auto command = known ? body.first(command_bytes) : body;
  std::optional<splice_section> result{splice_section{}};
  if (type == splice_insert) {
    result = read_insert(command);
  } else if (type == time_signal) {
    bit_reader at{command};
    result->time = take_splice_time(at);
    if (at.failed())
      return std::nullopt;
    if (!known)
      command = body.first(result->time ? 5 : 1);
    auto rest = body.subspan(command.size());
    if (rest.size() >= 2)
      if (auto size = static_cast<size_t>(rest[0] << 8 | rest[1]); size <= rest.size() - 2)
        result->marks = read_descriptors(rest.subspan(2, size));
  } else {
    result->idle = type == splice_null || type == bandwidth_reservation;
  }
  if (!result)
    return std::nullopt;
  if (result->time)
    result->time = (*result->time + static_cast<int64_t>(adjustment)) & (clock_turn - 1);
  if (result->marks.empty() && !result->idle)
    result->marks.emplace_back();
  return result;
}

std::vector<uint8_t> splice_at(std::span<const uint8_t> bytes, int64_t time) {
  std::vector<uint8_t> result{bytes.begin(), bytes.end()};
  auto read = read_splice(bytes);
  if (!read || !read->time)
    return result;
  bit_reader from{bytes};
  from.skip(39);
  auto moved = (static_cast<int64_t>(from.take(33)) + clock_distance(*read->time, time)) & (clock_turn - 1);
  result[4] = static_cast<uint8_t>((result[4] & 0xfe) | (moved >> 32 & 1));
  for (size_t i = 0; i < 4; ++i)
    result[5 + i] = static_cast<uint8_t>(moved >> (24 - 8 * i) & 0xff);
  auto crc = section_crc(std::span{result}.first(result.size() - crc_bytes));
  for (size_t i = 0; i < crc_bytes; ++i)
    result[result.size() - crc_bytes + i] = static_cast<uint8_t>(crc >> (24 - 8 * i) & 0xff);
  return result;
}

} // namespace troupe::av
