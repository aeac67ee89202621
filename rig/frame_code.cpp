// Cells are on a grid of 16 x 12 over the whole frame: columns 2 to 13, rows 1 to 4. Reading averages the middle of
// each cell, which scaling filters and deblocking do not change. The threshold comes from the picture itself.
#include "rig/frame_code.hpp"

#include "rig/luma.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

namespace troupe::bench {

namespace {

constexpr int grid_columns = 16;
constexpr int grid_rows = 12;
constexpr int first_column = 2;
constexpr int first_row = 1;
constexpr int columns = 12;
constexpr int rows = 4;
constexpr int cells = columns * rows;

constexpr uint8_t black = 16;
constexpr uint8_t white = 235;

/// CRC-16/CCITT-FALSE: polynomial 0x1021, initial value 0xFFFF.
uint16_t check_sum(uint32_t number) {
  uint16_t crc = 0xFFFF;
  for (int shift = 24; shift >= 0; shift -= 8) {
    crc = static_cast<uint16_t>(crc ^ (((number >> shift) & 0xFF) << 8));
    for (int bit = 0; bit < 8; ++bit)
      crc = static_cast<uint16_t>((crc & 0x8000) != 0 ? (crc << 1) ^ 0x1021 : crc << 1);
  }
  return crc;
}

/// The mean over the middle half of a cell, from at most 8 x 8 points.
double cell_mean(const luma_plane& plane, int width, int height, int cell) {
  constexpr int points = 8;
  auto column = first_column + cell % columns;
  auto row = first_row + cell / columns;
  double sum = 0;
  for (int j = 0; j < points; ++j) {
    auto v = (row + 0.25 + 0.5 * (j + 0.5) / points) / grid_rows;
    auto y = std::min(static_cast<int>(v * height), height - 1);
    for (int i = 0; i < points; ++i) {
      auto u = (column + 0.25 + 0.5 * (i + 0.5) / points) / grid_columns;
      sum += plane.at(std::min(static_cast<int>(u * width), width - 1), y);
    }
  }
  return sum / (points * points);
}

void fill(AVFrame& frame, int plane, int x, int y, int width, int height, uint8_t value) {
  for (int row = y; row < y + height; ++row)
    std::memset(frame.data[plane] + static_cast<ptrdiff_t>(row) * frame.linesize[plane] + x, value,
                static_cast<size_t>(width));
}

} // namespace

void draw_frame_code(AVFrame& yuv420p_frame, uint32_t number) {
  auto width = yuv420p_frame.width;
  auto height = yuv420p_frame.height;
  auto code = (static_cast<uint64_t>(number) << 16) | check_sum(number);
  // Even borders, so that luma cells and the neutral chroma below them end at the same pixels.
  auto x_of = [width](int column) { return static_cast<int>(int64_t{width} * column / grid_columns) & ~1; };
  auto y_of = [height](int row) { return static_cast<int>(int64_t{height} * row / grid_rows) & ~1; };
  for (int cell = 0; cell < cells; ++cell) {
    auto column = first_column + cell % columns;
    auto row = first_row + cell / columns;
    auto is_set = ((code >> (cells - 1 - cell)) & 1) != 0;
    fill(yuv420p_frame, 0, x_of(column), y_of(row), x_of(column + 1) - x_of(column), y_of(row + 1) - y_of(row),
         is_set ? white : black);
  }
  for (int plane = 1; plane <= 2; ++plane) {
    auto x = x_of(first_column);
    auto y = y_of(first_row);
    fill(yuv420p_frame, plane, x / 2, y / 2, (x_of(first_column + columns) - x) / 2, (y_of(first_row + rows) - y) / 2,
         128);
  }
}

std::optional<uint32_t> read_frame_code(const AVFrame& frame) {
  // Below this contrast, the cells are coding noise or a dark scene: at all intended bit rates, a code has more
  // contrast.
  constexpr double contrast_min = 0.2;
  // A cell this near to the threshold could be either value.
  constexpr double doubt = 0.1;
  auto plane = luma_plane::of(frame);
  if (!plane || frame.width < 4 * grid_columns || frame.height < 3 * grid_rows)
    return std::nullopt;
  std::array<double, cells> means{};
  for (int cell = 0; cell < cells; ++cell)
    means[static_cast<size_t>(cell)] = cell_mean(*plane, frame.width, frame.height, cell);
  auto [low, high] = std::minmax_element(means.begin(), means.end());
  auto contrast = *high - *low;
  if (contrast < contrast_min)
    return std::nullopt;
  auto middle = (*high + *low) / 2;
  uint64_t code = 0;
  for (auto mean : means) {
    if (std::abs(mean - middle) < doubt * contrast)
      return std::nullopt;
    code = (code << 1) | (mean > middle ? 1 : 0);
  }
  auto number = static_cast<uint32_t>(code >> 16);
  if (check_sum(number) != (code & 0xFFFF))
    return std::nullopt;
  return number;
}

} // namespace troupe::bench
