#include "rig/failover_client.hpp"

#include "rig/viewer.hpp"

#include <algorithm>

namespace troupe::bench {

namespace {

using std::chrono::milliseconds;

/// Longer than any measurement: `finish` ends a viewing.
constexpr milliseconds viewing_limit{24 * 3'600'000};

/// A stream that pauses for longer is lost to its viewer.
constexpr milliseconds stall_limit{40'000};

constexpr milliseconds pause_between{250};

/// The most restarts of a stream within one measurement.
constexpr size_t parts_max = 200;

constexpr size_t lately_max = 512;

} // namespace

failover_client::failover_client(std::string url) : url_(std::move(url)), thread_([this] { run(); }) {}

failover_client::~failover_client() {
  stop_ = true;
  if (thread_.joinable())
    thread_.join();
}

int64_t failover_client::newest() const {
  std::lock_guard guard{mutex_};
  return newest_;
}

bool failover_client::steady(milliseconds period, double rate) const {
  std::lock_guard guard{mutex_};
  auto since = wall_clock::now() - period;
  auto count = std::count_if(lately_.begin(), lately_.end(), [since](auto x) { return x >= since; });
  return static_cast<double>(count) >= 0.9 * rate * std::chrono::duration<double>(period).count() - 1;
}

std::vector<observations> failover_client::finish() {
  stop_ = true;
  if (thread_.joinable())
    thread_.join();
  return std::move(parts_);
}

void failover_client::run() {
  viewer_options options;
  options.url = url_;
  options.duration = viewing_limit;
  options.connect_timeout = stall_limit;
  options.stall_timeout = stall_limit;
  options.stop = &stop_;
  options.on_picture = [this](const frame_seen& x) { note(x); };
  while (!stop_ && parts_.size() < parts_max) {
    auto seen = watch(options).seen;
    // A stop during the opening is not a failure.
    if (!stop_ || !seen.frames.empty())
      parts_.push_back(std::move(seen));
    if (!stop_)
      std::this_thread::sleep_for(pause_between);
  }
}

void failover_client::note(const frame_seen& picture) {
  std::lock_guard guard{mutex_};
  lately_.push_back(picture.decoded);
  if (lately_.size() > lately_max)
    lately_.pop_front();
  if (picture.number)
    newest_ = std::max(newest_, static_cast<int64_t>(*picture.number));
}

} // namespace troupe::bench
