// The problems of a configuration, precise enough to fix them.
#pragma once

#include <string>
#include <vector>

namespace troupe::config {

/// The place where a value or a problem came from.
struct origin {
  std::string file;     ///< a path, "environment", "command line", or empty for a default
  int line = 0;         ///< from 1; 0 if there are no lines
  std::string variable; ///< the environment variable or flag as it was written; empty for files

  bool operator==(const origin&) const = default;
};

/// One mistake. `text` says what is wrong and what is allowed; it contains no secrets.
struct problem {
  origin from;
  std::string key; ///< empty if the problem concerns no key
  std::string text;

  bool operator==(const problem&) const = default;
};

using problems = std::vector<problem>;

/// "config/cluster.yaml:12", "environment: TROUPE_HTTP_LISTEN", "default".
std::string to_string(const origin& x);

/// "config/cluster.yaml:12: http.listn: unknown key; did you mean http.listen?".
std::string to_string(const problem& x);

} // namespace troupe::config
