// A node's configuration from everything that says something of it: flags go before the environment, the environment
// before the file, the file before the defaults.
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

/// Where each key that is not at its default was set.
using origins = std::map<std::string, origin>;

struct loaded {
  configuration config;
  config::mode mode = mode::run;
  std::vector<std::string> warnings; ///< to be logged at each start
  config::origins origins;
};

/// Reads arguments, environment and the file that they name, and checks all of it, including the files that it points
/// to. With `help`, `version` and `print_reference` nothing but the arguments is looked at.
/// @param argv as main() gets it, `argv[0]` is skipped.
/// @param environ null-terminated "NAME=value".
tl::expected<loaded, problems> load(int argc, const char* const* argv, const char* const* environ);

/// The same on values, without the program's name.
tl::expected<loaded, problems> load(std::span<const std::string> arguments, const environment& variables);

/// The same for a text in memory. No file is touched: what keys point to need not exist.
/// @param name what problems call the text.
tl::expected<loaded, problems> load_yaml(std::string_view text, std::string_view name,
                                         const environment& variables = {});

} // namespace troupe::config
