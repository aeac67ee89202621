// Numbers that name things.
#pragma once

#include <cstdint>

namespace troupe::base {

/// From the kernel, never 0: no two are alike, and nobody can guess one.
uint64_t random_id();

} // namespace troupe::base
