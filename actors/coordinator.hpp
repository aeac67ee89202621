// COORDINATOR: the root of the coordinator's node. It holds the supervision tree, the configured channels and profiles,
// and the public protocol.
//
// It starts the registry, the host of ingest tasks, the queue of file jobs, and a channel session for each channel with
// a client. It watches all of them:
// - the registry dies: a new one is started, at most `restarts_max` times in `restart_window`; workers and tasks see
//   the death and register again;
// - the ingest host dies: as with the registry;
// - the queue of file jobs dies: as with the registry; running jobs end with it and are started again from the store;
// - a session dies: its clients' streams end; the next request starts another.
//
// If the coordinator itself dies, its node ends: durable state is in the store.
#pragma once

#include "actors/cluster/daemon_registry.hpp"
#include "actors/cluster/task_host.hpp"
#include "actors/gateway.hpp"
#include "actors/jobs/job_queue.hpp"
#include "actors/live/session.hpp"
#include "core/live/quarantine.hpp"
#include "messages/actors.hpp"

#include <caf/actor_system.hpp>

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <string>

namespace troupe {

/// The functions that start the supervised actors: at the coordinator's own start, and again when one has died.
struct coordinator_parts {
  std::function<local_registry_actor(caf::actor_system&, daemon_registry_config)> registry = spawn_daemon_registry;
  std::function<local_task_host_actor(caf::actor_system&, task_host_config)> ingest_host = spawn_task_host;
  std::function<job_queue_actor(caf::actor_system&, job_queue_config, leases_actor)> jobs = spawn_job_queue;
  std::function<session_actor(caf::actor_system&, session_actor_config, session_id, channel, leases_actor)> session =
    spawn_session;
};

struct coordinator_config {
  daemon_registry_config registry;
  task_host_config ingest_host;
  session_actor_config session;
  job_queue_config jobs;
  std::map<std::string, channel> channels;
  std::map<std::string, profile> profiles;
  std::map<std::string, core::ladder> ladders; ///< of known profiles
  uint32_t sessions_max = 256;
  uint32_t restarts_max = 5;
  std::chrono::milliseconds restart_window{60'000};
  coordinator_parts start = {};
};

struct coordinator_state {
  using interface = gateway_actor;

  static inline const char* name = "coordinator";

  coordinator_state(interface::pointer self, coordinator_config config);
  ~coordinator_state();

  interface::behavior_type make_behavior();

  channel_status status_of(const channel& x);
  void start_registry();
  void start_ingest_host();
  void start_jobs();
  void on_down(const caf::down_msg& x);

  /// False if it has restarted too often: then the node gives up.
  bool may_restart(const char* what);

  using stream_promise = caf::typed_response_promise<rendition_ptr>;

  /// Passes a client to the channel's session, and starts the session if there is none. `again`: the previous session
  /// had just ended.
  void watch(const std::string& channel, const std::string& profile, stream_promise answer, bool again);
  caf::result<std::vector<session_status>> sessions_status();

  interface::pointer self;
  coordinator_config config;
  std::map<std::string, profile> renditions; ///< what can be watched: the profiles, and those of ladders
  local_registry_actor registry;
  local_task_host_actor ingest_host;
  job_queue_actor jobs;
  std::map<std::string, session_actor> sessions; ///< by channel
  core::quarantine_list quarantined;             ///< by "channel/profile"
  std::deque<std::chrono::steady_clock::time_point> restarts;
  uint64_t next_session = 1;
};

gateway_actor spawn_coordinator(caf::actor_system& system, coordinator_config config);

} // namespace troupe
