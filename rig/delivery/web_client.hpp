// Fetches over HTTP as a player in a browser does: keeps its connection, accepts gzip, states an origin, offers HTTP/2.
#pragma once

#include "rig/delivery/observation.hpp"
#include "rig/delivery/playlist.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <string>

namespace troupe::bench::delivery {

/// The clock of observations: time since the run began.
class run_clock {
public:
  seconds now() const {
    return std::chrono::steady_clock::now() - start_;
  }

private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

/// For one thread at a time.
class web_client {
public:
  explicit web_client(const run_clock& clock);
  ~web_client();

  web_client(const web_client&) = delete;
  web_client& operator=(const web_client&) = delete;

  /// Blocks for at most `limit`. Follows redirects; a body above 256 MiB is a failure. Never throws: if there is no
  /// answer, the status is 0 and `problem` says why.
  observation get(const std::string& url, seconds limit, const std::optional<byte_range>& range = std::nullopt);

private:
  struct handle;

  const run_clock& clock_;
  std::unique_ptr<handle> handle_;
};

} // namespace troupe::bench::delivery
