// What a client lost and got twice: pure arithmetic on what it decoded, without libav* or a clock.
//
// Pictures are judged by the numbers that they carry, sound twice: by its timestamps, to the sample, and by the marks that
// it carries, which tell sound that was pushed to another place under timestamps that look well.
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
  uint64_t frames_misplaced = 0;    ///< shown at a time that is not their number's
  uint64_t audio_samples = 0;       ///< per channel, as all that follows
  uint64_t audio_samples_lost = 0;
  uint64_t audio_samples_repeated = 0;
  uint64_t marks = 0; ///< in the sound, found where they were looked for
  uint64_t decode_errors = 0;
  uint64_t disconnects = 0; ///< times that the stream ended before the client had enough

  /// True when nothing was lost, repeated, reordered or misplaced, and nobody was disconnected.
  bool exact() const noexcept {
    return frames_lost == 0 && frames_repeated == 0 && frames_out_of_order == 0 && frames_misplaced == 0
           && audio_samples_lost == 0 && audio_samples_repeated == 0 && disconnects == 0;
  }

  loss_account& operator+=(const loss_account& other) noexcept;

  bool operator==(const loss_account&) const = default;
};

/// What a rendition makes of its source's pictures.
struct rendition_rate {
  double source_rate = 25; ///< pictures a second
  uint32_t step = 1;       ///< the rendition shows every so many-th picture
};

/// Counts over one viewing of a source whose numbers do not start again. A picture without a readable number is lost; a
/// number between two of the rendition's steps is one too many. The sound's beginning, up to its first mark, is not
/// searched for silence: encoders fill a first frame with it.
loss_account account_of(const observations& seen, const rendition_rate& rate);

/// When new pictures came: times of arrival of those that are later than all before, in order.
std::vector<wall_clock::time_point> arrivals_of(const observations& seen);

/// The longest time in which no new picture came, of those that `from` and `to` overlap, in ms; 0 where there is none.
double longest_gap_ms(const std::vector<wall_clock::time_point>& arrivals, wall_clock::time_point from,
                      wall_clock::time_point to);

/// All spacings of arrivals that lie within `from` and `to`, in ms.
std::vector<double> spacings_ms(const std::vector<wall_clock::time_point>& arrivals, wall_clock::time_point from,
                                wall_clock::time_point to);

/// The value below or at which `share` of all lie, by nearest rank; 0 where there are none.
double percentile_of(std::vector<double> values, double share);

} // namespace troupe::bench
