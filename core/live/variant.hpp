// What a session remembers about one rendition, and about one pull of its source. Plain state; `session` has the rules.
#pragma once

#include "core/live/attempt.hpp"
#include "core/plan.hpp"
#include "messages/work.hpp"

#include <algorithm>
#include <cassert>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::core {

/// A client's request that waits for an answer.
using ticket = uint64_t;

/// Why another attempt took over.
enum class failover_reason : uint8_t { lost, failed, stalled, slow, drain, source };

inline std::string_view to_string(failover_reason x) {
  constexpr std::string_view names[] = {"lost", "failed", "stalled", "slow", "drain", "source"};
  assert(static_cast<size_t>(x) < std::size(names));
  return names[static_cast<size_t>(x)];
}

/// How much of a track of the rendition the clients have.
struct track_end {
  int64_t pts = no_timestamp; ///< the largest PTS
  int64_t dts = no_timestamp;
};

struct waiting_client {
  ticket id;
  time_point since;
};

/// A sample that goes to clients beside the renditions.
struct aside {
  sample what; ///< its track is the source's
  shared_bytes bytes;
  uint64_t block = 0; ///< number of the source block with which it came
};

struct variant {
  /// What the next attempt is for: to race a stalled one, to replace a slow one, or to take over at a given time.
  enum class purpose : uint8_t { hedge, faster, move };

  variant(profile wanted, time_point now) : target(std::move(wanted)), last_output(now) {}

  profile target;
  variant_plan plan;
  bool begun = false;        ///< the plan is made
  bool outdated = false;     ///< the plan is for tracks that the source no longer has
  uint64_t tracks_since = 0; ///< number of the first source block that has the tracks of the plan, or of the next plan
  bool opened = false;       ///< of a passthrough: the output knows its tracks
  bool joins = false;        ///< see `output_form`
  bool alone = false;        ///< it shares no task, because one that it had failed again, perhaps because of it
  bool parked = false;       ///< no worker is requested: there is no place to begin at, or no client waits

  std::optional<uint64_t> cursor; ///< for a passthrough: number of the next source block
  std::optional<attempt> current;
  std::optional<attempt> next;
  purpose next_for = purpose::hedge;
  time_point next_not_before;         ///< earliest time at which a next attempt may be requested again
  std::optional<time_point> again_at; ///< when a worker is requested again, if none was available
  std::vector<worker_id> avoid;       ///< workers that recently failed at it
  uint32_t tries = 0;                 ///< leases requested since it last delivered
  uint32_t deaths = 0;                ///< attempts in a row that ended badly at the same place of the source
  std::optional<int64_t> died_at;     ///< that place, in DTS

  std::optional<int64_t> change_at; ///< for a move: where the current attempt ends and the next begins
  time_point change_since;
  /// The last output of an attempt that ends: flushed ahead of time, delivered to clients when it is due.
  std::deque<sample_block> tail;
  int64_t lag = 0; ///< ticks, in DTS, by which the newest output was behind the source; not updated during a move

  stream_format output;         ///< without the carried tracks
  stream_format told;           ///< what clients were last told, with them
  std::vector<uint16_t> places; ///< in `told`, by track of `output`
  uint64_t aside = 0;           ///< number of the next sample to carry
  std::vector<track_end> ends;  ///< per output track
  track_end origin;             ///< the random-access point at which the first attempt began
  uint64_t fed_to = 0;          ///< source blocks before this number were sent to some attempt
  bool flowing = false;         ///< the clients have received something
  time_point last_output;
  int64_t least_lag = no_timestamp; ///< of the current attempt, ticks
  int64_t lag_then = 0;             ///< the lag when `slow_since` began
  std::optional<time_point> slow_since;

  std::vector<waiting_client> waiting;
  std::optional<time_point> idle_since;
  work_statistics work;
  std::string last_failure;
  std::string silence; ///< why clients get nothing; empty while they get output

  std::optional<failover_reason> changing; ///< an attempt was abandoned, and its successor has not delivered yet
  std::string last_failover;
  milliseconds last_gap{0};
  uint64_t failovers = 0;
  uint64_t replayed_bytes = 0;
  uint64_t replayed_reported = 0;
  uint64_t frames_lost = 0;
  uint64_t sound_lost = 0;

  void avoid_for_now(worker_id x) {
    if (x && std::find(avoid.begin(), avoid.end(), x) == avoid.end())
      avoid.push_back(x);
  }

  void lost(const shortfall& x) {
    frames_lost += x.pictures;
    sound_lost += x.sound;
  }

  int64_t newest_dts() const noexcept {
    auto result = no_timestamp;
    for (auto& t : ends)
      result = std::max(result, t.dts);
    return result;
  }
};

/// One pull of the source.
struct ingest {
  explicit ingest(time_point now) : heard(now) {}

  attempt::phase state = attempt::phase::leasing;
  attempt_id id; ///< 0 between two pulls
  uint64_t received = 0;
  size_t url = 0;                           ///< index
  bool patient = false;                     ///< every URL had its first turn, which is short if there are several
  bool silent = false;                      ///< a URL was silent in that turn
  time_point began;                         ///< when the task was told to pull
  std::optional<time_point> delivers_since; ///< since when the present pull delivers samples
  bool ended = false;
  time_point heard;                     ///< when it last sent anything
  std::optional<time_point> again_at;   ///< when it is reopened
  std::optional<time_point> lost_since; ///< no samples since then
  uint32_t failures = 0;                ///< pulls in a row that ended early
  work_statistics work;
};

} // namespace troupe::core
