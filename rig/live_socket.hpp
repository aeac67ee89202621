// The few socket calls that `live` needs, with exceptions for errors and with time limits.
#pragma once

#include "base/descriptor.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace troupe::bench {

struct listening {
  int socket = -1;
  uint16_t port = 0;
};

/// On any free port, or on this one even if connections to it are still being closed. Throws `std::runtime_error`.
listening listen_on_loopback(uint16_t port = 0);

void no_delay(int socket);

/// False if the other side does not take the bytes.
bool send_all(int socket, std::span<const std::byte> bytes);

/// `receive_buffer` in bytes; 0 for the usual. Throws `std::runtime_error`.
base::descriptor connect_to_loopback(uint16_t port, int receive_buffer = 0);

/// Requests `target` with HTTP/1.0, so that the body has no framing, and returns the connected socket at once. Throws
/// `std::runtime_error`.
int http_ask(uint16_t port, const std::string& target);

/// Reads the head of the answer; `body` gets the bytes after it. Returns the status, or 0 if none came in time.
int http_head(int socket, std::string& body, std::chrono::milliseconds limit);

/// Waits for these events of `poll`, for an error or for a hang-up; false after `limit`.
bool wait_ready(int descriptor, short events, std::chrono::milliseconds limit);

} // namespace troupe::bench
