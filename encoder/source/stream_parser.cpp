// Thin wrappers around libavcodec's parsers and decoders.
#include "encoder/source/stream_parser.hpp"

#include <algorithm>

namespace troupe::av {

namespace {

/// Adds the configuration of a video that is in its packets.
void add_extradata(AVCodecParameters& x, const AVPacket& packet) {
  const auto* filter = av_bsf_get_by_name("extract_extradata");
  AVBSFContext* made = nullptr;
  if (x.extradata_size > 0 || filter == nullptr || av_bsf_alloc(filter, &made) < 0)
    return;
  bitstream_filter_ptr context{made};
  auto data = make_packet();
  if (avcodec_parameters_copy(made->par_in, &x) < 0 || av_bsf_init(made) < 0 || av_packet_ref(data.get(), &packet) < 0
      || av_bsf_send_packet(made, data.get()) < 0 || av_bsf_receive_packet(made, data.get()) < 0)
    return;
  size_t size = 0;
  const auto* found = av_packet_get_side_data(data.get(), AV_PKT_DATA_NEW_EXTRADATA, &size);
  if (found == nullptr || size > size_t{1} << 20)
    return;
  x.extradata = static_cast<uint8_t*>(checked(av_mallocz(size + AV_INPUT_BUFFER_PADDING_SIZE)));
  x.extradata_size = static_cast<int>(size);
  std::copy_n(found, size, x.extradata);
}

} // namespace

stream_parser::stream_parser(const AVCodecParameters& parameters) : parameters_{copy(parameters)} {
  flush();
}

void stream_parser::flush() {
  // AAC's parser counts the samples of the core, not those of the track with spectral band replication.
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
    result.field_order = context_->field_order;
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
  // The decoder tells less than libavformat's analysis would. The parameters are completed, so that a stream has the
  // same ones wherever it is joined.
  if (result->codec_type == AVMEDIA_TYPE_VIDEO) {
    add_extradata(*result, packet);
    if (result->field_order == AV_FIELD_UNKNOWN)
      result->field_order = stream_parser{*result}.parse(packet).field_order;
  }
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
