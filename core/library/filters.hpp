// Which films of a library are converted: by name, size, age, codec and the nature of their pictures.
//
// The first verdict needs only the directory entry, so that a scan opens no file in vain. The second one needs what an
// examination found. Each refusal has a reason for people.
#pragma once

#include "core/library/quality.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::core {

/// The most patterns of a library, and the longest one. A pattern has at most `pattern_stars_max` stars, because the
/// time of a match grows with each.
inline constexpr size_t patterns_max = 200;
inline constexpr size_t pattern_bytes_max = 500;
inline constexpr size_t pattern_stars_max = 8;

struct film_filters {
  /// Shell patterns (POSIX fnmatch) for the path below the root, without regard to case; `*` also takes a `/`. A film
  /// matches one of `include`, and none of `exclude`.
  std::vector<std::string> include{"*.mkv", "*.mp4",  "*.m4v", "*.mov", "*.avi", "*.ts",  "*.m2ts",
                                   "*.mpg", "*.mpeg", "*.vob", "*.wmv", "*.flv", "*.webm"};
  std::vector<std::string> exclude{"*.trickplay/*", "*@eaDir/*", "*/.*", ".*"};
  uint64_t bytes_min = 0;
  uint64_t bytes_max = 0;                      ///< 0: no limit
  int64_t age_min_ms = 0;                      ///< since the last change of the file
  int64_t age_max_ms = 0;                      ///< 0: no limit
  std::vector<std::string> good_codecs{"av1"}; ///< of video, by libavcodec's name: such films are good already
  bool deinterlaces = false;                   ///< a person agrees that interlaced films become progressive
};

/// Why a list of patterns is no good; empty if it is.
std::string fault_of(const std::vector<std::string>& patterns);

/// What a directory entry says.
struct film_entry {
  std::string_view path; ///< below the root
  uint64_t bytes = 0;
  int64_t mtime_ms = 0;
  uint64_t links = 1;
  bool is_link = false; ///< symbolic
};

/// True if the name makes it a film of the library. Other files are none of its business: they get no row.
bool is_film(const film_filters& filters, std::string_view path);

/// Why the film is skipped; empty if it is to be examined.
std::string why_skipped(const film_filters& filters, const film_entry& entry, int64_t now_ms);

/// What an examination found, as far as decisions need it. A file without video is no film.
struct film_facts {
  video_nature video;
  std::string pixel_format; ///< libav*'s name
  bool is_interlaced = false;
  bool has_alpha = false;
  int32_t width = 0;
  int chroma_width_shift = 1; ///< 1 and 1: 4:2:0
  int chroma_height_shift = 1;
  uint8_t dolby_vision = 0;           ///< profile; 0: none
  uint8_t dolby_fallback = 0;         ///< compatibility id: 1 HDR10, 2 SDR, 4 HLG, 0 none
  bool has_marker = false;            ///< the file says that it is a result of Troupe
  std::vector<std::string> uncarried; ///< streams that no result would have, each with its reason (contract.hpp)
  std::string fault;                  ///< the container does not parse to its end, or cannot be read
};

/// Why the film is skipped; empty if it is to be converted.
std::string why_skipped(const film_filters& filters, const film_facts& facts);

} // namespace troupe::core
