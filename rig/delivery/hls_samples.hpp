// The media of one rendition: whether parts and segments hold what the playlist says of them.
#pragma once

#include "rig/delivery/boxes.hpp"
#include "rig/delivery/observation.hpp"
#include "rig/delivery/playlist.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace troupe::bench::delivery {

/// Rules of CMAF that an init segment keeps or breaks by itself.
void check_init(verdict& to, std::string_view place, const mp4_init& x);

/// The same of fragments.
void check_fragments(verdict& to, std::string_view place, const std::vector<mp4_fragment>& x, const std::string& name);

/// When a track's samples begin and end, in seconds, and how long one of them is.
struct span_of_samples {
  double from_s = 0;
  double to_s = 0;
  double sample_s = 0;
  double presented_s = 0; ///< when the first sample is shown
  bool video = false;
  bool begins_with_sync = false;
};

/// The span of the video track, else of the first track. Nothing if there is no track, or if a traf has no time.
std::optional<span_of_samples> span_of(const std::vector<mp4_fragment>& x, const mp4_init& init);

/// The highest bit rate of all runs of segments that last 0.5 to 1.5 times `target_s`, and the mean.
struct bit_rates {
  double peak = 0;
  double mean = 0;
  double seconds = 0; ///< how much media that is
};

class hls_samples {
public:
  hls_samples(verdict& to, std::string place) : to_(to), place_(std::move(place)) {}

  /// Returns the codecs of its tracks; nothing if it cannot be read.
  std::vector<std::string> init(const observation& seen);

  /// `seen` is the whole segment `x`. The parts of `x` that were seen before are compared with it and forgotten.
  void segment(const media_segment& x, const observation& seen);

  void part(const media_segment& of, size_t index, const observation& seen);

  /// A hinted part, asked for before it was listed.
  void hinted(const observation& seen);

  bit_rates rates(double target_s) const;

private:
  struct previous {
    uint64_t number = 0;
    uint64_t discontinuities = 0;
    double end_s = 0;    ///< of its samples
    double listed_s = 0; ///< sum of EXTINF since `origin_s`, up to its end
    double origin_s = 0; ///< when the first segment of that run began
  };

  void add(std::string_view rule, std::string found) {
    to_.add(rule, place_, std::move(found));
  }

  void of_mp4(const media_segment& x, const std::string& bytes);
  void of_ts(const media_segment& x, const std::string& bytes);
  void follow(const media_segment& x, double from_s, std::optional<double> to_s, double sample_s);
  void compare_parts(const media_segment& x, const std::string& bytes);

  verdict& to_;
  std::string place_;
  std::map<std::string, mp4_init> inits_; ///< by the URL
  std::string last_init_;
  std::map<std::pair<uint64_t, size_t>, std::string> parts_; ///< bytes of parts whose segment is still to come
  std::map<std::string, std::string> hinted_;                ///< bytes by the URL
  std::vector<std::pair<double, uint64_t>> sizes_;           ///< duration and bytes of each segment
  std::optional<previous> previous_;
  ts_account ts_;
  std::optional<uint64_t> last_ts_;
};

} // namespace troupe::bench::delivery
