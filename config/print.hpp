// What people see of the configuration: the values that hold, the reference page, the flags.
#pragma once

#include "config/load.hpp"

#include <string>

namespace troupe::config {

/// The whole configuration as YAML that `load` takes again, each value that is not at its default with where it was
/// set. Secrets, and credentials in URLs, are masked.
std::string print_yaml(const loaded& x);

/// docs/configuration.md.
std::string print_reference();

/// The answer to --help.
std::string print_help();

} // namespace troupe::config
