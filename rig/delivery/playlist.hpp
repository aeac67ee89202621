// HLS playlists as their text says, by draft-pantos-hls-rfc8216bis. Unknown tags are ignored; whatever cannot be
// understood is a line in `faults`.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::bench::delivery {

/// An attribute list, without the quotes of its strings.
class attributes {
public:
  attributes() = default;
  explicit attributes(std::string_view list);

  bool has(std::string_view name) const;

  /// Empty if there is no such attribute.
  std::string_view text(std::string_view name) const;

  /// NaN if there is no such attribute, or if it is no number.
  double number(std::string_view name) const;

  bool yes(std::string_view name) const;

  const auto& all() const noexcept {
    return values_;
  }

  bool operator==(const attributes&) const = default;

private:
  std::map<std::string, std::string, std::less<>> values_;
};

struct byte_range {
  uint64_t bytes = 0;
  uint64_t from = 0;

  bool operator==(const byte_range&) const = default;
};

/// A URI, and possibly a range of the bytes behind it.
struct resource {
  std::string uri;
  std::optional<byte_range> range;

  bool operator==(const resource&) const = default;
};

struct partial_segment {
  resource at;
  double duration_s = 0;
  bool independent = false;
  bool gap = false;
};

struct media_segment {
  uint64_t number = 0;                                          ///< media sequence number
  uint64_t discontinuities = 0;                                 ///< discontinuity sequence number
  std::optional<double> duration_s;                             ///< nothing: only parts of it are listed yet
  resource at;                                                  ///< empty for the same reason
  double date_s = std::numeric_limits<double>::quiet_NaN();     ///< PROGRAM-DATE-TIME, stated or continued
  double own_date_s = std::numeric_limits<double>::quiet_NaN(); ///< PROGRAM-DATE-TIME if stated for this one
  resource map;                                                 ///< its init segment; empty if it has none
  std::vector<partial_segment> parts;
  bool gap = false;
  bool discontinuity = false;
  bool tag_after_part = false; ///< DISCONTINUITY, MAP or PROGRAM-DATE-TIME stands behind a part

  /// The length of the whole segment, or of its parts that are listed.
  double length_s() const;
};

struct preload_hint {
  std::string type; ///< PART or MAP
  std::string uri;
};

struct rendition_report {
  std::string uri;
  uint64_t last_segment = 0;
  std::optional<uint64_t> last_part;
};

struct media_playlist {
  int version = 1;
  double target_s = std::numeric_limits<double>::quiet_NaN();
  double part_target_s = std::numeric_limits<double>::quiet_NaN();
  std::optional<attributes> server_control;
  uint64_t first_number = 0;        ///< MEDIA-SEQUENCE
  uint64_t first_discontinuity = 0; ///< DISCONTINUITY-SEQUENCE
  std::vector<media_segment> segments;
  std::vector<preload_hint> hints;
  std::vector<rendition_report> reports;
  std::vector<attributes> date_ranges;
  std::optional<uint64_t> skipped;
  bool removed_date_ranges = false; ///< in SKIP
  bool has_map = false;
  bool end = false;
  bool i_frames_only = false;
  std::vector<std::string> faults;

  bool low_latency() const noexcept {
    return !std::isnan(part_target_s);
  }

  /// The length of all listed segments and parts, without the skipped ones.
  double length_s() const;

  /// The last segment that is listed whole.
  const media_segment* last_whole() const;

  /// Number of the next segment that is not whole, and how many of its parts are listed.
  std::pair<uint64_t, uint64_t> next() const;
};

struct variant_stream {
  attributes with;
  std::string uri;
};

struct multivariant_playlist {
  int version = 1;
  bool independent_segments = false;
  std::vector<variant_stream> variants;
  std::vector<variant_stream> i_frames;
  std::vector<attributes> media;
  std::vector<std::string> faults;
};

/// Whether a text is a multivariant playlist rather than a media playlist.
bool is_multivariant(std::string_view text);

multivariant_playlist parse_multivariant(std::string_view text);

media_playlist parse_media_playlist(std::string_view text);

/// A delta update with the segments that it skips, taken from an earlier playlist. Nothing if `before` lacks some.
std::optional<media_playlist> merge(media_playlist delta, const media_playlist& before);

} // namespace troupe::bench::delivery
