#include "encoder/scheduling.hpp"

#include <sched.h>

namespace troupe::av {

void prefer_throughput() noexcept {
  sched_param none{};
  sched_setscheduler(0, SCHED_BATCH, &none);
}

} // namespace troupe::av
