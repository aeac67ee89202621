// One media playlist through all its reloads: what may never change, and what has to come in time.
#pragma once

#include "rig/delivery/observation.hpp"
#include "rig/delivery/playlist.hpp"

#include <map>
#include <optional>
#include <string>

namespace troupe::bench::delivery {

/// What a reload asked for (delivery directives).
struct reload {
  std::optional<uint64_t> segment; ///< _HLS_msn
  std::optional<uint64_t> part;    ///< _HLS_part
  bool skip = false;               ///< _HLS_skip=YES
};

class hls_history {
public:
  hls_history(verdict& to, std::string place) : to_(to), place_(std::move(place)) {}

  /// `x` is the playlist that `seen` holds. Call it only if the answer was 200 and could be parsed.
  void take(media_playlist x, const observation& seen, const reload& asked);

  /// The last playlist, with the segments that a delta update skipped. Null before the first one.
  const media_playlist* latest() const noexcept {
    return latest_ ? &*latest_ : nullptr;
  }

private:
  struct record {
    media_segment segment;
    bool delta = false; ///< read from a delta update
  };

  void add(std::string_view rule, std::string found) {
    to_.add(rule, place_, std::move(found));
  }

  void check_constants(const media_playlist& x);
  void check_answer(const media_playlist& x, const observation& seen, const reload& asked);
  void check_pace(const media_playlist& x, const observation& seen, const reload& asked);
  void check_hints(const media_playlist& x);
  void check_records(const media_playlist& x, bool delta);
  void check_date_ranges(const media_playlist& x);

  verdict& to_;
  std::string place_;
  std::optional<media_playlist> latest_;
  std::map<uint64_t, record> records_; ///< by media sequence number
  std::map<std::string, attributes> date_ranges_;
  std::optional<uint64_t> newest_; ///< last segment that is listed whole
  seconds newest_since_{};
};

} // namespace troupe::bench::delivery
