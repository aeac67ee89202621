// A ledger with one root, a store that makes everything durable at once unless a test stops it, and lists of the work
// that was asked for.
#pragma once

#include "core/library/ledger.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace troupe::core::library_test {

inline constexpr uint32_t root = 1;
inline constexpr int64_t second = 1000;

struct fixture : ledger_effects {
  ledger_config config;
  library_root films;
  std::optional<ledger> made;
  int64_t now = 1'000'000'000;
  bool is_store_up = true;
  std::map<std::string, std::pair<film_entry, film_identity>> disk; ///< by name below the root
  std::map<uint64_t, film_row> stored;
  std::vector<film_replacement> account;
  std::deque<std::pair<uint64_t, uint32_t>> writes; ///< not durable yet
  std::map<std::string, film_row> asked;            ///< the last film for each kind of work
  std::map<std::string, int> count;
  std::optional<library_root> stored_root;
  bool may_work = false;

  fixture() {
    films.number = root;
    films.path = "/films";
    start();
  }

  ledger& it() {
    return *made;
  }

  void start() {
    made.emplace(config, *this);
    writes.clear();
    may_work = false;
    it().add(films);
    uint64_t highest = 0;
    for (const auto& [number, row] : stored) {
      highest = std::max(highest, number);
      it().recover(row);
    }
    it().recovered(highest, now);
  }

  // -- effects

  void write(const film_row& x, const film_replacement* entry) override {
    stored[x.number] = x;
    if (entry != nullptr)
      account.push_back(*entry);
    writes.emplace_back(x.number, x.revision);
  }
  void erase(uint64_t film) override {
    stored.erase(film);
    ++count["erase"];
  }
  void write(const library_root& x) override {
    stored_root = x;
  }
  void ask(const char* what, const film_row& x) {
    ++count[what];
    asked[what] = x;
  }
  void examine(const film_row& x) override {
    ask("examine", x);
  }
  void convert(const film_row& x) override {
    ask("convert", x);
  }
  void verify(const film_row& x) override {
    ask("verify", x);
  }
  void replace(const film_row& x) override {
    ask("replace", x);
  }
  void drop_kept(const film_row& x) override {
    ask("drop_kept", x);
  }
  void stop(const film_row& x) override {
    ask("stop", x);
  }
  void let_work(uint32_t, bool may) override {
    may_work = may;
  }

  // -- time and store

  void make_durable() {
    while (is_store_up && !writes.empty()) {
      auto [film, revision] = writes.front();
      writes.pop_front();
      it().written(film, revision, now);
    }
  }

  void run(int64_t ms) {
    for (auto end = now + ms; now < end; now += second) {
      make_durable();
      it().tick(now);
    }
    make_durable();
  }

  // -- files

  film_identity put(const std::string& name, uint64_t inode, uint64_t bytes = 1'000'000, std::string print = {}) {
    film_identity x{1, inode, bytes, static_cast<int64_t>(inode) * 1'000'000, std::move(print)};
    if (x.print.empty())
      x.print = "print " + std::to_string(inode);
    auto& [entry, identity] = disk[name];
    entry = {{}, bytes, 0, 1, false};
    identity = x;
    return x;
  }

  /// Returns how many files were opened.
  int scan(bool is_complete = true) {
    auto opened = 0;
    if (!it().begin_scan(root))
      return -1;
    for (auto& [name, file] : disk) {
      auto entry = file.first;
      entry.path = name;
      auto bare = file.second;
      bare.print.clear();
      if (it().seen(root, entry, bare, now) == sighting::unknown) {
        ++opened;
        it().identified(root, entry, file.second, now);
      }
    }
    it().end_scan(root, is_complete, now);
    make_durable();
    return opened;
  }

  const film_row& row(const std::string& name) {
    return *it().find("/films/" + name);
  }

  film_state state(const std::string& name) {
    return row(name).state;
  }

  // -- answers

  static film_facts good_facts() {
    film_facts x;
    x.video = {"h264", picture_class::hd_1080, 1080, 8, false, 8'000'000};
    x.width = 1920;
    return x;
  }

  void examined(const std::string& name, film_facts facts = good_facts()) {
    auto x = row(name);
    it().examined(x.number, x.attempt, source_identity(x), std::move(facts), now);
    run(second);
  }

  void converted(const std::string& name, uint64_t bytes = 500'000) {
    auto x = row(name);
    it().converted(x.number, x.attempt, {"/films/." + name + ".part", x.path, {1, 900 + x.number, bytes, 1, "result"}},
                   now);
    make_durable();
  }

  void verified(const std::string& name, const std::vector<std::string>& breaches = {}) {
    auto x = row(name);
    it().verified(x.number, x.attempt, breaches, now);
    make_durable();
  }

  void replaced(const std::string& name, replacing_step how = replacing_step::replaced) {
    auto x = row(name);
    auto end = how == replacing_step::replaced ? x.made : how == replacing_step::restored ? x.original : x.identity;
    if (how == replacing_step::replaced || how == replacing_step::restored)
      disk[name].second = end;
    it().replaced(x.number, x.attempt, {how, end, how == replacing_step::replaced}, now);
    make_durable();
  }

  /// Brings a new film as far as `state`.
  void bring(const std::string& name, film_state to) {
    put(name, 10 + disk.size());
    scan();
    run(config.settle_ms + 2 * second);
    if (to == film_state::settling)
      return;
    examined(name);
    run(2 * second);
    if (to == film_state::converting)
      return;
    converted(name);
    if (to == film_state::verifying)
      return;
    verified(name);
    if (to == film_state::replacing)
      return;
    replaced(name);
  }
};

} // namespace troupe::core::library_test
