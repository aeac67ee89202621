// Actors log a lot: `log::` is the logger's namespace here.
#pragma once

#include "telemetry/log.hpp"

namespace troupe {

namespace log = telemetry::log;

} // namespace troupe
