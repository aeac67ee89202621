#include "core/breaker.hpp"

#include <algorithm>
#include <cassert>
#include <functional>

namespace troupe::core {

namespace {

/// Reasons come from tasks, and every snapshot repeats them.
constexpr size_t reason_bytes_max = 256;

/// Number of failures that are remembered; more than any configuration asks for.
constexpr size_t failures_kept = 1000;

} // namespace

std::string_view to_string(breaker_state x) {
  constexpr std::string_view names[] = {"closed", "open", "half-open"};
  assert(static_cast<size_t>(x) < std::size(names));
  return names[static_cast<size_t>(x)];
}

void breaker::chosen(lease_id x) {
  assert(x);
  if (state_ != breaker_state::half_open || trial_)
    return;
  trial_ = x;
  trial_since_.reset();
}

void breaker::started(lease_id x, time_point now) {
  if (trial_ == x)
    trial_since_ = now;
}

void breaker::failed(lease_id x, std::string_view input, std::string_view reason, time_point now) {
  assert(x && (failures_.empty() || failures_.back().at <= now));
  auto hash = std::hash<std::string_view>{}(input);
  std::erase_if(failures_, [hash](const failure& f) { return f.input == hash; });
  failures_.push_back({hash, now});
  if (failures_.size() > failures_kept)
    failures_.pop_front();
  tick(now);
  auto latest = std::string{reason.substr(0, reason_bytes_max)};
  if (state_ == breaker_state::half_open) {
    auto was_trial = trial_ == x;
    open((was_trial ? "the task on trial failed: " : "a task failed before a trial ended: ") + latest,
         std::min(back_off_ * 2, config_.max_back_off), now);
  } else if (state_ == breaker_state::closed && failures_.size() >= config_.failures) {
    open(std::to_string(failures_.size()) + " tasks died or hung lately, the latest: " + latest, config_.back_off, now);
  }
}

void breaker::ended_well(lease_id x) {
  if (trial_ == x)
    close();
}

void breaker::not_used(lease_id x) {
  if (trial_ == x)
    trial_.reset();
}

void breaker::tick(time_point now) {
  while (!failures_.empty() && now - failures_.front().at > config_.window)
    failures_.pop_front();
  assert(!trial_ || state_ == breaker_state::half_open);
  if (state_ == breaker_state::open && now >= until_)
    state_ = breaker_state::half_open;
  else if (state_ == breaker_state::half_open && trial_ && trial_since_ && now - *trial_since_ >= config_.well_after)
    close();
}

void breaker::reset() {
  close();
}

void breaker::open(std::string reason, milliseconds back_off, time_point now) {
  state_ = breaker_state::open;
  back_off_ = back_off;
  until_ = now + back_off;
  reason_ = std::move(reason);
  trial_.reset();
  trial_since_.reset();
}

void breaker::close() {
  state_ = breaker_state::closed;
  back_off_ = config_.back_off;
  failures_.clear();
  reason_.clear();
  trial_.reset();
  trial_since_.reset();
}

} // namespace troupe::core
