// First the numbers are unwrapped, so that they grow over loops. Then "missing", "repeated" and "out of order" are
// simple comparisons.
#include "rig/viewing.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <set>

namespace troupe::bench {

namespace {

double ms(wall_clock::duration value) {
  return std::chrono::duration<double, std::milli>(value).count();
}

struct numbered {
  int64_t number = 0; // without loops
  uint32_t code = 0;  // as read
  double seconds = 0;
};

/// Coded frames in order, with unwrapped numbers. Counts the loops.
std::vector<numbered> unwrap(const std::vector<frame_seen>& frames, uint32_t loop_frames, uint64_t& loops) {
  std::vector<numbered> result;
  int64_t base = 0;
  for (auto& frame : frames) {
    if (!frame.number)
      continue;
    auto code = *frame.number;
    if (!result.empty()) {
      auto before = result.back().code;
      if (loop_frames == 0 && code == 0 && before > 1)
        loop_frames = before + 1;
      if (loop_frames > 0 && code < before && before - code > loop_frames / 2) {
        base += loop_frames;
        ++loops;
      } else if (loop_frames > 0 && code > before && code - before > loop_frames / 2) {
        // A late frame of the previous round.
        base -= loop_frames;
      }
    }
    result.push_back({base + code, code, frame.seconds});
  }
  return result;
}

void count_numbers(viewing& result, const std::vector<numbered>& frames) {
  if (frames.empty())
    return;
  std::set<int64_t> distinct;
  int64_t before = frames.front().number;
  for (auto& frame : frames) {
    if (!distinct.insert(frame.number).second)
      ++result.repeated;
    else if (frame.number < before)
      ++result.out_of_order;
    before = frame.number;
  }
  result.missing = static_cast<uint64_t>(*distinct.rbegin() - *distinct.begin() + 1) - distinct.size();
  result.first_number = frames.front().code;
  result.last_number = frames.back().code;
}

void count_timestamps(viewing& result) {
  auto& frames = result.seen.frames;
  std::vector<double> steps;
  for (size_t i = 1; i < frames.size(); ++i)
    steps.push_back((frames[i].seconds - frames[i - 1].seconds) * 1000);
  result.frame_ms = spread_of(steps).median;
  for (auto step : steps) {
    if (step <= 0)
      ++result.pts_steps_back;
    else if (step > 1.5 * result.frame_ms)
      ++result.pts_gaps;
  }
  for (size_t i = 1; i < frames.size(); ++i)
    result.arrival_gap_ms_max = std::max(result.arrival_gap_ms_max, ms(frames[i].arrived - frames[i - 1].arrived));
}

/// Frames per marker interval: the source's rounded frame rate, computed from numbers and times.
int64_t marker_interval(const std::vector<numbered>& frames) {
  std::vector<double> rates;
  for (size_t i = 0; i + 12 < frames.size(); ++i) {
    auto& from = frames[i];
    auto& to = frames[i + 12];
    if (to.number > from.number && to.seconds > from.seconds)
      rates.push_back(static_cast<double>(to.number - from.number) / (to.seconds - from.seconds));
  }
  return std::llround(spread_of(std::move(rates)).median);
}

void measure_offsets(viewing& result, const std::vector<numbered>& frames) {
  auto interval = marker_interval(frames);
  if (interval < 1)
    return;
  std::vector<double> offsets;
  std::optional<int64_t> latest;
  for (auto& frame : frames) {
    // Deinterlacing to the field rate shows a number twice; the first one is the marker.
    if (frame.code % interval != 0 || frame.number == latest)
      continue;
    latest = frame.number;
    const tone_marker* nearest = nullptr;
    for (auto& marker : result.seen.markers) {
      if (nearest == nullptr || std::abs(marker.seconds - frame.seconds) < std::abs(nearest->seconds - frame.seconds))
        nearest = &marker;
    }
    // If it is more than half an interval away, the nearest marker belongs to another picture.
    if (nearest == nullptr || std::abs(nearest->seconds - frame.seconds) > 0.5)
      continue;
    offsets.push_back((nearest->seconds - frame.seconds) * 1000);
    if (nearest->pitch >= 0 && nearest->pitch != (frame.code / interval) % tone_pitches)
      ++result.pitch_errors;
  }
  result.offsets = offsets.size();
  result.offset_ms = spread_of(std::move(offsets));
}

std::string text(const char* format, double value) {
  char buffer[200];
  std::snprintf(buffer, sizeof(buffer), format, value);
  return buffer;
}

void judge_codes(const viewing& result, const expectations& expected, std::vector<std::string>& found) {
  auto report = [&found](uint64_t count, const char* format) {
    if (count > 0)
      found.push_back(text(format, static_cast<double>(count)));
  };
  report(result.unreadable, "%.0f pictures without a readable code");
  report(result.out_of_order, "%.0f pictures out of order");
  if (expected.every_frame_once) {
    report(result.missing, "%.0f pictures missing");
    report(result.repeated, "%.0f pictures repeated");
  }
  if (!expected.audio)
    return;
  report(result.pitch_errors, "%.0f seconds with the sound of another second");
  auto furthest =
    std::abs(result.offset_ms.min) > std::abs(result.offset_ms.max) ? result.offset_ms.min : result.offset_ms.max;
  if (std::abs(furthest) > expected.sync_ms)
    found.push_back(text("sound up to %.1f ms away from its picture", furthest));
  // A shorter viewing may hold no marker, or only one at its edge.
  auto& frames = result.seen.frames;
  if (result.offsets == 0 && frames.back().seconds - frames.front().seconds > 2.5)
    found.emplace_back("no marker found in both picture and sound");
}

} // namespace

spread spread_of(std::vector<double> values) {
  if (values.empty())
    return {};
  std::sort(values.begin(), values.end());
  auto half = values.size() / 2;
  auto median = values.size() % 2 != 0 ? values[half] : (values[half - 1] + values[half]) / 2;
  return {values.front(), median, values.back()};
}

viewing summarise(observations seen, uint32_t loop_frames) {
  viewing result;
  result.seen = std::move(seen);
  auto& all = result.seen;
  auto coded = unwrap(all.frames, loop_frames, result.loops);
  result.coded = coded.size();
  result.unreadable = all.frames.size() - coded.size();
  count_numbers(result, coded);
  count_timestamps(result);
  measure_offsets(result, coded);
  result.audio_gaps = all.audio_gaps.size();
  for (auto gap : all.audio_gaps)
    result.audio_gap_ms_max = std::max(result.audio_gap_ms_max, std::abs(gap) * 1000);
  if (!all.frames.empty()) {
    result.first_frame_ms = ms(all.frames.front().decoded - all.started);
    if (all.audio_samples > 0)
      result.end_skew_ms = all.audio_end_seconds * 1000 - all.frames.back().seconds * 1000 - result.frame_ms;
  }
  if (all.first_byte)
    result.first_byte_ms = ms(*all.first_byte - all.started);
  return result;
}

std::vector<std::string> problems(const viewing& result, const expectations& expected) {
  std::vector<std::string> found;
  auto& seen = result.seen;
  if (!seen.error.empty())
    found.push_back(seen.error);
  else if (seen.ended && seen.is_network)
    found.emplace_back("the source ended early");
  if (expected.video && seen.frames.empty())
    found.emplace_back("no pictures came");
  if (expected.audio && seen.audio_samples == 0)
    found.emplace_back("no sound came");
  if (seen.decode_errors > 0)
    found.push_back(text("%.0f decode errors", static_cast<double>(seen.decode_errors)));
  if (seen.corrupt_packets > 0)
    found.push_back(text("%.0f corrupt packets", static_cast<double>(seen.corrupt_packets)));
  if (seen.dts_violations > 0)
    found.push_back(text("%.0f decoding timestamps that do not grow", static_cast<double>(seen.dts_violations)));
  if (result.pts_steps_back > 0)
    found.push_back(text("%.0f pictures that go back in time", static_cast<double>(result.pts_steps_back)));
  if (expected.video && !seen.frames.empty()) {
    auto most = seen.frames.size() * 95 / 100;
    if (seen.frames.size() > 10 && (seen.flat_frames > most || seen.frozen_frames > most))
      found.emplace_back("the pictures are blank or stand still");
    if (result.coded * 2 > seen.frames.size())
      judge_codes(result, expected, found);
    else if (expected.audio && seen.audio_samples > 0 && std::abs(result.end_skew_ms) > 1000)
      found.push_back(text("sound ends %.0f ms after the pictures", result.end_skew_ms));
  }
  if (expected.audio && result.audio_gap_ms_max > expected.sync_ms)
    found.push_back(text("a gap or overlap of %.1f ms in the sound", result.audio_gap_ms_max));
  return found;
}

std::vector<std::pair<std::string, double>> figures(const viewing& result) {
  auto& seen = result.seen;
  auto count = [](auto value) { return static_cast<double>(value); };
  return {
    {"frames", count(seen.frames.size())},
    {"frames_coded", count(result.coded)},
    {"frames_unreadable", count(result.unreadable)},
    {"first_number", count(result.first_number)},
    {"last_number", count(result.last_number)},
    {"frames_missing", count(result.missing)},
    {"frames_repeated", count(result.repeated)},
    {"frames_out_of_order", count(result.out_of_order)},
    {"frames_flat", count(seen.flat_frames)},
    {"frames_frozen", count(seen.frozen_frames)},
    {"loops", count(result.loops)},
    {"frame_ms", result.frame_ms},
    {"pts_gaps", count(result.pts_gaps)},
    {"pts_steps_back", count(result.pts_steps_back)},
    {"dts_violations", count(seen.dts_violations)},
    {"decode_errors", count(seen.decode_errors)},
    {"corrupt_packets", count(seen.corrupt_packets)},
    {"width", count(seen.width)},
    {"height", count(seen.height)},
    {"audio_samples", count(seen.audio_samples)},
    {"sample_rate", count(seen.sample_rate)},
    {"channels", count(seen.channels)},
    {"channels_with_sound", count(seen.channels_with_sound)},
    {"audio_gaps", count(result.audio_gaps)},
    {"audio_gap_ms_max", result.audio_gap_ms_max},
    {"silent_ms", seen.silent_seconds * 1000},
    {"sync_markers", count(result.offsets)},
    {"offset_ms_min", result.offset_ms.min},
    {"offset_ms_median", result.offset_ms.median},
    {"offset_ms_max", result.offset_ms.max},
    {"pitch_errors", count(result.pitch_errors)},
    {"end_skew_ms", result.end_skew_ms},
    {"bytes", count(seen.bytes)},
    {"first_byte_ms", result.first_byte_ms},
    {"first_frame_ms", result.first_frame_ms},
    {"arrival_gap_ms_max", result.arrival_gap_ms_max},
    {"ended", count(seen.ended ? 1 : 0)},
    {"watched_ms", ms(seen.finished - seen.started)},
  };
}

} // namespace troupe::bench
