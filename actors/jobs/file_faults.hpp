// Deliberate faults of a file worker: for tests of how a job treats untrustworthy workers.
#pragma once

#include <cstdint>

namespace troupe {

struct file_faults {
  enum class lie : uint8_t {
    none,
    frames,   ///< reports one picture more than the chunk has
    checksum, ///< reports another checksum than the chunk file's
    attempt,  ///< reports its result twice, the first time under the previous attempt
  };

  lie tells = lie::none;
};

} // namespace troupe
