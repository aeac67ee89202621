// The keys of the HTTP interface and its audit log: opened in the store of the jobs. The first key is made at the first
// start.
#pragma once

#include "config/config.hpp"
#include "trust/audit_log.hpp"
#include "trust/key_ring.hpp"

#include <memory>
#include <string>

#include <tl/expected.hpp>

namespace troupe::nodes {

/// The file in the state folder with the text of the first key.
inline constexpr const char* first_key_file = "admin.key";

/// The file with what signs sessions and players' addresses.
inline constexpr const char* session_key_file = "session.key";

/// The error says what cannot be read or written.
tl::expected<std::shared_ptr<trust::key_ring>, std::string> open_keys(const config::configuration& x);

/// The same for the audit log.
tl::expected<std::shared_ptr<trust::audit_log>, std::string> open_audit(const config::configuration& x);

} // namespace troupe::nodes
