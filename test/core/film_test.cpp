// The table of a film's states, and the account of what was saved, against a model.
#include "core/library/film.hpp"

#include "core/library/totals.hpp"

#include <boost/test/unit_test.hpp>

#include <map>
#include <random>

using namespace troupe::core;

BOOST_AUTO_TEST_SUITE(film_test)

BOOST_AUTO_TEST_CASE(every_state_can_be_left_and_reached_from_found) {
  std::array<bool, film_states> reached{};
  reached[static_cast<size_t>(film_state::found)] = true;
  for (size_t round = 0; round < film_states; ++round)
    for (size_t i = 0; i < film_states; ++i)
      for (size_t k = 0; k < film_states; ++k)
        reached[k] = reached[k] || (reached[i] && may_follow(static_cast<film_state>(i), static_cast<film_state>(k)));
  for (size_t i = 0; i < film_states; ++i) {
    BOOST_TEST_CONTEXT(film_state_names[i]) {
      BOOST_TEST(reached[i]);
      BOOST_TEST(!may_follow(static_cast<film_state>(i), static_cast<film_state>(i)));
      // Whatever has become of a film, its file may change.
      if (static_cast<film_state>(i) != film_state::found)
        BOOST_TEST(may_follow(static_cast<film_state>(i), film_state::found));
    }
  }
}

BOOST_AUTO_TEST_CASE(a_film_is_replaced_only_after_its_result_was_verified) {
  for (size_t i = 0; i < film_states; ++i) {
    auto from = static_cast<film_state>(i);
    auto may = from == film_state::verifying || from == film_state::done; // an undo
    BOOST_TEST(may_follow(from, film_state::replacing) == may);
  }
}

BOOST_AUTO_TEST_CASE(a_file_is_the_same_in_its_place_and_its_content_elsewhere) {
  film_identity a{1, 10, 1000, 5, "print"};
  BOOST_TEST(is_same_file(a, {2, 10, 1000, 5, ""}));
  BOOST_TEST(!is_same_file(a, {1, 10, 1000, 6, ""}));
  BOOST_TEST(is_same_content(a, {2, 20, 1000, 5, "print"}));
  BOOST_TEST(!is_same_content(a, {2, 20, 1000, 5, ""}));
}

// A thousand random histories: films are replaced, made again, put back, deleted, and replaced by their owners.
BOOST_AUTO_TEST_CASE(the_account_says_what_the_present_results_save) {
  struct film {
    uint64_t original = 0;
    uint64_t result = 0; // 0: the original is there
  };
  for (uint32_t seed = 1; seed <= 1000; ++seed) {
    std::mt19937 random{seed};
    std::map<uint64_t, film> films;
    library_totals totals;
    library_totals model;
    for (uint64_t step = 0; step < 100; ++step) {
      auto number = random() % 8;
      auto& x = films[number];
      auto bytes = 1 + random() % 1000;
      switch (random() % 4) {
      case 0: // replaced, or made again
        if (x.original == 0)
          x.original = 1000 + random() % 1000;
        if (x.result == 0) {
          totals.add({number, 0, film_change::replaced, x.original, bytes});
          ++model.films;
          model.original_bytes += x.original;
        } else {
          totals.add({number, 0, film_change::replaced_again, x.result, bytes});
          model.result_bytes -= x.result;
        }
        model.result_bytes += bytes;
        x.result = bytes;
        break;
      case 1: // undone
        if (x.result == 0)
          break;
        totals.add({number, 0, film_change::restored, x.result, x.original});
        --model.films;
        model.original_bytes -= x.original;
        model.result_bytes -= x.result;
        x.result = 0;
        break;
      default: // deleted, or replaced by its owner: what it saved while it was there stays in the account
        if (random() % 4 == 0)
          x = {};
      }
      BOOST_TEST((totals == model), "seed " << seed);
      BOOST_TEST((totals.saved_share() >= 0 && totals.saved_share() <= 1));
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
