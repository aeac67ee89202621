// YAML text as a small tree with line numbers. Limits apply before anything is built. Anchors, aliases, tags and
// multiple documents are refused: a configuration does not need them, and they can make small files huge.
#pragma once

#include "config/problem.hpp"

#include <tl/expected.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::config {

struct yaml_node {
  enum class type : uint8_t { null, scalar, list, map };

  type is = type::null;
  int line = 0;                    ///< from 1
  std::string text;                ///< of a scalar
  std::vector<std::string> keys;   ///< of a map, one for each child; no duplicates
  std::vector<yaml_node> children; ///< of a list or a map
};

/// Reads one document.
/// @param name the name of the text in problems: its file.
tl::expected<yaml_node, problems> parse_yaml(std::string_view text, std::string_view name);

} // namespace troupe::config
