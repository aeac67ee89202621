// Makes the bytes of little MP4 files for the tests of the delivery judges: the boxes that a judge reads, and no more.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace troupe::bench::delivery {

inline std::string big_endian(uint64_t value, size_t bytes) {
  std::string result(bytes, '\0');
  for (size_t i = 0; i < bytes; ++i)
    result[bytes - 1 - i] = static_cast<char>(value >> 8 * i & 0xff);
  return result;
}

inline std::string box(std::string_view type, const std::string& payload) {
  return big_endian(8 + payload.size(), 4) + std::string{type} + payload;
}

/// An init segment of one track with 90 000 ticks a second. `entry` is that of its samples.
inline std::string init_segment(const std::string& handler, const std::string& entry) {
  auto zeros = [](size_t n) { return std::string(n, '\0'); };
  auto stsd = box("stsd", zeros(4) + big_endian(1, 4) + entry);
  auto hdlr = box("hdlr", zeros(8) + handler + zeros(12));
  auto mdhd = box("mdhd", zeros(12) + big_endian(90'000, 4) + zeros(8));
  auto mdia = box("mdia", mdhd + hdlr + box("minf", box("stbl", stsd)));
  auto tkhd = box("tkhd", zeros(12) + big_endian(1, 4) + zeros(72));
  auto mvhd = box("mvhd", zeros(12) + big_endian(1000, 4) + zeros(84));
  auto trex = box("trex", zeros(4) + big_endian(1, 4) + zeros(16));
  return box("ftyp", "iso6" + zeros(4) + "cmfc") + box("moov", mvhd + box("trak", tkhd + mdia) + box("mvex", trex));
}

inline std::string init_segment(bool video) {
  auto config = box("avcC", std::string{"\x01\x64\x00\x1f", 4});
  return video ? init_segment("vide", box("avc1", std::string(78, '\0') + config))
               : init_segment("soun", box("mp4a", std::string(28, '\0')));
}

/// One fragment of `samples` samples of `ticks` each, with this mdat.
inline std::string fragment(uint64_t time, uint32_t samples, uint32_t ticks, bool sync, const std::string& mdat) {
  auto tfhd = box("tfhd", big_endian(0x020008, 4) + big_endian(1, 4) + big_endian(ticks, 4));
  auto tfdt = box("tfdt", big_endian(0x01000000, 4) + big_endian(time, 8));
  auto trun = box("trun", big_endian(0x000004, 4) + big_endian(samples, 4) + big_endian(sync ? 0 : 0x10000, 4));
  return box("moof", box("traf", tfhd + tfdt + trun)) + box("mdat", mdat);
}

/// `size` is that of its mdat.
inline std::string fragment(uint64_t time, uint32_t samples, uint32_t ticks, bool sync, size_t size = 1000) {
  return fragment(time, samples, ticks, sync, std::string(size, 'x'));
}

/// A transport packet. `payload` begins a section or PES packet. A random-access point may have the clock.
inline std::string ts_packet(int pid, int counter, std::string payload, bool random_access = false,
                             std::optional<uint64_t> clock = {}) {
  constexpr size_t size = 188;
  std::string head{'G', static_cast<char>(0x40 | pid >> 8), static_cast<char>(pid & 0xff)};
  auto room = size - 4;
  if (random_access) {
    head += static_cast<char>(0x30 | (counter & 15));
    auto stuffing = room - payload.size() - 1;
    std::string adaptation(stuffing, '\xff');
    adaptation[0] = clock ? 0x50 : 0x40;
    if (clock)
      adaptation.replace(1, 6, big_endian(*clock << 15 | 0x7e00, 6));
    head += static_cast<char>(stuffing) + adaptation;
  } else {
    head += static_cast<char>(0x10 | (counter & 15));
    payload.resize(room, '\xff');
  }
  return head + payload;
}

/// PAT, PMT and one picture: a segment of a transport stream whose counters continue at `counter`.
inline std::string ts_segment(int counter, uint64_t pts, bool tables = true, bool clock = true) {
  constexpr int pmt = 0x100;
  constexpr int video = 0x101;
  std::string pat{"\0\0\xb0\x0d\0\x01\xc1\0\0\0\x01\xe1\0", 13};
  std::string stamp{static_cast<char>(0x21 | (pts >> 29 & 0xe)), static_cast<char>(pts >> 22 & 0xff),
                    static_cast<char>(0x01 | (pts >> 14 & 0xfe)), static_cast<char>(pts >> 7 & 0xff),
                    static_cast<char>(0x01 | (pts << 1 & 0xfe))};
  std::string picture = std::string{"\0\0\x01\xe0\0\0\x80\x80\x05", 9} + stamp;
  auto result = tables ? ts_packet(0, counter, pat) + ts_packet(pmt, counter, std::string(4, '\0')) : std::string{};
  return result + ts_packet(video, counter, picture, true, clock ? std::optional{pts} : std::nullopt);
}

} // namespace troupe::bench::delivery
