// Sends requests to external servers on a thread of its own, so that no caller waits for them.
#pragma once

#include "core/trust/network.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace troupe::http {

struct post_request {
  std::string url;
  std::vector<std::string> fields; ///< "Name: value"
  std::string body;
  std::chrono::milliseconds connect_timeout{5'000};
  std::chrono::milliseconds timeout{15'000}; ///< for the whole request
  /// Why no connection may go to an address; empty if it may. Without this function, all may. Called by the poster's
  /// thread.
  std::function<std::string(const core::ip_address&)> refusal = {};
};

struct post_answer {
  unsigned status = 0; ///< 0 if no answer came
  std::string error;   ///< then the reason, without the URL
};

/// Redirects are not followed. Answers are read up to 64 KiB and dropped. Protocols other than HTTP and HTTPS are
/// refused.
class poster {
public:
  poster();
  poster(const poster&) = delete;
  poster& operator=(const poster&) = delete;

  /// Drops the requests under way.
  ~poster();

  /// Usable from any thread. `done` is called on the poster's thread, unless the poster ends first.
  void post(post_request x, std::function<void(post_answer)> done);

private:
  class impl;

  std::unique_ptr<impl> impl_;
};

} // namespace troupe::http
