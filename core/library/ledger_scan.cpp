// What a scan tells the ledger: which films are known, changed, renamed, moved, new or missing.
#include "core/library/ledger.hpp"

#include <algorithm>

namespace troupe::core {

bool ledger::begin_scan(uint32_t number) {
  auto* in = root_of(number);
  if (in == nullptr || in->scan != 0 || !works_ || !repairs_.empty())
    return false;
  in->scan = next_scan_++;
  in->seen = 0;
  in->was_cut = false;
  return true;
}

sighting ledger::seen(uint32_t number, const film_entry& entry, const film_identity& file, int64_t now_ms) {
  auto* in = root_of(number);
  if (in == nullptr || in->scan == 0 || !works_)
    return sighting::ignored;
  auto path = in->what.path + "/" + std::string{entry.path};
  auto known = by_path_.find(path);
  if (known == by_path_.end()) {
    if (path.size() > film_path_bytes_max || !is_film(in->what.filters, entry.path) || is_coming(path))
      return sighting::ignored;
    auto* x = renamed(entry, file);
    if (x == nullptr)
      return films_.size() < config_.films_max ? sighting::unknown : sighting::ignored;
    ++in->seen;
    x->scan = in->scan;
    auto same = file;
    same.print = x->row.identity.print;
    come_to(*x, std::move(path), same, now_ms);
    return sighting::known;
  }
  auto& x = films_.at(known->second);
  if (x.scan != in->scan && x.born != in->scan)
    ++in->seen;
  x.scan = in->scan;
  if (x.row.state == film_state::replacing)
    return sighting::known; // the replacement looks for itself
  if (!is_same_file(file, x.row.identity))
    return sighting::unknown;
  x.row.identity.device = file.device;
  if (x.row.missing_ms != 0)
    come_back(x);
  see_entry(x, *in, entry, now_ms);
  return sighting::known;
}

void ledger::identified(uint32_t number, const film_entry& entry, film_identity file, int64_t now_ms) {
  auto* in = root_of(number);
  if (in == nullptr || in->scan == 0 || !works_)
    return;
  auto path = in->what.path + "/" + std::string{entry.path};
  if (auto known = by_path_.find(path); known != by_path_.end()) {
    auto& x = films_.at(known->second);
    if (x.row.state == film_state::replacing || is_same_file(file, x.row.identity))
      return;
    return change(x, std::move(file), now_ms);
  }
  if (auto* x = moved(file)) {
    ++in->seen;
    x->scan = in->scan;
    return come_to(*x, std::move(path), file, now_ms);
  }
  add_film(*in, entry, std::move(file), now_ms);
}

/// True for a name that a replacement is about to give.
bool ledger::is_coming(const std::string& path) const {
  return std::ranges::any_of(converting_, [&](uint64_t number) {
    const auto& x = films_.at(number).row;
    return x.state == film_state::replacing && path == (x.is_undoing ? x.kept_as : x.target);
  });
}

ledger::film* ledger::renamed(const film_entry& entry, const film_identity& file) {
  if (entry.links != 1)
    return nullptr; // another name of a file that may still have the old one
  auto [first, last] = by_inode_.equal_range(file.inode);
  for (auto i = first; i != last; ++i) {
    auto& x = films_.at(i->second);
    auto* in = root_of(x.row.root);
    auto was_seen = in != nullptr && in->scan != 0 && x.scan == in->scan;
    if (!was_seen && x.row.state != film_state::replacing && x.row.identity.device == file.device
        && is_same_file(x.row.identity, file))
      return &x;
  }
  return nullptr;
}

ledger::film* ledger::moved(const film_identity& file) {
  auto [first, last] = missing_.equal_range(file.print);
  for (auto i = first; i != last; ++i)
    if (auto& x = films_.at(i->second); is_same_content(x.row.identity, file) && x.row.state != film_state::replacing)
      return &x;
  return nullptr;
}

void ledger::add_film(root& in, const film_entry& entry, film_identity file, int64_t now_ms) {
  auto number = next_number_++;
  auto& x = films_[number];
  x.row.number = number;
  x.row.root = in.what.number;
  x.row.path = in.what.path + "/" + std::string{entry.path};
  x.row.found_ms = now_ms;
  x.row.identity = std::move(file);
  x.scan = in.scan;
  x.born = in.scan;
  index(x);
  newcomers_.emplace(x.row.identity.print, number);
  write(x);
  see_entry(x, in, entry, now_ms);
}

/// Some reasons to skip a film pass, and others come.
void ledger::see_entry(film& x, const root& in, const film_entry& entry, int64_t now_ms) {
  using enum film_state;
  auto why = why_skipped(in.what.filters, entry, now_ms);
  if (why.empty() && x.row.state == skipped && x.row.asks_again) {
    x.row.asks_again = false;
    enter(x, found, {}, now_ms);
  } else if (!why.empty() && (x.row.state == found || x.row.state == settling || x.row.state == queued)) {
    x.row.asks_again = true;
    enter(x, skipped, std::move(why), now_ms);
  }
}

void ledger::come_to(film& x, std::string path, const film_identity& file, int64_t now_ms) {
  // A row without a file may still have this path.
  unindex(x);
  leave_missing(x);
  x.row.path = std::move(path);
  x.row.identity = file;
  index(x);
  if (x.row.is_kept) {
    auto dot = x.row.kept_as.rfind('.');
    auto end = x.row.path.rfind('.');
    if (dot != std::string::npos && end != std::string::npos)
      x.row.kept_as = x.row.path.substr(0, end) + x.row.kept_as.substr(dot);
  }
  // Work on it knows only its old name.
  if (x.row.state == film_state::converting || x.row.state == film_state::verifying)
    return find_anew(x, "it was renamed", now_ms);
  write(x);
}

void ledger::come_back(film& x) {
  leave_missing(x);
  write(x);
}

void ledger::change(film& x, film_identity file, int64_t now_ms) {
  auto is_copy = is_same_content(x.row.identity, file);
  unindex(x);
  leave_missing(x);
  x.row.identity = std::move(file);
  index(x);
  if (is_copy)
    return write(x);
  x.row.is_result = false;
  find_anew(x, "its file has changed", now_ms);
}

void ledger::miss(film& x, int64_t now_ms) {
  missing_.emplace(x.row.identity.print, x.row.number);
  x.row.missing_ms = now_ms;
  if (is_at_rest(x.row.state) || x.row.state == film_state::found || x.row.state == film_state::queued) {
    leave_lists(x);
    x.is_acting = false;
    return write(x);
  }
  find_anew(x, "its file is missing", now_ms);
}

ledger::film* ledger::newcomer_like(const film& x, uint64_t scan) {
  auto [first, last] = newcomers_.equal_range(x.row.identity.print);
  for (auto i = first; i != last; ++i) {
    auto& y = films_.at(i->second);
    if (y.born == scan && is_same_content(x.row.identity, y.row.identity)
        && (y.row.state == film_state::found || y.row.state == film_state::settling))
      return &y;
  }
  return nullptr;
}

void ledger::end_scan(uint32_t number, bool is_complete, int64_t now_ms) {
  auto* in = root_of(number);
  if (in == nullptr || in->scan == 0)
    return;
  if (is_complete && !in->was_cut) {
    std::vector<uint64_t> unseen;
    for (const auto& [film, x] : films_)
      if (x.row.root == number && x.scan != in->scan)
        unseen.push_back(film);
    std::ranges::sort(unseen);
    judge_absence(*in, unseen, now_ms);
    in->is_empty_fine = false;
  }
  std::erase_if(newcomers_, [&](const auto& x) {
    auto i = films_.find(x.second);
    return i == films_.end() || i->second.born == in->scan;
  });
  in->scan = 0;
}

void ledger::judge_absence(root& in, const std::vector<uint64_t>& unseen, int64_t now_ms) {
  // A folder of another file system may be offline alone.
  std::set<uint64_t> devices;
  for (const auto& [film, x] : films_)
    if (x.row.root == in.what.number && x.scan == in.scan)
      devices.insert(x.row.identity.device);
  auto may_be_offline = [&](const film& x) { return !devices.contains(x.row.identity.device) && !in.is_empty_fine; };
  auto present = [&](uint64_t x) { return films_.at(x).row.missing_ms == 0; };
  auto waits = [&](uint64_t x) { return !present(x) || may_be_offline(films_.at(x)); };
  if (in.seen == 0 && std::ranges::any_of(unseen, present) && std::ranges::all_of(unseen, waits)) {
    in.what.offline = "none of its known films is there: it may be offline; resume it if they are really gone";
    effects_.write(in.what);
    return let_roots_work(now_ms);
  }
  if (!devices.empty() && !in.what.offline.empty()) {
    in.what.offline.clear();
    effects_.write(in.what);
  }
  for (auto number : unseen) {
    auto& x = films_.at(number);
    if (x.row.missing_ms != 0) {
      if (now_ms - x.row.missing_ms >= config_.forget_ms && !x.row.is_kept)
        forget(number);
      continue;
    }
    if (x.row.state == film_state::replacing)
      continue; // it looks for itself
    if (auto* y = newcomer_like(x, in.scan)) {
      auto path = y->row.path;
      auto file = y->row.identity;
      forget(y->row.number);
      x.scan = in.scan;
      come_to(x, std::move(path), file, now_ms);
    } else if (!may_be_offline(x)) {
      miss(x, now_ms);
    }
  }
}

} // namespace troupe::core
