#include "base/descriptor_limit.hpp"

#include <sys/resource.h>

namespace troupe::base {

uint64_t raise_descriptor_limit() noexcept {
  constexpr uint64_t fallback = 256; // at least what every POSIX system allows
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0)
    return fallback;
  auto before = limit.rlim_cur;
  limit.rlim_cur = limit.rlim_max;
  return ::setrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : before;
}

} // namespace troupe::base
