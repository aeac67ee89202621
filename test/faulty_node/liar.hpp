// Stands between a file worker and its client, and lies about finished chunks.
#pragma once

#include "messages/actors.hpp"

#include <caf/actor_system.hpp>

#include <string>

namespace troupe::test {

/// The lies are: "frames", one picture more than the chunk has; "checksum", a checksum other than the chunk file's;
/// "attempt", first a false result with the number of the previous attempt, and then the true result.
file_client_actor spawn_liar(caf::actor_system& system, attempt_id attempt, file_client_actor client, std::string lie);

} // namespace troupe::test
