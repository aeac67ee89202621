// What has to be right before a node begins: its files are private, the token is there, the store is its own.
#pragma once

#include "config/config.hpp"
#include "store/claim.hpp"

#include <tl/expected.hpp>

#include <cstdint>
#include <functional>
#include <string>

#include <signal.h>

namespace troupe::nodes {

/// The signals that end a node.
sigset_t ending_signals();

/// False, with the reason logged, where everybody may change the node's secrets or state; warns of those that others may read.
bool check_private(const config::configuration& x);

/// A worker may start before its coordinator has made the token that both read, as they do where a machine starts both. Waits for the file; false where a
/// signal ends that.
bool await_token(const config::configuration& x);

/// Takes the store of jobs. Waits, for a bounded time, for a server that does not answer; the error says why it does not go on.
tl::expected<store::store_claim, std::string> claim_store(const config::configuration& x,
                                                          std::function<void(const std::string&)> lost);

/// The port is written whole or not at all: whoever waits for the file reads a number. Nothing is done where no file is named.
bool write_port(const std::string& file, uint16_t port);

} // namespace troupe::nodes
