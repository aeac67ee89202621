// The answers of work, and people's commands.
#include "core/library/ledger.hpp"
#include "core/library/names.hpp"

#include <algorithm>
#include <cassert>
#include <cstdio>

namespace troupe::core {

namespace {

std::string percent(double share) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f %%", share * 100);
  return text;
}

} // namespace

ledger::film* ledger::at_work(uint64_t number, uint32_t attempt, film_state state) {
  auto i = films_.find(number);
  if (i == films_.end())
    return nullptr;
  auto& x = i->second;
  return x.is_acting && x.row.attempt == attempt && x.row.state == state ? &x : nullptr;
}

void ledger::examined(uint64_t number, uint32_t attempt, const film_identity& file, film_facts facts, int64_t now_ms) {
  auto* x = at_work(number, attempt, film_state::settling);
  if (x == nullptr)
    return;
  auto is_film = &source_path(x->row) == &x->row.path;
  if (!is_same_file(file, source_identity(x->row))) {
    if (!is_film)
      return enter(*x, film_state::failed, "its kept original has changed", now_ms);
    unindex(*x);
    x->row.identity = file;
    x->row.is_result = false;
    index(*x);
    x->is_acting = false; // it is watched from the beginning again
    return write(*x);
  }
  if (is_film)
    x->row.identity = file;
  if (!facts.fault.empty())
    return enter(*x, film_state::failed, std::move(facts.fault), now_ms);
  enter(*x, film_state::probed, {}, now_ms);
  x->facts = std::make_unique<film_facts>(std::move(facts));
}

void ledger::converted(uint64_t number, uint32_t attempt, film_conversion made, int64_t now_ms) {
  auto* x = at_work(number, attempt, film_state::converting);
  if (x == nullptr)
    return;
  x->row.part = std::move(made.part);
  x->row.target = std::move(made.target);
  x->row.made = std::move(made.made);
  enter(*x, film_state::verifying, {}, now_ms);
}

void ledger::not_worth_it(uint64_t number, uint32_t attempt, std::string why, int64_t now_ms) {
  if (auto* x = at_work(number, attempt, film_state::converting))
    enter(*x, film_state::kept_original, std::move(why), now_ms);
}

void ledger::verified(uint64_t number, uint32_t attempt, const std::vector<std::string>& breaches, int64_t now_ms) {
  auto* x = at_work(number, attempt, film_state::verifying);
  if (x == nullptr)
    return;
  auto before = source_identity(x->row).bytes;
  auto after = x->row.made.bytes;
  if (!breaches.empty()) {
    effects_.stop(x->row);
    enter(*x, film_state::failed, "the result breaks its contract: " + breaches.front(), now_ms);
  } else if (!saves_enough(before, after, roots_.at(x->row.root).what.min_savings)) {
    effects_.stop(x->row);
    auto saved = 1 - static_cast<double>(after) / static_cast<double>(std::max<uint64_t>(before, 1));
    enter(*x, film_state::kept_original, "the result would save only " + percent(saved), now_ms);
  } else {
    x->is_verified = true;
    begin_replacing(*x, now_ms);
  }
}

void ledger::begin_replacing(film& x, int64_t now_ms) {
  if (x.row.is_kept && !x.row.is_result) {
    // Somebody replaced a film whose former original is still kept: at most one is.
    x.row.is_dropping = true;
    return write(x);
  }
  if (!x.row.is_kept)
    x.row.kept = kept_path(x.row.path, roots_.at(x.row.root).what.kept_folder, x.row.number);
  enter(x, film_state::replacing, {}, now_ms);
}

void ledger::replaced(uint64_t number, uint32_t attempt, const replacing_end& end, int64_t now_ms) {
  auto* x = at_work(number, attempt, film_state::replacing);
  if (x == nullptr)
    return;
  assert(is_end(end.how));
  repairs_.erase(number);
  auto& row = x->row;
  if (end.how != replacing_step::absent)
    leave_missing(*x);
  auto go_to = [&](const std::string& path, bool is_result) {
    unindex(*x);
    row.path = path;
    row.identity = end.film;
    row.is_result = is_result;
    index(*x);
  };
  switch (end.how) {
  case replacing_step::replaced: {
    film_replacement entry{number, now_ms, row.is_result ? film_change::replaced_again : film_change::replaced,
                           row.identity.bytes, end.film.bytes};
    if (!row.is_kept && end.is_kept)
      keep(*x, now_ms);
    go_to(row.target, true);
    row.part.clear();
    row.target.clear();
    row.made = {};
    return enter(*x, film_state::done, {}, now_ms, &entry);
  }
  case replacing_step::restored: {
    film_replacement entry{number, now_ms, film_change::restored, row.identity.bytes, row.original.bytes};
    go_to(row.kept_as, false);
    lose_kept(*x);
    return enter(*x, film_state::kept_original, "a person put the original back", now_ms, &entry);
  }
  case replacing_step::lost:
    if (!row.is_undoing)
      return give_back(*x, "its result was gone when it should replace the film", now_ms);
    lose_kept(*x);
    return enter(*x, film_state::done, "it cannot be undone: its kept original is gone", now_ms);
  case replacing_step::taken:
    return enter(*x, film_state::failed, "another file has a name that the replacement needs: move that file", now_ms);
  case replacing_step::absent:
    // It waits for its folder, and takes no work from other films.
    converting_.erase(number);
    if (row.missing_ms == 0) {
      row.missing_ms = now_ms;
      missing_.emplace(row.identity.print, number);
    }
    return try_later(*x, "none of its files is there: its folder may be offline", now_ms);
  default:
    break;
  }
  // Somebody else changed the film.
  if (!row.is_undoing && !row.is_kept && end.is_kept)
    keep(*x, now_ms);
  if (end.film.inode != 0)
    go_to(std::string{row.path}, false);
  find_anew(*x, "somebody changed the film while it was replaced", now_ms);
}

void ledger::failed(uint64_t number, uint32_t attempt, film_fault fault, std::string why, int64_t now_ms) {
  auto i = films_.find(number);
  if (i == films_.end() || !i->second.is_acting || i->second.row.attempt != attempt)
    return;
  auto& x = i->second;
  auto is_last = fault == film_fault::lasting || x.row.failures + 1 >= config_.tries_max;
  switch (x.row.state) {
  case film_state::settling:
    if (fault == film_fault::changed)
      set_due(x, now_ms + config_.settle_ms);
    else if (is_last)
      enter(x, film_state::failed, std::move(why), now_ms);
    else
      try_later(x, std::move(why), now_ms);
    break;
  case film_state::converting:
    if (fault == film_fault::changed)
      find_anew(x, std::move(why), now_ms);
    else if (fault == film_fault::lasting)
      enter(x, film_state::failed, std::move(why), now_ms);
    else
      give_back(x, std::move(why), now_ms);
    break;
  case film_state::verifying:
    if (x.is_verified)
      break;
    if (fault == film_fault::changed)
      return find_anew(x, std::move(why), now_ms);
    if (!is_last)
      return try_later(x, std::move(why), now_ms);
    effects_.stop(x.row);
    enter(x, film_state::failed, std::move(why), now_ms);
    break;
  case film_state::replacing:
    repairs_.erase(number);
    // A replacement that may have begun is finished, however long that takes.
    if (fault == film_fault::lasting)
      enter(x, film_state::failed, std::move(why), now_ms);
    else
      try_later(x, std::move(why), now_ms);
    break;
  case film_state::found:
  case film_state::probed:
  case film_state::skipped:
  case film_state::queued:
  case film_state::done:
  case film_state::kept_original:
  case film_state::failed:
    break; // an answer that came too late
  }
}

int64_t ledger::wait_after(uint32_t failures) const noexcept {
  auto doublings = std::min(failures > 0 ? failures - 1 : 0, 30u);
  return std::min(config_.retry_first_ms << doublings, config_.retry_longest_ms);
}

void ledger::try_later(film& x, std::string why, int64_t now_ms) {
  ++x.row.failures;
  x.row.reason = std::move(why);
  set_due(x, now_ms + wait_after(x.row.failures));
  write(x);
}

void ledger::give_back(film& x, std::string why, int64_t now_ms) {
  if (++x.row.failures >= config_.tries_max)
    return enter(x, film_state::failed, std::move(why), now_ms);
  x.row.retry_ms = now_ms + wait_after(x.row.failures);
  enter(x, film_state::queued, std::move(why), now_ms);
}

void ledger::find_anew(film& x, std::string why, int64_t now_ms) {
  if (x.row.state == film_state::converting || x.row.state == film_state::verifying)
    effects_.stop(x.row);
  x.row.failures = 0;
  x.row.asks_again = false;
  if (x.row.state != film_state::found)
    return enter(x, film_state::found, std::move(why), now_ms);
  write(x);
}

// -- people -----------------------------------------------------------------------------------------------------------

std::string ledger::skip(uint64_t number, int64_t now_ms) {
  auto i = films_.find(number);
  if (i == films_.end())
    return "there is no such film";
  auto& x = i->second;
  auto state = x.row.state;
  if (state == film_state::replacing)
    return "it is being replaced: wait a moment, then undo it";
  if (!may_follow(state, film_state::skipped))
    return "it is " + std::string{to_string_view(state)} + ": nothing is to be done with it";
  if (state == film_state::converting || state == film_state::verifying)
    effects_.stop(x.row);
  x.row.asks_again = false;
  enter(x, film_state::skipped, "a person skipped it", now_ms);
  return {};
}

std::string ledger::retry(uint64_t number, int64_t now_ms) {
  auto i = films_.find(number);
  if (i == films_.end())
    return "there is no such film";
  auto state = i->second.row.state;
  if (state == film_state::done)
    return "it is done: `again` makes it again";
  if (!is_at_rest(state))
    return "it is " + std::string{to_string_view(state)} + " already";
  find_anew(i->second, "a person wants it tried again", now_ms);
  return {};
}

std::string ledger::again(uint64_t number, int64_t now_ms) {
  auto i = films_.find(number);
  if (i == films_.end())
    return "there is no such film";
  const auto& row = i->second.row;
  if (row.state != film_state::done)
    return "it is " + std::string{to_string_view(row.state)} + ": only a film that is done can be made again";
  if (!row.is_result || !row.is_kept || row.is_dropping)
    return "its original is no longer kept, and a result of a result would look worse";
  find_anew(i->second, "a person wants it made again", now_ms);
  return {};
}

std::string ledger::undo(uint64_t number, int64_t now_ms) {
  auto i = films_.find(number);
  if (i == films_.end())
    return "there is no such film";
  auto& x = i->second;
  if (x.row.state != film_state::done)
    return "it is " + std::string{to_string_view(x.row.state)} + ": only a film that is done can be undone";
  if (!x.row.is_result || !x.row.is_kept || x.row.is_dropping)
    return "its original is no longer kept";
  if (x.row.missing_ms != 0)
    return "the film is missing: its original is kept at " + x.row.kept;
  ++x.row.attempt;
  x.row.is_undoing = true;
  enter(x, film_state::replacing, {}, now_ms);
  return {};
}

std::string ledger::prioritise(uint64_t number, int32_t priority, int64_t) {
  auto i = films_.find(number);
  if (i == films_.end())
    return "there is no such film";
  auto& x = i->second;
  auto is_queued = x.queued.has_value();
  if (is_queued)
    leave_lists(x);
  x.row.priority = priority;
  if (is_queued)
    join_queue(x);
  write(x);
  return {};
}

std::string ledger::pause(uint32_t number, int64_t now_ms) {
  auto* x = root_of(number);
  if (x == nullptr)
    return "there is no such library";
  x->what.is_paused = true;
  effects_.write(x->what);
  let_roots_work(now_ms);
  return {};
}

std::string ledger::resume(uint32_t number, int64_t now_ms) {
  auto* x = root_of(number);
  if (x == nullptr)
    return "there is no such library";
  x->is_empty_fine = !x->what.offline.empty();
  x->what.is_paused = false;
  x->what.offline.clear();
  effects_.write(x->what);
  let_roots_work(now_ms);
  return {};
}

} // namespace troupe::core
