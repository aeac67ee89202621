// Reads values from a file's tree, the environment and the command line. Each reader returns the rows that it sets, in
// one form, with the place of each value. config/load.cpp combines them.
#pragma once

#include "config/option_value.hpp"
#include "config/options.hpp"
#include "config/problem.hpp"
#include "config/yaml.hpp"

#include <tl/expected.hpp>

#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::config {

using environment = std::map<std::string, std::string, std::less<>>;

/// One value for one key.
struct setting {
  const option* row = nullptr;
  config::names names;
  raw_value value;
  origin from;
  value_part part = value_part::whole; ///< which part of an address the value is
};

struct settings {
  std::vector<setting> values;
  problems wrong;
  std::vector<std::string> warnings;
};

/// `text` with each `${VAR}` replaced by the variable. `${VAR:-text}` becomes the text if the variable is unset or
/// empty. `$${` stands for `${`.
tl::expected<std::string, complaint> expand(std::string_view text, const environment& variables);

/// The value of a flag or a variable: for rows that take a list, "[first, second]" is a list.
tl::expected<raw_value, complaint> split_list(const option& row, std::string_view text);

settings from_yaml(const yaml_node& root, std::string_view file, const environment& variables);

/// Variables named TROUPE_*. A variable without a row is an error. A free name is compared with the names in `known`,
/// ignoring case and with "_" for "." and "-"; if none matches, it is taken in lower case.
settings from_environment(const environment& variables, const configuration& known);

/// Variables of another product, TVARR_*, that rows list as their aliases.
settings from_aliases(const environment& variables);

/// The purpose of this process.
enum class mode : uint8_t { run, check_config, print_config, print_reference, help, version };

struct command_line {
  config::mode mode = mode::run;
  std::string file; ///< --config
  settings given;
};

/// @param arguments without the program's name.
command_line from_arguments(std::span<const std::string> arguments);

/// The flags that belong to no row, and their effect.
struct special_flag {
  std::string_view flag;
  std::string_view help;
};

std::span<const special_flag> special_flags();

} // namespace troupe::config
