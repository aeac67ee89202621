// Judges a DASH server by what a player saw of it. Pure: observations go in, violations come out.
//
// The player passes each manifest when it gets it, then the init segments and segments of the last manifest.
#pragma once

#include "rig/delivery/boxes.hpp"
#include "rig/delivery/hls_samples.hpp"
#include "rig/delivery/mpd.hpp"
#include "rig/delivery/observation.hpp"

#include <map>
#include <optional>
#include <string>

namespace troupe::bench::delivery {

class dash_judge {
public:
  explicit dash_judge(verdict& to) : to_(to) {}

  void manifest(const observation& seen);

  /// `x` is a representation of `latest()`, here and below.
  void init(const mpd_representation& x, const observation& seen);

  void segment(const mpd_representation& x, const mpd_segment& which, const observation& seen);

  /// True if the answer took so long that the segment was still being made.
  static bool was_open(const mpd_representation& x, const observation& seen);

  /// Another answer for the same segment, after that.
  void again(const mpd_representation& x, const mpd_segment& which, const observation& first, const observation& seen);

  /// The answer of the HTTP server that a UTCTiming element names.
  void clock(const mpd_clock& of, const observation& seen);

  /// Null before the first manifest that parses.
  const mpd* latest() const noexcept {
    return latest_ ? &*latest_ : nullptr;
  }

private:
  void check_header(const mpd& x);
  void check_low_latency(const mpd& x);
  void check_timeline(const mpd_representation& of);
  void check_changes(const mpd& x, const observation& seen);
  void check_text(const mpd_representation& x, const mpd_segment& which, const std::string& bytes,
                  const span_of_samples& span);

  void add(std::string_view rule, std::string found) {
    to_.add(rule, place_, std::move(found));
  }

  verdict& to_;
  std::string place_;
  std::optional<mpd> latest_;
  std::map<std::string, std::map<uint64_t, mpd_segment>> known_; ///< by representation, and number or time
  std::map<std::string, mp4_init> inits_;                        ///< by representation
  std::map<std::string, std::pair<uint64_t, double>> texts_;     ///< by representation: number and end of its last one
  double newest_s_ = 0;                                          ///< end of the newest segment, on its timeline
  seconds newest_since_{};
};

} // namespace troupe::bench::delivery
