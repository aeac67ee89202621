// Which quality a film is converted with: a table by codec, size of the picture, depth, HDR and the source's bit rate.
//
// The default tables are those of the documents that the product started from: constant rate factors for SVT-AV1 by
// codec and size, and bit rates for Opus by channels. A row of a table names only what matters to it; of the rows that
// fit, the one that names most decides.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::core {

/// The sizes of a table, by the height of a 16:9 picture.
enum class picture_class : uint8_t { sd, hd_720, hd_1080, qhd_1440, uhd };

/// The class of a picture, by its area, so that a wide film counts as what it was cropped from: at least 73 % of the
/// area of the class, or its height.
picture_class class_of(int32_t width, int32_t height) noexcept;

/// What a table looks at.
struct video_nature {
  std::string codec; ///< libavcodec's name
  picture_class size = picture_class::sd;
  int32_t height = 0;
  uint8_t depth = 8; ///< bits of a sample
  bool is_hdr = false;
  int64_t bit_rate = 0; ///< of the video alone, bit/s; 0 if unknown
};

struct quality_row {
  std::optional<std::string> codec; ///< "h264", "hevc", ...
  std::optional<picture_class> size;
  std::optional<uint8_t> depth;
  std::optional<bool> is_hdr;
  std::optional<int64_t> bit_rate; ///< about this bit rate: of such rows the nearest one, by ratio, decides
  double crf = 0;
};

struct quality_table {
  std::vector<quality_row> rows;
  double otherwise = 30; ///< if no row fits

  /// The constant rate factor for these pictures, on SVT-AV1's scale of 0 to 63.
  double crf_for(const video_nature& x) const;
};

/// The most rows of a table.
inline constexpr size_t quality_rows_max = 2000;

/// Why a table is no good; empty if it is.
std::string fault_of(const quality_table& x);

/// By codec and size, as `quality_lookup.json` of the documents has it; HDR and 10 bits one step better.
quality_table default_quality();

/// The bit rate of Opus for so many channels, in bit/s, as `audio_codec_lookup.json` of the documents has it: 64, 96,
/// 256 and 320 kbit/s for 1, 2, 6 and 8. Others lie between them in proportion, or beyond them by channel.
int64_t default_opus_bit_rate(int channels) noexcept;

} // namespace troupe::core
