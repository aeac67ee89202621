// The store's errors, as errors that cross actors.
#pragma once

#include "store/error.hpp"

#include <caf/error.hpp>

namespace troupe {

caf::error to_error(const store::error& x);

} // namespace troupe
