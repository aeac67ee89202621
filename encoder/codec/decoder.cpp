// Decoders are fed until they are full, and emptied until they ask for more. Packets that they refuse are the source's
// fault, and no reason to stop.
#include "encoder/codec/decoder.hpp"

#include "encoder/codec/hw_device.hpp"
#include "encoder/format.hpp"
#include "encoder/log.hpp"

extern "C" {
#include <libavutil/cpu.h>
}

#include <algorithm>
#include <string_view>

namespace troupe::av {

namespace {

/// A decoder that reports more errors than this for one packet would not stop by itself.
constexpr int errors_per_packet_max = 64;

/// The most pixels of a picture: twice 8K. A damaged header may claim any size.
constexpr int64_t pixels_max = 64 << 20;

/// The most samples of a sound frame.
constexpr int64_t samples_max = 1 << 20;

/// The most pictures that a decoder holds back, threads included.
constexpr size_t hidden_max = 256;

bool is_fatal(int code) {
  return code == AVERROR(ENOMEM);
}

/// Each frame thread holds a picture back; more threads than this decode faster than any encoder encodes.
constexpr int threads_max = 16;

/// Pictures that filters hold while decoding continues: the pools of some devices have a fixed size.
constexpr int pictures_held = 6;

/// The decoder for a codec that can use a type of device, and its pixel format there.
struct device_codec {
  const AVCodec* codec = nullptr;
  AVPixelFormat format = AV_PIX_FMT_NONE;
};

device_codec find_device_codec(AVCodecID id, AVHWDeviceType type) {
  void* state = nullptr;
  while (auto* codec = av_codec_iterate(&state))
    if (codec->id == id && av_codec_is_decoder(codec) != 0)
      if (auto format = decoded_format_on(*codec, type); format != AV_PIX_FMT_NONE)
        return {codec, format};
  return {};
}

/// libavcodec's own decoders of VP8 and VP9 ignore transparency.
const AVCodec* find_decoder(const AVCodecParameters& of) {
  auto vp9 = of.codec_id == AV_CODEC_ID_VP9;
  const AVCodec* result = nullptr;
  if (has_alpha(static_cast<AVPixelFormat>(of.format)) && (vp9 || of.codec_id == AV_CODEC_ID_VP8))
    result = avcodec_find_decoder_by_name(vp9 ? "libvpx-vp9" : "libvpx");
  return result != nullptr ? result : avcodec_find_decoder(of.codec_id);
}

/// Takes the device's format if it is offered; otherwise the device cannot decode these pictures.
AVPixelFormat choose_device_format(AVCodecContext* context, const AVPixelFormat* offered) {
  auto wanted = static_cast<AVPixelFormat>(reinterpret_cast<intptr_t>(context->opaque));
  for (auto* x = offered; *x != AV_PIX_FMT_NONE; ++x)
    if (*x == wanted)
      return wanted;
  return avcodec_default_get_format(context, offered);
}

expected<void> use_device(AVCodecContext& context, AVPixelFormat format, AVHWDeviceType type, const std::string& name) {
  auto device = open_device(type, name);
  if (!device)
    return tl::unexpected{std::move(device.error())};
  context.hw_device_ctx = device->release();
  context.opaque = reinterpret_cast<void*>(static_cast<intptr_t>(format));
  context.get_format = choose_device_format;
  context.extra_hw_frames = pictures_held;
  context.thread_count = 1;
  return {};
}

} // namespace

decoder::decoder(codec_context_ptr context, frame_ptr frame) : context_(std::move(context)), frame_(std::move(frame)) {
  // nop
}

expected<decoder> decoder::open(const track& source, const decoder_options& options) {
  log_capture log;
  auto& parameters = *source.parameters;
  auto* codec = find_decoder(parameters);
  device_codec on_device;
  auto device_type = device_type_of(options.device);
  if (!options.device.empty()) {
    on_device = find_device_codec(parameters.codec_id, device_type);
    if (codec = on_device.codec; codec == nullptr)
      return fail(errc::device, std::string{"no decoder for "} + avcodec_get_name(parameters.codec_id) + " uses "
                                  + options.device.substr(0, 64));
  }
  if (codec == nullptr)
    return fail(errc::unsupported, std::string{"no decoder for "} + avcodec_get_name(parameters.codec_id));
  auto step = std::string{"open the decoder "} + codec->name;
  codec_context_ptr context{checked(avcodec_alloc_context3(codec))};
  if (auto code = avcodec_parameters_to_context(context.get(), &parameters); code < 0)
    return fail(errc::media, step, code);
  context->pkt_timebase = time_base;
  context->max_pixels = pixels_max;
  context->max_samples = samples_max;
  if (options.strict)
    context->err_recognition = AV_EF_CRCCHECK | AV_EF_BITSTREAM | AV_EF_BUFFER | AV_EF_EXPLODE;
  if (options.unseen)
    context->skip_loop_filter = context->skip_idct = AVDISCARD_ALL;
  if (parameters.codec_type == AVMEDIA_TYPE_VIDEO) {
    // One thread per core: libav*'s default is one more, which would take time from the encoder.
    context->thread_count = options.threads > 0 ? options.threads : std::clamp(av_cpu_count(), 1, threads_max);
    context->thread_type = options.low_delay ? FF_THREAD_SLICE : FF_THREAD_FRAME | FF_THREAD_SLICE;
    // dav1d has its own threads; this flag tells them not to hold frames back.
    if (options.low_delay && std::string_view{codec->name} == "libdav1d")
      context->flags |= AV_CODEC_FLAG_LOW_DELAY;
  } else {
    context->thread_count = 1;
  }
  if (on_device.codec != nullptr)
    if (auto used = use_device(*context, on_device.format, device_type, options.device); !used)
      return tl::unexpected{std::move(used.error())};
  if (auto code = avcodec_open2(context.get(), codec, nullptr); code < 0)
    return fail(options.device.empty() ? errc::unsupported : errc::device,
                log.text().empty() ? step : step + " (" + log.text() + ")", code);
  return decoder{std::move(context), make_frame()};
}

expected<void> decoder::decode(const AVPacket& packet, const on_frame& deliver) {
  // libavcodec treats an empty packet as the end of the stream.
  if (packet.size == 0 && packet.side_data_elems == 0) {
    ++corrupt_;
    return {};
  }
  if ((packet.flags & AV_PKT_FLAG_DISCARD) != 0 && context_->codec_type == AVMEDIA_TYPE_VIDEO && packet.pts != no_pts)
    hidden_.push_back(packet.pts);
  if (hidden_.size() > hidden_max)
    hidden_.erase(hidden_.begin());
  if (auto sent = send(&packet); !sent)
    return tl::unexpected{std::move(sent.error())};
  if (auto received = receive_all(deliver); !received)
    return tl::unexpected{std::move(received.error())};
  return {};
}

expected<void> decoder::drain(const on_frame& deliver) {
  if (auto sent = send(nullptr); !sent)
    return sent;
  if (auto received = receive_all(deliver); !received)
    return tl::unexpected{std::move(received.error())};
  avcodec_flush_buffers(context_.get());
  hidden_.clear();
  return {};
}

bool decoder::is_corrupt(const AVFrame& frame) const {
  auto left_to_software = context_->hw_device_ctx != nullptr && frame.hw_frames_ctx == nullptr;
  return left_to_software || frame.decode_error_flags != 0 || (frame.flags & AV_FRAME_FLAG_CORRUPT) != 0;
}

// libavcodec drops hidden frames for most decoders, but not for those that fetch packets themselves (AV1).
bool decoder::is_hidden(const AVFrame& frame) {
  if (hidden_.empty() || frame.pts == no_pts)
    return false;
  auto found = std::find(hidden_.begin(), hidden_.end(), frame.pts) != hidden_.end();
  // Frames come in the order of their times, so no hidden frame up to this time will come later.
  std::erase_if(hidden_, [&frame](int64_t x) { return x <= frame.pts; });
  return found;
}

const char* decoder::name() const noexcept {
  return context_->codec->name;
}

expected<void> decoder::send(const AVPacket* packet) {
  auto code = avcodec_send_packet(context_.get(), packet);
  if (is_fatal(code))
    return fail(errc::io, std::string{"decode with "} + name(), code);
  // All frames are received after each packet, so a decoder is never full here.
  if (code < 0 && code != AVERROR_EOF)
    ++corrupt_;
  return {};
}

expected<decoder::outcome> decoder::receive() {
  for (auto errors = 0; errors < errors_per_packet_max; ++errors) {
    auto code = avcodec_receive_frame(context_.get(), frame_.get());
    if (code == AVERROR(EAGAIN))
      return outcome::again;
    if (code == AVERROR_EOF)
      return outcome::end;
    if (is_fatal(code))
      return fail(errc::io, std::string{"decode with "} + name(), code);
    if (code >= 0) {
      if (is_corrupt(*frame_))
        ++corrupt_;
      return outcome::frame;
    }
    ++corrupt_;
  }
  return outcome::again;
}

expected<decoder::outcome> decoder::receive_all(const on_frame& deliver) {
  for (;;) {
    auto got = receive();
    if (!got || *got != outcome::frame)
      return got;
    auto delivered = is_hidden(*frame_) ? expected<void>{} : deliver(*frame_);
    av_frame_unref(frame_.get());
    if (!delivered)
      return tl::unexpected{std::move(delivered.error())};
  }
}

} // namespace troupe::av
