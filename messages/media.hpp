// Elementary-stream samples and their formats: the data plane between coordinator and tasks.
//
// All timestamps are on the source's own timeline in units of 1/90000 s, unwrapped to 64 bits: they never wrap, and
// never jump back by themselves. `no_timestamp` stands for "unknown".
#pragma once

#include "messages/ids.hpp"
#include "messages/inspect.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

/// Ticks of the timeline in a second.
inline constexpr int64_t ticks_per_second = 90'000;

/// An unknown timestamp, in ticks.
inline constexpr int64_t no_timestamp = std::numeric_limits<int64_t>::min();

struct rational {
  int32_t num = 0;
  int32_t den = 1;

  bool operator==(const rational&) const = default;

  double value() const noexcept {
    return den == 0 ? 0.0 : static_cast<double>(num) / den;
  }
};

template <class Inspector>
bool inspect(Inspector& f, rational& x) {
  return f.object(x).fields(f.field("num", x.num), f.field("den", x.den));
}

enum class track_kind : uint8_t { video, audio, subtitle, data };

inline std::string_view to_string(track_kind x) {
  constexpr std::string_view names[] = {"video", "audio", "subtitle", "data"};
  return names[static_cast<size_t>(x)];
}

template <class Inspector>
bool inspect(Inspector& f, track_kind& x) {
  return inspect_enum(f, x, track_kind::data);
}

/// Shared, immutable bytes. A copy only copies a reference. On the wire the bytes are written in one piece (see
/// messages/block_wire.hpp), because CAF's default inspection goes byte by byte at a seventh of the throughput.
class shared_bytes {
public:
  using container = std::vector<std::byte>;

  shared_bytes() = default;

  explicit shared_bytes(container bytes) : size_(bytes.size()) {
    auto held = std::make_shared<const container>(std::move(bytes));
    bytes_ = {held, held->data()};
  }

  /// Makes `size` bytes. `fill` gets the uninitialised bytes as a span, and returns false if it cannot fill them.
  template <class Fill>
  static std::optional<shared_bytes> filled_by(size_t size, Fill fill) {
    auto bytes = std::make_shared_for_overwrite<std::byte[]>(size);
    if (!fill(std::span{bytes.get(), size}))
      return std::nullopt;
    shared_bytes result;
    result.bytes_ = {bytes, bytes.get()};
    result.size_ = size;
    return result;
  }

  std::span<const std::byte> span() const noexcept {
    return {bytes_.get(), size_};
  }

  size_t size() const noexcept {
    return size_;
  }

  friend bool operator==(const shared_bytes& a, const shared_bytes& b) {
    return a.bytes_ == b.bytes_ ? a.size_ == b.size_ : std::ranges::equal(a.span(), b.span());
  }

private:
  std::shared_ptr<const std::byte> bytes_;
  size_t size_ = 0;
};

/// One elementary stream of a source or a rendition, as described by its demuxer or encoder. Names are libav*'s. A
/// field that is unknown or does not apply is empty or 0.
struct track_format {
  track_kind kind = track_kind::video;
  std::string codec;           ///< "h264", "mpeg2video", "aac"
  int32_t codec_profile = -99; ///< libav*'s number; -99 is "unknown"
  int32_t codec_level = -99;
  uint32_t codec_tag = 0;
  shared_bytes extradata; ///< codec configuration that does not travel in-band
  int64_t bit_rate = 0;   ///< bit/s
  // video
  int32_t width = 0;  ///< pixels
  int32_t height = 0; ///< pixels
  rational sample_aspect{0, 1};
  rational frame_rate{0, 1}; ///< frames per second
  std::string pixel_format;  ///< "yuv420p"
  std::string field_order;   ///< "progressive", "tt", "bb", "tb", "bt" or empty
  std::string color_range;
  std::string color_primaries;
  std::string color_transfer;
  std::string color_space;
  std::string chroma_location;
  int32_t reorder_frames = 0;       ///< number of frames by which decoding order may run ahead of presentation order
  uint8_t turn = 0;                 ///< bits, applied in this order by a player: 1 transposes, 2 mirrors, 4 flips
  bool aspect_by_container = false; ///< `sample_aspect` is the container's, whatever the pictures themselves say
  // audio
  int32_t sample_rate = 0; ///< Hz
  std::string channel_layout;
  std::string sample_format;
  int32_t frame_size = 0;      ///< samples per frame, if constant
  int32_t initial_padding = 0; ///< samples of encoder priming
  // video and audio
  std::string language;    ///< ISO 639-2, or the source's own value
  int32_t block_bytes = 0; ///< for audio in blocks of a fixed size (ADPCM, WMA); 0 if unknown
  int32_t coded_bits = 0;  ///< bits of a coded sample or pixel, if a decoder must be told; 0 if unknown

  bool operator==(const track_format&) const = default;
};

template <class Inspector>
bool inspect(Inspector& f, track_format& x) {
  return f.object(x).fields(
    f.field("kind", x.kind), f.field("codec", x.codec), f.field("codec_profile", x.codec_profile),
    f.field("codec_level", x.codec_level), f.field("codec_tag", x.codec_tag), f.field("extradata", x.extradata),
    f.field("bit_rate", x.bit_rate), f.field("width", x.width), f.field("height", x.height),
    f.field("sample_aspect", x.sample_aspect), f.field("frame_rate", x.frame_rate),
    f.field("pixel_format", x.pixel_format), f.field("field_order", x.field_order),
    f.field("color_range", x.color_range), f.field("color_primaries", x.color_primaries),
    f.field("color_transfer", x.color_transfer), f.field("color_space", x.color_space),
    f.field("chroma_location", x.chroma_location), f.field("reorder_frames", x.reorder_frames), f.field("turn", x.turn),
    f.field("aspect_by_container", x.aspect_by_container), f.field("sample_rate", x.sample_rate),
    f.field("channel_layout", x.channel_layout), f.field("sample_format", x.sample_format),
    f.field("frame_size", x.frame_size), f.field("initial_padding", x.initial_padding), f.field("language", x.language),
    f.field("block_bytes", x.block_bytes), f.field("coded_bits", x.coded_bits));
}

/// The tracks of a stream. A sample names its track by the index in this list.
struct stream_format {
  std::vector<track_format> tracks;

  bool operator==(const stream_format&) const = default;
};

template <class Inspector>
bool inspect(Inspector& f, stream_format& x) {
  return f.object(x).fields(f.field("tracks", x.tracks));
}

/// One coded frame (access unit or audio frame): its place on the timeline and its size in bytes.
struct sample {
  static constexpr uint8_t random_access = 1; ///< a client can join the stream here
  static constexpr uint8_t discontinuity = 2; ///< the source's timeline was interrupted before this sample
  static constexpr uint8_t key = 4;           ///< the track's decoder can start here
  static constexpr uint8_t closed = 8;        ///< every later picture is shown after all pictures up to here
  static constexpr uint8_t hidden = 16;       ///< decoded but not shown: the source's edit list leaves it out
  /// The first sample after a source was reopened: it continues exactly where the earlier pull ended.
  static constexpr uint8_t continues = 32;
  /// No sample: the source was away, and all its tracks have nothing before `pts`. Alone in its block.
  static constexpr uint8_t absent = 64;

  uint16_t track = 0;
  uint8_t flags = 0;
  int64_t pts = no_timestamp; ///< ticks
  int64_t dts = no_timestamp; ///< ticks, monotonic per track
  uint32_t duration = 0;      ///< ticks
  uint32_t size = 0;          ///< bytes

  bool operator==(const sample&) const = default;

  bool is_random_access() const noexcept {
    return (flags & random_access) != 0;
  }
};

template <class Inspector>
bool inspect(Inspector& f, sample& x) {
  return f.object(x).fields(f.field("track", x.track), f.field("flags", x.flags), f.field("pts", x.pts),
                            f.field("dts", x.dts), f.field("duration", x.duration), f.field("size", x.size));
}

/// Samples of all tracks in decoding order, followed by their bytes: the unit that is buffered, relayed and
/// acknowledged. A producer starts a new block at each random-access point of the video (of the audio if there is no
/// video). So a block either starts with a random-access point or has none. The sizes of the samples add up to the size
/// of the bytes.
struct sample_block {
  std::vector<sample> samples;
  shared_bytes bytes;

  bool operator==(const sample_block&) const = default;

  bool starts_with_random_access() const noexcept {
    return !samples.empty() && samples.front().is_random_access();
  }

  /// True if it stands for a time without source samples.
  bool is_absence() const noexcept {
    return !samples.empty() && (samples.front().flags & sample::absent) != 0;
  }
};

/// One block in flight from a producer to a consumer. It goes from an ingest to its channel session, from there to a
/// transcoder, and from the transcoder back. Sequence numbers of an attempt start at 1 and have no gap.
struct sample_batch {
  attempt_id attempt;
  uint64_t sequence = 0;
  sample_block block;

  bool operator==(const sample_batch&) const = default;
};

/// The consumer has taken all batches of the attempt up to `sequence` out of its queue. Their bytes then no longer
/// count as in flight.
struct batch_ack {
  attempt_id attempt;
  uint64_t sequence = 0;

  bool operator==(const batch_ack&) const = default;
};

template <class Inspector>
bool inspect(Inspector& f, batch_ack& x) {
  return f.object(x).fields(f.field("attempt", x.attempt), f.field("sequence", x.sequence));
}

/// What a stream's samples mean from the next batch on. Precedes the first batch of an attempt, and any batch with
/// which the tracks or their parameters change.
struct format_change {
  attempt_id attempt;
  stream_format format;
  /// From an ingest: streams of the source that are not among the tracks; human-readable.
  std::vector<std::string> not_carried{};

  bool operator==(const format_change&) const = default;
};

template <class Inspector>
bool inspect(Inspector& f, format_change& x) {
  return f.object(x).fields(f.field("attempt", x.attempt), f.field("format", x.format),
                            f.field("not_carried", x.not_carried));
}

/// The last message of an attempt. `reason` is empty for a regular end, else it says what was tried, on what, and why
/// it failed. `terminal` means that another try is futile, because the media or the encoder makes it impossible.
struct stream_end {
  attempt_id attempt;
  std::string reason;
  bool terminal = false;
  /// The seat's device did not open, or failed later: the media is not at fault, and another device may succeed.
  bool device_failed = false;

  bool operator==(const stream_end&) const = default;
};

template <class Inspector>
bool inspect(Inspector& f, stream_end& x) {
  return f.object(x).fields(f.field("attempt", x.attempt), f.field("reason", x.reason), f.field("terminal", x.terminal),
                            f.field("device_failed", x.device_failed));
}

} // namespace troupe
