// Follows all renditions of an HLS channel, each in a thread with its own connection, for the judge.
#pragma once

#include "rig/delivery/hls_judge.hpp"
#include "rig/delivery/player.hpp"

namespace troupe::bench::delivery {

class hls_player : player<hls_judge> {
public:
  hls_player(const watch_options& options, verdict& to) : player(options, to) {}

  /// Adds to the counts of `to`.
  void run(watch_result& to);

private:
  struct follower;

  void wait(seconds time) const;
  void probe_requests(const std::string& rendition);
};

} // namespace troupe::bench::delivery
