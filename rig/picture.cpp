// Every moving object is a function of time in half frames (fields), so that interlaced pictures are correct: each
// field shows its own moment.
#include "rig/picture.hpp"

#include "rig/frame_code.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <numbers>
#include <string>

namespace troupe::bench {

namespace {

/// A fixed sequence of pseudo-random numbers (Numerical Recipes' 32-bit linear congruential generator).
class sequence {
public:
  explicit sequence(uint32_t seed) : state_(seed) {}

  /// 0 to 255.
  int next() {
    state_ = state_ * 1664525u + 1013904223u;
    return static_cast<int>(state_ >> 24);
  }

private:
  uint32_t state_;
};

/// Adds one octave of smooth noise: random values `cell` pixels apart, interpolated.
void add_octave(std::vector<float>& plane, int width, int height, int cell, float strength, uint32_t seed) {
  auto columns = width / cell + 2;
  auto rows = height / cell + 2;
  std::vector<float> lattice(static_cast<size_t>(columns) * static_cast<size_t>(rows));
  sequence random{seed};
  for (auto& value : lattice)
    value = (static_cast<float>(random.next()) / 127.5f - 1.0f) * strength;
  for (int y = 0; y < height; ++y) {
    auto v = static_cast<float>(y % cell) / static_cast<float>(cell);
    auto* upper = lattice.data() + static_cast<ptrdiff_t>(y / cell) * columns;
    auto* lower = upper + columns;
    auto* line = plane.data() + static_cast<ptrdiff_t>(y) * width;
    for (int x = 0; x < width; ++x) {
      auto u = static_cast<float>(x % cell) / static_cast<float>(cell);
      auto i = x / cell;
      line[x] += (1 - v) * ((1 - u) * upper[i] + u * upper[i + 1]) + v * ((1 - u) * lower[i] + u * lower[i + 1]);
    }
  }
}

std::vector<uint8_t> make_ground(int width, int height, float middle, float strength, uint32_t seed) {
  std::vector<float> plane(static_cast<size_t>(width) * static_cast<size_t>(height), middle);
  for (int cell : {128, 48, 17, 6, 3}) {
    add_octave(plane, width, height, cell, strength, seed++);
    strength *= 0.6f;
  }
  std::vector<uint8_t> result(plane.size());
  std::transform(plane.begin(), plane.end(), result.begin(),
                 [](float value) { return static_cast<uint8_t>(std::clamp(value, 20.0f, 230.0f)); });
  return result;
}

/// The position of the ground at a time.
struct place {
  double x = 0; ///< luma pixels at the bottom of the picture, 0 to `2 * (margin - 1)`
  int y = 0;    ///< luma pixels, even, 0 to `2 * (margin - 1)`
};

/// A figure of eight in five seconds at 25 fps that never leaves the margin.
place ground_place(int64_t half_frame, int margin) {
  constexpr int period = 250;
  auto angle = static_cast<double>(half_frame % period) * 2 * std::numbers::pi / period;
  auto reach = static_cast<double>(margin - 1);
  return {reach * (1 + std::cos(angle)), 2 * static_cast<int>(reach / 2 * (1 + 0.5 * std::sin(2 * angle)))};
}

// Segments a (top) to g (middle), one bit each from the lowest, of the digits 0 to 9.
constexpr std::array<uint8_t, 10> segments{0x3F, 0x06, 0x5B, 0x4F, 0x66, 0x6D, 0x7D, 0x07, 0x7F, 0x6F};

void fill_luma(AVFrame& frame, int x, int y, int width, int height, uint8_t value) {
  for (int row = y; row < y + height; ++row)
    std::memset(frame.data[0] + static_cast<ptrdiff_t>(row) * frame.linesize[0] + x, value, static_cast<size_t>(width));
}

void draw_digit(AVFrame& frame, int digit, int x, int y, int width, int height) {
  auto stroke = std::max(width / 5, 2);
  auto half = (height - stroke) / 2;
  auto lit = segments[static_cast<size_t>(digit)];
  auto horizontal = [&](int bit, int top) {
    if ((lit >> bit & 1) != 0)
      fill_luma(frame, x, y + top, width, stroke, 235);
  };
  auto vertical = [&](int bit, int left, int top) {
    if ((lit >> bit & 1) != 0)
      fill_luma(frame, x + left, y + top, stroke, half + stroke, 235);
  };
  horizontal(0, 0);
  vertical(1, width - stroke, 0);
  vertical(2, width - stroke, half);
  horizontal(3, 2 * half);
  vertical(4, 0, half);
  vertical(5, 0, 0);
  horizontal(6, half);
}

} // namespace

picture_source::picture_source(int width, int height, const picture_options& options)
  : width_(width),
    height_(height),
    interlaced_(options.interlaced),
    coded_(options.coded),
    margin_(std::clamp(width / 4, 32, 512) & ~3),
    ground_line_(width + 2 * margin_) {
  auto ground_height = height + 2 * margin_;
  ground_[0] = make_ground(ground_line_, ground_height, 110, 42, 1);
  ground_[1] = make_ground(ground_line_ / 2, ground_height / 2, 124, 14, 100);
  ground_[2] = make_ground(ground_line_ / 2, ground_height / 2, 132, 14, 200);
  if (options.grain > 0) {
    noise_.resize(1 << 16);
    sequence random{300};
    // The sum of two random numbers is nearer to film grain than one.
    for (auto& value : noise_)
      value = static_cast<int8_t>((random.next() + random.next() - 255) * std::min(options.grain, 60) / 255);
  }
}

void picture_source::draw(AVFrame& frame, uint32_t number) const {
  auto fields = interlaced_ ? 2 : 1;
  for (int field = 0; field < fields; ++field) {
    auto half_frame = int64_t{number} * 2 + field;
    for (int plane = 0; plane < 3; ++plane)
      draw_rows(frame, plane, half_frame, field, fields);
    draw_discs(frame, half_frame, field, fields);
  }
  if (!noise_.empty())
    add_grain(frame, number);
  draw_digits(frame, number);
  if (coded_)
    draw_frame_code(frame, number);
}

void picture_source::draw_rows(AVFrame& frame, int plane, int64_t half_frame, int first_row, int step) const {
  auto scale = plane == 0 ? 1 : 2;
  auto line = ground_line_ / scale;
  auto width = width_ / scale;
  auto height = height_ / scale;
  auto place = ground_place(half_frame, margin_);
  for (int row = first_row; row < height; row += step) {
    // As from a moving car: near objects, at the bottom, pass twice as fast as far ones. As in real pictures, the
    // ground moves by fractions of a pixel, and no block moves like its neighbours.
    auto depth = 0.5 + 0.5 * row / height;
    auto sixteenths = static_cast<int>(place.x * depth * 16 / scale);
    auto fraction = sixteenths & 15;
    auto* from = ground_[plane].data() + static_cast<ptrdiff_t>(place.y / scale + row) * line + sixteenths / 16;
    auto* to = frame.data[plane] + static_cast<ptrdiff_t>(row) * frame.linesize[plane];
    for (int x = 0; x < width; ++x)
      to[x] = static_cast<uint8_t>((from[x] * (16 - fraction) + from[x + 1] * fraction + 8) >> 4);
  }
}

void picture_source::draw_discs(AVFrame& frame, int64_t half_frame, int first_row, int step) const {
  struct disc {
    int speed;  // of the width, in 1/1000 per half frame
    int centre; // of the height, in 1/100
    int radius; // of the height, in 1/100
    uint8_t luma;
  };
  constexpr std::array<disc, 3> discs{{{4, 60, 9, 210}, {-7, 75, 6, 50}, {11, 88, 4, 180}}};
  for (auto& each : discs) {
    auto radius = height_ * each.radius / 100;
    auto path = width_ + 2 * radius;
    auto travelled = half_frame * each.speed * width_ / 1000 % path;
    auto x0 = static_cast<int>(travelled < 0 ? travelled + path : travelled) - radius;
    auto y0 = height_ * each.centre / 100;
    auto top = std::max(y0 - radius, 0);
    for (int y = top + ((first_row - top) % step + step) % step; y < std::min(y0 + radius, height_); y += step) {
      auto dy = y - y0;
      auto half = static_cast<int>(std::sqrt(static_cast<double>(radius * radius - dy * dy)));
      auto left = std::clamp(x0 - half, 0, width_);
      auto right = std::clamp(x0 + half, 0, width_);
      std::memset(frame.data[0] + static_cast<ptrdiff_t>(y) * frame.linesize[0] + left, each.luma,
                  static_cast<size_t>(right - left));
    }
  }
}

void picture_source::draw_digits(AVFrame& frame, uint32_t number) const {
  auto text = std::to_string(number);
  auto height = height_ / 10 & ~1;
  auto width = std::max(height * 6 / 10, 4);
  auto gap = std::max(width / 3, 2);
  auto count = static_cast<int>(text.size());
  auto total = count * (width + gap) + gap;
  auto x = width_ - total - width_ / 40;
  auto y = height_ * 86 / 100;
  if (x < 0)
    return;
  fill_luma(frame, x, y - gap, total, height + 2 * gap, 24);
  for (int i = 0; i < count; ++i)
    draw_digit(frame, text[static_cast<size_t>(i)] - '0', x + gap + i * (width + gap), y, width, height);
}

void picture_source::add_grain(AVFrame& frame, uint32_t number) const {
  auto mask = noise_.size() - 1;
  sequence random{number + 1};
  random.next();
  for (int y = 0; y < height_; ++y) {
    auto* line = frame.data[0] + static_cast<ptrdiff_t>(y) * frame.linesize[0];
    auto place = static_cast<size_t>(random.next() << 8 | random.next());
    for (int x = 0; x < width_; ++x)
      line[x] = static_cast<uint8_t>(std::clamp(line[x] + noise_[(place + static_cast<size_t>(x)) & mask], 16, 235));
  }
}

} // namespace troupe::bench
