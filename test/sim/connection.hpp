// A connection between the coordinator and a process on another machine. It behaves like TCP: messages come in order
// and with delays. When it breaks, each end learns of that at a different time.
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

  /// `deliver` runs at that side, unless the connection breaks before. `alone`: this single message may be lost, or
  /// arrive twice.
  void send(side to, std::function<void()> deliver, bool alone = false);

  /// Runs once, when that side learns that the other is gone.
  void on_down(side at, std::function<void()> what) {
    at_[index(at)].down = std::move(what);
  }

  /// That side closes the connection properly: what it sent before arrives, then the other side learns of the end.
  void close(side by);

  /// Cuts the connection: what is on its way is lost, and each side learns of it in its own time.
  void cut();

  /// A partition: nothing passes in either direction until it ends; an end whose timeout passes before that gives up.
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
  uint64_t partition_ = 0; ///< number of the present partition
  uint64_t cuts_ = 0;
};

using connection_ptr = std::shared_ptr<connection>;

} // namespace troupe::sim
