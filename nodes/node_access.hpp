// What the orders that this node works on may reach, from its configuration.
#pragma once

#include "base/path_roots.hpp"
#include "config/config.hpp"
#include "encoder/source/source_access.hpp"

#include <memory>
#include <string>
#include <vector>

namespace troupe::nodes {

/// Files that may be sources: those of `paths.read`, and those that the node itself keeps for jobs. Never its secrets.
base::path_roots source_files(const config::configuration& x);

/// Where results may be written, likewise.
base::path_roots result_files(const config::configuration& x);

std::shared_ptr<const av::source_access> source_access_of(const config::configuration& x);

/// The arguments that give a task the same view.
std::vector<std::string> access_arguments(const config::configuration& x);

} // namespace troupe::nodes
