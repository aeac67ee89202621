// One track as fragmented MP4 in the form of CMAF (ISO/IEC 23000-19): an init segment, and one fragment (moof and mdat)
// for each part. Parts in a row are a segment; HLS and DASH use the same bytes.
//
// Times are those of the samples: each fragment states its own beginning, so nothing drifts, and a fragment depends on
// no other. Composition offsets are not negative: with negative ones, readers based on libavformat show each picture
// later by the number of pictures that the encoder reorders.
#pragma once

#include "encoder/error.hpp"
#include "messages/media.hpp"

#include <cstddef>
#include <memory>
#include <span>
#include <string>

namespace troupe {

/// True if players of CMAF know the codec, by libav*'s name.
bool fragments_hold(const std::string& codec);

/// Legal calls: `write` any number of times, then `cut`, and so on. The same samples give the same bytes, except for
/// the number of the fragment. An error of `write` leaves that sample out, and the muxer usable.
class fragment_muxer {
public:
  /// H.264 and HEVC come in Annex B; AAC with or without ADTS headers. Parameter sets and the configuration of AAC may
  /// be missing in the format if the samples have them.
  explicit fragment_muxer(track_format format);

  fragment_muxer(fragment_muxer&&) noexcept;
  fragment_muxer& operator=(fragment_muxer&&) noexcept;
  ~fragment_muxer();

  /// True if the sample brings parameter sets, or an ADTS header, that differ from those of the init segment. The
  /// caller ends fragment and segment before it; the following `write` makes a new init segment.
  bool needs_new_init(const sample& x, std::span<const std::byte> bytes) const;

  /// Adds a sample; the first one of video must be a key sample. `bytes` are the sample's, valid during the call.
  /// Without `may_change_init`, the init segment stays: decoders take parameter sets from the samples, too.
  av::expected<void> write(const sample& x, std::span<const std::byte> bytes, bool may_change_init = true);

  /// Ends the fragment: the bytes of all samples since the last call, at least one. Each sample lasts until the
  /// decoding time of the next, the last one for its own duration.
  av::expected<shared_bytes> cut();

  /// The init segment of the latest sample. It may be empty before that sample's fragment is cut. The same format and
  /// parameter sets give the same bytes.
  const shared_bytes& init() const noexcept;

  /// The track's format, with what `init` says.
  const track_format& format() const noexcept;

  /// The name from `codec_name` for the parameters of `init`; before the first sample, for those of the format.
  std::string codec() const;

  /// The most bytes that a fragment's samples may have; `write` refuses more.
  static constexpr size_t fragment_bytes_max = size_t{256} * 1024 * 1024;

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

} // namespace troupe
