// The cluster's token: from the configuration, from its file, or made by the coordinator that starts a cluster.
#pragma once

#include "config/config.hpp"

#include <tl/expected.hpp>

#include <string>

namespace troupe::config {

/// The token that `x` names. If its file does not exist, a coordinator (role coordinator or all) makes one of 256
/// random bits, readable only by its owner. Other roles get an error that says what to do. Errors do not contain the
/// token.
tl::expected<std::string, std::string> cluster_token(const configuration& x);

/// 256 random bits, as text.
std::string fresh_secret();

/// The secret in the file `path`. If the file does not exist, it is made with `fresh`, readable only by its owner.
/// Errors do not contain the secret.
tl::expected<std::string, std::string> kept_secret(const std::string& path, const std::string& fresh = fresh_secret());

/// Makes `folder` and its parents, accessible only to their owner.
tl::expected<void, std::string> make_state_dir(const std::string& folder);

} // namespace troupe::config
