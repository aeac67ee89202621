// The rows of the table that stand in files of their own.
#pragma once

#include "config/options.hpp"

#include <vector>

namespace troupe::config {

/// Channels and profiles.
std::vector<option> media_rows();

} // namespace troupe::config
