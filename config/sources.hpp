// The places that values come from: a file's tree, the environment, the command line. Each gives the rows that it
// sets, in one form, with where each value was written; config/load.cpp puts them on top of each other.
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
  value_part part = value_part::whole; ///< what of an address the value is
};

struct settings {
  std::vector<setting> values;
  problems wrong;
  std::vector<std::string> warnings;
};

/// `text` with each `${VAR}` replaced by the variable, and `${VAR:-text}` by the text where the variable is not set or
/// empty. `$${` stands for `${`.
tl::expected<std::string, complaint> expand(std::string_view text, const environment& variables);

/// The value of a flag or a variable: for rows that take a list, "[first, second]" is one.
tl::expected<raw_value, complaint> split_list(const option& row, std::string_view text);

settings from_yaml(const yaml_node& root, std::string_view file, const environment& variables);

/// Variables named TROUPE_*. Any that no row knows is wrong. A free name is compared with those that `known` holds,
/// without regard to case and with "_" for "." and "-"; where none is like it, it is taken in lower case.
settings from_environment(const environment& variables, const configuration& known);

/// Variables of another product that rows name as their aliases: TVARR_*.
settings from_aliases(const environment& variables);

/// What a process was started for.
enum class mode : uint8_t { run, check_config, print_config, print_reference, help, version };

struct command_line {
  config::mode mode = mode::run;
  std::string file; ///< --config
  settings given;
};

/// @param arguments without the program's name.
command_line from_arguments(std::span<const std::string> arguments);

/// The flags beside those of the rows, with what they do.
struct special_flag {
  std::string_view flag;
  std::string_view help;
};

std::span<const special_flag> special_flags();

} // namespace troupe::config
