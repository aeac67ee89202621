// The life of a film in the ledger: writing, acting once it is durable, and beginning work.
#include "core/library/ledger.hpp"

#include "base/publish.hpp"
#include "core/library/names.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace troupe::core {

namespace {

/// An undo needs a hidden name too, for the moment between two renamings.
std::string undo_part(const film_row& x) {
  return base::staging_path(x.path, "undo-" + std::to_string(x.number));
}

template <class Key>
void erase_from(std::unordered_multimap<Key, uint64_t>& from, const Key& key, uint64_t number) {
  auto [first, last] = from.equal_range(key);
  auto i = std::find_if(first, last, [number](const auto& x) { return x.second == number; });
  if (i != last)
    from.erase(i);
}

bool occupies_slot(film_state x) noexcept {
  return x == film_state::converting || x == film_state::verifying || x == film_state::replacing;
}

} // namespace

const std::string& source_path(const film_row& x) noexcept {
  return x.is_result && x.is_kept ? x.kept : x.path;
}

const film_identity& source_identity(const film_row& x) noexcept {
  return x.is_result && x.is_kept ? x.original : x.identity;
}

replacing_order order_of(const film_row& x) {
  if (x.is_undoing)
    return {replacing_goal::original, {x.kept_as, x.path, undo_part(x), x.kept}, x.original, x.identity, true};
  return {replacing_goal::result, {x.path, x.target, x.part, x.kept}, x.identity, x.made, !x.is_kept};
}

// -- start ------------------------------------------------------------------------------------------------------------

void ledger::add(library_root x) {
  auto number = x.number;
  roots_[number].what = std::move(x);
}

void ledger::recover(film_row x) {
  auto& made = films_[x.number];
  made.durable = x.revision;
  made.row = std::move(x);
  index(made);
  if (made.row.missing_ms != 0)
    missing_.emplace(made.row.identity.print, made.row.number);
  if (made.row.is_kept)
    set_drop(made, made.row.kept_until_ms);
}

void ledger::recovered(uint64_t highest, int64_t now_ms) {
  next_number_ = std::max(next_number_, highest + 1);
  for (auto& [number, x] : films_) {
    auto state = x.row.state;
    if (occupies_slot(state))
      converting_.insert(number);
    if (state == film_state::settling)
      settling_.insert(number);
    if (state == film_state::replacing)
      repairs_.insert(number);
    // What the examination had found was only in memory.
    if (state == film_state::probed)
      enter(x, film_state::found, x.row.reason, now_ms);
    else
      act(x, now_ms);
  }
}

// -- the store --------------------------------------------------------------------------------------------------------

void ledger::written(uint64_t number, uint32_t revision, int64_t now_ms) {
  auto i = films_.find(number);
  if (i == films_.end())
    return;
  i->second.durable = std::max(i->second.durable, revision);
  act(i->second, now_ms);
}

void ledger::store_works(bool works) noexcept {
  works_ = works;
  if (works)
    return;
  // What is seen now is not remembered.
  for (auto& [number, x] : roots_)
    x.was_cut = true;
}

void ledger::write(film& x, const film_replacement* entry) {
  ++x.row.revision;
  effects_.write(x.row, entry);
}

void ledger::enter(film& x, film_state to, std::string reason, int64_t now_ms, const film_replacement* entry) {
  // A film whose file is a result stays done, whatever becomes of an attempt to make it again.
  if (x.row.is_result && is_at_rest(to))
    to = film_state::done;
  assert(may_follow(x.row.state, to));
  leave_lists(x);
  x.is_acting = false;
  x.is_verified = false;
  x.facts.reset();
  x.row.state = to;
  x.row.reason = std::move(reason);
  if (to != film_state::replacing)
    x.row.is_undoing = false;
  if (to == film_state::settling)
    settling_.insert(x.row.number);
  if (occupies_slot(to))
    converting_.insert(x.row.number);
  if (is_at_rest(to))
    x.row.failures = 0;
  if (to == film_state::found)
    x.row.found_ms = now_ms;
  write(x, entry);
}

void ledger::act(film& x, int64_t now_ms) {
  if (x.durable != x.row.revision)
    return;
  if (x.row.is_dropping && !x.is_dropping) {
    x.is_dropping = true;
    effects_.drop_kept(x.row);
  }
  if (x.is_acting || (x.row.missing_ms != 0 && x.row.state != film_state::replacing))
    return;
  x.is_acting = true;
  meet_demand(x, now_ms);
}

void ledger::meet_demand(film& x, int64_t now_ms) {
  switch (x.row.state) {
  case film_state::found:
    if (auto* in = root_of(x.row.root))
      in->found.insert(x.row.number);
    break;
  case film_state::settling:
    set_due(x, now_ms + config_.settle_ms);
    break;
  case film_state::probed:
    decide(x, now_ms);
    break;
  case film_state::queued:
    if (x.row.retry_ms > now_ms)
      set_due(x, x.row.retry_ms);
    else
      join_queue(x);
    break;
  case film_state::converting:
    effects_.convert(x.row);
    break;
  case film_state::verifying:
    effects_.verify(x.row);
    break;
  case film_state::replacing:
    effects_.replace(x.row);
    break;
  case film_state::skipped:
  case film_state::done:
  case film_state::kept_original:
  case film_state::failed:
    break;
  }
}

void ledger::decide(film& x, int64_t now_ms) {
  auto facts = std::move(x.facts);
  auto* in = root_of(x.row.root);
  if (!facts || in == nullptr)
    return enter(x, film_state::found, {}, now_ms);
  auto is_ours = facts->has_marker && &source_path(x.row) == &x.row.path;
  x.row.is_result = x.row.is_result || is_ours;
  if (is_ours)
    return enter(x, film_state::done, "it is a result already", now_ms);
  auto why = why_skipped(in->what.filters, *facts);
  auto next = why.empty() ? film_state::queued : film_state::skipped;
  enter(x, next, std::move(why), now_ms);
}

// -- places -----------------------------------------------------------------------------------------------------------

ledger::place ledger::place_of(const film& x) const {
  const auto& in = roots_.at(x.row.root).what;
  auto bytes = static_cast<int64_t>(x.row.identity.bytes);
  int64_t key = 0;
  switch (in.order) {
  case film_order::oldest:
    key = x.row.identity.mtime_ns;
    break;
  case film_order::newest:
    key = -x.row.identity.mtime_ns;
    break;
  case film_order::largest:
    key = -bytes;
    break;
  case film_order::smallest:
    key = bytes;
    break;
  }
  return {-(int64_t{in.priority} + x.row.priority), key, x.row.number};
}

void ledger::leave_lists(film& x) {
  settling_.erase(x.row.number);
  converting_.erase(x.row.number);
  set_due(x, 0);
  auto* in = root_of(x.row.root);
  if (in == nullptr)
    return;
  in->found.erase(x.row.number);
  if (auto at = std::exchange(x.queued, {}))
    in->queue.erase(*at);
}

void ledger::join_queue(film& x) {
  auto* in = root_of(x.row.root);
  if (in == nullptr)
    return;
  x.queued = place_of(x);
  in->queue.insert(*x.queued);
}

void ledger::set_due(film& x, int64_t at_ms) {
  if (x.due_ms != 0)
    due_.erase({x.due_ms, x.row.number});
  x.due_ms = at_ms;
  if (at_ms != 0)
    due_.emplace(at_ms, x.row.number);
}

void ledger::set_drop(film& x, int64_t at_ms) {
  if (x.drop_ms != 0)
    kept_.erase({x.drop_ms, x.row.number});
  x.drop_ms = at_ms == kept_for_ever ? 0 : at_ms;
  if (x.drop_ms != 0)
    kept_.emplace(x.drop_ms, x.row.number);
}

void ledger::index(const film& x) {
  by_path_[x.row.path] = x.row.number;
  by_inode_.emplace(x.row.identity.inode, x.row.number);
}

void ledger::unindex(const film& x) {
  auto path = by_path_.find(x.row.path);
  if (path != by_path_.end() && path->second == x.row.number)
    by_path_.erase(path);
  erase_from(by_inode_, x.row.identity.inode, x.row.number);
}

ledger::root* ledger::root_of(uint32_t number) {
  auto i = roots_.find(number);
  return i == roots_.end() ? nullptr : &i->second;
}

const film_row* ledger::find(uint64_t number) const {
  auto i = films_.find(number);
  return i == films_.end() ? nullptr : &i->second.row;
}

const film_row* ledger::find(const std::string& path) const {
  auto i = by_path_.find(path);
  return i == by_path_.end() ? nullptr : find(i->second);
}

// -- beginning work ---------------------------------------------------------------------------------------------------

void ledger::tick(int64_t now_ms) {
  let_roots_work(now_ms);
  if (!works_)
    return;
  begin_due(now_ms);
  begin_settling(now_ms);
  begin_converting(now_ms);
  begin_dropping(now_ms);
}

void ledger::let_roots_work(int64_t now_ms) {
  for (auto& [number, x] : roots_) {
    auto may =
      works_ && repairs_.empty() && !x.what.is_paused && x.what.offline.empty() && is_within(x.what.hours, now_ms);
    if (std::exchange(x.may_work, may) != may)
      effects_.let_work(number, may);
  }
}

void ledger::begin_due(int64_t now_ms) {
  while (!due_.empty() && due_.begin()->first <= now_ms) {
    auto& x = films_.at(due_.begin()->second);
    set_due(x, 0);
    if (x.durable != x.row.revision)
      x.is_acting = false; // acts when it is durable
    else if (x.row.state == film_state::settling)
      effects_.examine(x.row);
    else
      meet_demand(x, now_ms);
  }
}

void ledger::begin_settling(int64_t now_ms) {
  for (auto& [number, in] : roots_)
    while (!in.what.is_paused && in.what.offline.empty() && settling_.size() < config_.examined_max
           && !in.found.empty()) {
      auto& x = films_.at(*in.found.begin());
      ++x.row.attempt;
      enter(x, film_state::settling, {}, now_ms);
    }
}

void ledger::begin_converting(int64_t now_ms) {
  while (converting_.size() < config_.converted_max) {
    root* best = nullptr;
    for (auto& [number, in] : roots_)
      if (in.may_work && !in.queue.empty() && (best == nullptr || *in.queue.begin() < *best->queue.begin()))
        best = &in;
    if (best == nullptr)
      return;
    auto& x = films_.at(std::get<2>(*best->queue.begin()));
    ++x.row.attempt;
    enter(x, film_state::converting, {}, now_ms);
  }
}

void ledger::begin_dropping(int64_t now_ms) {
  while (!kept_.empty() && kept_.begin()->first <= now_ms) {
    auto& x = films_.at(kept_.begin()->second);
    // It may be needed for what is under way.
    auto waits = !is_at_rest(x.row.state);
    set_drop(x, waits ? now_ms + config_.retry_first_ms : 0);
    if (waits)
      continue;
    x.row.is_dropping = true;
    write(x);
  }
}

void ledger::dropped(uint64_t number, int64_t now_ms) {
  auto i = films_.find(number);
  if (i == films_.end() || !i->second.is_dropping)
    return;
  auto& x = i->second;
  lose_kept(x);
  if (x.row.state == film_state::verifying && x.is_verified)
    begin_replacing(x, now_ms);
  else
    write(x);
}

void ledger::keep(film& x, int64_t now_ms) {
  auto keep_ms = roots_.at(x.row.root).what.keep_ms;
  x.row.is_kept = true;
  x.row.kept_as = x.row.path;
  x.row.original = x.row.identity;
  x.row.kept_until_ms = keep_ms == kept_for_ever ? kept_for_ever : now_ms + keep_ms;
  set_drop(x, x.row.kept_until_ms);
}

void ledger::lose_kept(film& x) {
  set_drop(x, 0);
  x.is_dropping = false;
  x.row.is_dropping = false;
  x.row.is_kept = false;
  x.row.kept.clear();
  x.row.kept_as.clear();
  x.row.original = {};
  x.row.kept_until_ms = 0;
}

void ledger::leave_missing(film& x) {
  if (x.row.missing_ms != 0)
    erase_from(missing_, x.row.identity.print, x.row.number);
  x.row.missing_ms = 0;
}

void ledger::forget(uint64_t number) {
  auto& x = films_.at(number);
  leave_lists(x);
  set_drop(x, 0);
  unindex(x);
  leave_missing(x);
  erase_from(newcomers_, x.row.identity.print, number);
  films_.erase(number);
  effects_.erase(number);
}

} // namespace troupe::core
