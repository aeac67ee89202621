// Boxes by ISO/IEC 14496-12 (8.2 to 8.8) and 14496-30 (7.3 to 7.5). The form is that of CMAF: ISO/IEC 23000-19, 11.
#include "packaging/text_fragments.hpp"

#include <algorithm>
#include <cassert>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe {

namespace {

constexpr uint32_t track_number = 1;

/// Writes boxes one into another. Numbers are big-endian.
class box_writer {
public:
  void open(std::string_view type) {
    begins_.push_back(bytes_.size());
    put_zeros(4);
    put(type);
  }

  void open(std::string_view type, uint32_t version, uint32_t flags) {
    open(type);
    put(version << 24 | flags, 4);
  }

  void close() {
    auto from = begins_.back();
    begins_.pop_back();
    set32(from, bytes_.size() - from);
  }

  /// At most eight bytes.
  void put(uint64_t value, size_t bytes) {
    for (auto i = bytes; i-- > 0;)
      bytes_.push_back(static_cast<std::byte>(value >> 8 * i & 0xff));
  }

  void put_zeros(size_t bytes) {
    bytes_.resize(bytes_.size() + bytes);
  }

  void put(std::string_view text) {
    auto bytes = std::as_bytes(std::span{text});
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  }

  void set32(size_t at, uint64_t value) {
    for (size_t i = 0; i < 4; ++i)
      bytes_[at + i] = static_cast<std::byte>(value >> 8 * (3 - i) & 0xff);
  }

  size_t size() const noexcept {
    return bytes_.size();
  }

  std::vector<std::byte> take() {
    assert(begins_.empty());
    return std::move(bytes_);
  }

private:
  std::vector<std::byte> bytes_;
  std::vector<size_t> begins_; ///< of the open boxes
};

/// Nothing is scaled, turned or moved.
void put_matrix(box_writer& to) {
  for (uint32_t x : {0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000})
    to.put(x, 4);
}

/// Three letters of five bits each.
uint32_t packed(std::string_view language) {
  auto is_letter = [](char c) { return c >= 'a' && c <= 'z'; };
  if (language.size() != 3 || !std::ranges::all_of(language, is_letter))
    language = "und";
  uint32_t result = 0;
  for (auto c : language)
    result = result << 5 | static_cast<uint32_t>(c - 'a' + 1);
  return result;
}

void put_movie_header(box_writer& to) {
  to.open("mvhd", 0, 0);
  to.put_zeros(8); // when it was made
  to.put(ticks_per_second, 4);
  to.put_zeros(4);    // duration
  to.put(0x10000, 4); // rate
  to.put(0x100, 2);   // volume
  to.put_zeros(10);
  put_matrix(to);
  to.put_zeros(24);
  to.put(track_number + 1, 4); // of the next track
  to.close();
}

void put_track_header(box_writer& to) {
  constexpr uint32_t enabled = 7; // shown, and in previews, too
  to.open("tkhd", 0, enabled);
  to.put_zeros(8);
  to.put(track_number, 4);
  to.put_zeros(4);
  to.put_zeros(4); // duration
  to.put_zeros(8);
  to.put_zeros(8); // layer, group, volume
  put_matrix(to);
  to.put_zeros(8); // width, height
  to.close();
}

/// One description, and no samples: those are in fragments.
void put_sample_table(box_writer& to) {
  to.open("stbl");
  to.open("stsd", 0, 0);
  to.put(1, 4);
  to.open(text_name);
  to.put_zeros(6);
  to.put(1, 2); // where the samples are: in this file
  to.open("vttC");
  to.put("WEBVTT");
  to.close();
  to.close();
  to.close();
  for (auto* type : {"stts", "stsc", "stco"}) {
    to.open(type, 0, 0);
    to.put_zeros(4);
    to.close();
  }
  to.open("stsz", 0, 0);
  to.put_zeros(8);
  to.close();
  to.close();
}

void put_media(box_writer& to, const std::string& language) {
  to.open("mdia");
  to.open("mdhd", 0, 0);
  to.put_zeros(8);
  to.put(ticks_per_second, 4);
  to.put_zeros(4); // duration
  to.put(packed(language), 2);
  to.put_zeros(2);
  to.close();
  to.open("hdlr", 0, 0);
  to.put_zeros(4);
  to.put("text");
  to.put_zeros(13); // and no name
  to.close();
  to.open("minf");
  to.open("nmhd", 0, 0);
  to.close();
  to.open("dinf");
  to.open("dref", 0, 0);
  to.put(1, 4);
  to.open("url ", 0, 1); // this file
  to.close();
  to.close();
  to.close();
  put_sample_table(to);
  to.close();
  to.close();
}

struct text_sample {
  int64_t duration;
  size_t bytes;
};

/// Appends a sample for each time in which the same cues are seen.
std::vector<text_sample> put_samples(box_writer& to, int64_t from, int64_t until, std::span<const text_cue> cues) {
  std::vector<int64_t> times{from, until};
  for (auto& x : cues)
    for (auto t : {x.from, x.to})
      if (t > from && t < until)
        times.push_back(t);
  std::ranges::sort(times);
  times.erase(std::unique(times.begin(), times.end()), times.end());
  std::vector<text_sample> result;
  for (size_t i = 0; i + 1 < times.size(); ++i) {
    auto begin = to.size();
    for (auto& x : cues)
      if (x.from <= times[i] && x.to > times[i] && to.size() + x.text.size() <= text_bytes_max) {
        to.open("vttc");
        to.open("payl");
        to.put(x.text);
        to.close();
        to.close();
      }
    if (to.size() == begin) {
      to.open("vtte");
      to.close();
    }
    result.push_back({times[i + 1] - times[i], to.size() - begin});
  }
  return result;
}

} // namespace

shared_bytes text_init(const std::string& language) {
  box_writer to;
  to.open("ftyp");
  to.put("iso6");
  to.put_zeros(4);
  for (auto* brand : {"iso6", "cmfc", "cwvt"})
    to.put(brand);
  to.close();
  to.open("moov");
  put_movie_header(to);
  to.open("trak");
  put_track_header(to);
  put_media(to, language);
  to.close();
  to.open("mvex");
  to.open("trex", 0, 0);
  to.put(track_number, 4);
  to.put(1, 4); // description
  to.put_zeros(12);
  to.close();
  to.close();
  to.close();
  return shared_bytes{to.take()};
}

shared_bytes text_fragment(int64_t number, int64_t from, int64_t to, std::span<const text_cue> cues) {
  assert(from < to);
  box_writer data;
  data.open("mdat");
  auto samples = put_samples(data, from, to, cues);
  data.close();
  constexpr uint32_t moof_relative = 0x20000;
  constexpr uint32_t has_offset = 0x1;
  constexpr uint32_t has_durations = 0x100;
  constexpr uint32_t has_sizes = 0x200;
  box_writer all;
  all.open("moof");
  all.open("mfhd", 0, 0);
  all.put(static_cast<uint64_t>(number), 4);
  all.close();
  all.open("traf");
  all.open("tfhd", 0, moof_relative);
  all.put(track_number, 4);
  all.close();
  all.open("tfdt", 1, 0);
  all.put(static_cast<uint64_t>(std::max<int64_t>(from, 0)), 8);
  all.close();
  all.open("trun", 0, has_offset | has_durations | has_sizes);
  all.put(samples.size(), 4);
  auto offset_at = all.size();
  all.put_zeros(4);
  for (auto& x : samples) {
    all.put(static_cast<uint64_t>(x.duration), 4);
    all.put(x.bytes, 4);
  }
  all.close();
  all.close();
  all.close();
  constexpr size_t box_header = 8;
  all.set32(offset_at, all.size() + box_header);
  auto bytes = all.take();
  auto media = data.take();
  bytes.insert(bytes.end(), media.begin(), media.end());
  return shared_bytes{std::move(bytes)};
}

} // namespace troupe
