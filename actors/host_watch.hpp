// Tells a task whether its host is alive: the host lives as long as the pipe that is the task's standard input stays
// open.
#pragma once

#include "actors/task.hpp"

#include <memory>

namespace troupe {

/// Waits on a thread of its own until the other end of a pipe is closed: then the host is gone, or wants this process
/// to end. If the task has joined, it is told. If it has not joined yet, the process ends at once: it has nothing to
/// leave behind, and a coordinator that is gone would never answer it.
///
/// The thread ends with the process, because a read on a pipe that stays open cannot be cancelled. So it outlives the
/// actor system, and must then hold no reference into it: call `left` before the actor system is gone.
class host_watch {
public:
  /// Reads from `input`.
  explicit host_watch(int input);

  /// The task has joined the coordinator. If the host ends after this call, the task gets a message.
  void joined(const task_state::interface& x);

  /// The task is over, and the process ends by itself. Drops the handle; when this returns, nothing is sent any more.
  void left();

private:
  struct state;

  std::shared_ptr<state> shared_;
};

} // namespace troupe
