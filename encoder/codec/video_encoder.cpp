// Builds an encoder's context from the common video settings.
#include "encoder/codec/video_encoder.hpp"

#include "encoder/codec/hdr_options.hpp"
#include "encoder/codec/hw_device.hpp"
#include "encoder/codec/picture_size.hpp"
#include "encoder/container.hpp"

extern "C" {
#include <libavutil/cpu.h>
#include <libavutil/pixdesc.h>
}

#include <algorithm>
#include <cassert>
#include <cctype>
#include <cmath>

namespace troupe::av {

namespace {

/// Assumed if the rate is unknown: only rate control and headers depend on it.
constexpr AVRational frame_rate_unknown{25, 1};

/// Encoders keep numerator and denominator in 16 bits.
constexpr int frame_rate_term_max = 65'535;

std::vector<AVPixelFormat> software_formats(const AVCodec& codec) {
  std::vector<AVPixelFormat> result;
  for (auto* x = codec.pix_fmts; x != nullptr && *x != AV_PIX_FMT_NONE; ++x)
    if ((av_pix_fmt_desc_get(*x)->flags & AV_PIX_FMT_FLAG_HWACCEL) == 0)
      result.push_back(*x);
  return result;
}

/// The hardware pixel format of an encoder that takes no other; otherwise none.
AVPixelFormat hardware_format(const AVCodec& codec) {
  if (codec.pix_fmts == nullptr || !software_formats(codec).empty())
    return AV_PIX_FMT_NONE;
  return codec.pix_fmts[0];
}

/// The pixel layouts that an encoder takes, in main memory or through its device; none if it takes any.
std::vector<AVPixelFormat> layouts_of(const AVCodec& codec) {
  auto result = software_formats(codec);
  if (result.empty() && hardware_format(codec) != AV_PIX_FMT_NONE)
    result = {AV_PIX_FMT_NV12, AV_PIX_FMT_P010};
  // No chip encodes H.264 with more than 8 bits, even if its encoder lists more.
  if (codec.id == AV_CODEC_ID_H264 && is_hardware(codec))
    std::erase_if(result, [](AVPixelFormat x) { return av_pix_fmt_desc_get(x)->comp[0].depth > 8; });
  return result;
}

bool takes_layout(const AVCodec& codec, AVPixelFormat layout) {
  auto all = layouts_of(codec);
  return std::find(all.begin(), all.end(), layout) != all.end();
}

expected<AVPixelFormat> choose_pixel_format(const AVCodec& codec, const std::string& wanted, AVPixelFormat source) {
  auto formats = layouts_of(codec);
  if (!wanted.empty()) {
    auto format = av_get_pix_fmt(wanted.c_str());
    if (format == AV_PIX_FMT_NONE)
      return fail(errc::option, "there is no pixel format \"" + wanted.substr(0, 64) + "\"");
    if (!formats.empty() && std::find(formats.begin(), formats.end(), format) == formats.end())
      return fail(errc::option, std::string{"the encoder "} + codec.name + " does not take the pixel format " + wanted);
    return format;
  }
  // Motion JPEG is full range by definition; libav* has separate formats for it.
  if (std::find(formats.begin(), formats.end(), AV_PIX_FMT_YUVJ420P) != formats.end() && codec.id == AV_CODEC_ID_MJPEG)
    formats = {AV_PIX_FMT_YUVJ420P, AV_PIX_FMT_YUVJ422P, AV_PIX_FMT_YUVJ444P};
  if (formats.empty() || std::find(formats.begin(), formats.end(), source) != formats.end())
    return source;
  formats.push_back(AV_PIX_FMT_NONE);
  return avcodec_find_best_pix_fmt_of_list(formats.data(), source, has_alpha(source) ? 1 : 0, nullptr);
}

/// The encoder's frame rate. Some encoders support only a few: the next higher one is chosen, so that frames keep
/// separate times.
AVRational choose_frame_rate(const AVCodec& codec, AVRational wanted) {
  AVRational rate{};
  if (wanted.num <= 0 || wanted.den <= 0)
    wanted = frame_rate_unknown;
  av_reduce(&rate.num, &rate.den, wanted.num, wanted.den, frame_rate_term_max);
  if (rate.num <= 0)
    rate = frame_rate_unknown;
  if (codec.supported_framerates == nullptr)
    return rate;
  auto best = AVRational{0, 1};
  for (auto* x = codec.supported_framerates; x->num != 0; ++x)
    if (av_cmp_q(*x, rate) >= 0 && (best.num == 0 || av_cmp_q(*x, best) < 0))
      best = *x;
  return best.num != 0 ? best : codec.supported_framerates[0];
}

bool is_rgb(AVPixelFormat format) {
  return (av_pix_fmt_desc_get(format)->flags & AV_PIX_FMT_FLAG_RGB) != 0;
}

expected<video_format> choose_format(const AVCodec& codec, const video_settings& settings, const video_format& source) {
  auto format = source;
  auto pixels = choose_pixel_format(codec, settings.pixel_format, source.pixel_format);
  if (!pixels)
    return tl::unexpected{std::move(pixels.error())};
  format.pixel_format = *pixels;
  choose_size(format, settings);
  format.frame_rate = choose_frame_rate(codec, source.frame_rate);
  if (auto range = AVCOL_RANGE_JPEG; without_j(*pixels, range) != *pixels)
    format.range = range;
  // swscale converts RGB to this matrix and range.
  if (is_rgb(source.pixel_format) && !is_rgb(*pixels)) {
    format.matrix = AVCOL_SPC_SMPTE170M;
    format.range = AVCOL_RANGE_MPEG;
  }
  return format;
}

/// Open GOPs, x265's default, save over 1 % of the bits. They are only for files without a keyframe interval: if one is
/// set, viewers want to start at keyframes.
bool may_be_open(const AVCodec& codec, const video_settings& settings) {
  return std::string_view{codec.name} == "libx265" && !settings.low_delay && settings.keyframe_interval.count() == 0;
}

/// Whether random-access points are at multiples of the keyframe interval on the source's timeline.
bool on_key_grid(const video_settings& settings) {
  return settings.low_delay && settings.keyframe_interval.count() > 0;
}

/// Threads of an encoder; 0: libav* chooses.
///
/// x264 holds a picture back for each thread except the first, and uses one and a half threads per core. So the delay
/// grows with the machine (half a second at 25 pictures a second on 16 cores). If delay matters, it gets the threads
/// that real time needs, at 30 million pixels a second and thread (its preset "medium" on one core of a usual server),
/// but at least three.
int choose_threads(const AVCodec& codec, const video_settings& settings, const video_format& format) {
  constexpr double pixels_a_thread = 30e6;
  constexpr int threads_min = 3;
  if (settings.threads > 0 || !settings.low_delay || !std::string_view{codec.name}.starts_with("libx264"))
    return settings.threads;
  auto pixels = static_cast<double>(format.width) * format.height * av_q2d(format.frame_rate);
  auto needed = static_cast<int>(std::min(std::ceil(pixels / pixels_a_thread), 256.0));
  return std::clamp(av_cpu_count() * 3 / 2, 1, std::max(needed, threads_min));
}

void fill(AVCodecContext& context, const video_settings& settings, const video_format& format) {
  assert(format.width > 0 && format.height > 0 && format.frame_rate.num > 0 && format.frame_rate.den > 0);
  context.width = format.width;
  context.height = format.height;
  context.pix_fmt = format.pixel_format;
  context.sample_aspect_ratio = format.sample_aspect;
  context.color_range = format.range;
  context.color_primaries = format.primaries;
  context.color_trc = format.transfer;
  context.colorspace = format.matrix;
  context.chroma_sample_location = format.chroma;
  context.field_order = AV_FIELD_PROGRESSIVE;
  context.framerate = format.frame_rate;
  context.time_base = av_inv_q(format.frame_rate);
  context.thread_count = choose_threads(*context.codec, settings, format);
  if (!may_be_open(*context.codec, settings))
    context.flags |= AV_CODEC_FLAG_CLOSED_GOP;
  if (!settings.in_band_headers)
    context.flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
  if (settings.bit_rate > 0)
    context.bit_rate = settings.bit_rate;
  if (settings.max_bit_rate > 0) {
    context.rc_max_rate = settings.max_bit_rate;
    context.rc_buffer_size =
      static_cast<int>(std::min<int64_t>(settings.max_bit_rate, std::numeric_limits<int>::max()));
  }
  if (settings.keyframe_interval.count() > 0) {
    // On the key grid, every random-access point is requested, so the encoder's own interval must be longer.
    auto span = settings.keyframe_interval.count() * (on_key_grid(settings) ? 2 : 1);
    context.gop_size = static_cast<int>(std::clamp<int64_t>(
      av_rescale(span, format.frame_rate.num, int64_t{1000} * format.frame_rate.den), 1, 1'000'000));
  }
}

/// Sets "name=value" or "name:key=value"; nothing if `pair` is empty.
expected<void> set_pair(AVCodecContext& context, std::string_view pair) {
  auto mid = pair.find('=');
  return pair.empty() ? expected<void>{} : set_option(context, pair.substr(0, mid), std::string{pair.substr(mid + 1)});
}

expected<void> set_options(AVCodecContext& context, const video_settings& settings, const video_format& format) {
  auto& family = family_of(context.codec->name);
  if (auto set = set_threads(context, settings.threads, settings.low_delay); !set)
    return set;
  if (auto set = set_fixed_options(context); !set)
    return set;
  if (auto set = set_hdr(context, format); !set)
    return set;
  if (settings.bit_rate > 0 && settings.crf < 0 && !settings.low_delay)
    if (auto set = set_pair(context, family.steady); !set)
      return set;
  if (on_key_grid(settings))
    if (auto set = set_pair(context, family.no_scene_cuts); !set)
      return set;
  if (settings.b_frames > 0 && !family.b_frames)
    return fail(errc::option, std::string{"the encoder "} + context.codec->name + " has no setting for B-frames");
  if (settings.b_frames >= 0 && family.b_frames)
    context.max_b_frames = settings.b_frames;
  // libvpx has two such options: a word is a deadline, a number is a speed.
  auto is_word = !settings.preset.empty() && std::isalpha(static_cast<unsigned char>(settings.preset[0])) != 0;
  auto preset = is_word && std::string_view{context.codec->name}.starts_with("libvpx") ? "deadline" : family.preset;
  if (auto set = set_family_option(context, preset, "preset", settings.preset); !set)
    return set;
  if (auto set = set_family_option(context, family.tune, "tune", settings.tune); !set)
    return set;
  if (auto set = set_family_option(context, family.profile, "profile", settings.profile); !set)
    return set;
  if (auto set = set_family_option(context, family.level, "level", settings.level); !set)
    return set;
  if (auto set = set_quality(context, settings.crf); !set)
    return set;
  return set_further_options(context, settings.options);
}

/// Makes the encoder take pictures from a pool in `device`, and returns the pool.
expected<buffer_ptr> use_device_pictures(AVCodecContext& context, AVBufferRef& device, AVPixelFormat hardware) {
  auto frames = make_device_frames(device, hardware, context.pix_fmt, context.width, context.height);
  if (!frames)
    return frames;
  context.hw_frames_ctx = checked(av_buffer_ref(frames->get()));
  context.pix_fmt = hardware;
  return frames;
}

/// Opens the device of an encoder that takes pictures only from device memory, and returns the pool.
expected<buffer_ptr> open_hardware(AVCodecContext& context, AVPixelFormat hardware, const std::string& name) {
  auto device = open_device(device_type_for(*context.codec, hardware), name);
  return device ? use_device_pictures(context, **device, hardware) : std::move(device);
}

/// An encoder that is set up but not open yet.
struct prepared {
  codec_context_ptr context;
  video_format format;
};

expected<prepared> prepare(const AVCodec& codec, const video_settings& settings, const video_format& source) {
  auto format = choose_format(codec, settings, source);
  if (!format)
    return tl::unexpected{std::move(format.error())};
  auto context = make_encoder_context(codec);
  fill(*context, settings, *format);
  if (auto set = set_options(*context, settings, *format); !set)
    return tl::unexpected{std::move(set.error())};
  return prepared{std::move(context), *format};
}

} // namespace

video_encoder::video_encoder(codec_context_ptr context, buffer_ptr hardware, const video_format& format)
  : hardware_(std::move(hardware)),
    context_(std::move(context)),
    packet_(make_packet()),
    format_(format),
    ticks_(format.frame_rate),
    captions_(*context_->codec),
    frame_ticks_(av_rescale_q(1, av_inv_q(format.frame_rate), time_base)) {
  // nop
}

expected<video_encoder> video_encoder::open(const video_settings& settings, const video_format& source,
                                            const device_pictures& pictures) {
  auto codecs = find_encoders(settings.encoder, AVMEDIA_TYPE_VIDEO);
  if (!codecs)
    return tl::unexpected{std::move(codecs.error())};
  auto may_go_on = [](errc code) { return code == errc::unsupported || code == errc::device; };
  auto result = open_codec(*codecs->front(), settings, source, pictures);
  for (size_t i = 1; i < codecs->size() && !result && may_go_on(result.error().code); ++i)
    if (auto next = open_codec(*(*codecs)[i], settings, source, pictures); next)
      result = std::move(next);
  return result;
}

expected<video_encoder> video_encoder::open_codec(const AVCodec& codec, const video_settings& settings,
                                                  const video_format& source, const device_pictures& pictures) {
  auto on_device = pictures.device != nullptr && device_type_for(codec, pictures.format) != AV_HWDEVICE_TYPE_NONE
                   && takes_layout(codec, pictures.layout);
  auto wanted = settings;
  if (on_device)
    wanted.pixel_format = av_get_pix_fmt_name(pictures.layout);
  auto ready = prepare(codec, wanted, source);
  if (!ready)
    return tl::unexpected{std::move(ready.error())};
  auto& context = *ready->context;
  buffer_ptr hardware;
  if (auto only = hardware_format(codec); on_device || only != AV_PIX_FMT_NONE) {
    auto opened = on_device ? use_device_pictures(context, *pictures.device, pictures.format)
                            : open_hardware(context, only, settings.device);
    if (!opened)
      return tl::unexpected{std::move(opened.error())};
    hardware = std::move(*opened);
  }
  if (auto set = set_encoder_device(context, settings.device); !set)
    return tl::unexpected{std::move(set.error())};
  if (auto opened = open_encoder(context); !opened)
    return tl::unexpected{std::move(opened.error())};
  video_encoder result{std::move(ready->context), std::move(hardware), ready->format};
  result.device_format_ = on_device ? pictures.format : AV_PIX_FMT_NONE;
  if (on_key_grid(settings)) {
    result.grid_.emplace(av_rescale(settings.keyframe_interval.count(), time_base.den, 1000));
    if (!takes_forced_keys(codec.name))
      result.reopen_ = [&codec, wanted, source]() -> expected<codec_context_ptr> {
        auto again = prepare(codec, wanted, source);
        if (!again)
          return tl::unexpected{std::move(again.error())};
        if (auto opened = open_encoder(*again->context); !opened)
          return tl::unexpected{std::move(opened.error())};
        return std::move(again->context);
      };
  }
  return result;
}

track video_encoder::output() const {
  track result;
  result.parameters = make_codec_parameters();
  if (avcodec_parameters_from_context(result.parameters.get(), context_.get()) < 0)
    throw std::bad_alloc{};
  // If a ProRes encoder chose its profile, only the tag shows it.
  result.parameters->profile = profile_of(context_->codec_id, context_->codec_tag, result.parameters->profile);
  result.frame_rate = format_.frame_rate;
  return result;
}

expected<void> video_encoder::encode(AVFrame& frame, const on_encoded& deliver) {
  auto begins_group = grid_ && (grid_->begins_group(frame.pts) || frame.pict_type == AV_PICTURE_TYPE_I);
  if (begins_group && reopen_ && begun_)
    if (auto done = begin_again(deliver); !done)
      return done;
  begun_ = true;
  frame.pts = ticks_.add(frame.pts);
  // If no group begins here, the encoder chooses the picture type. The output's properties replace the source's.
  frame.pict_type = begins_group ? AV_PICTURE_TYPE_I : AV_PICTURE_TYPE_NONE;
  frame.sample_aspect_ratio = format_.sample_aspect;
  frame.color_range = format_.range;
  captions_.take(frame);
  if (!hardware_ || frame.hw_frames_ctx != nullptr)
    return send(&frame, deliver);
  auto uploaded = upload(frame);
  return uploaded ? send(uploaded->get(), deliver) : tl::unexpected{std::move(uploaded.error())};
}

expected<void> video_encoder::drain(const on_encoded& deliver) {
  return begun_ ? send(nullptr, deliver) : expected<void>{};
}

video_encoder::~video_encoder() {
  // SVT-AV1 1.4 waits for ever if it is ended or closed before its first picture, so it gets one whose output is
  // dropped.
  if (!context_ || begun_ || std::string_view{context_->codec->name} != "libsvtav1")
    return;
  auto frame = make_frame();
  frame->width = context_->width;
  frame->height = context_->height;
  frame->format = context_->pix_fmt;
  frame->pts = 0;
  if (av_frame_get_buffer(frame.get(), 0) < 0)
    return;
  auto forget = [](AVPacket&) { return expected<void>{}; };
  if (av::encode(*context_, frame.get(), *packet_, forget))
    (void)av::encode(*context_, nullptr, *packet_, forget);
}

expected<void> video_encoder::begin_again(const on_encoded& deliver) {
  if (auto done = drain(deliver); !done)
    return done;
  auto opened = reopen_();
  if (!opened)
    return tl::unexpected{std::move(opened.error())};
  context_ = std::move(*opened);
  ticks_ = tick_map{format_.frame_rate};
  return {};
}

expected<void> video_encoder::send(const AVFrame* frame, const on_encoded& deliver) {
  return av::encode(*context_, frame, *packet_, [this, &deliver](AVPacket& packet) {
    captions_.put(packet);
    packet.pts = ticks_.ticks_of(packet.pts);
    packet.dts = packet.dts == no_pts ? packet.pts : std::min(ticks_.ticks_of(packet.dts), packet.pts);
    if (last_dts_ != no_pts && packet.dts <= last_dts_)
      packet.dts = last_dts_ + 1;
    last_dts_ = packet.dts;
    packet.duration = frame_ticks_;
    packet.time_base = time_base;
    return deliver(packet);
  });
}

expected<frame_ptr> video_encoder::upload(const AVFrame& frame) {
  auto result = make_frame();
  auto code = av_hwframe_get_buffer(hardware_.get(), result.get(), 0);
  if (code >= 0)
    code = av_hwframe_transfer_data(result.get(), &frame, 0);
  if (code >= 0)
    code = av_frame_copy_props(result.get(), &frame);
  if (code < 0)
    return fail(errc::device, std::string{"upload a frame for "} + context_->codec->name + ": " + av_text(code));
  return result;
}

} // namespace troupe::av
