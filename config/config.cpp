// Names of enumerators, endpoints, and the built-in profiles.
#include "config/config.hpp"

#include <array>
#include <utility>

namespace troupe::config {

std::string_view to_string(role x) noexcept {
  constexpr std::array<std::string_view, 4> names{"coordinator", "worker", "all", "task"};
  return names[static_cast<size_t>(x)];
}

std::string_view to_string(log_level x) noexcept {
  constexpr std::array<std::string_view, 6> names{"trace", "debug", "info", "warning", "error", "off"};
  return names[static_cast<size_t>(x)];
}

std::string_view to_string(log_format x) noexcept {
  constexpr std::array<std::string_view, 2> names{"text", "json"};
  return names[static_cast<size_t>(x)];
}

namespace {

/// A name that only starts like a loopback address ("127.evil.example") is remote.
bool is_ipv4_loopback(std::string_view host) {
  return host.starts_with("127.") && host.find_first_not_of("0123456789.") == std::string_view::npos;
}

profile make_profile(std::string name, std::string codec, int32_t height, int64_t bit_rate, std::string preset) {
  profile x;
  x.name = std::move(name);
  x.video.codec = std::move(codec);
  x.video.height = height;
  x.video.pixel_format = "yuv420p";
  x.video.bit_rate = bit_rate;
  x.video.max_bit_rate = bit_rate + bit_rate / 4;
  x.video.preset = std::move(preset);
  x.video.keyframe_interval = 2s;
  // With B-frames, a picture may arrive before one that is shown earlier, and is held back until that one has arrived.
  // Without B-frames, no picture is held back.
  x.video.b_frames = 0;
  x.audio.codec = "aac";
  x.audio.bit_rate = 128'000;
  x.audio.sample_rate = 48'000;
  x.audio.channel_layout = "stereo";
  return x;
}

} // namespace

bool endpoint::is_loopback() const {
  return host == "localhost" || host == "::1" || is_ipv4_loopback(host);
}

std::string to_string(const endpoint& x) {
  const auto port = ':' + std::to_string(x.port);
  return x.host.find(':') == std::string::npos ? x.host + port : '[' + x.host + ']' + port;
}

std::map<std::string, profile> built_in_profiles() {
  std::map<std::string, profile> result;
  const auto add = [&result](profile x) {
    auto name = x.name;
    result.emplace(std::move(name), std::move(x));
  };
  profile source;
  source.name = "source";
  add(source);
  // Presets that one core of a usual server encodes in real time, at usual rates for the picture size.
  add(make_profile("h264-480p", "h264", 480, 1'200'000, "veryfast"));
  add(make_profile("h264-720p", "h264", 720, 2'800'000, "veryfast"));
  add(make_profile("h264-1080p", "h264", 1080, 5'000'000, "veryfast"));
  add(make_profile("hevc-720p", "hevc", 720, 1'800'000, "superfast"));
  return result;
}

} // namespace troupe::config
