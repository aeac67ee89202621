// Brings video into the form that all code behind the demuxer reads: start codes, and the decoder's headers before each
// random-access point.
#pragma once

#include "encoder/av_ptr.hpp"
#include "encoder/error.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace troupe::av {

/// Converts the packets of one video track. H.264 and HEVC with length prefixes (MP4, MKV, FLV) become Annex B.
/// Parameter sets (sequence headers for MPEG-1, -2 and -4) are remembered wherever they appear. If a random-access
/// point lacks them, the newest are put before it. Other codecs pass unchanged.
class video_normaliser {
public:
  static expected<video_normaliser> open(const AVCodecParameters& parameters, AVRational packet_time_base);

  /// The parameters of what `apply` returns: extradata in Annex B.
  const AVCodecParameters& parameters() const noexcept {
    return *parameters_;
  }

  /// Converts the packet in place. Afterwards `AV_PKT_FLAG_KEY` says that decoding can start here, headers included. An
  /// error concerns this packet alone.
  expected<void> apply(AVPacket& packet);

  /// From now on an H.264 intra picture counts as a random-access point even if the stream does not mark it as one: for
  /// streams that mark none.
  void join_at_intra(bool on) noexcept {
    join_at_intra_ = on;
  }

  /// True if the last `apply` got such a picture.
  bool was_intra() const noexcept {
    return was_intra_;
  }

  /// True if the packet restarts the picture order count (an IDR picture).
  static bool is_idr(AVCodecID codec, std::span<const uint8_t> annexb);

  /// For a leading picture (after a random-access point, shown before it): true if its decoder detects by itself
  /// whether it can be decoded from there.
  static bool decoder_knows_leading(AVCodecID codec) noexcept;

  /// For a leading picture and its random-access point: true if the picture can be decoded from there.
  static bool is_decodable_leading(AVCodecID codec, std::span<const uint8_t> point, std::span<const uint8_t> picture);

  /// Forgets what it learnt from earlier packets; call it after a seek.
  void flush() noexcept;

private:
  struct header {
    int kind = 0;               ///< position in the order in which headers are written
    uint32_t id = 0;            ///< for picture parameter sets: their number
    std::vector<uint8_t> bytes; ///< with start code
  };

  struct scan {
    bool key = false;
    bool delimiter = false;
    size_t after_delimiter = 0;
    uint32_t kinds = 0; ///< one bit for each kind of header found
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
