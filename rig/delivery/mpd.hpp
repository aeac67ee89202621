// An MPD (ISO 23009-1) as its text says, with what representations inherit from their sets and periods.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::bench::delivery {

inline constexpr double unstated = std::numeric_limits<double>::quiet_NaN();

struct mpd_segment {
  uint64_t number = 0;
  uint64_t time = 0; ///< in the representation's timescale
  uint64_t duration = 0;
};

struct mpd_representation {
  std::string id;
  std::string set; ///< of its adaptation set: id, or else type and language
  std::string codecs;
  std::string mime_type;
  uint64_t bandwidth = 0;
  std::string base; ///< what its URLs are relative to
  std::string initialization;
  std::string media;
  uint64_t timescale = 1;
  uint64_t offset = 0; ///< presentationTimeOffset
  uint64_t start_number = 1;
  uint64_t duration = 0; ///< of each segment; 0 if there is a timeline
  std::vector<mpd_segment> timeline;
  std::optional<double> available_early_s; ///< availabilityTimeOffset; may be infinite
  std::optional<bool> available_complete;  ///< availabilityTimeComplete
  size_t period = 0;

  bool video() const {
    return mime_type.starts_with("video/");
  }

  /// Subtitles, which are there only when their segment is over.
  bool text() const {
    return mime_type == "application/mp4" || mime_type.starts_with("text/");
  }

  /// The duration of its last segment.
  double segment_s() const;

  std::string init_url() const;

  std::string url_of(const mpd_segment& x) const;
};

struct mpd_period {
  std::string id;
  double start_s = 0;

  bool operator==(const mpd_period&) const = default;
};

struct mpd_clock {
  std::string scheme;
  std::string value;
};

struct mpd {
  bool dynamic = false;
  double available_from_s = unstated; ///< availabilityStartTime, since 1970
  double published_s = unstated;
  double update_s = unstated;
  double buffer_s = unstated;
  double depth_s = unstated;   ///< timeShiftBufferDepth
  double latency_s = unstated; ///< ServiceDescription/Latency@target
  std::string profiles;
  std::vector<mpd_clock> clocks;
  std::vector<mpd_period> periods;
  std::vector<mpd_representation> representations;
  std::vector<std::string> faults;
};

/// `url` is that of the manifest. Loads nothing: entities and external parts are refused.
mpd parse_mpd(std::string_view text, std::string_view url);

/// The segments of `x` that a server has at `now_s` (since 1970). Without a timeline, at most the last three.
std::vector<mpd_segment> available(const mpd& of, const mpd_representation& x, double now_s);

} // namespace troupe::bench::delivery
