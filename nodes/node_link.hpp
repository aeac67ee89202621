// Sets up the link between nodes from the configuration.
#pragma once

#include "actors/cluster/link.hpp"
#include "config/config.hpp"

namespace troupe::nodes {

inline link_config coordinator_link(const config::cluster_options& x, const config::endpoint& at) {
  return {at.host, at.port, x.tls.ca, x.tls.certificate, x.tls.key};
}

} // namespace troupe::nodes
