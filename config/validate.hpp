// Checks across keys: rules between them, and the files that they name.
#pragma once

#include "config/load.hpp"

namespace troupe::config {

/// Checks the rules between keys, and adds warnings for each start to `x.warnings`. Reads no file.
problems validate(loaded& x);

/// Checks that the files named in `x` exist and can be read.
problems check_files(const loaded& x);

} // namespace troupe::config
