// The encoder gets a few frames of silence; of its packets the last one no longer depends on the beginning.
#include "encoder/codec/silent_packet.hpp"

#include "encoder/codec/audio_encoder.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <new>
#include <string>

namespace troupe::av {

namespace {

constexpr int frames_encoded = 4;

/// ADTS (ISO/IEC 14496-3: 1.A.3).
constexpr size_t header_bytes = 7;

bool has_header(const AVPacket& x) {
  return x.size >= static_cast<int>(header_bytes) && x.data[0] == 0xff && (x.data[1] & 0xf6) == 0xf0;
}

bool is_supported(const AVCodecParameters& x) {
  auto low_complexity = x.profile == FF_PROFILE_AAC_LOW || x.profile == FF_PROFILE_UNKNOWN;
  return x.codec_id == AV_CODEC_ID_MP2 || x.codec_id == AV_CODEC_ID_AC3 || x.codec_id == AV_CODEC_ID_EAC3
         || (x.codec_id == AV_CODEC_ID_AAC && low_complexity);
}

/// The header of `like`, for so many bytes of content, without a checksum.
std::array<uint8_t, header_bytes> header_for(const AVPacket& like, size_t content) {
  std::array<uint8_t, header_bytes> result;
  std::copy_n(like.data, header_bytes, result.begin());
  auto size = content + header_bytes;
  result[1] |= 1;
  result[3] = static_cast<uint8_t>((result[3] & 0xfc) | (size >> 11 & 3));
  result[4] = static_cast<uint8_t>(size >> 3);
  result[5] = static_cast<uint8_t>((size & 7) << 5 | 0x1f);
  result[6] = 0xfc;
  return result;
}

expected<packet_ptr> encode_silence(const track& source) {
  auto format = audio_format_of(source, nullptr);
  if (!is_complete(format))
    return fail(errc::media, "the source does not say what its sound is like");
  audio_settings settings;
  settings.encoder = avcodec_get_name(source.parameters->codec_id);
  settings.bit_rate = source.parameters->codec_id == AV_CODEC_ID_AAC ? 0 : source.parameters->bit_rate;
  auto encoder = audio_encoder::open(settings, format);
  if (!encoder)
    return tl::unexpected{std::move(encoder.error())};
  auto& made = encoder->format();
  if (made.sample_rate != format.sample_rate || av_channel_layout_compare(&made.layout, &format.layout) != 0)
    return fail(errc::unsupported, "the encoder does not take the source's rate and channels");
  packet_ptr result;
  auto keep = [&result](AVPacket& packet) -> expected<void> {
    result.reset(checked(av_packet_clone(&packet)));
    return {};
  };
  auto frame = make_frame();
  frame->nb_samples = encoder->frame_size();
  frame->format = made.sample_format;
  frame->sample_rate = made.sample_rate;
  if (av_channel_layout_copy(&frame->ch_layout, &made.layout) < 0 || av_frame_get_buffer(frame.get(), 0) < 0)
    throw std::bad_alloc{};
  av_samples_set_silence(frame->extended_data, 0, frame->nb_samples, made.layout.nb_channels, made.sample_format);
  for (auto i = 0; i < frames_encoded; ++i) {
    frame->pts = int64_t{i} * frame->nb_samples;
    if (auto sent = encoder->encode(*frame, keep); !sent)
      return tl::unexpected{std::move(sent.error())};
  }
  if (!result)
    return fail(errc::encoder, "the encoder made no packet of silence");
  return result;
}

} // namespace

expected<packet_ptr> make_silent_packet(const track& source, const AVPacket& like) {
  if (!is_supported(*source.parameters))
    return fail(errc::unsupported,
                std::string{"no silence is made in "} + avcodec_get_name(source.parameters->codec_id));
  auto silence = encode_silence(source);
  if (!silence || source.parameters->codec_id != AV_CODEC_ID_AAC || !has_header(like))
    return silence;
  auto content = static_cast<size_t>((*silence)->size);
  auto header = header_for(like, content);
  auto result = make_packet();
  if (av_new_packet(result.get(), static_cast<int>(content + header.size())) < 0)
    throw std::bad_alloc{};
  std::copy(header.begin(), header.end(), result->data);
  std::memcpy(result->data + header.size(), (*silence)->data, content);
  result->duration = (*silence)->duration;
  result->flags = (*silence)->flags;
  return result;
}

} // namespace troupe::av
