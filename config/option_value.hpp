// Converts text to values and back, checked by the table row of each value.
#pragma once

#include "config/options.hpp"
#include "config/units.hpp"

#include <tl/expected.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace troupe::config {

/// The value that a source gives for a key: one text, or a list of texts.
struct raw_value {
  std::vector<std::string> items;
  bool is_list = false;
};

/// Reads `value` as the row demands and stores it in `x`.
/// @returns why it is not accepted and which values are allowed; a secret is not repeated in it.
tl::expected<void, complaint> assign(const option& row, configuration& x, const names& filled, const raw_value& value);

/// The value in the form that `assign` reads. A list gives one item for each entry.
raw_value value_of(const option& row, configuration& x, const names& filled);

/// The allowed values, for messages: "a duration such as 5s, from 100ms to 1m".
std::string describe_allowed(const option& row);

/// The default, for messages: "5s", "none", "the number of cores".
std::string describe_default(const option& row);

} // namespace troupe::config
