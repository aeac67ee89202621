// Text to value and back, checked by the row that the value belongs to.
#pragma once

#include "config/options.hpp"
#include "config/units.hpp"

#include <tl/expected.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace troupe::config {

/// What a source gives for a key: one text, or a list of them.
struct raw_value {
  std::vector<std::string> items;
  bool is_list = false;
};

/// Reads `value` as the row wants it and puts it into `x`.
/// @returns why it is not accepted and what is allowed; a secret is not repeated in it.
tl::expected<void, complaint> assign(const option& row, configuration& x, const names& filled, const raw_value& value);

/// The value as `assign` reads it. A list gives one item each.
raw_value value_of(const option& row, configuration& x, const names& filled);

/// What is allowed, for people: "a duration such as 5s, from 100ms to 1m".
std::string describe_allowed(const option& row);

/// The default, for people: "5s", "none", "the number of cores".
std::string describe_default(const option& row);

} // namespace troupe::config
