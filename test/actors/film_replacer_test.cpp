// Goal: whatever happens while a film is replaced, the whole old or the whole new film is under its name, and at most
// one original is kept. Method: real files; a child process that is ended before each single step; then the repair.
#include "actors/library/film_replacer.hpp"

#include "test/support/temporary_folder.hpp"

#include <boost/test/unit_test.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <string>

using namespace troupe;
using core::replacing_goal;
using core::replacing_step;

namespace film_replacer_test {
namespace {

namespace fs = std::filesystem;

const std::string old_film(300'000, 'o');
const std::string new_film(200'000, 'n');
const std::string first_film(400'000, 'f');

/// A folder with a film and its result, or with a result and its kept original.
struct films {
  test::temporary_folder folder;
  core::replacing_order order;

  films(bool renaming, bool keeps, replacing_goal goal) {
    order.goal = goal;
    order.keeps = keeps;
    order.names = {folder.path(renaming ? "film.avi" : "film.mkv"), folder.path("film.mkv"),
                   folder.path(".film.mkv.part"), folder.path(".film.mkv.original")};
    auto forward = goal == replacing_goal::result;
    order.original = make(forward ? order.names.film : order.names.kept, old_film);
    order.result = make(forward ? order.names.part : order.names.target, new_film);
    if (!keeps)
      make(order.names.kept, first_film);
  }

  static core::film_identity make(const std::string& path, const std::string& text) {
    std::ofstream{path, std::ios::binary} << text;
    return identity_at(path);
  }

  std::map<std::string, std::string> contents() const {
    std::map<std::string, std::string> result;
    for (const auto& x : fs::directory_iterator{folder.path()}) {
      std::ifstream in{x.path(), std::ios::binary};
      result[x.path().string()] = {std::istreambuf_iterator<char>{in}, {}};
    }
    return result;
  }

  /// True if a whole film has the film's or the result's name.
  bool has_whole_film() const {
    auto all = contents();
    for (const auto& name : {order.names.film, order.names.target})
      if (auto i = all.find(name); i != all.end() && (i->second == old_film || i->second == new_film))
        return true;
    return false;
  }

  /// Performs the order in a process that ends before the step number `last`. False if it came to its end before that.
  bool is_killed_before(int last) const {
    auto child = ::fork();
    BOOST_REQUIRE(child >= 0);
    if (child == 0) {
      auto steps = 0;
      static_cast<void>(perform(order, [&](replacing_step) {
        if (++steps == last)
          ::_exit(1);
      }));
      ::_exit(0);
    }
    int status = 0;
    BOOST_REQUIRE(::waitpid(child, &status, 0) == child);
    return WEXITSTATUS(status) == 1;
  }
};

} // namespace
} // namespace film_replacer_test

BOOST_AUTO_TEST_SUITE(film_replacer_test)

BOOST_AUTO_TEST_CASE(killed_before_any_step_the_old_or_the_new_film_is_there_and_repair_finishes) {
  for (auto goal : {replacing_goal::result, replacing_goal::original})
    for (auto renaming : {false, true})
      for (auto keeps : {true, false}) {
        if (goal == replacing_goal::original && !keeps)
          continue;
        for (auto last = 1;; ++last) {
          BOOST_REQUIRE(last <= core::replacing_steps_max);
          films x{renaming, keeps, goal};
          auto was_killed = x.is_killed_before(last);
          BOOST_TEST(x.has_whole_film());
          // Killed once more in the repair, then finished.
          x.is_killed_before(2);
          BOOST_TEST(x.has_whole_film());
          auto end = perform(x.order);
          BOOST_REQUIRE(end);
          const auto& n = x.order.names;
          std::map<std::string, std::string> expected;
          if (goal == replacing_goal::original) {
            BOOST_TEST((end->end.how == replacing_step::restored));
            expected = {{n.film, old_film}};
          } else {
            BOOST_TEST((end->end.how == replacing_step::replaced));
            BOOST_TEST(end->end.is_kept == keeps);
            expected = {{n.target, new_film}, {n.kept, keeps ? old_film : first_film}};
          }
          BOOST_TEST((x.contents() == expected));
          if (!was_killed)
            break;
        }
      }
}

BOOST_AUTO_TEST_CASE(the_result_gets_the_films_mode_and_time) {
  films x{false, true, replacing_goal::result};
  fs::permissions(x.order.names.film, fs::perms{0604});
  const timespec times[] = {{1'000, 0}, {2'000, 123}};
  BOOST_REQUIRE(::utimensat(AT_FDCWD, x.order.names.film.c_str(), times, 0) == 0);
  x.order.original = identity_at(x.order.names.film);
  auto end = perform(x.order);
  BOOST_REQUIRE(end);
  BOOST_TEST(end->warnings.empty());
  struct stat made = {};
  BOOST_REQUIRE(::stat(x.order.names.target.c_str(), &made) == 0);
  BOOST_TEST((made.st_mode & 07777) == 0604u);
  BOOST_TEST(end->end.film.mtime_ns == 2'000'000'000'123);
  BOOST_TEST(end->end.film.inode == x.order.result.inode);
  BOOST_TEST(!end->end.film.print.empty());
}

BOOST_AUTO_TEST_CASE(a_film_that_was_appended_to_replaced_or_deleted_stays_as_it_is) {
  for (auto renaming : {false, true}) {
    films appended{renaming, true, replacing_goal::result};
    std::ofstream{appended.order.names.film, std::ios::app} << "more";
    auto end = perform(appended.order);
    BOOST_REQUIRE(end);
    BOOST_TEST((end->end.how == replacing_step::changed));
    BOOST_TEST(
      (appended.contents() == std::map<std::string, std::string>{{appended.order.names.film, old_film + "more"}}));

    films upgraded{renaming, true, replacing_goal::result};
    // In the last moment, between a look and the step that follows from it.
    auto is_upgraded = false;
    end = perform(upgraded.order, [&](replacing_step next) {
      if (is_upgraded || next != (renaming ? replacing_step::set_aside : replacing_step::exchange))
        return;
      is_upgraded = true;
      auto other = upgraded.folder.path("download");
      films::make(other, first_film);
      fs::rename(other, upgraded.order.names.film);
    });
    BOOST_REQUIRE(end);
    BOOST_TEST((end->end.how == replacing_step::changed));
    BOOST_TEST((upgraded.contents() == std::map<std::string, std::string>{{upgraded.order.names.film, first_film}}));

    films deleted{renaming, true, replacing_goal::result};
    fs::remove(deleted.order.names.film);
    end = perform(deleted.order);
    BOOST_REQUIRE(end);
    BOOST_TEST((end->end.how == replacing_step::changed));
    BOOST_TEST(deleted.contents().empty());
  }
}

BOOST_AUTO_TEST_CASE(a_link_in_the_films_place_is_a_strangers) {
  films x{false, true, replacing_goal::result};
  fs::rename(x.order.names.film, x.folder.path("elsewhere"));
  fs::create_symlink(x.folder.path("elsewhere"), x.order.names.film);
  auto end = perform(x.order);
  BOOST_REQUIRE(end);
  BOOST_TEST((end->end.how == replacing_step::changed));
  BOOST_TEST(fs::is_symlink(x.order.names.film));
}

BOOST_AUTO_TEST_CASE(a_folder_that_is_not_there_decides_nothing) {
  films x{false, true, replacing_goal::result};
  for (auto* name : {&x.order.names.film, &x.order.names.target, &x.order.names.part, &x.order.names.kept})
    *name = x.folder.path("offline/" + fs::path{*name}.filename().string());
  auto end = perform(x.order);
  BOOST_REQUIRE(end);
  BOOST_TEST((end->end.how == replacing_step::absent));
}

BOOST_AUTO_TEST_CASE(originals_that_cannot_be_kept_are_not_replaced) {
  films x{false, true, replacing_goal::result};
  x.order.names.kept = x.folder.path("none/film.original");
  auto end = perform(x.order);
  BOOST_REQUIRE(!end);
  BOOST_TEST((end.error().fault == core::film_fault::lasting));
  BOOST_TEST((x.contents() == std::map<std::string, std::string>{{x.order.names.film, old_film}}));
}

BOOST_AUTO_TEST_CASE(a_kept_original_is_deleted_only_if_it_is_still_the_one) {
  films x{false, true, replacing_goal::original};
  auto other = x.order.original;
  other.bytes += 1;
  BOOST_TEST(!drop_kept(x.order.names.kept, other));
  BOOST_TEST(fs::exists(x.order.names.kept));
  BOOST_TEST(drop_kept(x.order.names.kept, x.order.original));
  BOOST_TEST(!fs::exists(x.order.names.kept));
  BOOST_TEST(drop_kept(x.order.names.kept, x.order.original));
}

BOOST_AUTO_TEST_SUITE_END()
