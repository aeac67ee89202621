// Video in the one form that everything behind the demuxer reads: start codes, and the headers that decoding needs in
// front of each random-access point.
#pragma once

#include "encoder/av_ptr.hpp"
#include "encoder/error.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace troupe::av {

/// Brings the packets of one video track into form. H.264 and HEVC with length prefixes (MP4, MKV, FLV) become Annex
/// B. Parameter sets (for MPEG-1, -2 and -4 the sequence headers) are remembered wherever they appear and repeated in
/// front of a random-access point that lacks them, newest first. Other codecs pass unchanged.
class video_normaliser {
public:
  static expected<video_normaliser> open(const AVCodecParameters& parameters, AVRational packet_time_base);

  /// The parameters of what `apply` returns: extradata in Annex B.
  const AVCodecParameters& parameters() const noexcept {
    return *parameters_;
  }

  /// Converts the packet in place. Afterwards `AV_PKT_FLAG_KEY` says that decoding can start here, headers included.
  /// An error is about this packet alone.
  expected<void> apply(AVPacket& packet);

  /// From now on a picture of H.264 without a reference to others, and without a word that decoding can start there, counts as one where it can: for streams that
  /// say it nowhere.
  void join_at_intra(bool on) noexcept {
    join_at_intra_ = on;
  }

  /// True where the packet of the last `apply` was such a picture.
  bool was_intra() const noexcept {
    return was_intra_;
  }

  /// True where the packet starts a new counting of picture orders (an IDR picture).
  static bool is_idr(AVCodecID codec, std::span<const uint8_t> annexb);

  /// Of a picture that comes after a random-access point and is shown before it: whether its decoder knows by itself if it can be decoded from there.
  static bool decoder_knows_leading(AVCodecID codec) noexcept;

  /// Of such a picture, and the random-access point: whether it can.
  static bool is_decodable_leading(AVCodecID codec, std::span<const uint8_t> point, std::span<const uint8_t> picture);

  /// Forgets what belongs to the packets before; call after a seek.
  void flush() noexcept;

private:
  struct header {
    int kind = 0;               ///< place in the order in which headers are written
    uint32_t id = 0;            ///< picture parameter sets: their number
    std::vector<uint8_t> bytes; ///< with start code
  };

  struct scan {
    bool key = false;
    bool delimiter = false;
    size_t after_delimiter = 0;
    uint32_t kinds = 0; ///< bit per kind of header found
  };

  expected<void> convert(AVPacket& packet);
  expected<void> open_filter(const AVCodecParameters& parameters);
  scan learn(std::span<const uint8_t> annexb);
  void remember(int kind, uint32_t id, std::span<const uint8_t> unit, uint32_t fresh_kinds);
  expected<void> prepend_headers(AVPacket& packet, size_t at) const;

  codec_parameters_ptr parameters_;
  AVRational packet_time_base_{1, 90'000};
  bitstream_filter_ptr filter_;
  std::vector<header> headers_;
  uint32_t kinds_needed_ = 0;
  bool join_at_intra_ = false;
  bool was_intra_ = false;
};

} // namespace troupe::av
