// Trials use the product's own code (opening, filters, encoder, decoder), so "works" means that a job with this encoder
// works.
#include "encoder/codec/capability.hpp"

#include "encoder/codec/audio_encoder.hpp"
#include "encoder/codec/audio_filter.hpp"
#include "encoder/codec/device_decoder.hpp"
#include "encoder/codec/hw_device.hpp"
#include "encoder/codec/video_filter.hpp"
#include "encoder/log.hpp"

extern "C" {
#include <libavutil/mathematics.h>
}

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <numbers>
#include <string_view>

namespace troupe::av {

namespace {

constexpr int trial_frames = 8;
constexpr AVRational trial_rate{25, 1};

struct picture_size {
  int width;
  int height;
};

/// The first size suits most encoders; H.261, H.263, DV and intermediate codecs need the others.
constexpr picture_size picture_sizes[] = {{320, 180}, {352, 288}, {720, 576}, {1280, 720}};

struct sound_shape {
  int sample_rate;
  int channels;
};

/// The same for sound: speech codecs need the low rates.
constexpr sound_shape sound_shapes[] = {{48'000, 2}, {44'100, 2}, {16'000, 1}, {8'000, 1}};

/// Settings that encoders need to make a picture at all, or to make it quickly.
struct trial_setting {
  std::string_view encoder;
  std::string_view preset;
  std::string_view profile;
};

constexpr trial_setting trial_settings[] = {
  {"libx264", "ultrafast", ""}, {"libx265", "ultrafast", ""}, {"libsvtav1", "12", ""}, {"libaom-av1", "8", ""},
  {"librav1e", "10", ""},       {"libvpx", "8", ""},          {"libvpx-vp9", "8", ""}, {"dnxhd", "", "dnxhr_sq"},
};

/// The name of the device that libav* uses by default; empty for software.
std::string device_of(const AVCodec& codec) {
  auto wrapper = std::string_view{codec.wrapper_name != nullptr ? codec.wrapper_name : ""};
  if (wrapper == "nvenc")
    return "cuda:0";
  if (wrapper == "vaapi" || wrapper == "qsv") {
    std::error_code ignored;
    for (const auto& x : std::filesystem::directory_iterator{"/dev/dri", ignored})
      if (x.path().filename().string().starts_with("renderD"))
        return x.path().string();
    return "/dev/dri";
  }
  if (wrapper == "v4l2m2m")
    return "/dev/video";
  return is_hardware(codec) ? "hardware" : "";
}

bool may_run_on(const AVCodec& codec, const trial_device& x) {
  auto wrapper = std::string_view{codec.wrapper_name != nullptr ? codec.wrapper_name : ""};
  auto type = device_type_of(x.device);
  if (wrapper == "nvenc")
    return type == AV_HWDEVICE_TYPE_CUDA;
  return type == AV_HWDEVICE_TYPE_VAAPI && (wrapper == "vaapi" || (wrapper == "qsv" && x.quick_sync));
}

bool can_decode_on(AVCodecID id, const trial_device& x) {
  void* state = nullptr;
  while (auto* codec = av_codec_iterate(&state))
    if (codec->id == id && av_codec_is_decoder(codec) != 0
        && decoded_format_on(*codec, device_type_of(x.device)) != AV_PIX_FMT_NONE)
      return true;
  return false;
}

const char* kind_of(AVMediaType type) {
  return type == AVMEDIA_TYPE_VIDEO ? "video" : "audio";
}

bool is_tried(const AVCodec& codec) {
  if (av_codec_is_encoder(&codec) == 0 || (codec.type != AVMEDIA_TYPE_VIDEO && codec.type != AVMEDIA_TYPE_AUDIO))
    return false;
  // A codec's name selects its best encoder; another encoder with the same name cannot be requested.
  auto found = find_encoders(codec.name, codec.type);
  return found && found->front() == &codec;
}

/// True for the decoder that libav* chooses for its codec.
bool is_default_decoder(const AVCodec& codec) {
  return av_codec_is_decoder(&codec) != 0 && (codec.type == AVMEDIA_TYPE_VIDEO || codec.type == AVMEDIA_TYPE_AUDIO)
         && avcodec_find_decoder(codec.id) == &codec;
}

video_settings settings_for(std::string_view encoder) {
  video_settings result;
  result.encoder = encoder;
  for (const auto& x : trial_settings) {
    if (x.encoder != encoder)
      continue;
    result.preset = x.preset;
    result.profile = x.profile;
  }
  return result;
}

frame_ptr make_picture(picture_size size, int n) {
  auto frame = make_frame();
  frame->width = size.width;
  frame->height = size.height;
  frame->format = AV_PIX_FMT_YUV420P;
  if (av_frame_get_buffer(frame.get(), 0) < 0)
    throw std::bad_alloc{};
  for (auto plane = 0; plane < 3; ++plane) {
    auto shift = plane == 0 ? 0 : 1;
    for (auto y = 0; y < size.height >> shift; ++y)
      for (auto x = 0; x < size.width >> shift; ++x)
        frame->data[plane][y * frame->linesize[plane] + x] =
          static_cast<uint8_t>(32 + ((x * (y / 8 + 3) >> 3) + y + n * (4 + plane)) % 192);
  }
  frame->pts = av_rescale_q(n, av_inv_q(trial_rate), time_base);
  return frame;
}

struct encoded {
  track info;
  std::vector<packet_ptr> packets;
  double fps = 0;
};

on_encoded keep_in(std::vector<packet_ptr>& packets) {
  return [&packets](AVPacket& packet) -> expected<void> {
    packets.push_back(make_packet());
    av_packet_move_ref(packets.back().get(), &packet);
    return {};
  };
}

expected<encoded> encode_pictures(const engine& codecs, const video_settings& settings, picture_size size, int frames) {
  video_format source;
  source.width = size.width;
  source.height = size.height;
  source.pixel_format = AV_PIX_FMT_YUV420P;
  source.frame_rate = trial_rate;
  auto begin = std::chrono::steady_clock::now();
  auto opened = codecs.open_encoder(settings, source, {});
  if (!opened)
    return tl::unexpected{std::move(opened.error())};
  auto& encoder = **opened;
  encoded result;
  video_filter filter{{encoder.format(), deinterlace::off, false, 1}};
  auto deliver = keep_in(result.packets);
  auto to_encoder = [&](AVFrame& x) { return encoder.encode(x, deliver); };
  for (auto n = 0; n < frames; ++n)
    if (auto sent = filter.send(*make_picture(size, n), to_encoder); !sent)
      return tl::unexpected{std::move(sent.error())};
  if (auto drained = filter.drain(to_encoder); !drained)
    return tl::unexpected{std::move(drained.error())};
  if (auto drained = encoder.drain(deliver); !drained)
    return tl::unexpected{std::move(drained.error())};
  std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  result.fps = frames / std::max(seconds.count(), 1e-6);
  result.info = encoder.output();
  return result;
}

/// Passes filtered sound to an encoder.
struct sound_sink : audio_filter_sink {
  sound_sink(audio_encoder& to, std::vector<packet_ptr>& packets) : encoder(to), deliver(keep_in(packets)) {
    // nop
  }

  expected<void> on_sound(int64_t, AVFrame& frame) override {
    return encoder.encode(frame, deliver);
  }

  expected<void> on_break() override {
    return {};
  }

  audio_encoder& encoder;
  on_encoded deliver;
};

frame_ptr make_tone(sound_shape shape, int samples) {
  auto frame = make_frame();
  frame->nb_samples = samples;
  frame->format = AV_SAMPLE_FMT_FLTP;
  frame->sample_rate = shape.sample_rate;
  frame->pts = 0;
  av_channel_layout_default(&frame->ch_layout, shape.channels);
  if (av_frame_get_buffer(frame.get(), 0) < 0)
    throw std::bad_alloc{};
  for (auto channel = 0; channel < shape.channels; ++channel)
    for (auto i = 0; i < samples; ++i)
      reinterpret_cast<float*>(frame->extended_data[channel])[i] =
        static_cast<float>(0.3 * std::sin(2 * std::numbers::pi * 440 * i / shape.sample_rate));
  return frame;
}

expected<encoded> encode_tone(const std::string& name, sound_shape shape) {
  audio_format source;
  source.sample_format = AV_SAMPLE_FMT_FLTP;
  source.sample_rate = shape.sample_rate;
  av_channel_layout_default(&source.layout, shape.channels);
  audio_settings settings;
  settings.encoder = name;
  auto encoder = audio_encoder::open(settings, source);
  if (!encoder)
    return tl::unexpected{std::move(encoder.error())};
  encoded result;
  sound_sink sink{*encoder, result.packets};
  audio_filter filter{encoder->format(), encoder->frame_size(), sink};
  auto samples = trial_frames * encoder->frame_size();
  if (auto sent = filter.send(*make_tone(shape, samples)); !sent)
    return tl::unexpected{std::move(sent.error())};
  if (auto drained = filter.drain(); !drained)
    return tl::unexpected{std::move(drained.error())};
  if (auto drained = encoder->drain(sink.deliver); !drained)
    return tl::unexpected{std::move(drained.error())};
  result.info = encoder->output();
  return result;
}

/// Encodes in the first format that the encoder accepts.
expected<encoded> make_sample(const engine& codecs, const AVCodec& codec, const std::string& device = {}) {
  expected<encoded> result = fail(errc::unsupported, "not tried");
  auto is_video = codec.type == AVMEDIA_TYPE_VIDEO;
  auto settings = settings_for(codec.name);
  settings.device = device;
  auto shapes = is_video ? std::size(picture_sizes) : std::size(sound_shapes);
  for (size_t i = 0; i < shapes && !result; ++i) {
    auto next = is_video ? encode_pictures(codecs, settings, picture_sizes[i], trial_frames)
                         : encode_tone(codec.name, sound_shapes[i]);
    if (next || i == 0)
      result = std::move(next);
    // If the device does not exist, other formats fail too.
    if (!result && !device_of(codec).empty())
      break;
  }
  if (result && result->packets.empty())
    return fail(errc::encoder, "the encoder made no packet from " + std::to_string(trial_frames) + " frames");
  return result;
}

/// Decodes a sample: an error if no frame comes, or if one has errors.
expected<void> decode_sample(const engine& codecs, const encoded& sample, const std::string& device = {}) {
  decoder_options options{1, false};
  options.device = device;
  auto opened = device_decoder::open(sample.info, options, codecs);
  if (!opened)
    return tl::unexpected{std::move(opened.error())};
  log_capture log;
  auto frames = 0;
  auto count = [&frames](AVFrame&) -> expected<void> {
    ++frames;
    return {};
  };
  for (const auto& packet : sample.packets)
    if (auto decoded = opened->decode(*packet, count); !decoded)
      return decoded;
  if (auto drained = opened->drain(count); !drained)
    return drained;
  if (!opened->why_software().empty())
    return fail(errc::device, opened->why_software());
  if (frames == 0 || opened->corrupt() > 0)
    return fail(errc::encoder, "the decoder of " + std::string{avcodec_get_name(sample.info.parameters->codec_id)}
                                 + " makes " + std::to_string(frames) + " frames of the sample, "
                                 + std::to_string(opened->corrupt()) + " with errors"
                                 + (log.text().empty() ? "" : ": " + log.text()));
  return {};
}

expected<double> try_encoder(const engine& codecs, const AVCodec& codec, const std::string& device) {
  auto sample = make_sample(codecs, codec, device);
  if (!sample)
    return tl::unexpected{std::move(sample.error())};
  if (avcodec_find_decoder(codec.id) != nullptr)
    if (auto decoded = decode_sample(codecs, *sample); !decoded)
      return tl::unexpected{std::move(decoded.error())};
  return sample->fps;
}

/// Opens a decoder without a stream. A decoder that only lacks stream parameters counts as present.
expected<void> open_decoder(const AVCodec& codec) {
  log_capture log;
  auto code = 0;
  for (auto shape : sound_shapes) {
    codec_context_ptr context{checked(avcodec_alloc_context3(&codec))};
    context->thread_count = 1;
    if (codec.type == AVMEDIA_TYPE_VIDEO) {
      context->width = picture_sizes[0].width;
      context->height = picture_sizes[0].height;
    } else {
      context->sample_rate = shape.sample_rate;
      av_channel_layout_default(&context->ch_layout, shape.channels);
    }
    code = avcodec_open2(context.get(), &codec, nullptr);
    if (code >= 0 || code == AVERROR_INVALIDDATA || code == AVERROR(EINVAL) || code == AVERROR_PATCHWELCOME)
      return {};
  }
  auto step = std::string{"open the decoder "} + codec.name;
  return fail(errc::unsupported, log.text().empty() ? step : step + " (" + log.text() + ")", code);
}

/// True if the decoder was tried on the sample of the first encoder that makes one. False if there is none, and the
/// decoder was only opened.
expected<bool> try_decoder(const engine& codecs, const AVCodec& codec, const std::string& device) {
  expected<encoded> sample = fail(errc::unsupported, "no encoder here makes a sample for it");
  void* state = nullptr;
  while (auto* x = av_codec_iterate(&state))
    if (!sample && x->id == codec.id && is_tried(*x) && device_of(*x).empty())
      sample = make_sample(codecs, *x);
  if (!sample && !device.empty())
    return tl::unexpected{std::move(sample.error())};
  auto tried = sample ? decode_sample(codecs, *sample, device) : open_decoder(codec);
  if (!tried)
    return tl::unexpected{std::move(tried.error())};
  return sample.has_value();
}

} // namespace

std::vector<codec_trial> list_trials(const std::vector<trial_device>& devices) {
  quiet_logs();
  std::vector<codec_trial> trials;
  auto add = [&](const AVCodec& codec, bool encoder, const std::string& device, const std::string& gpu) {
    trials.push_back({codec.name, avcodec_get_name(codec.id), kind_of(codec.type), encoder, device, false, "", 0, gpu});
  };
  void* state = nullptr;
  while (auto* codec = av_codec_iterate(&state)) {
    if (!is_tried(*codec))
      continue;
    auto before = trials.size();
    for (auto& x : devices)
      if (may_run_on(*codec, x))
        add(*codec, true, x.device, x.gpu);
    if (trials.size() == before)
      add(*codec, true, device_of(*codec), {});
  }
  state = nullptr;
  while (auto* codec = av_codec_iterate(&state)) {
    if (!is_default_decoder(*codec))
      continue;
    add(*codec, false, {}, {});
    for (auto& x : devices)
      if (can_decode_on(codec->id, x))
        add(*codec, false, x.device, x.gpu);
  }
  return trials;
}

codec_trial run_trial(codec_trial trial, const engine& codecs) {
  quiet_logs();
  auto* codec =
    trial.encoder ? avcodec_find_encoder_by_name(trial.name.c_str()) : avcodec_find_decoder_by_name(trial.name.c_str());
  trial.works = false;
  trial.opened = false;
  trial.fps = 0;
  // If the GPU was not identified, the device's name is only a guess, and libav* chooses the device.
  auto device = trial.gpu.empty() ? std::string{} : trial.device;
  if (codec == nullptr) {
    trial.reason = "libavcodec has no such codec";
    return trial;
  }
  try {
    if (trial.encoder) {
      auto tried = try_encoder(codecs, *codec, device);
      trial.works = tried.has_value();
      trial.reason = tried ? "" : tried.error().what;
      trial.fps = tried && codec->type == AVMEDIA_TYPE_VIDEO ? *tried : 0;
    } else {
      auto tried = try_decoder(codecs, *codec, device);
      trial.works = tried.has_value();
      trial.opened = tried && !*tried;
      trial.reason = tried ? "" : tried.error().what;
    }
  } catch (const std::bad_alloc&) {
    trial.reason = "out of memory";
  }
  return trial;
}

double measure_speed() {
  video_settings settings;
  settings.encoder = "libx264";
  settings.preset = "medium";
  auto sample = avcodec_find_encoder_by_name("libx264") != nullptr
                  ? encode_pictures(libav_engine(), settings, {1280, 720}, 24)
                  : expected<encoded>{encoded{}};
  return sample ? sample->fps : 0;
}

std::string libav_version() {
  auto text = [](const char* name, unsigned version) {
    return std::string{name} + " " + std::to_string(AV_VERSION_MAJOR(version)) + "."
           + std::to_string(AV_VERSION_MINOR(version)) + "." + std::to_string(AV_VERSION_MICRO(version));
  };
  return text("libavcodec", avcodec_version()) + " " + text("libavformat", avformat_version());
}

} // namespace troupe::av
