// The few socket calls that `live` needs, with exceptions for errors and with time limits.
#pragma once

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

/// Throws `std::runtime_error`.
listening listen_on_loopback();

void no_delay(int socket);

/// False if the other side does not take the bytes.
bool send_all(int socket, std::span<const std::byte> bytes);

/// Requests `target` with HTTP/1.0, so that the body has no framing, and returns the connected socket at once. Throws
/// `std::runtime_error`.
int http_ask(uint16_t port, const std::string& target, const std::string& method = "GET", const std::string& body = {});

/// Reads the head of the answer; `body` gets the bytes after it. Returns the status, or 0 if none came in time.
int http_head(int socket, std::string& body, std::chrono::milliseconds limit);

/// Waits until the descriptor is readable (or at its end); false after `limit`.
bool wait_readable(int descriptor, std::chrono::milliseconds limit);

struct http_answer {
  int status = 0; ///< 0 if none came in time
  std::string body;
};

/// The whole answer, at most 4 MiB.
http_answer http_get(uint16_t port, const std::string& target, std::chrono::milliseconds limit);

/// The same for a POST.
http_answer http_post(uint16_t port, const std::string& target, std::chrono::milliseconds limit,
                      const std::string& body = {});

} // namespace troupe::bench
