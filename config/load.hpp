// A node's configuration from all its sources: flags override the environment, the environment overrides the file, and
// the file overrides the defaults.
#pragma once

#include "config/config.hpp"
#include "config/problem.hpp"
#include "config/sources.hpp"

#include <tl/expected.hpp>

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::config {

/// For each key whose value is not the default: where it was set.
using origins = std::map<std::string, origin>;

struct loaded {
  configuration config;
  config::mode mode = mode::run;
  std::vector<std::string> warnings; ///< to be logged at each start
  config::origins origins;
};

/// Reads arguments, environment and the file that they name, and checks everything, including the files that the
/// configuration names. With `help`, `version` and `print_reference` only the arguments are read.
/// @param argv as main() gets it; `argv[0]` is skipped.
/// @param environ null-terminated "NAME=value".
tl::expected<loaded, problems> load(int argc, const char* const* argv, const char* const* environ);

/// The folder for a node's persistent state, unless `node.state_dir` is set.
std::string usual_state_dir(const environment& variables);

/// The same for arguments without the program's name, and an environment as a map.
tl::expected<loaded, problems> load(std::span<const std::string> arguments, const environment& variables);

/// The same for a text in memory. No file is read, and files that keys name need not exist.
/// @param name the name of the text in problems.
tl::expected<loaded, problems> load_yaml(std::string_view text, std::string_view name,
                                         const environment& variables = {});

} // namespace troupe::config
