#include "packaging/segment_clock.hpp"

namespace troupe {

int64_t segment_clock::cell(int64_t pts) const noexcept {
  return pts / times_.segment - (pts % times_.segment < 0 ? 1 : 0);
}

bool segment_clock::may_begin(const sample& x) {
  if (at_.from_pts != no_timestamp && x.pts < at_.from_pts)
    return false;
  if (!met_)
    met_ = cell(x.pts);
  return !at_.whole || cell(x.pts) > *met_;
}

std::optional<int64_t> segment_clock::lead(const sample& x, track_kind kind) {
  auto joinable = x.is_random_access() || (kind == track_kind::audio && (x.flags & sample::key) != 0);
  std::optional<int64_t> number;
  if (beginnings_.empty()) {
    if (may_begin(x) && joinable)
      number = cell(x.pts);
  } else if (times_.on_grid) {
    if (joinable && cell(x.pts) > beginnings_.back().number)
      number = cell(x.pts);
  } else {
    auto length = x.pts - beginnings_.back().pts;
    // Rounded times may put a random-access point a little before the time at which it is due.
    auto due = times_.segment - x.duration / 2;
    auto joins = joinable && (interrupted_ || length >= due);
    if (joins || length + x.duration > 2 * times_.segment)
      number = beginnings_.back().number + 1;
  }
  if (number) {
    interrupted_ = false;
    beginnings_.push_back({*number, x.pts});
    if (beginnings_.size() > beginnings_max)
      beginnings_.pop_front();
  }
  return number;
}

std::optional<int64_t> segment_clock::follow(std::optional<int64_t> current, const sample& x) const {
  if (beginnings_.empty())
    return std::nullopt;
  if (times_.on_grid) {
    if (!current)
      return x.pts >= beginnings_.front().pts ? std::optional{cell(x.pts)} : std::nullopt;
    return cell(x.pts) > *current ? std::optional{cell(x.pts)} : std::nullopt;
  }
  std::optional<int64_t> result;
  for (auto& b : beginnings_)
    if (x.pts >= b.pts && (!current || b.number > *current))
      result = b.number;
  // Numbers have no gap: a segment in which this track has no sample gets its number, too.
  return result && current ? std::optional{*current + 1} : result;
}

} // namespace troupe
