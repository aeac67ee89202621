// Prints figures as a table for humans or as one JSON object for programs.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace troupe::bench {

struct report {
  std::string name; ///< of the command
  std::vector<std::pair<std::string, double>> figures;
  std::vector<std::string> notes; ///< for the table only: the conditions of the measurement, and its problems
};

/// Prints to standard output. JSON: `{"name", "commit", "machine", "figures": {...}}` in one line.
void print(const report& result, bool json);

/// The commit that this program was built from, with "+" if the tree had changes; "unknown" outside a checkout.
std::string commit();

/// Processor and core count, for example "AMD EPYC 7B13, 2 cores".
std::string machine();

} // namespace troupe::bench
