// How a file worker may misbehave, for tests of what a job makes of workers that cannot be trusted.
#pragma once

#include <cstdint>

namespace troupe {

struct file_faults {
  enum class lie : uint8_t {
    none,
    frames,   ///< says that a chunk has one picture more than it has
    checksum, ///< says another checksum than the chunk file's
    attempt,  ///< says its result twice, first in the name of the attempt before
  };

  lie tells = lie::none;
};

} // namespace troupe
