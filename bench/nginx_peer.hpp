// Debian's nginx as a peer: it serves a folder of files on loopback, as a child of this process.
#pragma once

#include "base/descriptor.hpp"
#include "rig/process.hpp"

#include <cstdint>
#include <string>

namespace troupe::bench {

class nginx_peer {
public:
  /// Serves `root` with one worker, sendfile, and no log of accesses. `folder` is for its own files. Throws
  /// `std::runtime_error`, also if nginx is not installed.
  nginx_peer(const std::string& folder, const std::string& root);

  uint16_t port() const noexcept {
    return port_;
  }

  /// CPU time of its processes so far, in seconds.
  double cpu_s() const;

private:
  uint16_t port_ = 0;
  process child_;
};

} // namespace troupe::bench
