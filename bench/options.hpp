// The options of every command, and the parser of command lines.
#pragma once

#include "bench/command.hpp"
#include "bench/report.hpp"

#include <boost/program_options.hpp>

#include <cstdio>
#include <iostream>
#include <optional>
#include <string>

namespace troupe::bench {

/// Adds `--help`, `--json` and `--quick`, and parses. `positional` names the option that a bare argument fills, if any.
/// For `--help` it prints the help and returns nothing. Throws if the arguments do not parse.
inline std::optional<boost::program_options::variables_map> parse(const arguments& given, const std::string& usage,
                                                                  boost::program_options::options_description options,
                                                                  const char* positional = nullptr) {
  namespace po = boost::program_options;
  options.add_options()("help,h", "print this");
  options.add_options()("json", "one JSON object instead of a table");
  options.add_options()("quick", "less, in less time; the output says what is left out");
  po::positional_options_description bare;
  if (positional != nullptr)
    bare.add(positional, 1);
  po::variables_map values;
  po::store(po::command_line_parser(given).options(options).positional(bare).run(), values);
  if (values.count("help") > 0) {
    std::cout << "usage: caf-bench " << usage << "\n" << options;
    return std::nullopt;
  }
  po::notify(values);
  return values;
}

/// Prints in the way that the command line asks for.
inline void print(const report& result, const boost::program_options::variables_map& values) {
  print(result, values.count("json") > 0, values.count("quick") > 0);
}

} // namespace troupe::bench
