// Joining: the commands that make, list and revoke join tokens, and that list and revoke nodes.
#pragma once

#include "ctl/options.hpp"

#include <iosfwd>
#include <string>

#include <boost/json/value.hpp>

namespace troupe::ctl {

std::string show_tokens(const boost::json::value& answer);

/// Prints the new token alone, so that a script can take it; how it is used goes to `err`.
int create_token(const options& with, std::ostream& out, std::ostream& err);

int revoke_token(const options& with, std::ostream& out, std::ostream& err);

std::string show_nodes(const boost::json::value& answer);

int revoke_node(const options& with, std::ostream& out, std::ostream& err);

} // namespace troupe::ctl
