// What a new node says to the coordinator over HTTPS: it joins by a token, and renews its certificate.
//
// The authority's certificate is fetched from a server that is not trusted yet. Only if it has the digest in the token,
// a connection that it verifies gets the token. A certificate comes back, and is checked.
#pragma once

#include "config/config.hpp"
#include "core/trust/join_token.hpp"
#include "trust/certificate.hpp"

#include <string>

#include <tl/expected.hpp>

namespace troupe::nodes {

struct join_failure {
  std::string text;
  bool passing = false; ///< another try may succeed
};

template <class T>
using join_result = tl::expected<T, join_failure>;

/// What a machine has once it has joined.
struct joined_node {
  trust::certificate certificate; ///< with its key
  std::string authority;          ///< PEM
  std::string secret;             ///< of the node, for the cluster port
};

/// Joins the cluster whose coordinator serves HTTPS at `at`. Blocks for a few seconds at most.
join_result<joined_node> join(const config::endpoint& at, const core::join_text& token, const std::string& name);

/// A new certificate with a new key for a node that has a valid one.
join_result<trust::certificate> renew(const config::endpoint& at, const trust::certificate& present,
                                      const trust::certificate& authority);

} // namespace troupe::nodes
