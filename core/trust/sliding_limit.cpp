#include "core/trust/sliding_limit.hpp"

#include <algorithm>
#include <cmath>

namespace troupe::core {

namespace {

/// The client that stands for all those for which there is no room.
const std::string others;

int64_t ms_of(sliding_limit::time_point x) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(x.time_since_epoch()).count();
}

} // namespace

sliding_limit::sliding_limit(uint32_t most, milliseconds window, size_t clients_max)
  : most_(most), window_(window), clients_max_(clients_max) {}

void sliding_limit::slide(counts& x, int64_t window) {
  // Threads take the time one after the other, but not always in that order: a window never comes back.
  if (window <= x.window)
    return;
  x.before = x.window + 1 == window ? x.present : 0;
  x.present = 0;
  x.window = window;
}

sliding_limit::counts& sliding_limit::counts_of(const std::string& client, int64_t window) {
  auto found = clients_.find(client);
  if (found == clients_.end() && clients_.size() >= clients_max_ && swept_ != window) {
    std::erase_if(clients_, [window](auto& x) { return x.second.window + 1 < window; });
    swept_ = window;
  }
  if (found == clients_.end() && clients_.size() >= clients_max_)
    found = clients_.try_emplace(others, counts{window}).first;
  else if (found == clients_.end())
    found = clients_.try_emplace(client, counts{window}).first;
  slide(found->second, window);
  return found->second;
}

sliding_limit::state sliding_limit::state_of(const counts& x, time_point now) const {
  auto span = static_cast<double>(window_.count());
  auto passed = static_cast<double>(ms_of(now) % window_.count());
  auto used = x.present + x.before * (1 - passed / span);
  state result;
  result.left = used + 1 <= most_ ? static_cast<uint32_t>(most_ - used) : 0;
  result.allowed = result.left > 0;
  if (result.allowed)
    return result;
  // What came before fades while the window slides. If that is not enough, the present window must fade, too.
  auto room = static_cast<double>(most_) - 1;
  auto wait = x.present <= room ? span * (1 - (room - x.present) / x.before) - passed
                                : span - passed + span * (1 - room / x.present);
  result.again = milliseconds{std::max<int64_t>(1, static_cast<int64_t>(std::ceil(wait)))};
  return result;
}

sliding_limit::state sliding_limit::take(const std::string& client, time_point now) {
  auto& x = counts_of(client, ms_of(now) / window_.count());
  auto result = state_of(x, now);
  if (!result.allowed)
    return result;
  ++x.present;
  --result.left;
  return result;
}

sliding_limit::state sliding_limit::look(const std::string& client, time_point now) const {
  auto found = clients_.find(client);
  if (found == clients_.end() && clients_.size() >= clients_max_)
    found = clients_.find(others);
  counts x = found == clients_.end() ? counts{} : found->second;
  slide(x, ms_of(now) / window_.count());
  return state_of(x, now);
}

} // namespace troupe::core
