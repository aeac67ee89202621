// What no work could ever be done with in a configuration, as far as this machine's libraries can tell.
#pragma once

#include "config/config.hpp"

#include <string>
#include <vector>

namespace troupe::nodes {

/// Tries what channels and profiles name: kinds of sources, and encoders with their presets and options, which are
/// opened. Encoders in hardware are only looked up: this machine may have no such card. One sentence for each fault.
std::vector<std::string> faults_in_media(const config::configuration& x);

} // namespace troupe::nodes
