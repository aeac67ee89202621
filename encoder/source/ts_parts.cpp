// ISO/IEC 13818-1: packets (2.4.3.2), sections (2.4.4), stream types (table 2-34); EN 300 468 for the descriptors that
// name a private stream's codec.
#include "encoder/source/ts_parts.hpp"

extern "C" {
#include <libavutil/crc.h>
}

#include <algorithm>
#include <cstdint>
#include <utility>

namespace troupe::av {

namespace {

constexpr uint8_t sync_byte = 0x47;
constexpr int pat_pid = 0;
constexpr int null_pid = 0x1fff;
constexpr size_t psi_bytes_max = 1024;
constexpr size_t programs_max = 256;
constexpr size_t undecided_max = 4096; ///< packets

/// A stream that does not flag random-access points is cut at a picture, after this many pictures.
constexpr int pictures_max = 500;

int word(std::span<const uint8_t> x, size_t at) {
  return x[at] << 8 | x[at + 1];
}

int pid_of(std::span<const uint8_t> packet) {
  return word(packet, 1) & 0x1fff;
}

bool starts_unit(std::span<const uint8_t> packet) {
  return (packet[1] & 0x40) != 0;
}

bool is_random_access(std::span<const uint8_t> packet) {
  return (packet[3] & 0x20) != 0 && packet[4] > 0 && (packet[5] & 0x40) != 0;
}

std::span<const uint8_t> payload_of(std::span<const uint8_t> packet) {
  size_t begin = (packet[3] & 0x20) != 0 ? 5 + size_t{packet[4]} : 4;
  return (packet[3] & 0x10) == 0 || begin >= packet.size() ? std::span<const uint8_t>{} : packet.subspan(begin);
}

bool is_video(int type) {
  return type == 0x01 || type == 0x02 || type == 0x10 || type == 0x1b || type == 0x24 || type == 0x33 || type == 0x42
         || type == 0xd1 || type == 0xea;
}

bool is_audio(int type) {
  return type == 0x03 || type == 0x04 || type == 0x0f || type == 0x11 || type == 0x1c || (type >= 0x80 && type <= 0x87)
         || type == 0x8a || type == 0xa1 || type == 0xa2;
}

/// The codec of a private stream: AC-3, E-AC-3, DTS, AAC and AC-4 by their descriptors, others by their registration. 0
/// if it is not sound.
uint32_t private_kind(std::span<const uint8_t> descriptors) {
  uint32_t result = 0;
  while (descriptors.size() >= 2 && size_t{2} + descriptors[1] <= descriptors.size()) {
    auto tag = descriptors[0];
    auto body = descriptors.subspan(2, descriptors[1]);
    if (tag == 0x6a || tag == 0x7a || tag == 0x7b || tag == 0x7c)
      return tag;
    if (tag == 0x05 && body.size() >= 4)
      result = static_cast<uint32_t>(word(body, 0)) << 16 | static_cast<uint32_t>(word(body, 2));
    descriptors = descriptors.subspan(2 + body.size());
  }
  return result;
}

} // namespace

void ts_parts::follow(int program) {
  if (std::any_of(pmt_pids_.begin(), pmt_pids_.end(), [program](const auto& x) { return x.second == program; }))
    wanted_ = program;
}

void ts_parts::feed(std::span<const uint8_t> bytes) {
  if (!rest_.empty()) {
    rest_.insert(rest_.end(), bytes.begin(), bytes.end());
    bytes = {};
    carry_ = std::exchange(rest_, {});
  } else {
    carry_.insert(carry_.end(), bytes.begin(), bytes.end());
  }
  size_t at = 0;
  while (!cut_ && carry_.size() - at >= packet_bytes) {
    if (carry_[at] == sync_byte) {
      take_packet(std::span{carry_}.subspan(at, packet_bytes));
      at += packet_bytes;
    } else {
      // Damaged packets, or packets of another size, are passed on: the reader of the stream handles them.
      release();
      part_.push_back(carry_[at++]);
    }
  }
  if (cut_)
    rest_.insert(rest_.end(), carry_.begin() + static_cast<ptrdiff_t>(at), carry_.end());
  carry_.erase(carry_.begin(), cut_ ? carry_.end() : carry_.begin() + static_cast<ptrdiff_t>(at));
}

void ts_parts::finish() {
  release();
  part_.insert(part_.end(), carry_.begin(), carry_.end());
  carry_.clear();
}

size_t ts_parts::take(std::span<uint8_t> to) {
  auto count = std::min(to.size(), part_.size() - taken_);
  std::copy_n(part_.begin() + static_cast<ptrdiff_t>(taken_), count, to.begin());
  taken_ += count;
  if (taken_ == part_.size()) {
    part_.clear();
    taken_ = 0;
  }
  return count;
}

void ts_parts::next_part() {
  cut_ = false;
  ++parts_;
  for (auto* packets : {&pat_, &pmt_})
    for (auto& x : *packets)
      part_.insert(part_.end(), x.begin(), x.end());
  for (auto& x : std::exchange(undecided_, {}))
    part_.insert(part_.end(), x.begin(), x.end());
  feed({});
}

void ts_parts::flush() {
  carry_.clear();
  part_.clear();
  taken_ = 0;
  rest_.clear();
  undecided_.clear();
  sections_.clear();
  cut_ = waits_ = holds_ = false;
}

/// Releases the held packets as part of the present part.
void ts_parts::release() {
  holds_ = false;
  for (auto& x : std::exchange(undecided_, {}))
    part_.insert(part_.end(), x.begin(), x.end());
}

void ts_parts::take_packet(std::span<const uint8_t> bytes) {
  auto pid = pid_of(bytes);
  auto is_table = pid == pat_pid || pmt_pids_.contains(pid);
  // Other programs of a multiplex are irrelevant.
  auto is_read =
    !present_ || present_->audio.contains(pid) || (present_->video.has_value() && present_->video->first == pid);
  if (!is_table && pid != null_pid && is_read)
    ++((bytes[3] & 0xc0) != 0 ? scrambled_ : clear_);
  if (!is_table && !waits_ && undecided_.empty()) {
    part_.insert(part_.end(), bytes.begin(), bytes.end());
    return;
  }
  // Packets of a table wait until it is complete, because it may be the first of the next part.
  undecided_.emplace_back(bytes.begin(), bytes.end());
  if (is_table)
    read_section(pid, bytes);
  if (cut_)
    return;
  auto is_picture = present_ && present_->video && pid == present_->video->first && starts_unit(bytes);
  if (waits_ && is_picture) {
    if (is_random_access(bytes) || ++pictures_ > pictures_max) {
      // The next part begins with the packets held since the table, or with this packet alone.
      waits_ = holds_ = false;
      cut_ = true;
      return;
    }
    holds_ = false;
  }
  if (undecided_.size() > undecided_max)
    sections_.clear();
  else if (holds_ || is_in_table())
    return;
  release();
}

bool ts_parts::is_in_table() const {
  return std::any_of(sections_.begin(), sections_.end(), [](const auto& x) { return !x.second.bytes.empty(); });
}

void ts_parts::read_section(int pid, std::span<const uint8_t> bytes) {
  auto payload = payload_of(bytes);
  auto& x = sections_[pid];
  if (starts_unit(bytes)) {
    if (payload.empty() || size_t{1} + payload[0] > payload.size())
      return;
    // First comes the end of the previous table.
    if (!x.bytes.empty() && payload[0] > 0) {
      x.packets.emplace_back(bytes.begin(), bytes.end());
      if (add_payload(x, payload.subspan(1, payload[0])))
        pid == pat_pid ? read_pat(x) : read_pmt(x);
    }
    x = {};
    payload = payload.subspan(size_t{1} + payload[0]);
  } else if (x.bytes.empty()) {
    return;
  }
  x.packets.emplace_back(bytes.begin(), bytes.end());
  if (add_payload(x, payload)) {
    auto whole = std::exchange(x, {});
    pid == pat_pid ? read_pat(whole) : read_pmt(whole);
  }
}

/// True if the section is complete. A section with a wrong checksum is ignored.
bool ts_parts::add_payload(section& x, std::span<const uint8_t> payload) {
  x.bytes.insert(x.bytes.end(), payload.begin(), payload.end());
  if (x.bytes.size() < 3)
    return false;
  auto size = static_cast<size_t>(word(x.bytes, 1) & 0xfff) + 3;
  if (size > psi_bytes_max || x.bytes[0] == 0xff) {
    x = {};
    return false;
  }
  if (x.bytes.size() < size)
    return false;
  x.bytes.resize(size);
  if (av_crc(av_crc_get_table(AV_CRC_32_IEEE), UINT32_MAX, x.bytes.data(), size) == 0)
    return true;
  x = {};
  return false;
}

void ts_parts::read_pat(const section& x) {
  auto& b = x.bytes;
  // Reads only a table that is in force and complete in one section.
  if (b.size() < 12 || b[0] != 0 || (b[5] & 1) == 0 || b[6] != 0 || b[7] != 0)
    return;
  std::map<int, int> found;
  for (size_t at = 8; at + 8 <= b.size() && found.size() < programs_max; at += 4)
    if (auto number = word(b, at); number != 0)
      found[word(b, at + 2) & 0x1fff] = number;
  if (found.empty())
    return;
  pmt_pids_ = std::move(found);
  std::erase_if(sections_, [this](const auto& s) { return s.first != pat_pid && !pmt_pids_.contains(s.first); });
  pat_ = x.packets;
  auto is_present = [this](const auto& p) { return present_ && p.second == present_->number; };
  if (present_ && std::none_of(pmt_pids_.begin(), pmt_pids_.end(), is_present)) {
    // The program is gone: another one follows. The table itself is in `undecided_`.
    present_.reset();
    wanted_ = 0;
    pat_.clear();
    pmt_.clear();
    waits_ = holds_ = false;
    cut_ = true;
  }
}

void ts_parts::read_pmt(const section& x) {
  auto& b = x.bytes;
  if (b.size() < 16 || b[0] != 2 || (b[5] & 1) == 0)
    return;
  table now;
  now.number = word(b, 3);
  if (wanted_ != 0 ? now.number != wanted_ : pmt_pids_.size() != 1)
    return;
  auto end = b.size() - 4;
  for (auto at = size_t{12} + (word(b, 10) & 0xfff); at + 5 <= end;) {
    int type = b[at];
    auto pid = word(b, at + 1) & 0x1fff;
    auto size = static_cast<size_t>(word(b, at + 3) & 0xfff);
    if (at + 5 + size > end || pid == null_pid)
      break;
    auto named = type == 0x06 ? private_kind(std::span{b}.subspan(at + 5, size)) : 0;
    if (is_video(type) && !now.video)
      now.video = {pid, static_cast<uint32_t>(type)};
    else if (is_audio(type))
      now.audio[pid] = static_cast<uint32_t>(type);
    else if (named != 0)
      now.audio[pid] = named;
    at += 5 + size;
  }
  auto what = compare(now);
  if (!present_)
    scrambled_ = clear_ = 0;
  present_ = now;
  pmt_ = x.packets;
  if (what == change::all) {
    // The table's own packets are in `undecided_`, and must be output only once.
    pmt_.clear();
    waits_ = holds_ = false;
    cut_ = true;
  } else if (what == change::sound) {
    waits_ = holds_ = true;
    pictures_ = 0;
  }
}

ts_parts::change ts_parts::compare(const table& now) const {
  if (!present_ || present_->number != now.number)
    return change::none;
  if (present_->video != now.video)
    return change::all;
  for (auto& [pid, kind] : present_->audio)
    if (auto i = now.audio.find(pid); i != now.audio.end() && i->second != kind)
      return now.video ? change::sound : change::all;
  return change::none;
}

} // namespace troupe::av
