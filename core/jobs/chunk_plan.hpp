// Where a file is cut: at its random-access points, into chunks long enough for the encoder and short enough to keep
// all workers busy.
//
// A chunk begins with a key picture, and the encoder's rate control starts again there. A cut costs nothing if the
// encoder would have made a key picture there anyway; every other cut costs one more key picture. Chunks that are too
// long leave workers idle at the end. So there are a few chunks for each slot, but none so short that the cuts show in
// the result's size.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace troupe::core {

/// A point where a decoder can start.
struct cut_point {
  int64_t pts = 0;              ///< ticks of 1/90000 s
  uint64_t pictures_before = 0; ///< pictures shown before it
};

/// How long chunks are, in ticks. In chunks below `shortest`, the restarts of the encoder's rate control change the
/// result's size by more than 1 %.
struct chunk_lengths {
  int64_t shortest = 15 * 90'000;
  int64_t longest = 60 * 90'000;
};

/// The lengths that suit an encoder (given by libavcodec's name, or the codec's). If all pictures are independent, any
/// cut is fine; encoders with a long lookahead need longer chunks.
chunk_lengths usual_chunk_lengths(std::string_view encoder) noexcept;

/// How many cores one instance of an encoder keeps busy. On a machine with fewer cores, several instances side by side
/// gain nothing.
uint32_t usual_cores(std::string_view encoder) noexcept;

/// The encoder's default distance of key pictures, in pictures, in content without scene cuts; 0 if unknown.
uint64_t usual_key_distance(std::string_view encoder) noexcept;

/// For an encoder with a fixed key distance, such as SVT-AV1: the distance to configure so that its key pictures meet
/// access points of the source. It is the one nearest to the encoder's default, at most 10 % off. 0 if there is none,
/// or if the encoder is of another kind.
uint64_t fitting_key_distance(std::string_view encoder, const std::vector<cut_point>& points, int64_t end,
                              uint64_t pictures);

/// Whether one more key picture noticeably enlarges a result of half a minute, because the encoder's other pictures are
/// so small.
bool are_keys_dear(std::string_view encoder) noexcept;

/// How far a cut may move, as a share of a chunk, to meet a key picture that the encoder makes anyway. Small, because
/// unequal chunks leave workers idle.
inline constexpr double key_reach = 0.1;

struct chunk_request {
  std::vector<cut_point> points; ///< in order; the first one is where the video begins
  int64_t end = 0;               ///< of the video, ticks
  uint64_t pictures = 0;         ///< of the whole video, 0 if they cannot be counted
  uint32_t side_by_side = 0;     ///< chunks that may be encoded at once, even if they share cores; at least `slots`
  uint32_t slots = 1;            ///< chunks that may be encoded at once with enough cores for each
  chunk_lengths lengths;
  uint64_t key_distance = 0; ///< pictures; a cut at a multiple of it costs no key picture; 0 if unknown
  /// Prefer shorter chunks, cut where they cost no key picture, to long ones that cost one each.
  bool keys_are_dear = false;
  std::optional<int64_t> target_ticks;     ///< length that the order asks for, instead of a computed one
  std::optional<uint64_t> target_pictures; ///< the same in pictures; needs `pictures`
};

/// The window `[from, to)`. The first chunk has no begin and the last one no end, so that nothing is lost.
struct planned_chunk {
  int64_t from = 0;
  int64_t to = 0;
  int64_t ticks = 0;                ///< its length
  std::optional<uint64_t> pictures; ///< number of pictures in it
};

/// The most chunks that a job may have.
inline constexpr size_t chunks_max = 10'000;

/// How many chunks are planned for each slot.
inline constexpr uint32_t chunks_per_slot = 3;

/// At least one window. Each but the first begins at a cut point; together they cover everything.
std::vector<planned_chunk> plan_chunks(const chunk_request& request);

} // namespace troupe::core
