// The certificate of a coordinator's HTTPS server, and the names that it must prove.
#pragma once

#include "config/config.hpp"
#include "trust/server_certificate.hpp"

#include <memory>
#include <string>

#include <tl/expected.hpp>

namespace troupe::nodes {

/// Null if there is no HTTPS. `authority` signs what the server makes. The error says what cannot be read, made or
/// used.
tl::expected<std::shared_ptr<trust::server_certificate>, std::string>
open_certificate(const config::configuration& x, std::shared_ptr<const trust::certificate> authority);

} // namespace troupe::nodes
