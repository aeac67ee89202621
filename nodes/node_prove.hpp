// What this machine can really do: each encoder and decoder tried in a child process, on each card that it may run on, so that a driver that crashes or
// hangs harms nothing; the result is kept in a file until the libraries, the cards or their drivers change.
#pragma once

#include "messages/daemon.hpp"

#include <atomic>
#include <string>

namespace troupe::nodes {

/// The first argument of such a child.
inline constexpr const char* prove_command = "prove-codecs";

/// The child: runs the trials on the devices in `argv[3]`, from the one with number `argv[2]` on, and prints a line before and after each.
int run_trials(int argc, char** argv);

/// What was found before, from `cache_file` (empty: no cache), else what comes of trying everything. Without `may_try` nothing is tried, and nothing
/// proven but what the cache holds. Trials that are under way when `stop` is set are broken off within a moment.
capabilities prove(const std::string& cache_file, bool may_try, const std::atomic<bool>& stop);

/// The same, where all that libav* lists is taken for working.
capabilities assume();

} // namespace troupe::nodes
