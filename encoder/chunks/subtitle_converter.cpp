// libavcodec converts all text subtitles through ASS events.
#include "encoder/chunks/subtitle_converter.hpp"

#include "encoder/log.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace troupe::av {

namespace {

constexpr size_t text_bytes_max = 1 << 20;

/// Frees the data that a decoder put into an AVSubtitle.
struct subtitle {
  subtitle() = default;
  subtitle(const subtitle&) = delete;
  subtitle& operator=(const subtitle&) = delete;
  ~subtitle() {
    avsubtitle_free(&value);
  }

  AVSubtitle value = {};
};

std::string describe(AVCodecID from, AVCodecID to) {
  return std::string{"convert subtitles from "} + avcodec_get_name(from) + " to " + avcodec_get_name(to);
}

} // namespace

bool is_line(AVCodecID codec, const AVPacket& packet) {
  return codec != AV_CODEC_ID_MOV_TEXT || packet.size > 2;
}

subtitle_converter::subtitle_converter(codec_context_ptr decoder, codec_context_ptr encoder)
  : decoder_{std::move(decoder)}, encoder_{std::move(encoder)}, parameters_{make_codec_parameters()} {}

expected<subtitle_converter> subtitle_converter::open(const AVCodecParameters& from, AVCodecID to) {
  log_capture log;
  auto step = describe(from.codec_id, to);
  const auto* decoder = avcodec_find_decoder(from.codec_id);
  const auto* encoder = avcodec_find_encoder(to);
  if (decoder == nullptr || encoder == nullptr)
    return fail(errc::unsupported, step + ": " + (decoder == nullptr ? "no decoder" : "no encoder"));
  codec_context_ptr in{checked(avcodec_alloc_context3(decoder))};
  codec_context_ptr out{checked(avcodec_alloc_context3(encoder))};
  if (auto code = avcodec_parameters_to_context(in.get(), &from); code < 0)
    return fail(errc::unsupported, step, code);
  in->pkt_timebase = time_base;
  if (auto code = avcodec_open2(in.get(), decoder, nullptr); code < 0)
    return fail(errc::unsupported, step, code);
  out->time_base = time_base;
  if (in->subtitle_header_size > 0) {
    auto size = static_cast<size_t>(in->subtitle_header_size);
    // Encoders read it as a zero-terminated string.
    out->subtitle_header = static_cast<uint8_t*>(checked(av_mallocz(size + 1)));
    std::memcpy(out->subtitle_header, in->subtitle_header, size);
    out->subtitle_header_size = in->subtitle_header_size;
  }
  if (auto code = avcodec_open2(out.get(), encoder, nullptr); code < 0)
    return fail(errc::unsupported, step, code);
  subtitle_converter result{std::move(in), std::move(out)};
  if (auto code = avcodec_parameters_from_context(result.parameters_.get(), result.encoder_.get()); code < 0)
    return fail(errc::unsupported, step, code);
  return result;
}

bool subtitle_converter::convert(AVPacket& packet) {
  subtitle decoded;
  auto got = 0;
  if (packet.size <= 0 || avcodec_decode_subtitle2(decoder_.get(), &decoded.value, &got, &packet) < 0 || got == 0
      || decoded.value.num_rects == 0)
    return false;
  buffer_.resize(text_bytes_max);
  // The packet keeps the time; the encoders ignore the event's start.
  decoded.value.pts = 0;
  decoded.value.start_display_time = 0;
  decoded.value.end_display_time = static_cast<uint32_t>(std::min<int64_t>(packet.duration / 90, UINT32_MAX));
  auto size = avcodec_encode_subtitle(encoder_.get(), buffer_.data(), static_cast<int>(buffer_.size()), &decoded.value);
  if (size <= 0)
    return false;
  auto made = make_packet();
  if (av_new_packet(made.get(), size) < 0)
    throw std::bad_alloc{};
  std::memcpy(made->data, buffer_.data(), static_cast<size_t>(size));
  made->pts = packet.pts;
  made->dts = packet.dts;
  made->duration = packet.duration;
  made->stream_index = packet.stream_index;
  made->flags = AV_PKT_FLAG_KEY;
  av_packet_unref(&packet);
  av_packet_move_ref(&packet, made.get());
  return true;
}

} // namespace troupe::av
