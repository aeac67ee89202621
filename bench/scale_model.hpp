// A film on many workers, without workers: the product's own decisions, fed with times that were measured.
#pragma once

#include <cstdint>

namespace troupe::bench {

/// What the parts of a job take on one core, by what they depend on.
struct scale_costs {
  double probe_s_per_s = 0;    ///< for each second of the film
  double encode_s_per_s = 0;   ///< for each second of the film
  double sound_s_per_s = 0;    ///< for each second of the film
  double assemble_s_per_s = 0; ///< for each second of the film: joined, verified, published
  double part_s = 0;           ///< for each part, whatever its length: a process, an encoder that fills up
};

struct scale_outcome {
  double wall_s = 0;
  double probe_s = 0;    ///< the first part of it, on one worker
  double encode_s = 0;   ///< the middle part, on all of them
  double assemble_s = 0; ///< the last part, on one worker
  uint32_t chunks = 0;
};

/// Runs a job of that length over `workers` workers of one slot and one core through core::file_job and core::lease_desk, in virtual time. Throws
/// `std::runtime_error` where the job does not end.
scale_outcome simulate(const scale_costs& costs, double film_s, uint32_t workers);

} // namespace troupe::bench
