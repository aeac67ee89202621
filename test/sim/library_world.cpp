#include "test/sim/library_world.hpp"

#include "core/library/names.hpp"

#include <algorithm>

namespace troupe::sim {

namespace {

constexpr const char* folder = "/films";

bool is_hidden(const std::string& path) {
  return core::is_own_name(path.substr(path.rfind('/') + 1));
}

/// Where the attempt's result is made.
std::string part_of(const core::film_row& x) {
  return std::string{folder} + "/." + std::to_string(x.number) + "-" + std::to_string(x.attempt) + ".part";
}

} // namespace

library_world::library_world(uint64_t seed, bool trace) : world_{seed, trace} {
  config_.settle_ms = 20'000;
  config_.retry_first_ms = 5'000;
  config_.retry_longest_ms = 60'000;
  config_.tries_max = 3;
  config_.forget_ms = 3'600'000;
  root_.number = 1;
  root_.path = folder;
  root_.keep_ms = world_.chance.chance(0.5) ? core::kept_for_ever : world_.chance.between(1'000, 600'000);
  start();
}

void library_world::start() {
  ledger_ = std::make_unique<core::ledger>(config_, static_cast<core::ledger_effects&>(*this));
  ledger_->add(root_);
  for (const auto& [number, row] : durable_)
    ledger_->recover(row);
  ledger_->recovered(highest_, now_ms());
}

/// What was not durable is lost, and so is every answer on its way.
void library_world::restart() {
  world_.trace("restart");
  ++life_;
  pending_.clear();
  start();
}

// -- effects ----------------------------------------------------------------------------------------------------------

void library_world::write(const core::film_row& x, const core::film_replacement* entry) {
  highest_ = std::max(highest_, x.number);
  pending_.push_back({x, entry != nullptr ? std::optional{*entry} : std::nullopt, false});
  world_.trace("film ", x.number, " ", to_string_view(x.state), " ", x.path, " ", x.reason);
}

void library_world::erase(uint64_t film) {
  core::film_row x;
  x.number = film;
  pending_.push_back({x, {}, true});
}

void library_world::write(const core::library_root& x) {
  root_ = x;
}

void library_world::let_work(uint32_t, bool) {}

void library_world::flush_store(bool all) {
  if (!is_store_up_)
    return;
  auto count = all ? pending_.size() : world_.chance.below(pending_.size() + 1);
  for (; count > 0 && !pending_.empty(); --count) {
    auto x = std::move(pending_.front());
    pending_.pop_front();
    if (x.erases) {
      durable_.erase(x.row.number);
      continue;
    }
    auto& row = durable_[x.row.number];
    if (row.number != 0 && x.row.revision <= row.revision)
      fail("film ", x.row.number, " was written with revision ", x.row.revision, " after ", row.revision);
    if (row.number != 0 && row.state != x.row.state && !may_follow(row.state, x.row.state))
      fail("film ", x.row.number, " went from ", to_string_view(row.state), " to ", to_string_view(x.row.state));
    row = x.row;
    if (x.entry)
      account_.add(*x.entry);
    world_.note(row.number * 31 + static_cast<uint64_t>(row.state));
    ledger_->written(row.number, row.revision, now_ms());
  }
}

void library_world::check_durable(const core::film_row& x, core::film_state state, const char* what) {
  auto i = durable_.find(x.number);
  if (x.state != state || i == durable_.end() || i->second != x)
    fail(what, " of film ", x.number, " was asked for before it was durable");
}

/// After some time, if the coordinator lives until then.
void library_world::answer(const core::film_row& x, std::function<void(core::ledger&, core::film_row)> what) {
  auto life = life_;
  world_.after(world_.chance.between(1ms, 30s), [this, life, x, what = std::move(what)] {
    if (life == life_)
      what(*ledger_, x);
  });
}

library_world::file* library_world::at(const std::string& path) {
  auto i = files_.find(path);
  return i == files_.end() ? nullptr : &i->second;
}

core::film_identity library_world::new_identity(uint64_t bytes) {
  auto inode = next_inode_++;
  return {1, inode, bytes, now_ms() * 1'000'000, "print " + std::to_string(inode)};
}

void library_world::examine(const core::film_row& x) {
  check_durable(x, core::film_state::settling, "the examination");
  answer(x, [this](core::ledger& to, const core::film_row& film) {
    auto* found = is_online_ ? at(source_path(film)) : nullptr;
    if (found == nullptr || (!is_calm_ && world_.chance.chance(0.05)))
      return to.failed(film.number, film.attempt, core::film_fault::passing, "it cannot be opened", now_ms());
    core::film_facts facts;
    facts.video = {"h264", core::picture_class::hd_1080, 1080, 8, false, 0};
    facts.width = 1920;
    facts.has_marker = found->is_result;
    if (found->content % 7 == 0)
      facts.video.codec = "av1";
    to.examined(film.number, film.attempt, found->identity, facts, now_ms());
  });
}

void library_world::convert(const core::film_row& x) {
  check_durable(x, core::film_state::converting, "the conversion");
  auto* source = is_online_ ? at(source_path(x)) : nullptr;
  auto before = source != nullptr ? std::optional{*source} : std::nullopt;
  answer(x, [this, before](core::ledger& to, const core::film_row& film) {
    const auto* now = to.find(film.number);
    if (now == nullptr || now->state != core::film_state::converting || now->attempt != film.attempt)
      return; // it was stopped
    auto* found = is_online_ ? at(source_path(film)) : nullptr;
    files_.erase(part_of(film));
    if (!before || found == nullptr || found->identity != before->identity
        || !is_same_file(found->identity, source_identity(film)))
      return to.failed(film.number, film.attempt, core::film_fault::changed, "its file changed", now_ms());
    if (!is_calm_ && world_.chance.chance(0.2))
      return to.failed(film.number, film.attempt, core::film_fault::passing, "a worker died", now_ms());
    if (found->content % 5 == 0)
      return to.not_worth_it(film.number, film.attempt, "it would grow", now_ms());
    ++conversions_;
    auto part = part_of(film);
    file result{new_identity(originals_[found->content] / 2), found->content, true};
    files_[part] = result;
    auto target = core::result_path(film.path, "mkv");
    to.converted(film.number, film.attempt, {part, target, result.identity}, now_ms());
  });
}

void library_world::verify(const core::film_row& x) {
  check_durable(x, core::film_state::verifying, "the verification");
  answer(x, [this](core::ledger& to, const core::film_row& film) {
    if (at(film.part) == nullptr)
      return to.failed(film.number, film.attempt, core::film_fault::changed, "its result is gone", now_ms());
    if (!is_calm_ && world_.chance.chance(0.1))
      return to.failed(film.number, film.attempt, core::film_fault::passing, "a worker died", now_ms());
    to.verified(film.number, film.attempt, {}, now_ms());
  });
}

void library_world::move(const std::string& from, const std::string& to) {
  if (!files_.contains(from) || files_.contains(to))
    return;
  files_[to] = files_[from];
  files_.erase(from);
}

/// Step by step; a restart may come between two steps.
void library_world::replace(const core::film_row& x) {
  check_durable(x, core::film_state::replacing, "the replacement");
  auto life = life_;
  world_.after(world_.chance.between(1ms, 1s), [this, x, life] { take_step(x, {}, life); });
}

void library_world::take_step(const core::film_row& x, core::replacing_facts facts, uint64_t life) {
  if (life != life_)
    return;
  auto order = order_of(x);
  const auto& n = order.names;
  auto look = [&](const std::string& path) {
    auto* found = is_online_ ? at(path) : nullptr;
    return found == nullptr ? core::file_is::nothing : known_as(order, found->identity);
  };
  facts.film = look(n.film);
  facts.target = look(n.target);
  facts.part = look(n.part);
  facts.kept = look(n.kept);
  auto next = next_step(order, facts);
  if (is_end(next)) {
    auto* now = is_online_ ? at(next == core::replacing_step::replaced ? n.target : n.film) : nullptr;
    core::replacing_end end{next, now != nullptr ? now->identity : core::film_identity{},
                            facts.kept == core::file_is::original};
    return ledger_->replaced(x.number, x.attempt, end, now_ms());
  }
  facts.is_prepared = facts.is_prepared || next == core::replacing_step::prepare;
  facts.is_flushed = next == core::replacing_step::flush;
  facts.has_deleted = deletes(next);
  switch (next) {
  case core::replacing_step::exchange:
  case core::replacing_step::exchange_back:
    std::swap(files_[n.film], files_[n.part]);
    break;
  case core::replacing_step::exchange_kept:
    std::swap(files_[n.film], files_[n.kept]);
    break;
  case core::replacing_step::move_in:
  case core::replacing_step::put_result_back:
    move(n.part, n.target);
    break;
  case core::replacing_step::set_aside:
    move(n.film, n.part);
    break;
  case core::replacing_step::set_back:
    move(n.part, n.film);
    break;
  case core::replacing_step::keep:
    move(n.part, n.kept);
    break;
  case core::replacing_step::move_back:
    move(n.kept, n.film);
    break;
  case core::replacing_step::set_result_aside:
    move(n.target, n.part);
    break;
  case core::replacing_step::delete_part:
    files_.erase(n.part);
    break;
  case core::replacing_step::delete_target:
    files_.erase(n.target);
    break;
  case core::replacing_step::delete_kept:
    files_.erase(n.kept);
    break;
  default:
    break; // no name changes; this file system can exchange names
  }
  world_.after(world_.chance.between(1ms, 100ms), [this, x, facts, life] { take_step(x, facts, life); });
}

void library_world::drop_kept(const core::film_row& x) {
  auto i = durable_.find(x.number);
  if (i == durable_.end() || !i->second.is_dropping)
    fail("the original of film ", x.number, " was to be deleted before that was durable");
  answer(x, [this](core::ledger& to, const core::film_row& film) {
    auto* kept = at(film.kept);
    if (kept != nullptr && is_same_file(kept->identity, film.original)) {
      deleted_.insert(kept->content); // as its owner asked for, by `keep_ms` or by a new film
      files_.erase(film.kept);
    }
    to.dropped(film.number, now_ms());
  });
}

void library_world::stop(const core::film_row& x) {
  files_.erase(part_of(x));
}

// -- people, scans, time ----------------------------------------------------------------------------------------------

void library_world::make_file(const std::string& path) {
  if (auto* old = at(path))
    deleted_.insert(old->content);
  auto bytes = static_cast<uint64_t>(world_.chance.between(1'000, 100'000));
  files_[path] = {new_identity(bytes), next_content_, false};
  originals_[next_content_++] = bytes;
  world_.trace("a person makes ", path);
}

void library_world::people() {
  auto& chance = world_.chance;
  if (!is_online_)
    return;
  std::vector<std::string> visible;
  for (const auto& [path, x] : files_)
    if (!is_hidden(path))
      visible.push_back(path);
  auto name = std::string{folder} + "/" + std::to_string(chance.below(12)) + (chance.chance(0.7) ? ".mkv" : ".avi");
  // Another container's name of the same film is the same film for media servers: no person has both.
  auto other = core::result_path(name, name.ends_with("mkv") ? "avi" : "mkv");
  auto what = chance.below(10);
  if (visible.empty() || what < 4) {
    if (!files_.contains(other))
      make_file(name);
    return;
  }
  auto& path = chance.pick(visible);
  auto number = ledger_->find(path) != nullptr ? ledger_->find(path)->number : 0;
  switch (what) {
  case 4:
    deleted_.insert(files_[path].content);
    files_.erase(path);
    break;
  case 5:
    if (!files_.contains(name) && !files_.contains(other)) {
      files_[name] = files_[path];
      files_.erase(path);
      if (chance.chance(0.5)) // to another file system: the same print
        files_[name].identity.inode = next_inode_++;
      world_.trace("a person renames ", path, " to ", name);
    }
    break;
  case 6:
    ledger_->undo(number, now_ms());
    break;
  case 7:
    ledger_->again(number, now_ms());
    break;
  case 8:
    ledger_->skip(number, now_ms());
    break;
  default:
    ledger_->retry(number, now_ms());
  }
}

void library_world::scan() {
  if (!ledger_->begin_scan(1))
    return;
  std::vector<std::string> names;
  for (const auto& [path, x] : files_)
    if (is_online_ && !is_hidden(path))
      names.push_back(path);
  look_at(names, 0, !is_calm_ && world_.chance.chance(0.1), life_);
}

/// A scan takes its time: files may change while it goes on.
void library_world::look_at(const std::vector<std::string>& names, size_t i, bool is_cut, uint64_t life) {
  if (life != life_)
    return;
  if (i == names.size()) // an empty mount point looks complete
    return ledger_->end_scan(1, !is_cut && (is_online_ || names.empty()), now_ms());
  if (auto* found = at(names[i]); found != nullptr && is_online_) {
    auto below = names[i].substr(std::string{folder}.size() + 1);
    core::film_entry entry{below, found->identity.bytes, 0, 1, false};
    auto bare = found->identity;
    bare.print.clear();
    if (ledger_->seen(1, entry, bare, now_ms()) == core::sighting::unknown)
      ledger_->identified(1, entry, found->identity, now_ms());
  }
  world_.after(1ms, [this, names, i, is_cut, life] { look_at(names, i + 1, is_cut, life); });
}

void library_world::tick() {
  flush_store(is_calm_);
  ledger_->tick(now_ms());
  flush_store(is_calm_);
  // No content is lost that its owner did not delete.
  std::set<uint64_t> there;
  for (const auto& [path, x] : files_)
    there.insert(x.content);
  for (uint64_t content = 1; content < next_content_; ++content)
    if (!there.contains(content) && !deleted_.contains(content))
      fail("content ", content, " is lost");
}

void library_world::run() {
  auto& chance = world_.chance;
  for (int i = 0; i < 5; ++i)
    make_file(std::string{folder} + "/" + std::to_string(i) + ".mkv");
  for (int second = 0; second < 900; ++second) {
    world_.run_until(world_.now() + 1s);
    tick();
    if (chance.chance(0.05))
      people();
    if (chance.chance(0.05))
      scan();
    if (chance.chance(0.01))
      restart();
    if (chance.chance(0.02)) {
      is_store_up_ = !is_store_up_;
      ledger_->store_works(is_store_up_);
    }
    if (chance.chance(0.01))
      is_online_ = !is_online_;
  }
  // Calm: everything works, and nobody does anything.
  is_calm_ = true;
  is_online_ = true;
  is_store_up_ = true;
  ledger_->store_works(true);
  restart();
  for (int second = 0; second < 3'000; ++second) {
    world_.run_until(world_.now() + 1s);
    tick();
    if (second % 100 == 0)
      scan();
  }
  check_rest();
  auto before = conversions_;
  restart();
  for (int second = 0; second < 300; ++second) {
    world_.run_until(world_.now() + 1s);
    tick();
    if (second % 100 == 0)
      scan();
  }
  check_rest();
  if (conversions_ != before)
    fail("a second look converted ", conversions_ - before, " films");
}

void library_world::check_rest() {
  for (const auto& [path, x] : files_) {
    if (is_hidden(path)) {
      if (path.ends_with(".part"))
        fail(path, " was left behind");
      continue;
    }
    const auto* row = ledger_->find(path);
    if (row == nullptr)
      fail(path, " has no row");
    if (!is_at_rest(row->state))
      fail(path, " is still ", to_string_view(row->state), ": ", row->reason);
    if (!is_same_file(row->identity, x.identity))
      fail(path, " is another file than its row says");
    if ((row->state == core::film_state::done && !x.is_result)
        || (row->state == core::film_state::kept_original && x.is_result))
      fail(path, " is ", to_string_view(row->state), x.is_result ? ", and a result" : ", and no result");
    if (row->is_kept && root_.keep_ms == core::kept_for_ever && !files_.contains(row->kept))
      fail("the original of ", path, " is not there");
  }
  for (const auto& [number, row] : durable_) {
    const auto* known = ledger_->find(number);
    if (known == nullptr || *known != row)
      fail("the store has another film ", number);
  }
  if (account_.saved_share() < 0 || account_.saved_share() > 1)
    fail("the account says that ", account_.saved_share(), " was saved");
}

} // namespace troupe::sim
