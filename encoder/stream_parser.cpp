// Thin covers of libavcodec's parsers and decoders.
#include "encoder/stream_parser.hpp"

#include <algorithm>

namespace troupe::av {

stream_parser::stream_parser(const AVCodecParameters& parameters) : parameters_{copy(parameters)} {
  flush();
}

void stream_parser::flush() {
  // AAC's parser reports the samples of its core, which are not those of the track where the band is replicated.
  if (parameters_->codec_id == AV_CODEC_ID_AAC)
    return;
  parser_.reset(av_parser_init(parameters_->codec_id));
  if (parser_ == nullptr)
    return;
  parser_->flags |= PARSER_FLAG_COMPLETE_FRAMES;
  context_.reset(checked(avcodec_alloc_context3(nullptr)));
  if (avcodec_parameters_to_context(context_.get(), parameters_.get()) < 0)
    parser_.reset();
}

stream_parser::facts stream_parser::parse(const AVPacket& packet) {
  facts result;
  if (parser_ != nullptr && packet.size > 0) {
    uint8_t* out = nullptr;
    int size = 0;
    parser_->output_picture_number = 0;
    parser_->duration = 0;
    av_parser_parse2(parser_.get(), context_.get(), &out, &size, packet.data, packet.size, AV_NOPTS_VALUE,
                     AV_NOPTS_VALUE, 0);
    if (parameters_->codec_type == AVMEDIA_TYPE_VIDEO)
      result.picture_order = parser_->output_picture_number;
    else
      result.samples = std::max(parser_->duration, 0);
  }
  if (parameters_->codec_type == AVMEDIA_TYPE_AUDIO && result.samples == 0)
    result.samples = std::max(av_get_audio_frame_duration2(parameters_.get(), packet.size), 0);
  return result;
}

stream_prober::stream_prober(const AVCodecParameters& announced) : announced_{copy(announced)}, frame_{make_frame()} {
  const auto* codec = avcodec_find_decoder(announced.codec_id);
  if (codec == nullptr)
    return;
  codec_context_ptr context{checked(avcodec_alloc_context3(codec))};
  if (avcodec_parameters_to_context(context.get(), &announced) < 0)
    return;
  context->thread_count = 1;
  if (avcodec_open2(context.get(), codec, nullptr) < 0)
    return;
  context_ = std::move(context);
}

codec_parameters_ptr stream_prober::feed(const AVPacket& packet) {
  if (avcodec_send_packet(context_.get(), &packet) < 0)
    return {};
  while (avcodec_receive_frame(context_.get(), frame_.get()) >= 0)
    av_frame_unref(frame_.get());
  auto result = copy(*announced_);
  if (avcodec_parameters_from_context(result.get(), context_.get()) < 0 || !is_known(*result))
    return {};
  return result;
}

bool is_known(const AVCodecParameters& x) noexcept {
  if (x.codec_id == AV_CODEC_ID_NONE)
    return false;
  if (x.codec_type == AVMEDIA_TYPE_VIDEO)
    return x.width > 0 && x.height > 0 && x.format != AV_PIX_FMT_NONE;
  return x.codec_type == AVMEDIA_TYPE_AUDIO && x.sample_rate > 0 && x.ch_layout.nb_channels > 0;
}

} // namespace troupe::av
