// Sets options one by one and checks each, so that an error names the option and none is ignored.
#include "encoder/codec/encoder_open.hpp"

#include "encoder/log.hpp"

extern "C" {
#include <libavutil/opt.h>
}

#include <algorithm>
#include <cstdio>

namespace troupe::av {

namespace {

/// The longest value: a sensible list has at most some dozen keys.
constexpr size_t option_value_max_bytes = 1024;

/// Below this rate (pictures a second), each picture that an encoder holds back is a long delay. With `low_delay`, the
/// encoder then holds back at most this much time.
constexpr double slow_rate = 10;
constexpr double kept_back_seconds = 0.2;

/// The object with the option: the encoder's private options first, then libav*'s general ones.
void* owner_of(AVCodecContext& context, const char* name) {
  if (context.codec->priv_class != nullptr && av_opt_find(context.priv_data, name, nullptr, 0, 0) != nullptr)
    return context.priv_data;
  auto* option = av_opt_find(&context, name, nullptr, 0, 0);
  return option != nullptr && (option->flags & AV_OPT_FLAG_ENCODING_PARAM) != 0 ? &context : nullptr;
}

expected<void> check_value(const std::string& name, const std::string& value) {
  if (value.size() > option_value_max_bytes)
    return fail(errc::option,
                "the value of the encoder option \"" + name.substr(0, 64) + "\" is longer than 1024 bytes");
  return {};
}

/// Checks each key of "key=value:key=value".
expected<void> check_keys(const std::string& name, std::string_view list) {
  while (!list.empty()) {
    auto end = std::min(list.find(':'), list.size());
    auto item = list.substr(0, end);
    auto key = item.substr(0, item.find('='));
    if (!is_allowed_key(key))
      return fail(errc::option, "the key \"" + std::string{key.substr(0, 64)} + "\" of the encoder option \"" + name
                                  + "\" is not in the allow list");
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return {};
}

std::string number(double x) {
  char text[32];
  std::snprintf(text, sizeof text, "%g", x);
  return text;
}

} // namespace

expected<std::vector<const AVCodec*>> find_encoders(const std::string& name, AVMediaType type) {
  std::vector<const AVCodec*> result;
  auto codec_name = name == "h265" ? std::string{"hevc"} : name;
  for (auto candidate : preferred_encoders(codec_name))
    if (auto* codec = avcodec_find_encoder_by_name(std::string{candidate}.c_str()); codec != nullptr)
      result.push_back(codec);
  if (result.empty())
    if (auto* codec = avcodec_find_encoder_by_name(codec_name.c_str()); codec != nullptr)
      result.push_back(codec);
  if (result.empty())
    if (auto* descriptor = avcodec_descriptor_get_by_name(codec_name.c_str()); descriptor != nullptr)
      if (auto* codec = avcodec_find_encoder(descriptor->id); codec != nullptr)
        result.push_back(codec);
  std::erase_if(result, [type](const AVCodec* x) { return x->type != type || !is_offered(x->name); });
  auto kind = std::string{type == AVMEDIA_TYPE_VIDEO ? "video" : "audio"};
  if (result.empty())
    return fail(errc::option, "there is no " + kind + " encoder or codec \"" + name.substr(0, 64) + "\" here");
  return result;
}

bool is_hardware(const AVCodec& encoder) {
  auto wrapper = std::string_view{encoder.wrapper_name != nullptr ? encoder.wrapper_name : ""};
  return (encoder.capabilities & (AV_CODEC_CAP_HARDWARE | AV_CODEC_CAP_HYBRID)) != 0 || wrapper == "v4l2m2m"
         || std::string_view{encoder.name}.ends_with("_omx");
}

codec_context_ptr make_encoder_context(const AVCodec& encoder) {
  quiet_logs();
  codec_context_ptr result{checked(avcodec_alloc_context3(&encoder))};
  if ((encoder.capabilities & AV_CODEC_CAP_EXPERIMENTAL) != 0)
    result->strict_std_compliance = FF_COMPLIANCE_EXPERIMENTAL;
  return result;
}

expected<void> set_option(AVCodecContext& context, std::string_view name, const std::string& value) {
  auto option = std::string{name.substr(0, name.find(':'))};
  auto* owner = owner_of(context, option.c_str());
  if (owner == nullptr)
    return fail(errc::option, std::string{"the encoder "} + context.codec->name + " has no option \"" + option + "\"");
  auto text = option.size() < name.size() ? std::string{name.substr(option.size() + 1)} + "=" + value : value;
  // New keys are appended to a list, so the family's fixed keys stay.
  if (uint8_t* before = nullptr; is_key_list(option) && av_opt_get(owner, option.c_str(), 0, &before) >= 0) {
    if (before != nullptr && *before != 0)
      text = std::string{reinterpret_cast<const char*>(before)} + ":" + text;
    av_free(before);
  }
  log_capture log;
  if (auto code = av_opt_set(owner, option.c_str(), text.c_str(), 0); code < 0)
    return fail(errc::option, "set " + option + "=" + text.substr(0, 128) + " for the encoder " + context.codec->name
                                + ": " + (log.text().empty() ? av_text(code) : log.text()));
  return {};
}

expected<void> set_fixed_options(AVCodecContext& context) {
  auto list = family_of(context.codec->name).fixed;
  while (!list.empty()) {
    auto end = std::min(list.find(' '), list.size());
    auto item = list.substr(0, end);
    auto mid = item.find('=');
    // An older library may lack an option; that is harmless, because fixed options only improve on defaults.
    if (owner_of(context, std::string{item.substr(0, mid)}.c_str()) != nullptr)
      if (auto set = set_option(context, item.substr(0, mid), std::string{item.substr(mid + 1)}); !set)
        return set;
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return {};
}

expected<void> set_threads(AVCodecContext& context, int threads, bool low_delay) {
  if (auto option = family_of(context.codec->name).threads; threads > 0 && !option.empty())
    return set_option(context, option, std::to_string(threads));
  auto rate = av_q2d(context.framerate);
  if (!low_delay || rate >= slow_rate || !std::string_view{context.codec->name}.starts_with("libx264"))
    return {};
  auto pictures = static_cast<int>(rate * kept_back_seconds);
  context.thread_count = 1 + pictures;
  context.max_b_frames = std::min(pictures, 1);
  return set_option(context, "rc-lookahead", std::to_string(pictures));
}

expected<void> set_family_option(AVCodecContext& context, std::string_view option, std::string_view what,
                                 const std::string& value) {
  if (value.empty())
    return {};
  if (auto checked_value = check_value(std::string{what}, value); !checked_value)
    return checked_value;
  if (option.empty())
    return fail(errc::option, std::string{"the encoder "} + context.codec->name + " has no " + std::string{what}
                                + ": leave it empty");
  // An option with a colon is a key inside a list of keys: the value must not add further keys.
  if (option.find(':') != std::string_view::npos && value.find_first_of(":=") != std::string::npos)
    return fail(errc::option, "the " + std::string{what} + " \"" + value.substr(0, 64) + "\" is not valid");
  return set_option(context, option, value);
}

expected<void> set_quality(AVCodecContext& context, double quality) {
  auto option = family_of(context.codec->name).quality;
  if (quality < 0)
    return {};
  if (option == "qscale") {
    context.flags |= AV_CODEC_FLAG_QSCALE;
    context.global_quality = static_cast<int>(std::min(quality, 255.0) * FF_QP2LAMBDA);
    return {};
  }
  return set_family_option(context, option, "constant quality", number(quality));
}

expected<void> check_further_options(const std::map<std::string, std::string>& options) {
  for (const auto& [name, value] : options) {
    if (!is_allowed_option(name))
      return fail(errc::option, "the encoder option \"" + name.substr(0, 64) + "\" is not in the allow list");
    if (auto ok = check_value(name, value); !ok)
      return ok;
    if (is_key_list(name))
      if (auto ok = check_keys(name, value); !ok)
        return ok;
  }
  return {};
}

expected<void> set_further_options(AVCodecContext& context, const std::map<std::string, std::string>& options) {
  if (auto ok = check_further_options(options); !ok)
    return ok;
  for (const auto& [name, value] : options)
    if (auto ok = set_option(context, name, value); !ok)
      return ok;
  return {};
}

expected<void> open_encoder(AVCodecContext& context) {
  log_capture log;
  // A context that fails to open loses its codec.
  auto step = std::string{"open the encoder "} + context.codec->name;
  auto device = is_hardware(*context.codec);
  auto code = avcodec_open2(&context, context.codec, nullptr);
  if (code >= 0)
    return {};
  if (!log.text().empty())
    step += " (" + log.text() + ")";
  // An encoder's "invalid" means a wrong setting; other errors mean that a library is missing. But drivers call
  // everything invalid that their chip lacks.
  if (device)
    return fail(errc::device, step + ": " + av_text(code));
  return fail(code == AVERROR(EINVAL) ? errc::option : errc::unsupported, step + ": " + av_text(code));
}

expected<void> encode(AVCodecContext& context, const AVFrame* frame, AVPacket& packet, const on_encoded& deliver) {
  log_capture log;
  auto step = [&context, &log] {
    return std::string{"encode with "} + context.codec->name + (log.text().empty() ? "" : " (" + log.text() + ")");
  };
  auto failed = [&](int code) -> tl::unexpected<error> {
    return is_hardware(*context.codec) ? fail(errc::device, step() + ": " + av_text(code))
                                       : fail(errc::encoder, step(), code);
  };
  // All packets are received after each frame, so an encoder is never full here.
  if (auto code = avcodec_send_frame(&context, frame); code < 0 && code != AVERROR_EOF)
    return failed(code);
  for (;;) {
    auto code = avcodec_receive_packet(&context, &packet);
    if (code == AVERROR(EAGAIN) || code == AVERROR_EOF)
      return {};
    if (code < 0)
      return failed(code);
    // FLAC ends with a packet without sound, which only has a checksum for the container.
    auto delivered = packet.size > 0 ? deliver(packet) : expected<void>{};
    av_packet_unref(&packet);
    if (!delivered)
      return delivered;
  }
}

} // namespace troupe::av
