// Simulates a film on many workers: the product's own decisions, with measured times.
#pragma once

#include <cstdint>

namespace troupe::bench {

/// The time that the parts of a job take on one core, by the quantity that they depend on.
struct scale_costs {
  double probe_s_per_s = 0;    ///< for each second of the film
  double encode_s_per_s = 0;   ///< for each second of the film
  double sound_s_per_s = 0;    ///< for each second of the film
  double assemble_s_per_s = 0; ///< for each second of the film: joined, verified, published
  double part_s = 0;           ///< for each part, whatever its length: start of a process, filling of an encoder
};

struct scale_outcome {
  double wall_s = 0;
  double probe_s = 0;    ///< the first phase, on one worker
  double encode_s = 0;   ///< the middle phase, on all workers
  double assemble_s = 0; ///< the last phase, on one worker
  uint32_t chunks = 0;
};

/// Runs a job of that length on `workers` workers of one slot and one core, through core::file_job and
/// core::lease_table, in virtual time. Throws `std::runtime_error` if the job does not end.
scale_outcome simulate(const scale_costs& costs, double film_s, uint32_t workers);

} // namespace troupe::bench
