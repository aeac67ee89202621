// The base of a simulated world: a virtual clock, one random number generator, and a record of the events.
//
// Everything that happens is an event with a time and a serial number; events of the same time run in the order in
// which they were made. Nothing reads a clock of the machine and nothing depends on an address, so a seed determines a
// whole run, which is called a life, to the last event.
#pragma once

#include "core/live/session.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <iostream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace troupe::sim {

using core::time_point;
using duration = time_point::duration;
using std::chrono::milliseconds;
using namespace std::chrono_literals;

/// Thrown when something happens that must never happen.
struct violation : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Numbers from a seed (splitmix64, Steele, Lea and Flood 2014): the same on every machine and with every library.
class dice {
public:
  explicit dice(uint64_t seed) : state_(seed) {}

  uint64_t next() {
    auto x = state_ += 0x9e3779b97f4a7c15;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    return x ^ (x >> 31);
  }

  /// 0 to `n` - 1.
  uint64_t below(uint64_t n) {
    return next() % n;
  }

  int64_t between(int64_t first, int64_t last) {
    return first + static_cast<int64_t>(below(static_cast<uint64_t>(last - first + 1)));
  }

  duration between(duration first, duration last) {
    return duration{between(first.count(), last.count())};
  }

  bool chance(double probability) {
    return static_cast<double>(next() >> 11) * 0x1.0p-53 < probability;
  }

  template <class T>
  T& pick(std::vector<T>& from) {
    return from[below(from.size())];
  }

private:
  uint64_t state_;
};

/// How badly the network behaves at present.
struct weather {
  duration delay_max = 2ms;
  double late = 0;      ///< share of messages that take up to `late_max`
  duration late_max{};  //
  double lost = 0;      ///< share that is lost, of the messages that may be lost
  double twice = 0;     ///< share that arrives twice, of the same messages
  duration unnoticed{}; ///< the longest time until an end notices that its connection broke
};

class world {
public:
  explicit world(uint64_t seed, bool trace) : chance(seed), trace_(trace) {}

  time_point now() const noexcept {
    return now_;
  }

  /// Unix time, for values that are only shown.
  int64_t unix_ms() const {
    return std::chrono::duration_cast<milliseconds>(now_.time_since_epoch()).count();
  }

  uint64_t steps() const noexcept {
    return steps_;
  }

  void at(time_point when, std::function<void()> what) {
    events_.push_back({std::max(when, now_), serial_++, std::move(what)});
    std::push_heap(events_.begin(), events_.end(), later);
  }

  void after(duration wait, std::function<void()> what) {
    at(now_ + wait, std::move(what));
  }

  /// Between actors of one process: soon, and in the order of sending.
  void soon(std::function<void()> what) {
    after(50us, std::move(what));
  }

  /// Runs all events up to that time.
  void run_until(time_point end) {
    while (!events_.empty() && events_.front().when <= end)
      step();
    now_ = end;
  }

  /// Adds a fact to the fingerprint of this life. Two lives with the same seed have the same fingerprint.
  void note(uint64_t fact) {
    fingerprint_ = (fingerprint_ ^ fact) * 0x100000001b3; // FNV-1a, a word at a time
  }

  uint64_t fingerprint() const noexcept {
    return fingerprint_;
  }

  bool tracing() const noexcept {
    return trace_;
  }

  template <class... Ts>
  void trace(const Ts&... xs) {
    if (!trace_)
      return;
    std::ostringstream line;
    line << '[' << std::chrono::duration<double>(now_ - time_point{epoch}).count() << " #" << steps_ << "] ";
    (line << ... << xs);
    std::cout << line.str() << '\n';
  }

  dice chance;
  weather net;

private:
  static constexpr duration epoch = 1000s;

  struct event {
    time_point when;
    uint64_t serial;
    std::function<void()> what;
  };

  static bool later(const event& a, const event& b) {
    return a.when != b.when ? a.when > b.when : a.serial > b.serial;
  }

  void step() {
    std::pop_heap(events_.begin(), events_.end(), later);
    auto e = std::move(events_.back());
    events_.pop_back();
    now_ = e.when;
    ++steps_;
    e.what();
  }

  time_point now_{epoch};
  std::vector<event> events_;
  uint64_t serial_ = 0;
  uint64_t steps_ = 0;
  uint64_t fingerprint_ = 0xcbf29ce484222325;
  bool trace_;
};

/// Throws a `violation` whose text is all of `xs`.
template <class... Ts>
[[noreturn]] void fail(const Ts&... xs) {
  std::ostringstream text;
  (text << ... << xs);
  throw violation{text.str()};
}

} // namespace troupe::sim
