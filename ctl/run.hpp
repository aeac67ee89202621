// What caf-ctl does, apart from being a program.
#pragma once

#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

namespace troupe::ctl {

enum exit_code : int {
  done = 0,
  refused = 1,     ///< the coordinator says no, or its answer makes no sense
  wrong_usage = 2, ///< the arguments make no sense
  unreachable = 3, ///< no coordinator answers
};

/// `args` without the program's name. `terminal`: `out` is one, so `top` redraws until the program is ended; else it prints once.
/// Returns the exit code.
int run(const std::vector<std::string>& args, const std::optional<std::string>& environment_url, std::ostream& out,
        std::ostream& err, bool terminal);

} // namespace troupe::ctl
