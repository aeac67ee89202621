// The library's ledger: what has become of each film, and what happens to it next.
//
// Events come in, effects go out. A film's state changes in memory at once, and is written. What a state demands is
// done only when everything about the film is durable: an attempt that the store does not know is never begun, and no
// file is replaced without a durable order to repair it by. While the store fails, nothing new begins.
//
// - Scans bring sightings, and the ledger tells new films from known, changed, renamed and moved ones. A file that it
//   knows is not opened. A scan that was cut short says nothing about the films that it did not see. Nor does one that
//   finds nothing on the devices of the known films: the root is offline, and waits.
// - A film whose file changes is found anew, whatever its state was; work on it is stopped.
// - After a restart, open replacements are finished first. Conversions and verifications continue under their attempt.
// - People's commands are obeyed where the state allows them; else they are refused with the reason.
#pragma once

#include "core/library/config.hpp"
#include "core/library/replacing.hpp"
#include "core/library/totals.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

namespace troupe::core {

/// The file that a film is examined and converted from: its kept original, if its own file is a result.
const std::string& source_path(const film_row& x) noexcept;
const film_identity& source_identity(const film_row& x) noexcept;

/// What the state `replacing` orders.
replacing_order order_of(const film_row& x);

/// Why work did not succeed.
enum class film_fault : uint8_t {
  passing, ///< another try may succeed
  lasting, ///< no other try would
  changed  ///< the film's file is not the one that the work was for
};

/// A finished conversion, not yet verified.
struct film_conversion {
  std::string part;   ///< where the result is
  std::string target; ///< the name that it is to get
  film_identity made;
};

/// How a replacement ended.
struct replacing_end {
  replacing_step how = replacing_step::changed; ///< an end
  film_identity film;                           ///< of the file that has the film's name now
  bool is_kept = false;                         ///< the original is under its kept name
};

/// What the ledger wants done. Implementations must not call the ledger.
class ledger_effects {
public:
  virtual ~ledger_effects() = default;

  // -- the store: writes take place in the order of the calls ---------------------------

  /// Write the whole row, and the entry of the account with it; answered by `written`.
  virtual void write(const film_row& x, const film_replacement* entry) = 0;
  virtual void erase(uint64_t film) = 0;
  virtual void write(const library_root& x) = 0;

  // -- work, by the row's number and attempt; may be asked for again after a restart -----

  /// Look whether the source has stopped changing, and what it is; answered by `examined` or `failed`.
  virtual void examine(const film_row& x) = 0;
  /// Answered by `converted`, `not_worth_it` or `failed`.
  virtual void convert(const film_row& x) = 0;
  /// Hold the result against the film's contract; answered by `verified` or `failed`.
  virtual void verify(const film_row& x) = 0;
  /// Perform `order_of(x)`; answered by `replaced` or `failed`.
  virtual void replace(const film_row& x) = 0;
  /// Delete the kept original, if it is still the one; answered by `dropped`.
  virtual void drop_kept(const film_row& x) = 0;
  /// End the conversion or verification, and delete its part. No answer.
  virtual void stop(const film_row& x) = 0;
  /// Conversions of this root may begin new chunks, or finish the present ones and begin none.
  virtual void let_work(uint32_t root, bool may) = 0;
};

/// What a scan does with a file that it came across.
enum class sighting : uint8_t {
  known,   ///< nothing
  unknown, ///< read both its ends, and call `identified`
  ignored  ///< it is no film of this library
};

class ledger {
public:
  ledger(ledger_config config, ledger_effects& effects) : config_{config}, effects_{effects} {}

  // -- start --------------------------------------------------------------------------

  void add(library_root x);
  /// A film that the store has. To be followed by `recovered`.
  void recover(film_row x);
  /// `highest`: the highest number that a film ever had.
  void recovered(uint64_t highest, int64_t now_ms);

  // -- the store ----------------------------------------------------------------------

  /// This revision of the row is durable.
  void written(uint64_t film, uint32_t revision, int64_t now_ms);
  void store_works(bool works) noexcept;

  // -- scans: at most one of a root at a time -----------------------------------------

  /// False if none may begin now: repairs are not finished, or the store fails, or there is no such root.
  bool begin_scan(uint32_t root);
  /// The identity has no print yet; `entry.path` is below the root.
  sighting seen(uint32_t root, const film_entry& entry, const film_identity& file, int64_t now_ms);
  /// The print of a file for which `seen` said `unknown`.
  void identified(uint32_t root, const film_entry& entry, film_identity file, int64_t now_ms);
  /// `is_complete`: every folder could be read.
  void end_scan(uint32_t root, bool is_complete, int64_t now_ms);

  // -- work ---------------------------------------------------------------------------

  void examined(uint64_t film, uint32_t attempt, const film_identity& file, film_facts facts, int64_t now_ms);
  void converted(uint64_t film, uint32_t attempt, film_conversion x, int64_t now_ms);
  /// The conversion was left, because its result would not save enough.
  void not_worth_it(uint64_t film, uint32_t attempt, std::string why, int64_t now_ms);
  /// `breaches` of the contract; none if it holds.
  void verified(uint64_t film, uint32_t attempt, const std::vector<std::string>& breaches, int64_t now_ms);
  void replaced(uint64_t film, uint32_t attempt, const replacing_end& x, int64_t now_ms);
  void dropped(uint64_t film, int64_t now_ms);
  void failed(uint64_t film, uint32_t attempt, film_fault fault, std::string why, int64_t now_ms);

  // -- people: each returns why it is refused, or an empty text -----------------------

  std::string skip(uint64_t film, int64_t now_ms);
  /// From `skipped`, `kept_original` or `failed`: examined again.
  std::string retry(uint64_t film, int64_t now_ms);
  /// From `done`: made again from the kept original.
  std::string again(uint64_t film, int64_t now_ms);
  std::string undo(uint64_t film, int64_t now_ms);
  std::string prioritise(uint64_t film, int32_t priority, int64_t now_ms);
  std::string pause(uint32_t root, int64_t now_ms);
  /// Also for an offline root: what its next scan does not see is missing, even if that is everything.
  std::string resume(uint32_t root, int64_t now_ms);

  /// The clock; about once a second.
  void tick(int64_t now_ms);

  // -- views --------------------------------------------------------------------------

  const film_row* find(uint64_t film) const;
  const film_row* find(const std::string& path) const;

  size_t size() const noexcept {
    return films_.size();
  }

private:
  /// Priority, the root's order, and the film's number.
  using place = std::tuple<int64_t, int64_t, uint64_t>;
  using by_print = std::unordered_multimap<std::string, uint64_t>;

  struct film {
    film_row row;
    uint32_t durable = 0;   ///< the latest revision that is durable
    bool is_acting = false; ///< what the state demands has begun
    bool is_verified = false;
    bool is_dropping = false;    ///< the deletion of the kept original has begun
    uint64_t scan = 0;           ///< the last scan that saw it
    uint64_t born = 0;           ///< the scan that found it
    int64_t due_ms = 0;          ///< its place in `due_`, 0 if it has none
    int64_t drop_ms = 0;         ///< its place in `kept_`, 0 if it has none
    std::optional<place> queued; ///< its place in its root's queue
    std::unique_ptr<film_facts> facts;
  };

  struct root {
    library_root what;
    uint64_t scan = 0;          ///< the present scan; 0: none
    uint64_t seen = 0;          ///< films in this scan that were known before
    bool was_cut = false;       ///< the present scan cannot be complete
    bool is_empty_fine = false; ///< a person says that films are really gone
    bool may_work = false;
    std::set<place> queue;
    std::set<uint64_t> found; ///< wait to be examined
  };

  // life of a film
  film* at_work(uint64_t number, uint32_t attempt, film_state state);
  void write(film& x, const film_replacement* entry = nullptr);
  void enter(film& x, film_state to, std::string reason, int64_t now_ms, const film_replacement* entry = nullptr);
  void act(film& x, int64_t now_ms);
  void meet_demand(film& x, int64_t now_ms);
  void decide(film& x, int64_t now_ms);
  void begin_replacing(film& x, int64_t now_ms);
  void try_later(film& x, std::string why, int64_t now_ms);
  void give_back(film& x, std::string why, int64_t now_ms);
  void find_anew(film& x, std::string why, int64_t now_ms);
  void keep(film& x, int64_t now_ms);
  void lose_kept(film& x);
  void forget(uint64_t number);
  int64_t wait_after(uint32_t failures) const noexcept;

  // places in the indices
  place place_of(const film& x) const;
  void leave_lists(film& x);
  void join_queue(film& x);
  void set_due(film& x, int64_t at_ms);
  void set_drop(film& x, int64_t at_ms);
  void index(const film& x);
  void unindex(const film& x);
  root* root_of(uint32_t number);

  // scans
  film* renamed(const film_entry& entry, const film_identity& file);
  void add_film(root& in, const film_entry& entry, film_identity file, int64_t now_ms);
  film* moved(const film_identity& file);
  void come_to(film& x, std::string path, const film_identity& file, int64_t now_ms);
  void see_entry(film& x, const root& in, const film_entry& entry, int64_t now_ms);
  void change(film& x, film_identity file, int64_t now_ms);
  bool is_coming(const std::string& path) const;
  void miss(film& x, int64_t now_ms);
  film* newcomer_like(const film& x, uint64_t scan);
  void come_back(film& x);
  void leave_missing(film& x);
  void judge_absence(root& in, const std::vector<uint64_t>& unseen, int64_t now_ms);

  // beginning work
  void begin_due(int64_t now_ms);
  void begin_settling(int64_t now_ms);
  void begin_converting(int64_t now_ms);
  void begin_dropping(int64_t now_ms);
  void let_roots_work(int64_t now_ms);

  ledger_config config_;
  ledger_effects& effects_;
  std::map<uint32_t, root> roots_;
  std::unordered_map<uint64_t, film> films_;
  std::unordered_map<std::string, uint64_t> by_path_;
  std::unordered_multimap<uint64_t, uint64_t> by_inode_;
  by_print missing_;
  by_print newcomers_; ///< of the scans under way
  std::set<uint64_t> settling_;
  std::set<uint64_t> converting_; ///< from `converting` to `replacing`
  std::set<std::pair<int64_t, uint64_t>> due_;
  std::set<std::pair<int64_t, uint64_t>> kept_; ///< originals that are kept until a time
  std::set<uint64_t> repairs_;                  ///< replacements found at the start, until they have been tried
  uint64_t next_number_ = 1;
  uint64_t next_scan_ = 1;
  bool works_ = true;
};

} // namespace troupe::core
