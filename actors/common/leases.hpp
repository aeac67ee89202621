// The coordinator as seen by the actors that have work done: channel sessions and jobs.
#pragma once

#include "messages/actors.hpp"
#include "packaging/rendition_ptr.hpp"

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

namespace troupe {

/// For each attempt, how many requests are ahead of its own.
using queue_places = std::unordered_map<attempt_id, uint32_t>;

} // namespace troupe

CAF_BEGIN_TYPE_ID_BLOCK(troupe_local, caf::id_block::troupe_actors::end)

  CAF_ADD_TYPE_ID(troupe_local, (troupe::queue_places))
  CAF_ADD_TYPE_ID(troupe_local, (troupe::rendition_ptr))

CAF_END_TYPE_ID_BLOCK(troupe_local)

// This type stays in this process: CAF refuses to serialize it, so it can never cross a node.
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::queue_places)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::rendition_ptr)

namespace troupe {

/// Grants leases and takes them back. All requests are delegated to the registry, so that sessions and jobs survive a
/// restart of the registry.
using leases_actor = caf::typed_actor<
  // Waits for a slot and a task process, no longer than the selection timeout.
  caf::result<lease, task_actor>(lease_request),
  // The lease's work is over.
  caf::result<void>(release_atom, lease_id, lease_end),
  // What the lease's task reports about its work.
  caf::result<void>(lease_id, work_statistics),
  // The lease's task has opened its encoder; false if the task must end.
  caf::result<bool>(confirm_atom, lease_id),
  // The lease's device refused its task, for this reason.
  caf::result<void>(quarantine_atom, lease_id, std::string),
  // How a process of the worker ended; answered when it has ended.
  caf::result<task_exit>(status_atom, worker_id, task_id),
  // All workers.
  caf::result<std::vector<daemon_status>>(daemons_atom),
  // The requests that wait for a place.
  caf::result<queue_places>(status_atom),
  // A job takes over a task of an earlier coordinator, with a lease; `no_worker` if its worker is unknown and the
  // request's `last_resort` is not set.
  caf::result<lease, task_actor>(task_join, lease_request, orphan_actor),
  // The rendition (channel, profile) kills the tasks that make it, for this reason: it is refused for a while.
  caf::result<void>(quarantine_atom, std::string, std::string, std::string)>;

} // namespace troupe
