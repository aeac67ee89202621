// Finds NAL units by start codes or lengths, as the extradata says, and AV1's units by their headers. Other packets are
// hashed whole, except for an ADTS header.
#include "encoder/chunks/payload_hash.hpp"

extern "C" {
#include <libavutil/crc.h>
}

#include <algorithm>
#include <array>
#include <span>

namespace troupe::av {

namespace {

using bytes = std::span<const uint8_t>;

/// Codecs whose packets every container here preserves byte by byte.
constexpr std::array plain_codecs{
  AV_CODEC_ID_MPEG1VIDEO, AV_CODEC_ID_MPEG2VIDEO, AV_CODEC_ID_VP8,    AV_CODEC_ID_VP9,
  AV_CODEC_ID_PRORES,     AV_CODEC_ID_MP2,        AV_CODEC_ID_MP3,    AV_CODEC_ID_AC3,
  AV_CODEC_ID_EAC3,       AV_CODEC_ID_OPUS,       AV_CODEC_ID_VORBIS, AV_CODEC_ID_FLAC,
};

uint32_t add(uint32_t crc, bytes x) {
  return av_crc(av_crc_get_table(AV_CRC_32_IEEE_LE), crc, x.data(), x.size());
}

/// False for parameter sets, delimiters, ends of sequences and filler: muxers and parsers add, drop or move them.
bool is_counted(AVCodecID codec, uint8_t first) {
  if (codec == AV_CODEC_ID_H264) {
    auto kind = first & 0x1f;
    return kind < 7 || kind > 12;
  }
  auto kind = first >> 1 & 0x3f;
  return kind < 32 || kind > 38;
}

uint32_t add_unit(uint32_t crc, AVCodecID codec, bytes unit) {
  while (!unit.empty() && unit.back() == 0)
    unit = unit.first(unit.size() - 1);
  return unit.empty() || !is_counted(codec, unit[0]) ? crc : add(crc, unit);
}

/// The start of the next start code; the end if there is none.
size_t find_start(bytes x, size_t from) {
  constexpr std::array<uint8_t, 3> code{0, 0, 1};
  auto at =
    std::search(x.begin() + static_cast<std::ptrdiff_t>(std::min(from, x.size())), x.end(), code.begin(), code.end());
  return static_cast<size_t>(at - x.begin());
}

uint32_t crc_of_annexb(AVCodecID codec, bytes x) {
  uint32_t crc = 0;
  for (auto at = find_start(x, 0); at < x.size();) {
    auto end = find_start(x, at + 3);
    crc = add_unit(crc, codec, x.subspan(at + 3, end - at - 3));
    at = end;
  }
  return crc;
}

uint32_t crc_of_lengths(AVCodecID codec, bytes x, size_t length_size) {
  uint32_t crc = 0;
  while (x.size() > length_size) {
    size_t size = 0;
    for (size_t i = 0; i < length_size; ++i)
      size = size << 8 | x[i];
    x = x.subspan(length_size);
    size = std::min(size, x.size());
    crc = add_unit(crc, codec, x.first(size));
    x = x.subspan(size);
  }
  return crc;
}

/// Bytes of the length field before each NAL unit; 0 if there are start codes.
size_t length_size_of(const AVCodecParameters& p) {
  auto at = p.codec_id == AV_CODEC_ID_H264 ? 4 : 21;
  if (p.extradata_size <= at || p.extradata[0] != 1)
    return 0;
  return static_cast<size_t>(p.extradata[at] & 3) + 1;
}

/// AV1 consists of OBUs ("low overhead" format, AV1 specification 5.2); those that a container may drop are not
/// counted.
uint32_t crc_of_obus(bytes x) {
  constexpr std::array left_out{2, 7, 8, 15}; // temporal delimiter, repeated frame header, tile list, padding
  uint32_t crc = 0;
  while (!x.empty()) {
    auto kind = x[0] >> 3 & 0xf;
    size_t head = (x[0] & 4) != 0 ? 2 : 1;
    auto size = x.size();
    if ((x[0] & 2) != 0) {
      uint64_t told = 0;
      for (auto shift = 0; shift < 56 && head < x.size(); shift += 7) {
        auto byte = x[head++];
        told |= static_cast<uint64_t>(byte & 0x7f) << shift;
        if ((byte & 0x80) == 0)
          break;
      }
      size = static_cast<size_t>(std::min<uint64_t>(told + head, x.size()));
    }
    if (std::find(left_out.begin(), left_out.end(), kind) == left_out.end())
      crc = add(crc, x.first(size));
    x = x.subspan(size);
  }
  return crc;
}

/// Removes the ADTS header that a transport stream adds.
bytes without_adts(bytes x) {
  if (x.size() < 7 || x[0] != 0xff || (x[1] & 0xf6) != 0xf0)
    return x;
  size_t head = (x[1] & 1) != 0 ? 7 : 9;
  size_t size = static_cast<size_t>(x[3] & 3) << 11 | static_cast<size_t>(x[4]) << 3 | x[5] >> 5;
  return size == x.size() ? x.subspan(head) : x;
}

} // namespace

std::optional<uint32_t> payload_crc(const AVCodecParameters& parameters, const AVPacket& packet) {
  bytes x{packet.data, static_cast<size_t>(packet.size)};
  auto codec = parameters.codec_id;
  if (codec == AV_CODEC_ID_H264 || codec == AV_CODEC_ID_HEVC) {
    auto size = length_size_of(parameters);
    return size > 0 ? crc_of_lengths(codec, x, size) : crc_of_annexb(codec, x);
  }
  if (codec == AV_CODEC_ID_AV1)
    return crc_of_obus(x);
  if (codec == AV_CODEC_ID_AAC)
    return add(0, without_adts(x));
  if (std::find(plain_codecs.begin(), plain_codecs.end(), codec) != plain_codecs.end())
    return add(0, x);
  return std::nullopt;
}

} // namespace troupe::av
