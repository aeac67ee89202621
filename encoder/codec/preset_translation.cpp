#include "encoder/codec/preset_translation.hpp"

#include "encoder/codec/encoder_table.hpp"

extern "C" {
#include <libavcodec/avcodec.h>
}

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

namespace troupe::av {

namespace {

/// Steps of the scale of presets: those of x264, from slowest to fastest.
constexpr size_t steps = 10;

constexpr size_t middle = 4; ///< "medium"

using preset_names = std::array<std::string_view, steps>;

constexpr preset_names x26x{"placebo", "veryslow", "slower",   "slow",      "medium",
                            "fast",    "faster",   "veryfast", "superfast", "ultrafast"};
/// "Use 4-6 for video on demand, 8 and up where speed counts" (SVT-AV1's user guide, of presets 0 to 13).
constexpr preset_names svt{"1", "2", "3", "4", "6", "8", "9", "10", "11", "12"};
/// --cpu-used, 0 to 8 of libaom, 0 to 5 with the deadline "good" of libvpx.
constexpr preset_names aom{"0", "1", "2", "3", "4", "5", "6", "6", "7", "8"};
constexpr preset_names vpx{"0", "0", "1", "1", "2", "3", "4", "5", "5", "5"};
/// p1 is NVENC's fastest, p7 its best; its guide calls p4 medium.
constexpr preset_names nvenc{"p7", "p7", "p6", "p5", "p4", "p3", "p2", "p1", "p1", "p1"};
constexpr preset_names qsv{"veryslow", "veryslow", "slower",   "slow",     "medium",
                           "fast",     "faster",   "veryfast", "veryfast", "veryfast"};
/// compression_level of Intel's driver: 1 is best, 7 is fastest.
constexpr preset_names vaapi{"1", "1", "2", "3", "4", "5", "6", "7", "7", "7"};

enum class kind : uint8_t { x26x, svt, aom, vpx, nvenc, qsv, vaapi, plain };

struct preset_family {
  std::string_view ending; ///< of the encoder's name; the whole name for software
  kind is = kind::plain;
  const preset_names* presets = nullptr;
  bool b_frames = true;
};

constexpr preset_family preset_families[] = {
  {"libx264", kind::x26x, &x26x},
  {"libx264rgb", kind::x26x, &x26x},
  {"libx265", kind::x26x, &x26x},
  {"libsvtav1", kind::svt, &svt, false},
  {"libaom-av1", kind::aom, &aom, false},
  {"libvpx", kind::vpx, &vpx, false},
  {"libvpx-vp9", kind::vpx, &vpx, false},
  {"mpeg2video", kind::plain, nullptr},
  {"mjpeg", kind::plain, nullptr, false},
  {"_nvenc", kind::nvenc, &nvenc},
  {"_qsv", kind::qsv, &qsv},
  {"_vaapi", kind::vaapi, &vaapi},
};

const preset_family* preset_family_of(std::string_view encoder) {
  for (auto& x : preset_families)
    if (x.ending.starts_with('_') ? encoder.ends_with(x.ending) : encoder == x.ending)
      return &x;
  return nullptr;
}

/// The codec of an encoder, even if the linked library lacks the encoder; a codec's name gives the codec itself.
AVCodecID codec_of(std::string_view name) {
  if (auto* codec = avcodec_find_encoder_by_name(std::string{name}.c_str()); codec != nullptr)
    return codec->id;
  auto stem = std::string{name.substr(0, name.find('_'))};
  if (stem == "h265")
    stem = "hevc";
  if (auto* found = avcodec_descriptor_get_by_name(stem.c_str()); found != nullptr)
    return found->id;
  return AV_CODEC_ID_NONE;
}

/// The range of quantisers of a family for one codec.
struct quality_range {
  double least = 0;
  double most = 51;
};

/// H.264 and HEVC use one scale of 0 to 51 everywhere. AV1 and VP9 count 0 to 63 in software, 0 to 51 with NVENC, and
/// 1 to 255 with Quick Sync and VA-API, which counts VP8 up to 127. Nothing if the family has no such setting.
std::optional<quality_range> quality_of(const preset_family& family, AVCodecID codec) {
  auto same_everywhere = codec == AV_CODEC_ID_H264 || codec == AV_CODEC_ID_HEVC;
  if (same_everywhere)
    return quality_range{0, 51};
  if (codec == AV_CODEC_ID_MPEG2VIDEO)
    return family.is == kind::plain ? std::optional{quality_range{1, 31}} : std::nullopt;
  switch (family.is) {
  case kind::svt:
    return quality_range{1, 63};
  case kind::aom:
  case kind::vpx:
    return quality_range{0, 63};
  case kind::nvenc:
    return quality_range{0, 51};
  case kind::qsv:
    return quality_range{1, 255};
  case kind::vaapi:
    return codec == AV_CODEC_ID_VP8                               ? std::optional{quality_range{1, 127}}
           : codec == AV_CODEC_ID_VP9 || codec == AV_CODEC_ID_AV1 ? std::optional{quality_range{1, 255}}
                                                                  : std::nullopt;
  default:
    return std::nullopt;
  }
}

/// The step with this name; the one nearest to the middle if several have it.
std::optional<size_t> step_of(const preset_family& family, std::string_view preset) {
  std::optional<size_t> best;
  auto away = [](size_t step) { return step > middle ? step - middle : middle - step; };
  if (family.presets != nullptr)
    for (size_t i = 0; i < steps; ++i)
      if ((*family.presets)[i] == preset && (!best || away(i) < away(*best)))
        best = i;
  // NVENC's older names, and numbers between the steps of SVT-AV1.
  if (!best && family.is == kind::nvenc)
    best = preset == "slow"                            ? std::optional<size_t>{3}
           : preset == "medium" || preset == "default" ? std::optional{middle}
           : preset == "fast"                          ? std::optional<size_t>{7}
                                                       : std::nullopt;
  if (!best && family.is == kind::svt)
    best = preset == "5"    ? std::optional{middle}
           : preset == "7"  ? std::optional<size_t>{5}
           : preset == "0"  ? std::optional<size_t>{0}
           : preset == "13" ? std::optional<size_t>{9}
                            : std::nullopt;
  return best;
}

class translator {
public:
  translator(const video_settings& from, const preset_family& source, const preset_family& target, std::string_view to,
             AVCodecID codec)
    : from_(from), source_(source), target_(target), codec_(codec) {
    result_.settings = from;
    result_.settings.encoder = to;
  }

  translated_settings run() {
    preset();
    quality();
    tune();
    profile_and_level();
    pixel_format();
    auto& s = result_.settings;
    if (s.b_frames > 0 && (!target_.b_frames || codec_ == AV_CODEC_ID_VP9 || codec_ == AV_CODEC_ID_AV1)) {
      left_out("b_frames", std::to_string(s.b_frames));
      s.b_frames = -1;
    }
    // Options have no common scale, and an unknown option is an error.
    for (auto& [name, value] : from_.options)
      left_out(name, value);
    s.options = std::move(options_);
    return std::move(result_);
  }

private:
  void left_out(std::string_view name, const std::string& value) {
    result_.left_out.push_back(std::string{name} + "=" + value);
  }

  void preset() {
    auto& out = result_.settings.preset;
    if (out.empty())
      return;
    auto step = step_of(source_, out);
    if (step && target_.presets != nullptr) {
      out = (*target_.presets)[*step];
      return;
    }
    left_out("preset", out);
    out.clear();
  }

  void quality() {
    auto& s = result_.settings;
    if (s.crf < 0)
      return;
    auto source = quality_of(source_, codec_), target = quality_of(target_, codec_);
    if (!source || !target) {
      left_out("crf", std::to_string(std::lround(s.crf)));
      s.crf = -1;
      return;
    }
    auto share = (s.crf - source->least) / (source->most - source->least);
    s.crf = std::clamp(target->least + share * (target->most - target->least), target->least, target->most);
    // Tenths suffice, and only x264 and x265 accept them.
    s.crf = target_.is == kind::x26x ? std::round(s.crf * 10) / 10 : std::round(s.crf);
    if (target_.is == kind::nvenc)
      nvenc_quality();
    else if (target_.is == kind::vaapi && s.max_bit_rate > 0) {
      // Constant quantisers have no rate limit, and exceeding the line's capacity is worse than a poor picture.
      left_out("crf", std::to_string(std::lround(s.crf)));
      s.crf = -1;
      s.bit_rate = s.max_bit_rate;
    }
  }

  /// NVENC's cq works within the bit rate, which defaults to 2 Mbit/s. Without a limit, constant quantisers have the
  /// effect of crf.
  void nvenc_quality() {
    auto& s = result_.settings;
    if (s.max_bit_rate > 0) {
      options_["rc"] = "vbr";
      s.bit_rate = s.bit_rate > 0 ? s.bit_rate : s.max_bit_rate;
      return;
    }
    options_["rc"] = "constqp";
    options_["qp"] = std::to_string(std::lround(s.crf));
    s.crf = -1;
  }

  void tune() {
    auto& out = result_.settings.tune;
    if (out.empty() || source_.is == target_.is)
      return;
    auto fast = out == "zerolatency" || out == "ll" || out == "ull";
    if (fast && target_.is == kind::nvenc)
      out = "ull";
    else if (fast && target_.is == kind::x26x)
      out = "zerolatency";
    else {
      // NVENC's "hq" is what all other encoders do by default.
      if (out != "hq" && !fast)
        left_out("tune", out);
      if (fast)
        result_.settings.low_delay = true;
      out.clear();
    }
  }

  void profile_and_level() {
    auto& s = result_.settings;
    auto to_vaapi = target_.is == kind::vaapi;
    if (codec_ == AV_CODEC_ID_H264 && s.profile == "baseline" && to_vaapi)
      s.profile = "constrained_baseline";
    else if (codec_ == AV_CODEC_ID_H264 && s.profile == "constrained_baseline" && !to_vaapi)
      s.profile = "baseline";
    auto same_words = s.profile == "baseline" || s.profile == "constrained_baseline" || s.profile == "main"
                      || s.profile == "high" || s.profile == "main10";
    auto has_profiles = codec_ == AV_CODEC_ID_H264 || codec_ == AV_CODEC_ID_HEVC;
    if (!s.profile.empty() && source_.is != target_.is && (!same_words || !has_profiles)) {
      left_out("profile", s.profile);
      s.profile.clear();
    }
    if (s.level.empty() || source_.is == target_.is)
      return;
    if (!has_profiles) {
      left_out("level", s.level);
      s.level.clear();
      return;
    }
    // "4.1" as text, 41 as Quick Sync's number.
    auto dot = s.level.find('.');
    if (target_.is == kind::qsv)
      s.level =
        dot == std::string::npos ? s.level.size() == 1 ? s.level + "0" : s.level : std::string{s.level}.erase(dot, 1);
    else if (source_.is == kind::qsv && dot == std::string::npos && s.level.size() == 2)
      s.level.insert(1, ".");
  }

  void pixel_format() {
    auto& out = result_.settings.pixel_format;
    auto planar = target_.is != kind::qsv && target_.is != kind::vaapi;
    if (out == "yuv420p" || out == "nv12")
      out = planar ? "yuv420p" : "nv12";
    else if (out == "yuv420p10le" || out == "yuv420p10" || out == "p010le" || out == "p010")
      out = planar && target_.is != kind::nvenc ? "yuv420p10le" : "p010le";
    else if (!out.empty() && source_.is != target_.is) {
      left_out("pixel_format", out);
      out.clear();
    }
  }

  const video_settings& from_;
  const preset_family& source_;
  const preset_family& target_;
  AVCodecID codec_;
  translated_settings result_;
  std::map<std::string, std::string> options_;
};

} // namespace

expected<translated_settings> translate_settings(const video_settings& from, std::string_view encoder) {
  auto name = from.encoder == "h265" ? std::string_view{"hevc"} : std::string_view{from.encoder};
  if (name == encoder)
    return translated_settings{from, {}};
  if (auto first = preferred_encoders(name); !first.empty() && preset_family_of(name) == nullptr)
    name = first.front();
  auto* source = preset_family_of(name);
  auto* target = preset_family_of(encoder);
  auto codec = codec_of(name);
  auto step = "use the settings of " + from.encoder.substr(0, 64) + " for " + std::string{encoder.substr(0, 64)};
  if (source == nullptr || target == nullptr)
    return fail(errc::option, step + ": " + std::string{(source == nullptr ? name : encoder).substr(0, 64)}
                                + " is not an encoder with known equivalents");
  if (codec == AV_CODEC_ID_NONE || codec != codec_of(encoder))
    return fail(errc::option, step + ": they do not make the same codec");
  if (name == encoder) {
    auto same = from;
    same.encoder = encoder;
    return translated_settings{std::move(same), {}};
  }
  return translator{from, *source, *target, encoder, codec}.run();
}

} // namespace troupe::av
