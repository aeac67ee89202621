// Prints figures as a table for humans or as one JSON object for programs.
#pragma once

#include "bench/figure.hpp"
#include "rig/delivery/verdict.hpp"

#include <string>
#include <vector>

namespace troupe::bench {

struct report {
  std::string name; ///< of the command
  std::vector<figure> figures;
  std::vector<std::string> notes;                   ///< the conditions of the measurement, and its problems
  std::vector<std::string> left_out;                ///< parts of the full run that `--quick` does not make
  std::vector<delivery::violation> violations = {}; ///< for a command that judges

  /// Notes that only `made` of `whole` things are made, for example 3 of 5 pairs.
  void leave_out(size_t made, size_t whole, const std::string& what);
};

/// Prints to standard output. JSON: `{"name", "commit", "machine", "figures": {...}, "notes": [...]}` in one line, with
/// `--quick` also `"left_out": [...]`, and `"violations": [{"rule", "sentence", "place", "found", "count"}...]` if there
/// are any.
void print(const report& result, bool json, bool quick);

/// The commit that this program was built from, with "+" if the tree had changes; "unknown" outside a checkout.
std::string commit();

/// Processor and core count, for example "AMD EPYC 7B13, 2 cores".
std::string machine();

} // namespace troupe::bench
