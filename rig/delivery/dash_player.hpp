// Follows all representations of a DASH channel, each in a thread with its own connection, for the judge.
#pragma once

#include "rig/delivery/dash_judge.hpp"
#include "rig/delivery/player.hpp"

namespace troupe::bench::delivery {

class dash_player : player<dash_judge> {
public:
  dash_player(const watch_options& options, verdict& to) : player(options, to) {}

  /// Adds to the counts of `to`.
  void run(watch_result& to);

private:
  /// Loads the manifest again and again, until the end or until it is static.
  void load_manifests(web_client& client, const mpd& first);
  void follow(const std::string& representation);
};

} // namespace troupe::bench::delivery
