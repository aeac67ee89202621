// The part of the command line that is about keys, players' addresses, join tokens and nodes.
#pragma once

#include "ctl/options.hpp"

#include <optional>
#include <string>
#include <vector>

#include <boost/program_options/options_description.hpp>
#include <boost/program_options/variables_map.hpp>

namespace troupe::ctl {

boost::program_options::options_description described_keys();

/// Reads commands that begin with `keys` or `address`. The mistake in the arguments, if there is one.
std::optional<std::string> parse_keys(const std::vector<std::string>& words,
                                      const boost::program_options::variables_map& given, options& result);

/// The same for `join-token` and `nodes`. Called after `parse_keys`.
std::optional<std::string> parse_nodes(const std::vector<std::string>& words,
                                       const boost::program_options::variables_map& given, options& result);

} // namespace troupe::ctl
