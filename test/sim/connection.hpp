// A connection between the coordinator and one process elsewhere, as TCP gives it: in order, with delays, and at some
// time broken, which each end hears when it hears it.
#pragma once

#include "test/sim/clockwork.hpp"

#include <deque>
#include <functional>
#include <memory>

namespace troupe::sim {

/// The two ends of a connection.
enum class side : uint8_t { coordinator, remote };

class connection : public std::enable_shared_from_this<connection> {
public:
  explicit connection(world& w) : world_(w) {}

  /// `deliver` runs at that side, unless the connection breaks before. `alone` tells that the message may be lost or
  /// doubled by itself.
  void send(side to, std::function<void()> deliver, bool alone = false);

  /// Runs once, when that side learns that the other is gone.
  void on_down(side at, std::function<void()> what) {
    at_[index(at)].down = std::move(what);
  }

  /// That side ends in good order: what it sent before arrives, then the other side learns of it.
  void close(side by);

  /// Cuts the connection: what is on its way is lost, and each side learns of it in its own time.
  void cut();

  /// A partition: nothing passes in either direction until it ends; an end whose patience ends before gives up.
  void hold(duration patience);
  void release();

  bool usable(side from) const noexcept {
    return !at_[index(from)].gone;
  }

private:
  struct endpoint {
    std::function<void()> down;
    std::deque<std::function<void()>> held; ///< for this side
    time_point latest;                      ///< arrival of the latest message for this side
    bool gone = false;                      ///< it has closed, or heard that the other is gone
  };

  static size_t index(side x) noexcept {
    return static_cast<size_t>(x);
  }

  static side other(side x) noexcept {
    return x == side::coordinator ? side::remote : side::coordinator;
  }

  duration delay();
  void enqueue(side to, std::function<void()> deliver);
  void give_up(side at);

  world& world_;
  endpoint at_[2];
  bool held_ = false;
  uint64_t partition_ = 0; ///< which one
  uint64_t cuts_ = 0;
};

using connection_ptr = std::shared_ptr<connection>;

} // namespace troupe::sim
