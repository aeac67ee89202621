// A rate is tested by its residuals: each time minus its grid place must not vary by more than the container's
// rounding.
#include "encoder/frame_grid.hpp"

#include "encoder/track.hpp"

extern "C" {
#include <libavutil/mathematics.h>
}

#include <algorithm>
#include <array>
#include <cassert>
#include <cstdlib>
#include <numeric>
#include <vector>

namespace troupe::av {

namespace {

/// Ticks of the coarsest time unit of a container: 1/600 s.
constexpr int64_t unit_max = 150;

/// By how much (ticks) a time may be off its grid place: half a unit, and the rounding of the time and of the place to
/// ticks.
constexpr int64_t off_max = unit_max / 2 + 2;

/// The most (ticks) by which rounding to ticks changes the distance of two times.
constexpr int64_t tick_slack = 2;

/// Grid places must be at least this many units apart, otherwise any time would be near one.
constexpr int64_t units_apart = 4;

/// Larger times and rates are not tried, so that products stay within 64 bits.
constexpr int64_t span_max = int64_t{1} << 40;
constexpr int rate_term_max = 1 << 20;

/// Usual rates of films and cameras, ascending: if two explain the times, the lower one has fewer empty places.
constexpr std::array usual_rates{
  AVRational{5, 1},          AVRational{6, 1},          AVRational{8, 1},           AVRational{10, 1},
  AVRational{12'000, 1'001}, AVRational{12, 1},         AVRational{25, 2},          AVRational{15'000, 1'001},
  AVRational{15, 1},         AVRational{20, 1},         AVRational{24'000, 1'001},  AVRational{24, 1},
  AVRational{25, 1},         AVRational{30'000, 1'001}, AVRational{30, 1},          AVRational{48'000, 1'001},
  AVRational{48, 1},         AVRational{50, 1},         AVRational{60'000, 1'001},  AVRational{60, 1},
  AVRational{90, 1},         AVRational{100, 1},        AVRational{120'000, 1'001}, AVRational{120, 1},
  AVRational{144, 1},        AVRational{240, 1}};

/// A claimed rate this near to a usual one is that rate, written with fewer digits.
constexpr double same_rate = 2e-4;

/// The greatest common divisor of all intervals (ticks) if it can be a container's unit; else 0: the times are exact.
int64_t unit_of(std::span<const int64_t> times) {
  int64_t result = 0;
  for (size_t i = 1; i < times.size() && result != 1; ++i)
    result = std::gcd(result, times[i] - times[i - 1]);
  return result <= unit_max ? result : 0;
}

/// The grid for one rate, or nothing. Residuals are counted in 1/`rate.num` ticks, which makes them whole numbers.
std::optional<frame_grid> try_rate(std::span<const int64_t> times, AVRational rate, int64_t unit) {
  if (rate.num <= 0 || rate.den <= 0 || rate.num > rate_term_max || rate.den > rate_term_max)
    return std::nullopt;
  int64_t num = rate.num;
  auto step = int64_t{time_base.den} * rate.den;
  if (step < units_apart * (unit + tick_slack) * num)
    return std::nullopt;
  int64_t lowest = 0;
  int64_t highest = 0;
  int64_t number = 0;
  int64_t common = 0;
  for (auto x : times.subspan(1)) {
    auto at = (x - times.front()) * num;
    auto next = (at + step / 2) / step;
    if (next <= number)
      return std::nullopt;
    common = std::gcd(common, next - number);
    number = next;
    lowest = std::min(lowest, at - next * step);
    highest = std::max(highest, at - next * step);
    if (highest - lowest > (unit + tick_slack) * num)
      return std::nullopt;
  }
  frame_grid result;
  av_reduce(&result.rate.num, &result.rate.den, num, rate.den * common, rate_term_max);
  result.first = times.front() + av_rescale(lowest + highest, 1, 2 * num);
  return result;
}

std::vector<AVRational> rates_to_try(std::span<const int64_t> times, AVRational hint) {
  std::vector<AVRational> result;
  if (hint.num > 0 && hint.den > 0) {
    for (auto x : usual_rates)
      if (std::abs(av_q2d(x) / av_q2d(hint) - 1) < same_rate)
        result.push_back(x);
    result.push_back(hint);
  }
  result.insert(result.end(), usual_rates.begin(), usual_rates.end());
  assert(times.size() > 1);
  auto shortest = times[1] - times[0];
  for (size_t i = 2; i < times.size(); ++i)
    shortest = std::min(shortest, times[i] - times[i - 1]);
  AVRational own{};
  av_reduce(&own.num, &own.den, time_base.den, shortest, rate_term_max);
  result.push_back(own);
  return result;
}

} // namespace

int64_t frame_grid::number_of(int64_t ticks) const noexcept {
  assert(rate.num > 0 && rate.den > 0);
  return av_rescale_q(ticks - first, time_base, av_inv_q(rate));
}

int64_t frame_grid::ticks_of(int64_t number) const noexcept {
  assert(rate.num > 0 && rate.den > 0);
  return first + av_rescale_q(number, av_inv_q(rate), time_base);
}

std::optional<int64_t> frame_grid::find(int64_t ticks) const noexcept {
  auto number = number_of(ticks);
  return std::abs(ticks_of(number) - ticks) <= off_max ? std::optional{number} : std::nullopt;
}

int64_t frame_grid::snap(int64_t ticks) const noexcept {
  auto number = is_even() ? find(ticks) : std::nullopt;
  return number ? ticks_of(*number) : ticks;
}

std::optional<frame_grid> find_grid(std::span<const int64_t> times, AVRational hint) {
  constexpr size_t enough = 3;
  if (times.size() < enough || times.back() - times.front() > span_max)
    return std::nullopt;
  auto unit = unit_of(times);
  for (auto rate : rates_to_try(times, hint))
    if (auto grid = try_rate(times, rate, unit))
      return grid;
  return std::nullopt;
}

} // namespace troupe::av
