// The cluster's own authority, opened for a coordinator.
#pragma once

#include "config/config.hpp"
#include "trust/cluster_authority.hpp"

#include <memory>
#include <string>

#include <tl/expected.hpp>

namespace troupe::nodes {

/// Makes the authority at the first start. The error says what cannot be read or written.
tl::expected<std::shared_ptr<trust::cluster_authority>, std::string> open_authority(const config::configuration& x);

/// True if the coordinator proves itself at the cluster port by a certificate of that authority.
bool uses_own_authority(const config::configuration& x);

/// Why no machine can join this coordinator; empty if machines can.
std::string join_fault(const config::configuration& x);

/// The files by which a node with this state folder proves itself.
config::tls_options node_certificates(const std::string& state_dir);

} // namespace troupe::nodes
