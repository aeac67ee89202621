#include "rig/loss_account.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <set>

namespace troupe::bench {

namespace {

double ms(wall_clock::duration value) {
  return std::chrono::duration<double, std::milli>(value).count();
}

void count_pictures(const observations& seen, const rendition_rate& rate, loss_account& into) {
  auto step = static_cast<int64_t>(std::max(rate.step, 1u));
  std::optional<int64_t> first;
  double first_seconds = 0;
  int64_t latest = 0;
  std::set<int64_t> distinct; // on the rendition's grid
  for (auto& frame : seen.frames) {
    ++into.frames;
    if (!frame.number)
      continue;
    int64_t number = *frame.number;
    if (!first) {
      first = latest = number;
      first_seconds = frame.seconds;
    }
    auto due = first_seconds + static_cast<double>(number - *first) / rate.source_rate;
    // Half a picture of the source: the rounding of timestamps is far less, and another picture is twice that away.
    if (std::abs(frame.seconds - due) * rate.source_rate > 0.5)
      ++into.frames_misplaced;
    auto on_grid = (number - *first) % step == 0;
    if (!on_grid || !distinct.insert(number).second)
      ++into.frames_repeated;
    if (number < latest)
      ++into.frames_out_of_order;
    latest = std::max(latest, number);
  }
  if (!distinct.empty())
    into.frames_lost += static_cast<uint64_t>((*distinct.rbegin() - *distinct.begin()) / step + 1)
                        - static_cast<uint64_t>(distinct.size());
}

/// Timestamps are rounded to their time base: a deviation of up to this many samples is ignored.
constexpr double rounding_samples = 3;

void count_sound(const observations& seen, loss_account& into) {
  std::optional<double> expected; // in samples; includes the rounding error, so that drift cannot hide in it
  for (auto& frame : seen.sounds) {
    into.audio_samples += frame.samples;
    auto place = frame.seconds * seen.sample_rate;
    if (expected) {
      auto off = place - *expected;
      auto whole = static_cast<uint64_t>(std::llround(std::abs(off)));
      if (std::abs(off) > rounding_samples) {
        (off > 0 ? into.audio_samples_lost : into.audio_samples_repeated) += whole;
        expected = place;
      }
    } else {
      expected = place;
    }
    *expected += static_cast<double>(frame.samples);
  }
}

/// The tones never stop: a frame of silence replaced sound.
void count_silence(const observations& seen, loss_account& into) {
  constexpr double level_min = 0.016; // -36 dB; the tones are at -17 dB
  if (seen.markers.empty() || seen.sounds.empty())
    return;
  auto from = seen.markers.front().seconds;
  for (auto& frame : seen.sounds)
    if (frame.seconds > from && frame.level < level_min)
      into.audio_samples_lost += frame.samples;
}

/// The second of the source that a mark stands for, near `seconds`: its pitch distinguishes it from its seven
/// neighbours.
double second_of(const tone_marker& mark, double seconds) {
  if (mark.pitch < 0)
    return std::round(seconds);
  return mark.pitch + tone_pitches * std::round((seconds - mark.pitch) / tone_pitches);
}

/// Times at which sound begins, initially or after a gap.
std::vector<double> beginnings_of(const observations& seen) {
  std::vector<double> result;
  double end = 0;
  for (auto& frame : seen.sounds) {
    if (result.empty() || std::abs(frame.seconds - end) * seen.sample_rate > rounding_samples)
      result.push_back(frame.seconds);
    end = frame.seconds + static_cast<double>(frame.samples) / seen.sample_rate;
  }
  return result;
}

/// A mark is at every whole second of the source. If the distance of a mark's time to its second changes, sound was
/// left out or inserted under timestamps that do not show it.
void count_shifts(const observations& seen, loss_account& into) {
  // How far coding moves a mark at low rates.
  constexpr double tolerance_seconds = 0.004;
  // A mark this near to where sound begins is skipped: its burst may be cut or disturbed by the decoder's start, which
  // shifts its centre.
  constexpr double beginning_seconds = 0.05;
  auto beginnings = beginnings_of(seen);
  std::optional<double> offset;
  for (auto& mark : seen.markers) {
    if (std::any_of(beginnings.begin(), beginnings.end(),
                    [&mark](double x) { return std::abs(mark.seconds - x) < beginning_seconds; }))
      continue;
    ++into.marks;
    if (!offset) {
      offset = mark.seconds - second_of(mark, mark.seconds);
      continue;
    }
    auto second = second_of(mark, mark.seconds - *offset);
    auto shift = mark.seconds - second - *offset;
    if (std::abs(shift) <= tolerance_seconds)
      continue;
    auto samples = static_cast<uint64_t>(std::llround(std::abs(shift) * seen.sample_rate));
    // If a mark comes too early, sound before it was lost.
    (shift < 0 ? into.audio_samples_lost : into.audio_samples_repeated) += samples;
    *offset += shift;
  }
}

} // namespace

loss_account& loss_account::operator+=(const loss_account& other) noexcept {
  frames += other.frames;
  frames_lost += other.frames_lost;
  frames_repeated += other.frames_repeated;
  frames_out_of_order += other.frames_out_of_order;
  frames_misplaced += other.frames_misplaced;
  audio_samples += other.audio_samples;
  audio_samples_lost += other.audio_samples_lost;
  audio_samples_repeated += other.audio_samples_repeated;
  marks += other.marks;
  decode_errors += other.decode_errors;
  disconnects += other.disconnects;
  return *this;
}

loss_account account_of(const observations& seen, const rendition_rate& rate) {
  loss_account result;
  count_pictures(seen, rate, result);
  count_sound(seen, result);
  count_silence(seen, result);
  count_shifts(seen, result);
  result.decode_errors = seen.decode_errors;
  result.disconnects = seen.ended || !seen.error.empty() ? 1 : 0;
  return result;
}

std::vector<wall_clock::time_point> arrivals_of(const observations& seen) {
  std::vector<wall_clock::time_point> result;
  std::set<uint32_t> known;
  for (auto& frame : seen.frames)
    if (frame.number && known.insert(*frame.number).second)
      result.push_back(frame.arrived);
  // If pictures are reordered, presentation and arrival have different orders.
  std::sort(result.begin(), result.end());
  return result;
}

double longest_gap_ms(const std::vector<wall_clock::time_point>& arrivals, wall_clock::time_point from,
                      wall_clock::time_point to) {
  double result = 0;
  for (size_t i = 1; i < arrivals.size(); ++i)
    if (arrivals[i] > from && arrivals[i - 1] < to)
      result = std::max(result, ms(arrivals[i] - arrivals[i - 1]));
  return result;
}

std::vector<double> spacings_ms(const std::vector<wall_clock::time_point>& arrivals, wall_clock::time_point from,
                                wall_clock::time_point to) {
  std::vector<double> result;
  for (size_t i = 1; i < arrivals.size(); ++i)
    if (arrivals[i - 1] >= from && arrivals[i] <= to)
      result.push_back(ms(arrivals[i] - arrivals[i - 1]));
  return result;
}

double percentile_of(std::vector<double> values, double share) {
  if (values.empty())
    return 0;
  auto rank = static_cast<size_t>(std::ceil(share * static_cast<double>(values.size())));
  auto at = values.begin() + static_cast<std::ptrdiff_t>(std::clamp<size_t>(rank, 1, values.size()) - 1);
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

} // namespace troupe::bench
