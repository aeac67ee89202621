#include "core/live/source_buffer.hpp"

#include <algorithm>
#include <cassert>

namespace troupe::core {

uint64_t source_buffer::append(sample_block block) {
  auto number = end();
  auto dts = block.samples.empty() ? newest_dts_ : block.samples.front().dts;
  dts -= dts == no_timestamp ? 0 : absence_;
  if (block.starts_with_random_access())
    random_access_.push_back(number);
  for (auto& s : block.samples)
    newest_dts_ = std::max(newest_dts_, s.dts);
  bytes_ += block.bytes.size();
  entries_.push_back({std::move(block), dts});
  while (entries_.size() > 1 && (bytes_ > max_.bytes_max || ticks() > ticks_of(max_.duration_max))) {
    if (first_ >= floor_)
      ++overruns_;
    drop_oldest();
  }
  return number;
}

uint64_t source_buffer::fill(uint16_t leading, int64_t to) {
  if (newest_dts_ == no_timestamp)
    newest_dts_ = to;
  assert(to >= newest_dts_);
  if (entries_.empty() || !entries_.back().block.is_absence())
    entries_.push_back({{{{leading, sample::absent, to, to, 0, 0}}, {}}, newest_dts_ - absence_});
  auto& mark = entries_.back().block.samples.front();
  mark.pts = mark.dts = to;
  absence_ += to - newest_dts_;
  newest_dts_ = to;
  return end() - 1;
}

void source_buffer::release(uint64_t floor) {
  assert(floor <= end());
  floor_ = floor;
  auto keep = std::min(floor, join_point().value_or(floor));
  while (first_ < keep && !entries_.empty())
    drop_oldest();
}

const sample_block& source_buffer::at(uint64_t number) const {
  assert(first_ <= number && number < end());
  return entries_[number - first_].block;
}

std::optional<uint64_t> source_buffer::join_point() const noexcept {
  if (random_access_.empty())
    return std::nullopt;
  return random_access_.back();
}

std::optional<uint64_t> source_buffer::join_point_before(int64_t pts) const noexcept {
  if (random_access_.empty())
    return std::nullopt;
  auto result = random_access_.front();
  for (auto number : random_access_)
    if (at(number).samples.front().pts <= pts)
      result = number;
  return result;
}

std::optional<uint64_t> source_buffer::join_point_from(uint64_t number) const noexcept {
  auto i = std::lower_bound(random_access_.begin(), random_access_.end(), number);
  if (i == random_access_.end())
    return std::nullopt;
  return *i;
}

int64_t source_buffer::ticks() const noexcept {
  if (entries_.empty() || newest_dts_ == no_timestamp || entries_.front().dts == no_timestamp)
    return 0;
  return newest_dts_ - absence_ - entries_.front().dts;
}

void source_buffer::drop_oldest() {
  assert(!entries_.empty() && bytes_ >= entries_.front().block.bytes.size());
  assert(random_access_.empty() || random_access_.front() >= first_);
  auto& block = entries_.front().block;
  if (!block.is_absence())
    gone_.insert(gone_.end(), block.samples.begin(), block.samples.end());
  bytes_ -= entries_.front().block.bytes.size();
  entries_.pop_front();
  if (!random_access_.empty() && random_access_.front() == first_)
    random_access_.pop_front();
  ++first_;
}

} // namespace troupe::core
