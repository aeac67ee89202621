// WORK FACTORY: makes the actor that does a task's one unit of work.
//
// The task owns everything else: it accepts work once, monitors the actor, and ends with it. The product has one
// factory. A program that needs other actors or another engine for its tasks hands its own to `nodes::node_main`.
#pragma once

#include "actors/jobs/file_worker.hpp"
#include "actors/live/transcoder.hpp"
#include "encoder/codec/engine.hpp"
#include "messages/actors.hpp"

#include <caf/actor_system.hpp>

namespace troupe {

class work_factory {
public:
  /// `codecs` makes the pictures of all work, and must outlive it.
  explicit work_factory(const av::engine& codecs = av::libav_engine()) : codecs_(codecs) {}

  virtual ~work_factory() = default;

  const av::engine& codecs() const noexcept {
    return codecs_;
  }

  /// The actor ends when its source has ended or its sink dies.
  virtual ingest_actor make_ingest(caf::actor_system& system, ingest_work work, sample_sink_actor sink,
                                   task_place place) const;

  /// The actor ends when its windows are delivered or its sink dies.
  virtual local_transcoder_actor make_transcoder(caf::actor_system& system, transcode_work work,
                                                 sample_sink_actor sink) const;

  /// The actor ends when a client has its result. `file_worker.hpp` says what it does without a client.
  virtual local_file_worker_actor make_file_worker(caf::actor_system& system, file_work work, file_client_actor client,
                                                   task_place place) const;

private:
  const av::engine& codecs_;
};

} // namespace troupe
