// Sends requests to foreign servers on a thread of its own, so that nobody waits for them.
#pragma once

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
  std::chrono::milliseconds timeout{15'000}; ///< for all of it
};

struct post_answer {
  unsigned status = 0; ///< 0 where no answer came
  std::string error;   ///< then the reason, without the URL
};

/// Redirects are not followed, answers are read to 64 KiB and forgotten, other protocols than HTTP and HTTPS are refused.
class poster {
public:
  poster();
  poster(const poster&) = delete;
  poster& operator=(const poster&) = delete;

  /// Drops what is under way.
  ~poster();

  /// Any thread. `done` is called on the poster's thread, unless the poster ends first.
  void post(post_request x, std::function<void(post_answer)> done);

private:
  class impl;

  std::unique_ptr<impl> impl_;
};

} // namespace troupe::http
