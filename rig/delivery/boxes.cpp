#include "rig/delivery/boxes.hpp"

#include "rig/ts_scanner.hpp"

#include <algorithm>
#include <cstdio>
#include <span>

namespace troupe::bench::delivery {

namespace {

using std::string_view;

/// Big-endian numbers; past the end they are 0, and `good` is false.
class reader {
public:
  explicit reader(string_view bytes) : bytes_(bytes) {}

  uint64_t take(size_t n) {
    uint64_t result = 0;
    if (n > bytes_.size()) {
      good_ = false;
      bytes_ = {};
      return 0;
    }
    for (size_t i = 0; i < n; ++i)
      result = result << 8 | static_cast<uint8_t>(bytes_[i]);
    bytes_.remove_prefix(n);
    return result;
  }

  uint32_t take32() {
    return static_cast<uint32_t>(take(4));
  }

  void skip(size_t n) {
    good_ = good_ && n <= bytes_.size();
    bytes_.remove_prefix(std::min(n, bytes_.size()));
  }

  string_view rest() const noexcept {
    return bytes_;
  }

  bool good() const noexcept {
    return good_;
  }

private:
  string_view bytes_;
  bool good_ = true;
};

/// Calls `take` with the type and payload of each box.
template <class F>
void for_each_box(string_view bytes, F take) {
  while (bytes.size() >= 8) {
    reader head{bytes};
    uint64_t size = head.take32();
    auto type = head.rest().substr(0, 4);
    head.skip(4);
    if (size == 1)
      size = head.take(8);
    if (size == 0)
      size = bytes.size();
    auto header = bytes.size() - head.rest().size();
    if (size < header || size > bytes.size())
      return;
    take(type, bytes.substr(header, size - header));
    bytes.remove_prefix(size);
  }
}

string_view child(string_view of, string_view type) {
  string_view result;
  for_each_box(of, [&](auto name, auto payload) {
    if (name == type && result.empty())
      result = payload;
  });
  return result;
}

/// Version and flags of a full box.
struct form {
  unsigned version = 0;
  uint32_t flags = 0;
};

form take_form(reader& from) {
  auto word = from.take32();
  return {word >> 24, word & 0xffffff};
}

/// "avc1.PPCCLL" for AVC; the four letters for all others.
std::string codec_of(string_view stsd) {
  if (stsd.size() < 16)
    return {};
  std::string type{stsd.substr(12, 4)};
  constexpr size_t header = 8 + 8; // of stsd, and of its first entry
  constexpr size_t visual_entry = 78;
  if ((type == "avc1" || type == "avc3") && stsd.size() > header + visual_entry) {
    auto config = child(stsd.substr(header + visual_entry), "avcC");
    char text[8];
    if (config.size() >= 4) {
      std::snprintf(text, sizeof text, ".%02x%02x%02x", static_cast<uint8_t>(config[1]),
                    static_cast<uint8_t>(config[2]), static_cast<uint8_t>(config[3]));
      return type + text;
    }
  }
  return type;
}

/// Reads a header box that states a duration, behind `skip` words between the times and the duration.
uint64_t duration_of(string_view box, size_t skip) {
  reader from{box};
  auto wide = take_form(from).version == 1;
  from.skip((wide ? 16 : 8) + skip);
  auto result = from.take(wide ? 8 : 4);
  return result == (wide ? ~uint64_t{0} : uint64_t{0xffffffff}) ? 0 : result;
}

/// The media time of the first edit that is not empty.
int64_t edit_of(string_view elst) {
  reader from{elst};
  auto wide = take_form(from).version == 1;
  auto count = from.take32();
  for (uint32_t i = 0; i < count && from.good(); ++i) {
    from.skip(wide ? 8 : 4);
    auto time = wide ? static_cast<int64_t>(from.take(8)) : static_cast<int32_t>(from.take32());
    from.skip(4);
    if (time >= 0)
      return time;
  }
  return 0;
}

mp4_track read_track(string_view trak) {
  mp4_track result;
  auto mdia = child(trak, "mdia");
  reader tkhd{child(trak, "tkhd")};
  tkhd.skip(take_form(tkhd).version == 1 ? 16 : 8);
  result.id = tkhd.take32();
  reader mdhd{child(mdia, "mdhd")};
  mdhd.skip(take_form(mdhd).version == 1 ? 16 : 8);
  result.timescale = mdhd.take32();
  auto hdlr = child(mdia, "hdlr");
  result.handler = hdlr.size() >= 12 ? std::string{hdlr.substr(8, 4)} : std::string{};
  result.edit_from = edit_of(child(child(trak, "edts"), "elst"));
  result.codec = codec_of(child(child(child(mdia, "minf"), "stbl"), "stsd"));
  return result;
}

void read_run(string_view trun, uint32_t default_duration, uint32_t default_flags, mp4_fragment& to) {
  reader from{trun};
  auto has = take_form(from).flags;
  auto count = from.take32();
  if ((has & 0x1) != 0)
    from.skip(4);
  std::optional<uint32_t> first_flags;
  if ((has & 0x4) != 0)
    first_flags = from.take32();
  for (uint32_t i = 0; i < count && from.good(); ++i) {
    auto duration = (has & 0x100) != 0 ? from.take32() : default_duration;
    if ((has & 0x200) != 0)
      from.skip(4);
    auto flags = (has & 0x400) != 0 ? from.take32() : default_flags;
    auto offset = (has & 0x800) != 0 ? static_cast<int32_t>(from.take32()) : 0;
    if (!from.good())
      return;
    if (to.samples == 0) {
      constexpr uint32_t no_sync_sample = 0x10000;
      to.first_is_sync = (first_flags.value_or(flags) & no_sync_sample) == 0;
      to.first_offset = offset;
    }
    to.duration += duration;
    ++to.samples;
  }
}

mp4_fragment read_fragment(string_view traf, const mp4_init& init) {
  mp4_fragment result;
  reader tfhd{child(traf, "tfhd")};
  auto has = take_form(tfhd).flags;
  result.track = tfhd.take32();
  result.moof_relative = (has & 0x20000) != 0;
  auto track = std::find_if(init.tracks.begin(), init.tracks.end(), [&](auto& x) { return x.id == result.track; });
  auto duration = track == init.tracks.end() ? 0 : track->default_duration;
  auto flags = track == init.tracks.end() ? 0 : track->default_flags;
  tfhd.skip(((has & 0x1) != 0 ? 8 : 0) + ((has & 0x2) != 0 ? 4 : 0));
  if ((has & 0x8) != 0)
    duration = tfhd.take32();
  if ((has & 0x10) != 0)
    tfhd.skip(4);
  if ((has & 0x20) != 0)
    flags = tfhd.take32();
  if (auto tfdt = child(traf, "tfdt"); !tfdt.empty()) {
    reader from{tfdt};
    auto wide = take_form(from).version == 1;
    result.time = from.take(wide ? 8 : 4);
  }
  for_each_box(traf, [&](auto type, auto payload) {
    if (type == "trun")
      read_run(payload, duration, flags, result);
  });
  return result;
}

constexpr int64_t ts_payload_from(const uint8_t* x) {
  return (x[3] & 0x20) != 0 ? 5 + x[4] : 4;
}

} // namespace

std::optional<mp4_init> read_init(string_view bytes) {
  auto moov = child(bytes, "moov");
  if (moov.empty())
    return std::nullopt;
  mp4_init result;
  auto ftyp = child(bytes, "ftyp");
  for (size_t at = 0; at + 4 <= ftyp.size(); at += at == 0 ? 8 : 4)
    result.brands.emplace_back(ftyp.substr(at, 4));
  result.durations = duration_of(child(moov, "mvhd"), 4) != 0;
  for_each_box(moov, [&](auto type, auto payload) {
    if (type != "trak")
      return;
    result.tracks.push_back(read_track(payload));
    result.durations = result.durations || duration_of(child(payload, "tkhd"), 8) != 0;
  });
  for_each_box(child(moov, "mvex"), [&](auto type, auto payload) {
    if (type != "trex")
      return;
    reader from{payload};
    take_form(from);
    auto id = from.take32();
    from.skip(4);
    auto duration = from.take32();
    from.skip(4);
    auto flags = from.take32();
    for (auto& track : result.tracks)
      if (track.id == id)
        track.default_duration = duration, track.default_flags = flags;
  });
  return result;
}

std::vector<mp4_fragment> read_fragments(string_view bytes, const mp4_init& init) {
  std::vector<mp4_fragment> result;
  for_each_box(bytes, [&](auto type, auto payload) {
    if (type != "moof")
      return;
    for_each_box(payload, [&](auto inner, auto traf) {
      if (inner == "traf")
        result.push_back(read_fragment(traf, init));
    });
  });
  return result;
}

bool holds_only_cues(string_view bytes) {
  auto result = true;
  for_each_box(bytes, [&](auto type, auto payload) {
    size_t understood = 0;
    if (type != "mdat")
      return;
    for_each_box(payload, [&](auto inner, auto cue) {
      result = result && (inner == "vtte" || (inner == "vttc" && !child(cue, "payl").empty()));
      understood += 8 + cue.size();
    });
    result = result && understood == payload.size();
  });
  return result;
}

void ts_account::take_clock(const uint8_t* x, ts_facts& to) {
  constexpr int64_t turn = int64_t{1} << 33;
  if ((x[3] & 0x20) == 0 || x[4] < 7 || (x[5] & 0x10) == 0)
    return;
  auto now = int64_t{x[6]} << 25 | int64_t{x[7]} << 17 | int64_t{x[8]} << 9 | int64_t{x[9]} << 1 | x[10] >> 7;
  if (clock_) {
    auto step = (now - *clock_ + turn) % turn;
    to.clock_back = to.clock_back || step > turn / 2;
    // Between two segments there may be a gap of the source.
    if (to.clocks > 0 && step <= turn / 2)
      to.clock_step_s = std::max(to.clock_step_s, static_cast<double>(step) / 90'000);
  }
  clock_ = now;
  ++to.clocks;
}

ts_facts ts_account::take(string_view segment) {
  ts_facts result;
  result.in_step = segment.size() % ts_packet_bytes == 0;
  auto* data = reinterpret_cast<const uint8_t*>(segment.data());
  int pmt = -1;
  std::array<int, 2> first{-1, -1};
  for (size_t i = 0; (i + 1) * ts_packet_bytes <= segment.size(); ++i) {
    auto* x = data + i * ts_packet_bytes;
    constexpr uint8_t sync_byte = 0x47;
    result.in_step = result.in_step && x[0] == sync_byte;
    take_clock(x, result);
    int pid = (x[1] & 0x1f) << 8 | x[2];
    auto from = ts_payload_from(x);
    if (pid == 0 && pmt < 0 && from + 13 < static_cast<int64_t>(ts_packet_bytes))
      pmt = (x[from + 11] & 0x1f) << 8 | x[from + 12]; // of the first program, behind a pointer field of 0
    if (i < first.size())
      first[i] = pid;
    if ((x[3] & 0x10) == 0 || pid == 0x1fff)
      continue;
    auto counter = x[3] & 0x0f;
    auto& last = counters_[static_cast<size_t>(pid)];
    // A packet may be sent twice.
    if (last >= 0 && counter != ((last + 1) & 0x0f) && counter != last)
      ++result.jumps;
    last = counter;
  }
  result.tables_first = first[0] == 0 && first[1] == pmt;
  ts_scanner scanner{[&](const ts_unit& unit) {
    if (!unit.video || unit.pts < 0)
      return;
    if (!result.first_video_pts)
      result.first_is_random_access = unit.random_access;
    result.first_video_pts = result.first_video_pts ? std::min(*result.first_video_pts, unit.pts) : unit.pts;
  }};
  scanner.take(std::as_bytes(std::span{segment.data(), segment.size()}), {});
  scanner.finish();
  return result;
}

} // namespace troupe::bench::delivery
