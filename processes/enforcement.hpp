// Whether a limit or another measure holds, and by what.
#pragma once

#include <cerrno>
#include <cstring>
#include <string>

namespace troupe::limits {

struct enforcement {
  bool enforced = false;
  std::string how; ///< the mechanism; or why it does not hold
};

/// The outcome of a system call that has just returned.
inline enforcement outcome_of(bool done, const char* how) {
  return done ? enforcement{true, how} : enforcement{false, std::string{how} + ": " + std::strerror(errno)};
}

/// Adds "cpu 1.5 by cgroup v2", or "cpu 1.5 not enforced (why)", to a list.
inline void say(std::string& to, const std::string& what, const enforcement& x) {
  to += (to.empty() ? "" : ", ") + what + (x.enforced ? " by " + x.how : " not enforced (" + x.how + ")");
}

} // namespace troupe::limits
