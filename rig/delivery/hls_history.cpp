#include "rig/delivery/hls_history.hpp"

#include "rig/delivery/hls_rules.hpp"

#include <cmath>

namespace troupe::bench::delivery {

namespace {

/// What a network and a busy machine may add to a time.
constexpr double slack_s = 0.1;

std::string control_text(const media_playlist& x) {
  std::string result;
  if (x.server_control)
    for (auto& [name, value] : x.server_control->all())
      result += (result.empty() ? "" : ",") + name + "=" + value;
  return result;
}

/// The first part of `x` at or after `next`, the end of an earlier playlist; null if no such part is listed.
const partial_segment* first_new_part(const media_playlist& x, std::pair<uint64_t, uint64_t> next) {
  for (auto& segment : x.segments) {
    if (segment.number < next.first)
      continue;
    auto index = segment.number == next.first ? next.second : 0;
    if (index < segment.parts.size())
      return &segment.parts[index];
    if (!segment.duration_s || segment.parts.empty())
      return nullptr;
  }
  return nullptr;
}

/// Whether a playlist has the part. A number past a segment's last part means the first part of the next segment.
bool has_part(const media_playlist& x, uint64_t number, uint64_t part) {
  for (auto& segment : x.segments) {
    if (segment.number == number && (segment.parts.size() > part || (segment.duration_s && segment.parts.empty())))
      return true;
    if (segment.number > number)
      return true;
  }
  return false;
}

} // namespace

void hls_history::take(media_playlist x, const observation& seen, const reload& asked) {
  auto delta = x.skipped.has_value();
  auto whole = x;
  if (delta) {
    auto merged = latest_ ? merge(x, *latest_) : std::nullopt;
    if (!merged) {
      add("hls-7.3", "it skips segments that were in no playlist before");
      return;
    }
    whole = std::move(*merged);
  }
  check_media_playlist(to_, place_, x, whole);
  if (std::isnan(x.target_s))
    return;
  check_answer(whole, seen, asked);
  check_records(whole, delta);
  check_date_ranges(whole);
  if (latest_) {
    check_constants(whole);
    check_hints(whole);
  }
  check_pace(whole, seen, asked);
  latest_ = std::move(whole);
}

void hls_history::check_constants(const media_playlist& x) {
  if (x.target_s != latest_->target_s)
    add("hls-1.1", in_seconds(latest_->target_s) + " became " + in_seconds(x.target_s));
  if (control_text(x) != control_text(*latest_))
    add("hls-3.5", control_text(*latest_) + " became " + control_text(x));
  if (x.low_latency() != latest_->low_latency() || (x.low_latency() && x.part_target_s != latest_->part_target_s))
    add("hls-3.6", in_seconds(latest_->part_target_s) + " became " + in_seconds(x.part_target_s));
  auto falls = [&](auto rule, uint64_t before, uint64_t now) {
    if (now < before)
      add(rule, std::to_string(before) + " became " + std::to_string(now));
  };
  falls("hls-10.1", latest_->first_discontinuity, x.first_discontinuity);
  falls("hls-10.3", latest_->first_number, x.first_number);
}

void hls_history::check_answer(const media_playlist& x, const observation& seen, const reload& asked) {
  if (!asked.segment || x.end)
    return;
  auto held = (seen.answered - seen.asked).count();
  if (held > 3 * x.target_s + slack_s)
    add("hls-6.7", "held for " + in_seconds(held));
  auto text = "asked for " + std::to_string(*asked.segment);
  if (!asked.part) {
    auto* last = x.last_whole();
    if (last == nullptr || last->number < *asked.segment)
      add("hls-6.1", text);
    return;
  }
  if (!has_part(x, *asked.segment, *asked.part))
    add("hls-6.2", text + " part " + std::to_string(*asked.part));
  auto is_next = latest_ && latest_->next() == std::pair{*asked.segment, *asked.part};
  if (is_next && x.low_latency() && held > x.part_target_s + slack_s)
    add("hls-4.1", text + " part " + std::to_string(*asked.part) + ", got it after " + in_seconds(held));
}

void hls_history::check_pace(const media_playlist& x, const observation& seen, const reload& asked) {
  auto* last = x.last_whole();
  auto number = last == nullptr ? x.first_number : last->number;
  auto advanced = !newest_ || number > *newest_;
  // A blocking answer comes when there is something new. The answer to a plain request shows the state at the time of
  // the request.
  auto blocked_for_segment = asked.segment && !asked.part;
  auto at = advanced && blocked_for_segment ? seen.answered - seconds{slack_s} : seen.asked;
  auto waited = (at - newest_since_).count();
  if (newest_ && !x.end && (!advanced || blocked_for_segment) && waited > 1.5 * x.target_s)
    add("hls-4.2", in_seconds(waited) + " after segment " + std::to_string(*newest_));
  if (advanced) {
    newest_ = number;
    newest_since_ = seen.answered;
  }
}

void hls_history::check_hints(const media_playlist& x) {
  auto* part = first_new_part(x, latest_->next());
  for (auto& hint : latest_->hints)
    if (part != nullptr && hint.type == "PART" && hint.uri != part->at.uri)
      add("hls-8.2", hint.uri + " was hinted, " + part->at.uri + " came");
  if (!x.low_latency() || x.segments.empty() || latest_->segments.empty())
    return;
  auto& map = x.segments.back().map;
  auto hinted = map == latest_->segments.back().map;
  for (auto& hint : latest_->hints)
    hinted = hinted || (hint.type == "MAP" && hint.uri == map.uri);
  if (!hinted)
    add("hls-8.5", map.uri);
}

void hls_history::check_records(const media_playlist& x, bool delta) {
  const media_segment* before = nullptr;
  for (auto& segment : x.segments) {
    if (before != nullptr && !(segment.map == before->map) && !segment.discontinuity)
      add("hls-10.4", "the MAP of segment " + std::to_string(segment.number) + " is another");
    before = &segment;
    if (!segment.duration_s)
      continue;
    auto [at, added] = records_.try_emplace(segment.number, record{segment, delta});
    if (added)
      continue;
    auto& known = at->second.segment;
    auto date_differs = std::abs(known.date_s - segment.date_s) > 0.001;
    auto same = known.at == segment.at && known.duration_s == segment.duration_s && known.map == segment.map
                && known.discontinuities == segment.discontinuities && !date_differs;
    if (!same)
      add(delta != at->second.delta ? "hls-7.3" : "hls-10.6", "segment " + std::to_string(segment.number));
    at->second = {segment, delta};
  }
}

void hls_history::check_date_ranges(const media_playlist& x) {
  for (auto& range : x.date_ranges) {
    auto [at, added] = date_ranges_.try_emplace(std::string{range.text("ID")}, range);
    for (auto& [name, value] : at->second.all())
      if (range.has(name) && range.text(name) != value)
        add("hls-14.1", name + " of " + at->first + ": " + value + " became " + std::string{range.text(name)});
  }
}

} // namespace troupe::bench::delivery
