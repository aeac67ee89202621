// The coordinator as seen within its own process, for example by the HTTP server. It understands the public coordinator
// protocol, the lease messages, the file-job messages and those below.
#pragma once

#include "actors/common/leases.hpp"
#include "actors/jobs/jobs_actor.hpp"
#include "messages/actors.hpp"

#include <string>
#include <vector>

namespace troupe {

/// Makes all message types known to CAF: those of messages/ and those that never leave a process. Call it once, before
/// the first actor system of the process.
void register_node_types();

/// The coordinator with all messages that never leave its process. Messages about file jobs are delegated to their
/// queue.
using gateway_actor = coordinator_actor::extend_with<leases_actor>::extend_with<jobs_actor>::extend<
  // The cluster port is open, and tasks reach it at this address ("host:port"): ingest may start.
  caf::result<void>(register_atom, std::string),
  // Starts the channel and the rendition if they do not run yet. Returns the stream once its first bytes are there.
  // Errors: unknown_channel, unknown_profile, no_worker, source_failed, encode_failed, limit, timeout, stopping.
  // Answers within `live.open_timeout` plus `cluster.selection_timeout` plus a few seconds.
  caf::result<rendition_ptr>(watch_atom, std::string /* channel */, std::string /* profile */),
  // Commands to a worker, given by name or id; passed on to the registry. Error: unknown_daemon.
  caf::result<void>(drain_atom, std::string), caf::result<void>(resume_atom, std::string),
  caf::result<void>(remove_atom, std::string),
  // All running channels.
  caf::result<std::vector<session_status>>(sessions_atom),
  // All configured channels and profiles.
  caf::result<std::vector<channel_status>>(channels_atom), caf::result<std::vector<profile>>(profiles_atom)>;

} // namespace troupe
