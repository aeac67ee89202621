// Counts what a client lost and what it got twice: pure arithmetic on its observations, without libav* or a clock.
//
// Pictures are judged by the numbers in them. Sound is judged twice: by its timestamps, to the sample, and by the marks
// in it, which reveal sound that was moved under correct timestamps.
#pragma once

#include "rig/viewing.hpp"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace troupe::bench {

/// Counts of one client, or of several added up.
struct loss_account {
  uint64_t frames = 0; ///< decoded pictures
  uint64_t frames_lost = 0;
  uint64_t frames_repeated = 0;
  uint64_t frames_out_of_order = 0; ///< came after a later one
  uint64_t frames_misplaced = 0;    ///< shown at a time that does not match their number
  uint64_t audio_samples = 0;       ///< per channel; so are all counts below
  uint64_t audio_samples_lost = 0;
  uint64_t audio_samples_repeated = 0;
  uint64_t marks = 0; ///< found in the sound at the expected places
  uint64_t decode_errors = 0;
  uint64_t disconnects = 0; ///< times that the stream ended before the client had enough

  /// True if nothing was lost, repeated, reordered or misplaced, and no client was disconnected.
  bool exact() const noexcept {
    return frames_lost == 0 && frames_repeated == 0 && frames_out_of_order == 0 && frames_misplaced == 0
           && audio_samples_lost == 0 && audio_samples_repeated == 0 && disconnects == 0;
  }

  loss_account& operator+=(const loss_account& other) noexcept;

  bool operator==(const loss_account&) const = default;
};

/// How a rendition maps its source's pictures.
struct rendition_rate {
  double source_rate = 25; ///< pictures a second
  uint32_t step = 1;       ///< the rendition shows every `step`-th picture
};

/// Counts over one viewing of a source whose numbers do not restart. A picture without a readable number counts as
/// lost; a number between two of the rendition's steps counts as repeated. The sound before its first mark is not
/// searched for silence, because encoders fill a first frame with it.
loss_account account_of(const observations& seen, const rendition_rate& rate);

/// When new pictures arrived: arrival times of pictures later than all before, in order.
std::vector<wall_clock::time_point> arrivals_of(const observations& seen);

/// The longest interval between two new pictures that overlaps `from` to `to`, in ms; 0 if there is none.
double longest_gap_ms(const std::vector<wall_clock::time_point>& arrivals, wall_clock::time_point from,
                      wall_clock::time_point to);

/// All intervals between arrivals within `from` and `to`, in ms.
std::vector<double> spacings_ms(const std::vector<wall_clock::time_point>& arrivals, wall_clock::time_point from,
                                wall_clock::time_point to);

/// The smallest value that `share` of all values do not exceed, by nearest rank; 0 if there are none.
double percentile_of(std::vector<double> values, double share);

} // namespace troupe::bench
