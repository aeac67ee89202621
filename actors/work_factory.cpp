#include "actors/work_factory.hpp"

#include "actors/live/ingest.hpp"
#include "actors/live/transcoder.hpp"

#include <utility>

namespace troupe {

ingest_actor work_factory::make_ingest(caf::actor_system& system, ingest_work work, sample_sink_actor sink,
                                       task_place place) const {
  return spawn_ingest(system, std::move(work), std::move(sink), std::move(place.access));
}

local_transcoder_actor work_factory::make_transcoder(caf::actor_system& system, transcode_work work,
                                                     sample_sink_actor sink) const {
  return spawn_transcoder(system, std::move(work), std::move(sink), codecs_);
}

local_file_worker_actor work_factory::make_file_worker(caf::actor_system& system, file_work work,
                                                       file_client_actor client, task_place place) const {
  return spawn_file_worker(system, std::move(work), std::move(client), std::move(place), codecs_);
}

} // namespace troupe
