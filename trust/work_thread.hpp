// A thread that does an object's slow work in order: changes, which wait in a queue, and a round of its own now and
// then. So whoever orders a change never waits for the store.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace troupe::trust {

class work_thread {
public:
  static constexpr size_t waiting_max = 256;

  /// Calls `round` after each interval, and once more at the end.
  work_thread(std::chrono::milliseconds interval, std::function<void()> round);

  work_thread(const work_thread&) = delete;
  work_thread& operator=(const work_thread&) = delete;

  /// Does what waits.
  ~work_thread();

  /// False if too much waits.
  bool add(std::function<void()> work);

private:
  void run();

  const std::chrono::milliseconds interval_;
  const std::function<void()> round_;
  std::mutex mutex_; ///< guards what follows
  std::deque<std::function<void()>> work_;
  bool stopping_ = false;
  std::condition_variable changed_;
  std::thread thread_;
};

} // namespace troupe::trust
