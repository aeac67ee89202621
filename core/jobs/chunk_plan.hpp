// Where a file is cut: at its random-access points, into pieces that are long enough for the encoder and short enough for the workers.
//
// A joint costs what a random-access point costs, and the encoder's rate control starts anew behind it; a piece that is too long leaves workers idle at
// the end. A piece begins with a key picture: cut where the encoder would have made one anyway, it costs nothing. So there are a few pieces for each slot, but none shorter than a length at which the joints no longer show in the result's size.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace troupe::core {

/// A place where a decoder can start.
struct cut_point {
  int64_t pts = 0;              ///< ticks of 1/90000 s
  uint64_t pictures_before = 0; ///< shown before it
};

/// How long pieces are, in ticks. With less than the shortest, an encoder that has to find its rate anew makes a result whose size differs by more than a
/// hundredth.
struct chunk_lengths {
  int64_t shortest = 15 * 90'000;
  int64_t longest = 60 * 90'000;
};

/// What suits an encoder (libavcodec's name, or a codec's): pictures that know nothing of each other may be cut anywhere, encoders that look far ahead
/// need more.
chunk_lengths usual_chunk_lengths(std::string_view encoder) noexcept;

/// How many cores an encoder keeps busy by itself: with less than that there is nothing to win from several side by side on one machine.
uint32_t usual_cores(std::string_view encoder) noexcept;

/// Pictures from one key picture to the next where the encoder is left alone and nothing in the picture asks for one; 0 where it is not known.
uint64_t usual_key_distance(std::string_view encoder) noexcept;

/// What an encoder that goes by time, as SVT-AV1 does, is to be told so that its key pictures meet access points of the source: the distance nearest to its
/// own, no more than a tenth off; 0 where there is none, or where it is not of that kind.
uint64_t fitting_key_distance(std::string_view encoder, const std::vector<cut_point>& points, int64_t end,
                              uint64_t pictures);

/// Whether a key picture more is felt in the size of a result of half a minute: the pictures between are so small.
bool are_keys_dear(std::string_view encoder) noexcept;

/// How far a cut may be off its place, as a share of a piece, to meet such a picture: little, as pieces that are not equal leave workers idle.
inline constexpr double key_reach = 0.1;

struct chunk_request {
  std::vector<cut_point> points; ///< in order; the first one is where the video begins
  int64_t end = 0;               ///< of the video, ticks
  uint64_t pictures = 0;         ///< of all of it, 0 where they cannot be counted
  uint32_t side_by_side = 0; ///< pieces that can be under way at once, sharing the slots' cores; no less than `slots`
  uint32_t slots = 1;        ///< windows that can be worked on at once
  chunk_lengths lengths;
  uint64_t key_distance = 0; ///< pictures; a cut at a multiple of it costs no key picture; 0 where it is not known
  bool keys_are_dear =
    false; ///< rather short pieces, cut where they cost no key picture, than long ones that cost one each
  std::optional<int64_t> target_ticks;     ///< as long as this, instead
  std::optional<uint64_t> target_pictures; ///< as many pictures as this, instead; needs `pictures`
};

/// The window `[from, to)`. The first one has no begin and the last one no end: nothing falls off.
struct planned_chunk {
  int64_t from = 0;
  int64_t to = 0;
  int64_t ticks = 0;                ///< its length
  std::optional<uint64_t> pictures; ///< in it
};

/// No job has more pieces.
inline constexpr size_t chunks_max = 10'000;

/// How many pieces there are for each slot.
inline constexpr uint32_t chunks_per_slot = 3;

/// One window at least, each but the first beginning at a cut point; together they are everything.
std::vector<planned_chunk> plan_chunks(const chunk_request& request);

} // namespace troupe::core
