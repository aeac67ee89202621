// What the store refuses, as an error that crosses actors.
#pragma once

#include "store/error.hpp"

#include <caf/error.hpp>

namespace troupe {

caf::error to_error(const store::error& x);

} // namespace troupe
