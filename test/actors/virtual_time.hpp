// Actors on virtual time: nothing runs and no time passes until the test says so, on the test's own thread. Detached
// actors and other threads of the product may still send messages; these wait until the test takes them.
#pragma once

#include "registered_types.hpp"

#include <caf/action.hpp>
#include <caf/actor.hpp>
#include <caf/actor_cast.hpp>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/detail/test_actor_clock.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <caf/send.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <set>
#include <thread>
#include <utility>
#include <vector>

namespace troupe {

using namespace std::chrono_literals;

/// CAF's clock for tests. Detached actors, which have threads of their own, use it, too.
class virtual_clock : public caf::detail::test_actor_clock {
public:
  time_point now() const noexcept override {
    std::lock_guard guard{mutex_};
    return test_actor_clock::now();
  }

  caf::disposable schedule_periodically(time_point first, caf::action what, duration_type period) override {
    std::lock_guard guard{mutex_};
    return test_actor_clock::schedule_periodically(first, std::move(what), period);
  }

  void pass(duration_type time) {
    std::lock_guard guard{mutex_};
    advance_time(time);
  }

private:
  mutable std::recursive_mutex mutex_; // what is due may schedule more
};

/// CAF's scheduler for tests, which runs on the thread that made it, and only there.
class virtual_scheduler : public caf::scheduler::test_coordinator {
public:
  explicit virtual_scheduler(caf::actor_system& system) : test_coordinator(system) {
    clock_.pass(1h); // so that no interval seems to have begun just now
  }

  virtual_clock& clock() noexcept override {
    return clock_;
  }

  /// Runs until no actor has a message left.
  void settle() {
    do
      take_arrivals();
    while (run() > 0);
  }

  /// Waits for messages of other threads; false if none comes in this time.
  bool await_arrivals(std::chrono::seconds at_most) {
    std::unique_lock lock{mutex_};
    return changed_.wait_for(lock, at_most, [this] { return !arrivals_.empty(); });
  }

protected:
  void enqueue(caf::resumable* x) override {
    if (std::this_thread::get_id() == owner_)
      return test_coordinator::enqueue(x);
    std::lock_guard guard{mutex_};
    arrivals_.push_back(x);
    changed_.notify_one();
  }

private:
  void take_arrivals() {
    std::lock_guard guard{mutex_};
    jobs.insert(jobs.end(), arrivals_.begin(), arrivals_.end());
    arrivals_.clear();
  }

  const std::thread::id owner_ = std::this_thread::get_id();
  std::mutex mutex_;
  std::condition_variable changed_;
  virtual_clock clock_;
  std::deque<caf::resumable*> arrivals_; // guarded by mutex_
};

/// The base of fixtures.
struct virtual_time : registered_types {
  ~virtual_time() {
    end();
  }

  /// Ends all actors that are kept. Fixtures whose members are used by their actors call it in their destructors.
  void end() {
    while (!mine.empty()) {
      for (auto& x : std::exchange(mine, {}))
        kill(x);
      settle();
    }
  }

  void settle() {
    scheduler.settle();
  }

  /// Lets time pass, in steps that are shorter than the interval of every timer.
  void pass(std::chrono::milliseconds time) {
    constexpr auto step = 10ms;
    settle();
    for (auto passed = 0ms; passed < time; passed += step) {
      scheduler.clock().pass(step);
      settle();
    }
  }

  /// Waits for messages of other threads until `so` holds; false if it does not in time.
  template <class So>
  bool comes(So so) {
    settle();
    while (!so() && scheduler.await_arrivals(30s))
      settle();
    return so();
  }

  /// Ends the actor with the test, and notes if it ends before.
  template <class Handle>
  Handle keep(Handle x) {
    mine.push_back(caf::actor_cast<caf::actor>(x));
    x->attach_functor([this, id = x.id()] {
      std::lock_guard guard{mutex};
      over.insert(id);
    });
    return x;
  }

  /// Whether an actor that is kept has ended.
  template <class Handle>
  bool is_over(const Handle& x) {
    settle();
    std::lock_guard guard{mutex};
    return over.contains(x.id());
  }

  /// Ends the actor as if its process had crashed. Actors that monitor it are told by the next `settle`.
  template <class Handle>
  void kill(const Handle& x) {
    caf::anon_send_exit(x, caf::exit_reason::kill);
  }

  /// Runs `what` as a message of the actor, so that it can answer requests that it has held back.
  template <class Handle, class What>
  void within(const Handle& x, What what) {
    caf::anon_send(caf::actor_cast<caf::actor>(x), caf::make_action(std::move(what)));
  }

  static caf::actor_system_config& configured(caf::actor_system_config& x) {
    x.module_factories.push_back([](caf::actor_system& system) { return new virtual_scheduler(system); });
    x.set("caf.logger.file.verbosity", "quiet");
    x.set("caf.logger.console.verbosity", "quiet");
    return x;
  }

  std::mutex mutex;
  std::set<caf::actor_id> over; // guarded by mutex
  caf::actor_system_config config;
  caf::actor_system system{configured(config)};
  virtual_scheduler& scheduler = dynamic_cast<virtual_scheduler&>(system.scheduler());
  std::vector<caf::actor> mine;
};

} // namespace troupe
