// How many descriptors a process may have open.
#pragma once

#include <cstdint>

namespace troupe::base {

/// Raises the limit of this process as far as it may itself, and returns what it is now. What it starts afterwards inherits it.
uint64_t raise_descriptor_limit() noexcept;

} // namespace troupe::base
