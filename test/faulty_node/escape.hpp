// A task that hostile media has taken over: it tries to get out of its cage.
#pragma once

#include <string>

namespace troupe::test {

/// The number of attempts.
inline constexpr int escapes = 8;

/// Makes each attempt, and writes a line into the log for it: "an escape was refused" or "an escape SUCCEEDED". `folder`
/// holds the cluster's files: "cluster.yaml" and the folder of the worker "one".
void try_to_escape(const std::string& folder);

} // namespace troupe::test
