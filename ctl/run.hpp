// What caf-ctl does, callable as a function.
#pragma once

#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

namespace troupe::ctl {

enum exit_code : int {
  done = 0,
  refused = 1,     ///< the coordinator refuses, or its answer is malformed
  wrong_usage = 2, ///< the arguments are wrong
  unreachable = 3, ///< no coordinator answers
};

/// What the environment says; empty: nothing.
struct surroundings {
  std::optional<std::string> url = {}; ///< TROUPE_URL
  std::string key = {};                ///< TROUPE_KEY
  std::string key_file = {};           ///< TROUPE_KEY_FILE
  std::string state_dir = {};          ///< where a coordinator of this user has its first key
};

/// `args` without the program's name. If `terminal`, `out` is a terminal, and `top` redraws until the program ends;
/// otherwise it prints once. Returns the exit code.
int run(const std::vector<std::string>& args, const surroundings& around, std::ostream& out, std::ostream& err,
        bool terminal);

} // namespace troupe::ctl
