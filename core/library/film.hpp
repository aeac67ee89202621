// A film of a library: its state, the identity of its file, and its row in the store.
//
// A film is one video file below a root folder. Its row outlives scans, renames and restarts. The table of transitions
// below is complete: any other transition is an error of the program.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

namespace troupe::core {

enum class film_state : uint8_t {
  found,         ///< a scan saw it; it waits to be examined
  settling,      ///< watched until it has stopped changing, then examined
  probed,        ///< examined; the filters decide next
  skipped,       ///< the filters or a person leave it alone
  queued,        ///< waits for its conversion
  converting,    ///< a job makes the result beside it
  verifying,     ///< the result is held against the film's contract
  replacing,     ///< the steps of core/library/replacing.hpp are under way, forward or back
  done,          ///< the result has its name
  kept_original, ///< a conversion was tried or predicted, and the original is better, or a person put it back
  failed         ///< an error that no other try would mend, or too many tries
};

inline constexpr size_t film_states = 11;

inline constexpr std::array<std::string_view, film_states> film_state_names{
  "found",     "settling",  "probed", "skipped",       "queued", "converting",
  "verifying", "replacing", "done",   "kept-original", "failed"};

inline std::string_view to_string_view(film_state x) {
  return film_state_names[static_cast<size_t>(x)];
}

/// True if a film may go from one state to the other. Staying in a state is no transition.
bool may_follow(film_state from, film_state to) noexcept;

/// True in a state in which nothing happens to the film until somebody or something from outside changes it.
bool is_at_rest(film_state x) noexcept;

/// A file, as far as it can be recognised again.
struct film_identity {
  uint64_t device = 0;
  uint64_t inode = 0;
  uint64_t bytes = 0;
  int64_t mtime_ns = 0; ///< since 1970
  std::string print;    ///< `base::identity_of`: of size, modification time and both ends; empty if not read yet

  bool operator==(const film_identity&) const = default;
};

/// True if both are the same unchanged file in the same place. Devices are not compared: their numbers change when a
/// machine restarts, and one path leads to one device at a time.
bool is_same_file(const film_identity& a, const film_identity& b) noexcept;

/// True if both have the same content, as far as both prints show. A copy that keeps the time has the same print.
bool is_same_content(const film_identity& a, const film_identity& b) noexcept;

inline constexpr int64_t kept_for_ever = std::numeric_limits<int64_t>::max();

/// A film as the store has it. Times are milliseconds since 1970.
struct film_row {
  uint64_t number = 0; ///< never used again
  uint32_t root = 0;
  std::string path; ///< absolute, as bytes
  film_identity identity;
  film_state state = film_state::found;
  std::string reason;      ///< for people: why it is in this state, and what to do
  bool asks_again = false; ///< skipped for what its directory entry says, which each scan looks at again
  uint32_t revision = 0;   ///< grows with each write
  uint32_t attempt = 0;    ///< of its present or last work; answers of older attempts are ignored
  uint32_t failures = 0;   ///< of tries that may succeed later
  int32_t priority = 0;    ///< higher is earlier
  int64_t found_ms = 0;
  int64_t retry_ms = 0;   ///< not queued work before this time
  int64_t missing_ms = 0; ///< since when no scan has seen it; 0: it is there
  bool is_result = false; ///< the file under `path` is a result, and not the film's original

  // while `replacing`, and after it
  bool is_undoing = false;   ///< the original comes back
  std::string part;          ///< hidden name of the result in the making
  std::string target;        ///< the result's name: differs from `path` in its extension at most
  film_identity made;        ///< of the result
  std::string kept;          ///< where the original is kept, or will be
  bool is_kept = false;      ///< the original is there
  std::string kept_as;       ///< the name that the original had
  film_identity original;    ///< of the kept original
  int64_t kept_until_ms = 0; ///< `kept_for_ever`: until a person says otherwise
  bool is_dropping = false;  ///< the kept original is being deleted

  bool operator==(const film_row&) const = default;
};

/// How a film's file became another one.
enum class film_change : uint8_t {
  replaced,       ///< the original by a result
  replaced_again, ///< a result by a later result
  restored        ///< a result by the original
};

/// One entry of the library's account. Entries are never changed or removed.
struct film_replacement {
  uint64_t film = 0; ///< `film_row::number`
  int64_t at_ms = 0;
  film_change what = film_change::replaced;
  uint64_t bytes_before = 0; ///< of the file that was there
  uint64_t bytes_after = 0;  ///< of the file that is there now

  bool operator==(const film_replacement&) const = default;
};

} // namespace troupe::core
