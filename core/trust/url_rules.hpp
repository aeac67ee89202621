// Which places the URLs of sources and callbacks may name, as the configuration says it. Plain values.
#pragma once

#include <string>
#include <vector>

namespace troupe::core {

struct url_rules {
  /// Schemes of sources; those of callbacks are always http and https.
  std::vector<std::string> schemes{"http", "https", "rtmp", "rtmps", "rtmpt", "rtp", "rtsp", "rtsps", "srt", "udp"};
  std::vector<std::string> hosts;    ///< names, with all below them, and addresses; empty: all
  std::vector<std::string> networks; ///< addresses and networks that are allowed, whatever their kind
  bool private_networks = true;
  bool loopback = false;

  bool operator==(const url_rules&) const = default;
};

} // namespace troupe::core
