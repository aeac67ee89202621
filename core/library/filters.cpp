#include "core/library/filters.hpp"

#include <fnmatch.h>

#include <algorithm>

namespace troupe::core {

namespace {

bool matches(const std::vector<std::string>& patterns, std::string_view path) {
  std::string text{path};
  return std::ranges::any_of(
    patterns, [&](const auto& x) { return ::fnmatch(x.c_str(), text.c_str(), FNM_CASEFOLD | FNM_NOESCAPE) == 0; });
}

std::string days(int64_t ms) {
  return std::to_string(ms / 86'400'000) + " days";
}

/// What SVT-AV1 takes: at least 64 pixels a side, even sizes, 4:2:0, 8 or 10 bits (SVT-AV1 user guide, "Input").
constexpr int32_t side_min = 64;

} // namespace

std::string fault_of(const std::vector<std::string>& patterns) {
  if (patterns.size() > patterns_max)
    return "more than " + std::to_string(patterns_max) + " patterns: use fewer and wider ones";
  for (const auto& x : patterns) {
    if (x.empty() || x.size() > pattern_bytes_max)
      return "the pattern \"" + x.substr(0, 40) + "\" must have 1 to " + std::to_string(pattern_bytes_max) + " bytes";
    if (static_cast<size_t>(std::ranges::count(x, '*')) > pattern_stars_max)
      return "the pattern \"" + x.substr(0, 40) + "\" has more than " + std::to_string(pattern_stars_max) + " stars";
  }
  return {};
}

bool is_film(const film_filters& filters, std::string_view path) {
  return matches(filters.include, path) && !matches(filters.exclude, path);
}

std::string why_skipped(const film_filters& filters, const film_entry& entry, int64_t now_ms) {
  auto age = now_ms - entry.mtime_ms;
  if (entry.is_link)
    return "it is a symbolic link: its target is converted if it lies in a library";
  if (entry.links > 1)
    return "it is hardlinked: a result would separate it from its other names";
  if (entry.bytes == 0)
    return "it is empty";
  if (entry.bytes < filters.bytes_min)
    return "it has fewer than " + std::to_string(filters.bytes_min) + " bytes";
  if (filters.bytes_max > 0 && entry.bytes > filters.bytes_max)
    return "it has more than " + std::to_string(filters.bytes_max) + " bytes";
  if (age < filters.age_min_ms)
    return "it has changed in the last " + days(filters.age_min_ms);
  if (filters.age_max_ms > 0 && age > filters.age_max_ms)
    return "it has not changed in the last " + days(filters.age_max_ms);
  return {};
}

std::string why_skipped(const film_filters& filters, const film_facts& x) {
  if (x.video.codec.empty())
    return "it has no video";
  if (std::ranges::find(filters.good_codecs, x.video.codec) != filters.good_codecs.end())
    return "its video is " + x.video.codec + " already";
  if (x.dolby_vision != 0 && x.dolby_fallback != 1 && x.dolby_fallback != 4)
    return "its Dolby Vision (profile " + std::to_string(x.dolby_vision)
           + ") cannot be kept in AV1: only profiles 8.1 and 8.4 can";
  if (x.dolby_vision == 7)
    return "its Dolby Vision (profile 7) has a second layer that AV1 cannot keep";
  if (x.has_alpha)
    return "its pictures are transparent, which AV1 does not keep";
  if (x.chroma_width_shift != 1 || x.chroma_height_shift != 1)
    return "its pictures (" + x.pixel_format + ") have finer colour than AV1's 4:2:0";
  if (x.video.depth > 10)
    return "its pictures have " + std::to_string(x.video.depth) + " bits, and AV1 keeps 10";
  if (x.is_interlaced && !filters.deinterlaces)
    return "it is interlaced: allow the library to deinterlace, or leave it";
  if (x.width < side_min || x.video.height < side_min || x.width % 2 != 0 || x.video.height % 2 != 0)
    return "its pictures have " + std::to_string(x.width) + "x" + std::to_string(x.video.height)
           + " pixels; AV1 takes even sizes from " + std::to_string(side_min) + " on";
  if (!x.uncarried.empty())
    return x.uncarried.front() + (x.uncarried.size() > 1 ? ", and more" : "");
  return {};
}

} // namespace troupe::core
