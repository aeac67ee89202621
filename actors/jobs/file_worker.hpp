// FILE WORKER: does one unit of work on a file for a job, in a task of its own.
//
// A thread of its own does the work, because libav*'s calls block. The actor reports the first frame, and the progress
// twice a second, so that its client can tell a working task from a hanging one.
// - Its client dies: a chunk is finished nevertheless, and its result kept, for a client that takes it over; the task
//   decides for how long. Other work ends, and with it the task.
// - It is told to stop: it ends, and with it the task.
// - The work is over, successful or not: it says so, and ends once that message has arrived.
#pragma once

#include "actors/jobs/file_reach.hpp"
#include "encoder/codec/engine.hpp"
#include "messages/actors.hpp"

#include <caf/actor_system.hpp>

#include <memory>
#include <optional>

namespace troupe {

class file_runner;

struct file_worker_state {
  using interface = file_worker_actor::extend<
    // INTERNAL, from the task: another client takes over the work, under this attempt.
    caf::result<void>(attempt_id, file_client_actor),
    // INTERNAL: the thread's last message.
    caf::result<void>(file_result),
    // INTERNAL: the thread has made its first frame.
    caf::result<void>(finish_atom),
    // INTERNAL: a tick of the clock.
    caf::result<void>(tick_atom)>;

  static inline const char* name = "file_worker";

  file_worker_state(interface::pointer self, file_work work, file_client_actor client, task_place place,
                    const av::engine& codecs);
  ~file_worker_state();

  interface::behavior_type make_behavior();

  bool outlives_clients() const;
  void follow(file_client_actor x);
  void lose_client();
  void deliver();
  void report();

  interface::pointer self;
  file_work work;
  file_client_actor client; ///< null while no client has it
  task_place place;
  const av::engine& codecs;
  std::unique_ptr<file_runner> runner;
  std::optional<file_result> result; ///< until the client has received it
};

using local_file_worker_actor = file_worker_state::interface;

local_file_worker_actor spawn_file_worker(caf::actor_system& system, file_work work, file_client_actor client,
                                          task_place place = {}, const av::engine& codecs = av::libav_engine());

} // namespace troupe
