// The keys of the API: which one this program shows, and the commands that list, make and revoke keys.
#pragma once

#include "ctl/options.hpp"
#include "ctl/run.hpp"

#include <iosfwd>
#include <string>

#include <boost/json/value.hpp>
#include <tl/expected.hpp>

namespace troupe::ctl {

/// The key for the coordinator; empty if none is needed or known. It comes from --key-file, TROUPE_KEY,
/// TROUPE_KEY_FILE, or from the file that a coordinator of this user wrote at its first start. That file is used only
/// for a coordinator on this machine that wants a key. The error says which file cannot be read, and why.
tl::expected<std::string, std::string> find_key(const options& with, const surroundings& around);

std::string show_keys(const boost::json::value& answer);

/// Prints the new key alone, so that a script can take it; what it is goes to `err`.
int create_key(const options& with, std::ostream& out, std::ostream& err);

int revoke_key(const options& with, std::ostream& out, std::ostream& err);

/// Prints the URL for a player.
int make_address(const options& with, std::ostream& out, std::ostream& err);

} // namespace troupe::ctl
