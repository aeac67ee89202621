// The limit on open descriptors of a process.
#pragma once

#include <cstdint>

namespace troupe::base {

/// Raises this process's limit as far as it is allowed to, and returns the new limit. Child processes that start later
/// inherit it.
uint64_t raise_descriptor_limit() noexcept;

} // namespace troupe::base
