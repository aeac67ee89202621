#include "core/library/quality.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <limits>
#include <tuple>

namespace troupe::core {

namespace {

struct size_class {
  picture_class name;
  int64_t width;
  int64_t height;
};

constexpr std::array size_classes{
  size_class{picture_class::uhd, 3840, 2160}, size_class{picture_class::qhd_1440, 2560, 1440},
  size_class{picture_class::hd_1080, 1920, 1080}, size_class{picture_class::hd_720, 1280, 720}};

/// A picture of 2.39:1 that was cropped from 16:9 has 74 % of its area.
constexpr int64_t area_percent = 73;

constexpr double crf_max = 63;

bool fits(const quality_row& row, const video_nature& x) {
  return (!row.codec || *row.codec == x.codec) && (!row.size || *row.size == x.size)
         && (!row.depth || *row.depth == x.depth) && (!row.is_hdr || *row.is_hdr == x.is_hdr)
         && (!row.bit_rate || x.bit_rate > 0);
}

int named(const quality_row& row) {
  return row.codec.has_value() + row.size.has_value() + row.depth.has_value() + row.is_hdr.has_value()
         + row.bit_rate.has_value();
}

/// How far apart two bit rates are: the logarithm of their ratio.
double distance(const quality_row& row, const video_nature& x) {
  return row.bit_rate ? std::abs(std::log(static_cast<double>(*row.bit_rate) / static_cast<double>(x.bit_rate))) : 0;
}

} // namespace

picture_class class_of(int32_t width, int32_t height) noexcept {
  auto area = int64_t{std::max(width, 0)} * std::max(height, 0);
  for (const auto& x : size_classes)
    if (area * 100 >= x.width * x.height * area_percent || height >= x.height)
      return x.name;
  return picture_class::sd;
}

double quality_table::crf_for(const video_nature& x) const {
  const quality_row* best = nullptr;
  for (const auto& row : rows) {
    if (!fits(row, x))
      continue;
    // Of equal rows, the first one.
    if (best == nullptr || std::tuple{-named(row), distance(row, x)} < std::tuple{-named(*best), distance(*best, x)})
      best = &row;
  }
  return best != nullptr ? best->crf : otherwise;
}

std::string fault_of(const quality_table& x) {
  auto is_good = [](double crf) { return crf >= 0 && crf <= crf_max; };
  if (x.rows.size() > quality_rows_max)
    return "a quality table has at most " + std::to_string(quality_rows_max) + " rows";
  if (!is_good(x.otherwise) || !std::ranges::all_of(x.rows, is_good, &quality_row::crf))
    return "a CRF of a quality table must be 0 to 63";
  if (std::ranges::any_of(x.rows, [](const auto& row) { return row.bit_rate && *row.bit_rate <= 0; }))
    return "a bit rate of a quality table must be positive";
  return {};
}

quality_table default_quality() {
  using enum picture_class;
  struct source {
    const char* codec;
    std::array<double, 5> crf; ///< by class, from SD on
  };
  // MPEG-2, VC-1 and MPEG-4 spend more bits than H.264 for the same pictures, VP9 about as many as HEVC.
  constexpr std::array sources{source{"h264", {28, 26, 24, 22, 20}}, source{"hevc", {30, 28, 26, 24, 22}},
                               source{"vp9", {30, 28, 26, 24, 22}}, source{"av1", {35, 33, 31, 29, 27}}};
  constexpr std::array sizes{sd, hd_720, hd_1080, qhd_1440, uhd};
  quality_table result;
  for (const auto& x : sources)
    for (size_t i = 0; i < sizes.size(); ++i) {
      auto add = [&](std::optional<uint8_t> depth, std::optional<bool> hdr, double crf) {
        result.rows.push_back({x.codec, sizes[i], depth, hdr, {}, crf});
      };
      add({}, {}, x.crf[i]);
      add(10, {}, x.crf[i] - 1);
      add(10, true, x.crf[i] - 2);
    }
  for (size_t i = 0; i < sizes.size(); ++i)
    result.rows.push_back({{}, sizes[i], {}, {}, {}, sources[0].crf[i]});
  return result;
}

int64_t default_opus_bit_rate(int channels) noexcept {
  struct point {
    int channels;
    int64_t bit_rate;
  };
  constexpr std::array points{point{1, 64'000}, point{2, 96'000}, point{6, 256'000}, point{8, 320'000}};
  if (channels <= points.front().channels)
    return points.front().bit_rate;
  auto next = std::ranges::lower_bound(points, channels, {}, &point::channels);
  if (next == points.end())
    return points.back().bit_rate / points.back().channels * channels;
  auto last = std::prev(next);
  return last->bit_rate
         + (next->bit_rate - last->bit_rate) * (channels - last->channels) / (next->channels - last->channels);
}

} // namespace troupe::core
