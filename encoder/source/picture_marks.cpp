// HDR10+ begins with a byte pattern that hardly occurs by chance.
#include "encoder/source/picture_marks.hpp"

#include "encoder/caption_marks.hpp"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

namespace troupe::av {

namespace {

/// HDR10+ in the bit stream of any codec: ITU-T T.35 with the United States, Samsung, and its first application (SMPTE
/// ST 2094-40, annex A).
constexpr std::array<uint8_t, 6> hdr10_plus{0xb5, 0x00, 0x3c, 0x00, 0x01, 0x04};

bool holds(const AVPacket& packet, std::span<const uint8_t> words) {
  std::span<const uint8_t> bytes{packet.data, static_cast<size_t>(packet.size)};
  return std::search(bytes.begin(), bytes.end(), words.begin(), words.end()) != bytes.end();
}

/// Only streams made for HDR screens are examined.
bool may_have_curves(const AVStream& x) {
  return x.codecpar->color_trc == AVCOL_TRC_SMPTE2084;
}

bool may_have_captions(const AVStream& x) {
  constexpr std::array codecs{AV_CODEC_ID_MPEG2VIDEO, AV_CODEC_ID_H264, AV_CODEC_ID_HEVC};
  return std::find(codecs.begin(), codecs.end(), x.codecpar->codec_id) != codecs.end();
}

bool may_have_marks(const AVStream& x) {
  return may_have_curves(x) || may_have_captions(x);
}

bool has_hdr10_plus(const AVPacket& x) {
  return av_packet_get_side_data(&x, AV_PKT_DATA_DYNAMIC_HDR10_PLUS, nullptr) != nullptr || holds(x, hdr10_plus);
}

} // namespace

expected<picture_marks> find_marks(const source_options& options, const AVFormatContext& known,
                                   const std::atomic<bool>& stop) {
  picture_marks result;
  if (std::none_of(known.streams, known.streams + known.nb_streams, [](auto* x) { return may_have_marks(*x); }))
    return result;
  auto source = source_context::open(options, stop);
  if (!source)
    return tl::unexpected{std::move(source.error())};
  auto& format = source->format();
  for (unsigned i = 0; i < format.nb_streams; ++i)
    if (!may_have_marks(*format.streams[i]))
      format.streams[i]->discard = AVDISCARD_ALL;
  auto packet = make_packet();
  for (auto i = 0; i < marked_packets; ++i) {
    auto more = source->read(*packet);
    if (!more)
      return tl::unexpected{std::move(more.error())};
    if (!*more)
      break;
    const auto& stream = *format.streams[packet->stream_index];
    if (may_have_curves(stream) && has_hdr10_plus(*packet))
      result.hdr10_plus.insert(stream.index);
    if (may_have_captions(stream) && has_captions(*packet))
      result.captions.insert(stream.index);
    av_packet_unref(packet.get());
  }
  return result;
}

bool has_captions(const AVPacket& packet) {
  return av_packet_get_side_data(&packet, AV_PKT_DATA_A53_CC, nullptr) != nullptr
         || holds_captions({packet.data, static_cast<size_t>(packet.size)});
}

} // namespace troupe::av
