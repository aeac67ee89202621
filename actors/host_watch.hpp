// What a task knows of its host: it lives as long as the pipe that is the task's standard input stays open.
#pragma once

#include "actors/task.hpp"

#include <memory>

namespace troupe {

/// Waits on a thread of its own until the other end of a pipe is closed: the host is gone, or wants this process to end. Then the task is told; a process
/// that has not joined yet has nothing to leave behind, and just ends: what it asks a coordinator that went away is never answered.
///
/// The thread ends with the process, since a read on a pipe that stays open cannot be called back. So it outlives the actor system, and must hold nothing
/// of it by then: call `left` before that is gone.
class host_watch {
public:
  /// Reads from `input`.
  explicit host_watch(int input);

  /// The task is at the coordinator: it is told from now on.
  void joined(const task_state::interface& x);

  /// The task is over, and the process ends by itself. Drops the handle; nothing is sent any more when this returns.
  void left();

private:
  struct state;

  std::shared_ptr<state> shared_;
};

} // namespace troupe
