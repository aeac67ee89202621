// The secret by which a task joins: its own, made of the cluster's token and the ids of the task and its host.
//
// A task reads media from anywhere. So it gets this key instead of the token: whoever steals it can join as this one
// task again, but not as a worker.
#pragma once

#include "base/secret.hpp"
#include "base/sha256.hpp"
#include "messages/cluster.hpp"

#include <string>
#include <string_view>

namespace troupe {

inline std::string task_key(std::string_view token, task_id task, worker_id host) {
  return base::hmac_sha256(token, "task " + to_string(task) + " of " + to_string(host));
}

/// Whether a task that joins has the key that a host with this token gave it.
inline bool has_key(const task_join& x, std::string_view token) {
  return !token.empty() && base::same_secret(x.key, task_key(token, x.task, x.host));
}

} // namespace troupe
