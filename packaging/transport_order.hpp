// In which order a rendition gets into MPEG-TS. In a ladder, the sound is another rendition's: here it joins the
// pictures. Pure.
//
// Receivers look for tracks at the beginning. So the first pictures wait for the sound, but not for long: it may never
// come. After that pictures never wait, and sound waits until the pictures have come as far.
#pragma once

#include "messages/media.hpp"

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

namespace troupe {

class transport_order {
public:
  /// The first pictures wait for sound until they are this long (ticks).
  static constexpr int64_t first_wait_max = 4 * ticks_per_second;

  /// Sound waits for pictures until it is this long (ticks): perhaps none are coming.
  static constexpr int64_t sound_wait_max = 10 * ticks_per_second;

  /// `joined`: sound of another rendition may come.
  explicit transport_order(bool joined) : begun_(!joined) {}

  /// What is written next: other tracks, or a block of at least one sample.
  struct item {
    bool joins = false; ///< sound of another rendition
    std::optional<stream_format> tracks{};
    bool discontinuity = false; ///< of other tracks: players of HLS must know
    sample_block block{};
  };

  void add(item x);

  /// What can be written now.
  std::vector<item> take_due();

  /// Nothing more follows.
  std::vector<item> take_all();

private:
  void take_sound(int64_t until, std::vector<item>& to);

  bool begun_;
  std::deque<item> own_;
  std::deque<item> sound_;
  std::optional<int64_t> first_; ///< DTS of the first block of its own
  int64_t newest_ = 0;           ///< DTS of the newest one
  int64_t newest_sound_ = 0;     ///< the same of the sound
  std::optional<int64_t> taken_; ///< DTS of the newest one that was taken
};

} // namespace troupe
