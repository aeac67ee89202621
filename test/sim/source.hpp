// A live source as an ingest reads it: 25 pictures a second, a random-access point every second or two, and sound.
#pragma once

#include "messages/media.hpp"
#include "test/sim/clockwork.hpp"

#include <deque>
#include <vector>

namespace troupe::sim {

constexpr int64_t picture_ticks = 3600; ///< 25 pictures a second
constexpr int64_t sound_ticks = 1920;   ///< 1024 samples of 48 kHz
constexpr uint32_t picture_bytes = 64;
constexpr uint32_t random_access_bytes = 256;
constexpr uint32_t sound_bytes = 16;

/// What a source is like; part of a seed's world.
struct source_shape {
  int64_t group = 25;     ///< pictures from one random-access point to the next; a multiple of 3 with `reordered`
  bool reordered = false; ///< two B-pictures between anchors, and open groups
  int64_t sound_late = 0; ///< ticks by which sound comes after the pictures of its time
};

/// The tracks that a source can have: pictures, and sound unless it is `silent`.
enum class source_form : uint8_t { usual, small_pictures, other_sound, both, silent };

stream_format format_of(source_form x);

/// Bytes that nobody reads; all blocks of one size share the same memory.
shared_bytes filler(size_t size);

/// One pull of a source, from a random-access point on.
class pull {
public:
  /// The first sample's DTS is at `from` ticks.
  pull(source_shape shape, int64_t from, bool continues, time_point now);

  /// Whether sound is left out.
  void mute(bool on) {
    mute_ = on;
  }

  /// Everything that has come since the last call, in blocks as an ingest makes them.
  std::vector<sample_block> read(time_point now);

private:
  sample next_picture();
  sample next_sound();

  source_shape shape_;
  int64_t origin_; ///< presentation time of the first picture
  bool continues_; ///< the first sample follows a break
  bool mute_ = false;
  time_point start_;
  int64_t coded_ = 0; ///< pictures so far, in decoding order
  int64_t sounds_ = 0;
};

/// Puts samples into blocks: a new one at each random-access point.
void append(std::vector<sample_block>& blocks, const sample& x, bool start_new);

/// Gives the blocks their bytes.
void fill(std::vector<sample_block>& blocks);

} // namespace troupe::sim
