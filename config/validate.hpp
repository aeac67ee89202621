// What no key by itself can get wrong: rules between keys, and the files that keys point to.
#pragma once

#include "config/load.hpp"

namespace troupe::config {

/// Checks the rules between keys and adds what a start should warn of to `x.warnings`. Touches no file.
problems validate(loaded& x);

/// Checks that the files which `x` points to are there and can be read.
problems check_files(const loaded& x);

} // namespace troupe::config
