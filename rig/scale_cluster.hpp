// A coordinator and workers of one core each, with one file job: the subject of `caf-bench scale`.
#pragma once

#include "rig/node_cluster.hpp"

#include <cstdint>
#include <string>

namespace troupe::bench {

/// How long the parts of a finished job took, from the store's history.
struct job_times {
  double whole_s = 0;    ///< from the start of the caf-ctl that ordered it to its end
  double probe_s = 0;    ///< from the order to the first chunk
  double chunk_s = 0;    ///< the mean duration of a chunk
  double sound_s = 0;    ///< 0 if there is none
  double assemble_s = 0; ///< from the last chunk to the end
  uint32_t chunks = 0;   ///< of video
};

class scale_cluster : public node_cluster {
public:
  /// Starts `workers` workers; the n-th runs its tasks on the n-th processor available to this process. The coordinator
  /// may use all of them. Waits until all workers can work.
  scale_cluster(const std::string& folder, int workers);

  /// Encodes with x264 medium in chunks of `chunk_seconds`.
  job_times transcode(const std::string& in, const std::string& out, int chunk_seconds) const;
};

} // namespace troupe::bench
