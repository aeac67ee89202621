#include "packaging/text.hpp"

#include "base/iso_time.hpp"

extern "C" {
#include <libavutil/channel_layout.h>
}

#include <array>
#include <cstdio>

namespace troupe {

std::string fixed(double x, int digits) {
  std::array<char, 64> text{};
  auto n = std::snprintf(text.data(), text.size(), "%.*f", digits, x);
  return {text.data(), static_cast<size_t>(n)};
}

std::string seconds(int64_t ticks) {
  return fixed(static_cast<double>(ticks) / static_cast<double>(ticks_per_second), 5);
}

int channel_count(const std::string& layout) {
  AVChannelLayout x{};
  if (layout.empty() || av_channel_layout_from_string(&x, layout.c_str()) < 0)
    return 2;
  auto result = x.nb_channels;
  av_channel_layout_uninit(&x);
  return result;
}

std::string date_time(const core::clock_map& map, int64_t pts) {
  return base::iso_time(map.unix_ms + (pts - map.pts) / (ticks_per_second / 1000));
}

} // namespace troupe
