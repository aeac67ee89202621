#include "rig/delivery/hls_samples.hpp"

#include "rig/delivery/hls_rules.hpp"

#include <algorithm>
#include <cmath>

namespace troupe::bench::delivery {

namespace {

constexpr double ts_ticks = 90'000;
constexpr double clock_step_max_s = 0.1001; ///< ISO 13818-1, D.0.3, and DVB
constexpr double duration_rounding_s = 0.002;
constexpr size_t hints_max = 8;

std::string name_of_segment(const media_segment& x) {
  return "segment " + std::to_string(x.number);
}

} // namespace

void check_init(verdict& to, std::string_view place, const mp4_init& x) {
  if (x.durations)
    to.add("cmaf-3", place, "a duration in the init segment");
  // ISO 14496-12, E: tfdt came with iso6, and later brands contain it.
  auto is_new = [](auto& brand) { return brand == "cmfc" || brand == "cmf2" || (brand >= "iso6" && brand <= "isoc"); };
  if (std::none_of(x.brands.begin(), x.brands.end(), is_new))
    to.add("cmaf-4", place, x.brands.empty() ? "no ftyp" : "major brand " + x.brands.front());
  if (x.tracks.size() != 1)
    to.add("cmaf-5", place, std::to_string(x.tracks.size()) + " tracks");
}

void check_fragments(verdict& to, std::string_view place, const std::vector<mp4_fragment>& x, const std::string& name) {
  std::map<uint32_t, uint64_t> ends;
  for (auto& each : x) {
    if (!each.moof_relative)
      to.add("cmaf-2", place, name);
    if (!each.time) {
      to.add("cmaf-1", place, name);
      continue;
    }
    auto [end, first] = ends.try_emplace(each.track, *each.time);
    if (!first && end->second != *each.time)
      to.add("hls-11.10", place,
             name + ": " + std::to_string(*each.time) + " follows " + std::to_string(end->second) + " in one file");
    end->second = *each.time + each.duration;
  }
}

std::optional<span_of_samples> span_of(const std::vector<mp4_fragment>& x, const mp4_init& init) {
  if (init.tracks.empty())
    return std::nullopt;
  auto track = std::find_if(init.tracks.begin(), init.tracks.end(), [](auto& t) { return t.handler == "vide"; });
  if (track == init.tracks.end())
    track = init.tracks.begin();
  std::optional<span_of_samples> result;
  auto scale = static_cast<double>(std::max(1U, track->timescale));
  for (auto& each : x) {
    if (each.track != track->id)
      continue;
    if (!each.time)
      return std::nullopt;
    auto from = static_cast<double>(*each.time) / scale;
    if (!result)
      result = {from,
                from,
                0,
                from + static_cast<double>(each.first_offset - track->edit_from) / scale,
                track->handler == "vide",
                each.first_is_sync};
    result->to_s = static_cast<double>(*each.time + each.duration) / scale;
    if (each.samples > 0)
      result->sample_s = std::max(result->sample_s, static_cast<double>(each.duration) / scale / each.samples);
  }
  return result;
}

std::vector<std::string> hls_samples::init(const observation& seen) {
  auto read = read_init(seen.body);
  if (!read) {
    add("hls-10.5", name_of(seen.url) + " has no moov");
    return {};
  }
  check_init(to_, place_, *read);
  std::vector<std::string> codecs;
  for (auto& track : read->tracks) {
    if (track.codec == "hev1")
      add("hls-11.12", name_of(seen.url) + " is hev1");
    codecs.push_back(track.codec);
  }
  last_init_ = without_query(seen.url);
  inits_[last_init_] = std::move(*read);
  return codecs;
}

void hls_samples::part(const media_segment& of, size_t index, const observation& seen) {
  auto name = name_of_segment(of) + " part " + std::to_string(index);
  auto& listed = of.parts[index];
  if (listed.gap)
    return;
  if (seen.status != 200 && seen.status != 206) {
    add("hls-10.5", name + " answers " + std::to_string(seen.status));
    return;
  }
  if (auto hint = hinted_.find(without_query(seen.url)); hint != hinted_.end()) {
    if (hint->second != seen.body)
      add("hls-8.3", name + ": " + std::to_string(hint->second.size()) + " of " + std::to_string(seen.body.size())
                       + " bytes, or others");
    hinted_.erase(hint);
  }
  parts_[{of.number, index}] = seen.body;
  auto init = inits_.find(last_init_);
  if (init == inits_.end())
    return;
  auto fragments = read_fragments(seen.body, init->second);
  check_fragments(to_, place_, fragments, name);
  auto span = span_of(fragments, init->second);
  if (!span)
    return;
  auto length = span->to_s - span->from_s;
  if (std::abs(length - listed.duration_s) > span->sample_s + duration_rounding_s)
    add("hls-2.4", name + ": DURATION " + in_seconds(listed.duration_s) + ", samples " + in_seconds(length));
  if (span->video && span->begins_with_sync != listed.independent)
    add("hls-2.6", name + (listed.independent ? " does not begin with one" : " begins with one, unsaid"));
}

void hls_samples::hinted(const observation& seen) {
  if (seen.status != 200) {
    add("hls-8.3", name_of(seen.url) + " answers " + std::to_string(seen.status));
    return;
  }
  if (hinted_.size() >= hints_max)
    hinted_.clear();
  hinted_[without_query(seen.url)] = seen.body;
}

void hls_samples::segment(const media_segment& x, const observation& seen) {
  if (x.gap)
    return;
  if (seen.status != 200 && seen.status != 206) {
    add("hls-10.5", name_of_segment(x) + " answers " + std::to_string(seen.status));
    return;
  }
  sizes_.emplace_back(x.length_s(), seen.body.size());
  compare_parts(x, seen.body);
  if (seen.header("content-type").starts_with("text/vtt")) {
    if (!seen.body.starts_with("WEBVTT") && !seen.body.starts_with("\xef\xbb\xbfWEBVTT"))
      add("hls-13.5", name_of_segment(x));
  } else if (x.map.uri.empty() && (seen.body.starts_with('G') || seen.header("content-type") == "video/mp2t")) {
    of_ts(x, seen.body);
  } else {
    of_mp4(x, seen.body);
  }
}

void hls_samples::compare_parts(const media_segment& x, const std::string& bytes) {
  std::string joined;
  auto complete = !x.parts.empty();
  for (size_t i = 0; i < x.parts.size(); ++i) {
    auto at = parts_.find({x.number, i});
    complete = complete && at != parts_.end();
    if (complete)
      joined += at->second;
  }
  if (complete && joined != bytes)
    add("hls-2.3", name_of_segment(x) + ": parts " + std::to_string(joined.size()) + " bytes, segment "
                     + std::to_string(bytes.size()));
  parts_.erase(parts_.begin(), parts_.lower_bound({x.number + 1, 0}));
}

void hls_samples::of_mp4(const media_segment& x, const std::string& bytes) {
  auto init = inits_.find(last_init_);
  if (init == inits_.end())
    return;
  auto name = name_of_segment(x);
  auto fragments = read_fragments(bytes, init->second);
  check_fragments(to_, place_, fragments, name);
  auto span = span_of(fragments, init->second);
  if (!span)
    return;
  if (span->video && !span->begins_with_sync)
    add("hls-11.9", name);
  follow(x, span->from_s, span->to_s, span->sample_s);
}

void hls_samples::of_ts(const media_segment& x, const std::string& bytes) {
  if (x.discontinuity || !last_ts_ || *last_ts_ + 1 != x.number)
    ts_.restart();
  last_ts_ = x.number;
  auto facts = ts_.take(bytes);
  auto name = name_of_segment(x);
  if (!facts.tables_first)
    add("hls-13.1", name);
  if (facts.jumps > 0)
    add("hls-13.2", name + ": " + std::to_string(facts.jumps) + " jumps");
  if (!facts.in_step)
    add("hls-13.6", name + ", " + std::to_string(bytes.size()) + " bytes");
  if (facts.clocks == 0 || facts.clock_back || facts.clock_step_s > clock_step_max_s)
    add("hls-13.7", name
                      + (facts.clocks == 0  ? ": none"
                         : facts.clock_back ? ": it goes back"
                                            : ": a step of " + in_seconds(facts.clock_step_s)));
  if (!facts.first_video_pts)
    return;
  if (!facts.first_is_random_access)
    add("hls-11.9", name);
  follow(x, static_cast<double>(*facts.first_video_pts) / ts_ticks, std::nullopt, 0.042);
}

void hls_samples::follow(const media_segment& x, double from_s, std::optional<double> to_s, double sample_s) {
  auto consecutive = previous_ && previous_->number + 1 == x.number && previous_->discontinuities == x.discontinuities;
  if (!consecutive) {
    previous_ = {x.number, x.discontinuities, to_s.value_or(0), x.length_s(), from_s};
    return;
  }
  auto hole = from_s - previous_->end_s;
  if (to_s && std::abs(hole) > 1e-4)
    add("hls-11.10", name_of_segment(x) + ": a hole of " + in_seconds(hole));
  if (to_s && std::abs(hole) > 1)
    add("hls-10.4", name_of_segment(x) + ": timestamps jump by " + in_seconds(hole));
  auto drift = previous_->listed_s - (from_s - previous_->origin_s);
  if (std::abs(drift) > sample_s + duration_rounding_s)
    add("hls-1.4", name_of_segment(x) + ": EXTINF is " + in_seconds(drift) + " ahead of the media");
  previous_ = {x.number, x.discontinuities, to_s.value_or(0), previous_->listed_s + x.length_s(), previous_->origin_s};
}

bit_rates hls_samples::rates(double target_s) const {
  bit_rates result;
  double all_bits = 0;
  for (size_t from = 0; from < sizes_.size(); ++from) {
    double length = 0;
    double bits = 0;
    for (auto at = from; at < sizes_.size() && length + sizes_[at].first <= 1.5 * target_s; ++at) {
      length += sizes_[at].first;
      bits += 8 * static_cast<double>(sizes_[at].second);
      if (length >= 0.5 * target_s)
        result.peak = std::max(result.peak, bits / length);
    }
    all_bits += 8 * static_cast<double>(sizes_[from].second);
    result.seconds += sizes_[from].first;
  }
  result.mean = result.seconds > 0 ? all_bits / result.seconds : 0;
  return result;
}

} // namespace troupe::bench::delivery
