// How a result takes the name of its film, and how an original comes back: one step at a time.
//
// Every step is a single change of names. What lies under each name tells how far a replacement is, so the next step
// follows from a look at the files alone. After a crash at any place, the same look finds the same next step: repair is
// no code of its own. At each moment the whole old film or the whole new one is under its name.
//
// A file counts as known only by its identity. If another program puts a file where a known one was, the replacement
// goes back, and the stranger's file stays.
//
// - Forward, under the same name: the result is exchanged with the film. What came out is looked at, and moved to the
//   kept name. On a file system that cannot exchange names, the film gets its kept name as a second name, and the
//   result is renamed over the first one. If it has no second names either, the film is moved, then the result.
// - Forward, under another name (the container is another one): the result gets its name, which must be free. Then the
//   film is set aside, looked at, and moved to its kept name.
// - Back: the same with the kept original. A result that the original replaces is deleted.
#pragma once

#include "core/library/film.hpp"

#include <cstdint>
#include <string>

namespace troupe::core {

/// What lies under a name.
enum class file_is : uint8_t {
  nothing,
  original, ///< the file that the replacement takes from its name
  result,   ///< the file that it puts there
  stranger  ///< any other file
};

enum class replacing_goal : uint8_t { result, original };

/// The names of a replacement. All are on one file system.
struct replacing_names {
  std::string film;   ///< the original's name
  std::string target; ///< the result's name; equals `film` unless the container is another one
  std::string part;   ///< hidden, in the same folder: the result's first name, or what was set aside
  std::string kept;   ///< hidden: where the original is kept

  bool operator==(const replacing_names&) const = default;
};

/// All that a replacement needs to know. It is durable before the first step, and until the last one.
struct replacing_order {
  replacing_goal goal = replacing_goal::result;
  replacing_names names;
  film_identity original;
  film_identity result;
  /// Forward only. False: an earlier original is kept already, so the film that comes out is deleted.
  bool keeps = true;

  bool is_renaming() const noexcept {
    return names.target != names.film;
  }

  bool operator==(const replacing_order&) const = default;
};

/// What a look at the files has found.
struct replacing_facts {
  file_is film = file_is::nothing;
  file_is target = file_is::nothing; ///< the same as `film` if both have the same name
  file_is part = file_is::nothing;
  file_is kept = file_is::nothing;
  bool is_prepared = false; ///< in this run, the result got the film's attributes and was flushed
  bool is_flushed = false;  ///< the last step flushed the folders
  bool has_deleted = false; ///< the last step deleted a file

  bool is_empty() const noexcept {
    return film == file_is::nothing && target == file_is::nothing && part == file_is::nothing
           && kept == file_is::nothing;
  }

  bool operator==(const replacing_facts&) const = default;
};

enum class replacing_step : uint8_t {
  prepare,          ///< copy mode, owner, times and attributes to the result, and flush it
  exchange,         ///< film and part; or the first of the other ways that the file system knows
  exchange_back,    ///< the same: what came out is a stranger's
  rename_over,      ///< the part over the film, which has its kept name already
  move_in,          ///< part to target, which must be free
  set_aside,        ///< film to part, which must be free
  set_back,         ///< part to film, which must be free
  keep,             ///< part to kept, which must be free
  exchange_kept,    ///< film and kept; or the first of the other ways
  move_back,        ///< kept to film, which must be free
  set_result_aside, ///< target to part, which must be free
  put_result_back,  ///< part to target, which must be free
  flush,            ///< the folders
  delete_part,
  delete_target, ///< the result, whose film is another one by now
  delete_kept,   ///< the result that came out for the original
  // how it ends; no step follows
  replaced, ///< the result has its name
  restored, ///< the original has its name
  changed,  ///< somebody else changed, replaced or deleted the film: their file stays, and the result is gone
  lost,     ///< the file that should get the name is not there: the film stays as it is
  taken,    ///< somebody else's file has the result's or the kept name: nothing has changed
  absent    ///< none of the files is there: the folder may be offline, so nothing can be concluded
};

inline bool is_end(replacing_step x) noexcept {
  return x >= replacing_step::replaced;
}

inline bool deletes(replacing_step x) noexcept {
  return x == replacing_step::delete_part || x == replacing_step::delete_target || x == replacing_step::delete_kept;
}

/// The step that follows from what is there. No order takes more than `replacing_steps_max` steps, unless somebody else
/// changes the files meanwhile.
replacing_step next_step(const replacing_order& order, const replacing_facts& facts) noexcept;

inline constexpr int replacing_steps_max = 16;

/// Which file a name leads to, by the identity found there.
file_is known_as(const replacing_order& order, const film_identity& found) noexcept;

} // namespace troupe::core
