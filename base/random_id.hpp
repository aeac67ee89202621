// Random numbers for names.
#pragma once

#include <cstdint>

namespace troupe::base {

/// A random number from the kernel, never 0: unique and impossible to guess.
uint64_t random_id();

} // namespace troupe::base
