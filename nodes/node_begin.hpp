// Checks before a node starts: its files are private, the token exists, the store belongs to it.
#pragma once

#include "config/config.hpp"
#include "store/claim.hpp"

#include <tl/expected.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include <signal.h>

namespace troupe::nodes {

/// The signals that end a node.
sigset_t ending_signals();

/// True if one of the signals came within this time.
bool ends_within(std::chrono::milliseconds x);

/// False, with the reason logged, if everybody may change the node's secrets or state. Only warns of files that others
/// may read.
bool check_private(const config::configuration& x);

/// Waits for the token file; false if a signal ends the wait. A worker may start before its coordinator has made the
/// token that both read, for example if a machine starts both.
bool await_token(const config::configuration& x);

/// Claims the job store. Waits, for a bounded time, for a server that does not answer; the error says why the node
/// cannot start.
tl::expected<store::store_claim, std::string> claim_store(const config::configuration& x,
                                                          std::function<void(const std::string&)> lost);

/// Writes the port whole or not at all, so a program that waits for the file reads a complete number. Does nothing if
/// no file is named.
bool write_port(const std::string& file, uint16_t port);

} // namespace troupe::nodes
