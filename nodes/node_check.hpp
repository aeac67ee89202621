// Finds the parts of a configuration that can never work, as far as this machine's libraries can tell.
#pragma once

#include "config/config.hpp"

#include <string>
#include <vector>

namespace troupe::nodes {

/// Tests the source kinds, encoders, presets and options of channels and profiles; encoders are opened. Hardware
/// encoders are only looked up, because this machine may have no such GPU. One sentence for each fault.
std::vector<std::string> faults_in_media(const config::configuration& x);

} // namespace troupe::nodes
