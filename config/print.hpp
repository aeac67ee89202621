// Prints the configuration: the effective values, the reference page, the flags.
#pragma once

#include "config/load.hpp"

#include <string>
#include <vector>

namespace troupe::config {

/// The whole configuration as YAML that `load` accepts. Each value that is not a default is shown with the place where
/// it was set. Secrets, and credentials in URLs, are masked.
std::string print_yaml(const loaded& x);

/// A list as the value of a flag: ["/home", "/srv"].
std::string print_list(const std::vector<std::string>& x);

/// The text of docs/configuration.md.
std::string print_reference();

/// The answer to --help.
std::string print_help();

} // namespace troupe::config
