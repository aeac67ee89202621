// Rows of the option table that are in files of their own.
#pragma once

#include "config/options.hpp"

#include <vector>

namespace troupe::config {

/// Channels, profiles and ladders.
std::vector<option> media_rows();

} // namespace troupe::config
