#include "core/live/client_ring.hpp"

#include <cassert>

namespace troupe::core {

void client_ring::push(chunk x) {
  if (x.random_access)
    latest_random_access_ = end();
  bytes_ += x.bytes.size();
  bytes_total_ += x.bytes.size();
  chunks_.push_back(std::move(x));
  auto newest = chunks_.back().dts;
  auto too_old = [&](const chunk& c) {
    return newest != no_timestamp && c.dts != no_timestamp && newest - c.dts > ticks_of(max_.duration_max);
  };
  while (chunks_.size() > 1 && (bytes_ > max_.bytes_max || too_old(chunks_.front()))) {
    assert(bytes_ >= chunks_.front().bytes.size());
    bytes_ -= chunks_.front().bytes.size();
    chunks_.pop_front();
    ++first_;
  }
  if (latest_random_access_ && *latest_random_access_ < first_)
    latest_random_access_.reset();
}

std::optional<uint64_t> client_ring::position(const cursor& place) const noexcept {
  if (!place.next)
    return latest_random_access_;
  auto next = *place.next;
  assert(next <= end()); // a cursor of another ring would skip or repeat
  if (next >= end())
    return next;
  auto lost = next < first_;
  auto newest = chunks_.back().dts;
  auto lags = !lost && newest != no_timestamp && chunks_[next - first_].dts != no_timestamp
              && newest - chunks_[next - first_].dts > ticks_of(max_.lag_max);
  if (lost)
    return latest_random_access_;
  // Moving ahead helps only if there is a later random-access point.
  if (lags && latest_random_access_ && *latest_random_access_ > next)
    return latest_random_access_;
  return next;
}

std::vector<chunk> client_ring::read(cursor& place, size_t bytes_max) const {
  std::vector<chunk> result;
  auto from = position(place);
  if (!from || *from >= end())
    return result;
  if (place.next && *from != *place.next)
    ++place.skips;
  size_t total = 0;
  auto i = *from;
  for (; i < end(); ++i) {
    auto& c = chunks_[i - first_];
    if (!result.empty() && total + c.bytes.size() > bytes_max)
      break;
    total += c.bytes.size();
    result.push_back(c);
  }
  place.next = i;
  return result;
}

bool client_ring::readable(const cursor& place) const noexcept {
  auto from = position(place);
  return from && *from < end();
}

} // namespace troupe::core
