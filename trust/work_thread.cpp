#include "trust/work_thread.hpp"

#include <utility>

namespace troupe::trust {

work_thread::work_thread(std::chrono::milliseconds interval, std::function<void()> round)
  : interval_{interval}, round_{std::move(round)}, thread_{[this] { run(); }} {}

work_thread::~work_thread() {
  {
    std::lock_guard guard{mutex_};
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

bool work_thread::add(std::function<void()> work) {
  {
    std::lock_guard guard{mutex_};
    if (work_.size() >= waiting_max || stopping_)
      return false;
    work_.push_back(std::move(work));
  }
  changed_.notify_all();
  return true;
}

void work_thread::run() {
  auto next = std::chrono::steady_clock::now() + interval_;
  for (;;) {
    std::function<void()> work;
    auto ends = false;
    {
      std::unique_lock guard{mutex_};
      changed_.wait_until(guard, next, [this] { return stopping_ || !work_.empty(); });
      if (!work_.empty()) {
        work = std::move(work_.front());
        work_.pop_front();
      }
      ends = stopping_ && !work;
    }
    if (work)
      work();
    if (auto now = std::chrono::steady_clock::now(); ends || now >= next) {
      round_();
      next = now + interval_;
    }
    if (ends)
      return;
  }
}

} // namespace troupe::trust
