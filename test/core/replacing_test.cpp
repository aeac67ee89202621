// The steps of a replacement on a simulated file system: names that lead to numbered files. In random lives it crashes
// anywhere, lacks calls, and has another program that replaces and deletes films. What must hold is checked after each
// single change of a name.
#include "core/library/replacing.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

using namespace troupe::core;

namespace replacing_test {
namespace {

constexpr int the_original = 1;
constexpr int the_result = 2;
constexpr int first_stranger = 100;

/// What the file system knows, besides renaming.
struct abilities {
  bool exchanges = true;
  bool links = true;
  bool refuses_taken = true; ///< RENAME_NOREPLACE; otherwise a second name is made, and the first one removed
};

struct crash {};

class life {
public:
  life(replacing_order x, abilities y, uint64_t seed) : order{std::move(x)}, able{y}, random{seed} {}

  replacing_order order;
  abilities able;
  std::mt19937_64 random;
  std::map<std::string, int> names;
  double crash_chance = 0;
  double stranger_chance = 0;
  int strangers = 0;     ///< files that another program has put there
  bool touched = false;  ///< another program changed something
  std::set<int> deleted; ///< by our steps, under their last name
  std::set<int> deleted_by_others;
  int looks_without_name = 0; ///< moments at which neither film nor result had its name

  bool chance(double x) {
    return std::uniform_real_distribution<>{}(random) < x;
  }

  file_is at(const std::string& name) const {
    auto i = names.find(name);
    return i == names.end()            ? file_is::nothing
           : i->second == the_original ? file_is::original
           : i->second == the_result   ? file_is::result
                                       : file_is::stranger;
  }

  bool has(int file) const {
    return std::any_of(names.begin(), names.end(), [file](const auto& x) { return x.second == file; });
  }

  void drop(const std::string& name, std::set<int>& into) {
    auto i = names.find(name);
    if (i == names.end())
      return;
    auto file = i->second;
    names.erase(i);
    if (!has(file))
      into.insert(file);
  }

  /// After each single change of a name.
  void moment() {
    if (at(order.names.film) == file_is::nothing && at(order.names.target) == file_is::nothing)
      ++looks_without_name;
    if (chance(crash_chance))
      throw crash{};
  }

  void rename(const std::string& from, const std::string& to) {
    auto file = names.at(from);
    if (names.contains(to) && names[to] != file)
      drop(to, deleted);
    names.erase(from);
    names[to] = file;
    moment();
  }

  void rename_new(const std::string& from, const std::string& to) {
    if (names.contains(to) || !names.contains(from))
      return; // EEXIST, ENOENT: the next look tells
    if (!able.refuses_taken && able.links) {
      names[to] = names[from];
      moment();
      drop(from, deleted);
      moment();
      return;
    }
    rename(from, to);
  }

  void exchange(const std::string& a, const std::string& b) {
    if (!names.contains(a) || !names.contains(b))
      return;
    std::swap(names[a], names[b]);
    moment();
  }

  void remove(const std::string& name, int expected) {
    if (names.contains(name) && names[name] != expected)
      return; // somebody put another file there between look and step: too close a race to simulate
    drop(name, deleted);
    moment();
  }

  void other_program() {
    touched = true;
    auto& name = chance(0.8) ? order.names.film : order.names.target;
    if (chance(0.5)) {
      drop(name, deleted_by_others);
    } else {
      drop(name, deleted_by_others);
      names[name] = first_stranger + strangers++;
    }
  }

  void take(replacing_step x) {
    const auto& n = order.names;
    switch (x) {
    case replacing_step::prepare:
    case replacing_step::flush:
      break;
    case replacing_step::exchange:
      if (able.exchanges)
        exchange(n.film, n.part);
      else if (!order.keeps)
        rename(n.part, n.film);
      else if (able.links && !names.contains(n.kept) && names.contains(n.film)) {
        names[n.kept] = names[n.film];
        moment();
      } else
        rename_new(n.film, n.kept);
      break;
    case replacing_step::exchange_back:
      exchange(n.film, n.part);
      break;
    case replacing_step::rename_over:
      rename(n.part, n.film);
      break;
    case replacing_step::move_in:
    case replacing_step::put_result_back:
      rename_new(n.part, n.target);
      break;
    case replacing_step::set_aside:
      rename_new(n.film, n.part);
      break;
    case replacing_step::set_back:
      rename_new(n.part, n.film);
      break;
    case replacing_step::keep:
      rename_new(n.part, n.kept);
      break;
    case replacing_step::exchange_kept:
      if (able.exchanges)
        exchange(n.film, n.kept);
      else
        rename(n.kept, n.film);
      break;
    case replacing_step::move_back:
      rename_new(n.kept, n.film);
      break;
    case replacing_step::set_result_aside:
      rename_new(n.target, n.part);
      break;
    case replacing_step::delete_part:
      remove(n.part, names.contains(n.part) ? names[n.part] : 0);
      break;
    case replacing_step::delete_target:
      remove(n.target, the_result);
      break;
    case replacing_step::delete_kept:
      remove(n.kept, names.contains(n.kept) ? names[n.kept] : 0);
      break;
    case replacing_step::replaced:
    case replacing_step::restored:
    case replacing_step::changed:
    case replacing_step::lost:
    case replacing_step::taken:
    case replacing_step::absent:
      BOOST_FAIL("an end is no step");
    }
  }

  /// Runs to an end, over all crashes.
  replacing_step run() {
    for (;;) {
      try {
        return run_once();
      } catch (const crash&) {
        crash_chance /= 2;
      }
    }
  }

private:
  replacing_step run_once() {
    replacing_facts facts;
    for (int steps = 0;; ++steps) {
      BOOST_REQUIRE_LT(steps, replacing_steps_max);
      if (chance(stranger_chance)) {
        stranger_chance /= 2;
        other_program();
        steps = 0;
      }
      facts.film = at(order.names.film);
      facts.target = at(order.names.target);
      facts.part = at(order.names.part);
      facts.kept = at(order.names.kept);
      auto next = next_step(order, facts);
      if (is_end(next))
        return next;
      if (next == replacing_step::prepare) {
        facts.is_prepared = true;
        moment();
      } else if (chance(stranger_chance)) {
        // Between look and step: the exchange finds it out, and the moves to a free name.
        if (next == replacing_step::exchange && able.exchanges) {
          stranger_chance /= 2;
          other_program();
        }
      }
      take(next);
      facts.is_flushed = next == replacing_step::flush;
      facts.has_deleted = deletes(next);
    }
  }
};

replacing_order order_of(bool renaming, bool keeps, replacing_goal goal = replacing_goal::result) {
  replacing_order x;
  x.goal = goal;
  x.names = {"film.mkv", "film.mkv", ".film.mkv.part", ".film.mkv.original"};
  if (renaming)
    x.names.film = "film.avi";
  x.keeps = keeps;
  return x;
}

life life_of(const replacing_order& x, abilities y = {}, uint64_t seed = 1) {
  life result{x, y, seed};
  if (x.goal == replacing_goal::result) {
    result.names = {{x.names.film, the_original}, {x.names.part, the_result}};
    if (!x.keeps)
      result.names[x.names.kept] = first_stranger - 1; // the first original
  } else {
    result.names = {{x.names.target, the_result}, {x.names.kept, the_original}};
  }
  return result;
}

const std::vector<abilities> all_abilities{
  {true, true, true}, {true, true, false}, {false, true, true}, {false, true, false}, {false, false, true}};

} // namespace
} // namespace replacing_test

BOOST_AUTO_TEST_SUITE(replacing_test)

BOOST_AUTO_TEST_CASE(a_result_takes_the_films_name_and_the_original_is_kept) {
  for (auto renaming : {false, true})
    for (const auto& able : all_abilities) {
      auto it = life_of(order_of(renaming, true), able);
      BOOST_TEST((it.run() == replacing_step::replaced));
      const auto& n = it.order.names;
      BOOST_TEST((it.names == std::map<std::string, int>{{n.target, the_result}, {n.kept, the_original}}));
      BOOST_TEST(it.deleted.empty());
    }
}

BOOST_AUTO_TEST_CASE(the_first_original_stays_when_a_film_is_converted_again) {
  for (auto renaming : {false, true})
    for (const auto& able : all_abilities) {
      auto it = life_of(order_of(renaming, false), able);
      BOOST_TEST((it.run() == replacing_step::replaced));
      const auto& n = it.order.names;
      BOOST_TEST((it.names == std::map<std::string, int>{{n.target, the_result}, {n.kept, first_stranger - 1}}));
      BOOST_TEST((it.deleted == std::set{the_original}));
    }
}

BOOST_AUTO_TEST_CASE(an_undo_puts_the_original_back_and_deletes_the_result) {
  for (auto renaming : {false, true})
    for (const auto& able : all_abilities) {
      auto it = life_of(order_of(renaming, true, replacing_goal::original), able);
      BOOST_TEST((it.run() == replacing_step::restored));
      BOOST_TEST((it.names == std::map<std::string, int>{{it.order.names.film, the_original}}));
    }
}

BOOST_AUTO_TEST_CASE(a_name_that_is_taken_changes_nothing) {
  auto it = life_of(order_of(true, true));
  it.names[it.order.names.target] = first_stranger;
  BOOST_TEST((it.run() == replacing_step::taken));
  BOOST_TEST((it.at(it.order.names.film) == file_is::original));
  BOOST_TEST((it.at(it.order.names.target) == file_is::stranger));
  for (auto renaming : {false, true}) {
    it = life_of(order_of(renaming, true));
    it.names[it.order.names.kept] = first_stranger;
    BOOST_TEST((it.run() == replacing_step::taken));
    BOOST_TEST((it.at(it.order.names.film) == file_is::original));
    BOOST_TEST((it.at(it.order.names.kept) == file_is::stranger));
    BOOST_TEST(!it.names.contains(it.order.names.part));
  }
}

BOOST_AUTO_TEST_CASE(a_film_that_somebody_replaced_or_deleted_meanwhile_stays_as_they_want_it) {
  for (auto renaming : {false, true}) {
    auto it = life_of(order_of(renaming, true));
    it.names[it.order.names.film] = first_stranger;
    BOOST_TEST((it.run() == replacing_step::changed));
    BOOST_TEST((it.names == std::map<std::string, int>{{it.order.names.film, first_stranger}}));
    it = life_of(order_of(renaming, true));
    it.names.erase(it.order.names.film);
    BOOST_TEST((it.run() == replacing_step::changed));
    BOOST_TEST(it.names.empty());
  }
}

BOOST_AUTO_TEST_CASE(where_nothing_is_there_nothing_is_decided) {
  for (auto renaming : {false, true})
    for (auto goal : {replacing_goal::result, replacing_goal::original}) {
      auto it = life_of(order_of(renaming, true, goal));
      it.names.clear();
      BOOST_TEST((it.run() == replacing_step::absent));
    }
}

BOOST_AUTO_TEST_CASE(an_exchange_that_brings_out_a_strangers_file_is_taken_back) {
  auto it = life_of(order_of(false, true));
  it.names = {{it.order.names.film, the_result}, {it.order.names.part, first_stranger}};
  BOOST_TEST((it.run() == replacing_step::changed));
  BOOST_TEST((it.names == std::map<std::string, int>{{it.order.names.film, first_stranger}}));
}

BOOST_AUTO_TEST_CASE(a_film_never_loses_its_name_where_the_file_system_can_exchange_or_link) {
  for (auto renaming : {false, true})
    for (auto keeps : {true, false})
      for (const auto& able : all_abilities) {
        auto it = life_of(order_of(renaming, keeps), able);
        it.run();
        if (able.exchanges || able.links || renaming)
          BOOST_TEST(it.looks_without_name == 0);
      }
}

// Crashes alone: the replacement ends as if nothing had happened, whatever the moment.
BOOST_AUTO_TEST_CASE(after_any_crash_the_same_look_finishes_the_replacement) {
  for (uint64_t seed = 1; seed <= 3000; ++seed) {
    BOOST_TEST_CONTEXT("seed " << seed) {
      auto renaming = seed % 2 == 0;
      auto goal = seed % 3 == 0 ? replacing_goal::original : replacing_goal::result;
      auto keeps = goal == replacing_goal::original || seed % 5 != 0;
      auto it = life_of(order_of(renaming, keeps, goal), all_abilities[seed % all_abilities.size()], seed);
      it.crash_chance = 0.9;
      auto end = it.run();
      const auto& n = it.order.names;
      BOOST_TEST(!it.names.contains(n.part));
      if (goal == replacing_goal::original) {
        BOOST_TEST((end == replacing_step::restored));
        BOOST_TEST((it.names == std::map<std::string, int>{{n.film, the_original}}));
      } else {
        BOOST_TEST((end == replacing_step::replaced));
        auto kept = keeps ? the_original : first_stranger - 1;
        BOOST_TEST((it.names == std::map<std::string, int>{{n.target, the_result}, {n.kept, kept}}));
      }
    }
  }
}

// Another program too: what it wrote is never deleted, and a film is lost only if that program deleted it.
BOOST_AUTO_TEST_CASE(a_strangers_file_is_never_deleted_and_no_film_is_lost_to_a_race) {
  for (uint64_t seed = 1; seed <= 20'000; ++seed) {
    BOOST_TEST_CONTEXT("seed " << seed) {
      auto renaming = seed % 2 == 0;
      auto goal = seed % 3 == 0 ? replacing_goal::original : replacing_goal::result;
      auto it = life_of(order_of(renaming, true, goal), {true, true, seed % 7 != 0}, seed);
      it.crash_chance = 0.4;
      it.stranger_chance = 0.4;
      auto end = it.run();
      for (auto file : it.deleted)
        BOOST_TEST(file == the_result); // the only file that the steps may delete when originals are kept
      if (!it.touched)
        BOOST_TEST((end == replacing_step::replaced || end == replacing_step::restored));
      auto original_lost = !it.has(the_original) && !it.deleted_by_others.contains(the_original);
      BOOST_TEST(!original_lost);
      if (end == replacing_step::replaced)
        BOOST_TEST((it.has(the_result) || it.deleted_by_others.contains(the_result)));
    }
  }
}

BOOST_AUTO_TEST_CASE(a_file_is_known_by_its_identity) {
  replacing_order x;
  x.original = {1, 10, 1000, 5, "a"};
  x.result = {1, 11, 500, 6, "b"};
  BOOST_TEST((known_as(x, {2, 10, 1000, 5, ""}) == file_is::original));
  BOOST_TEST((known_as(x, {1, 10, 1000, 7, ""}) == file_is::stranger)); // it was written to
  BOOST_TEST((known_as(x, {1, 11, 500, 5, ""}) == file_is::result));    // it has the film's time
  BOOST_TEST((known_as(x, {1, 11, 501, 6, ""}) == file_is::stranger));
}

BOOST_AUTO_TEST_SUITE_END()
