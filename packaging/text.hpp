// Small helpers for the texts of playlists and manifests.
#pragma once

#include "base/language.hpp"
#include "core/live/clock_map.hpp"
#include "messages/media.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace troupe {

template <class... Parts>
void append(std::string& to, const Parts&... parts) {
  (to.append(std::string_view{parts}), ...);
}

template <class... Parts>
std::string joined(const Parts&... parts) {
  std::string result;
  append(result, parts...);
  return result;
}

/// A number with this many digits after the point.
std::string fixed(double x, int digits);

/// Ticks as seconds: "2.00200".
std::string seconds(int64_t ticks);

/// The wall-clock time at `pts`: "2026-11-30T02:26:46.123Z".
std::string date_time(const core::clock_map& map, int64_t pts);

/// Number of channels of a layout by libav*'s name; 2 if unknown.
int channel_count(const std::string& layout);

using base::language_tag;

} // namespace troupe
