// The cluster's token: from the configuration, from its file, or made by the coordinator that starts a cluster.
#pragma once

#include "config/config.hpp"

#include <tl/expected.hpp>

#include <string>

namespace troupe::config {

/// The token that `x` leads to. Where it is to come from a file that does not exist, a coordinator (role coordinator
/// or all) makes one of 256 random bits, readable by its owner alone; other roles are told what to do. Errors do not
/// hold the token.
tl::expected<std::string, std::string> cluster_token(const configuration& x);

/// The secret in the file `path`, which is made, of 256 random bits and readable by its owner alone, where it does not exist. Errors do not hold it.
tl::expected<std::string, std::string> kept_secret(const std::string& path);

/// Makes `folder` and its parents, for its owner alone.
tl::expected<void, std::string> make_state_dir(const std::string& folder);

} // namespace troupe::config
