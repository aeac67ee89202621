#include "base/random_id.hpp"

#include <sys/random.h>

namespace troupe::base {

uint64_t random_id() {
  uint64_t result = 0;
  while (result == 0)
    if (::getrandom(&result, sizeof(result), 0) != sizeof(result))
      result = 0;
  return result;
}

} // namespace troupe::base
