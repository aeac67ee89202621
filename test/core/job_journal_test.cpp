// Transitions of jobs are written in order, once, and nobody is told of a transition before it is durable. The store is
// played by the test: it takes batches late, refuses, or loses its answers.
#include "core/jobs/job_journal.hpp"

#include <boost/test/unit_test.hpp>

#include <optional>
#include <string>
#include <vector>

using namespace troupe::core;

namespace job_journal_test {
namespace {

/// An answer: the text of an error, or none.
struct answer {
  std::string error = {};

  explicit operator bool() const {
    return error.empty();
  }
};

using texts = std::vector<std::string>;

struct fixture : job_journal_effects<std::string, answer> {
  using batch = job_batch<std::string>;

  job_journal<std::string, answer> journal{*this, 3};
  std::vector<batch> sent;
  texts told; ///< what those who waited were told, in order
  texts surprises;
  int64_t now = 1'000;

  void send_batch(batch x) override {
    sent.push_back(std::move(x));
  }

  void answered(const std::string&, const answer&, int64_t) override {}

  void surprised(const std::string& what) override {
    surprises.push_back(what);
  }

  auto telling(const std::string& what) {
    return [this, what](const answer& how) { told.push_back(how ? what : what + ": " + how.error); };
  }

  void write(const std::string& what) {
    journal.write(what, now, telling(what));
  }

  void ask(const std::string& what) {
    journal.write_for_client(what, now, telling(what));
  }

  void wait(const std::string& what) {
    journal.after([this, what] { told.push_back(what); });
  }

  void store(bool recalled = false) {
    journal.stored(std::vector<answer>(sent.back().items.size()), recalled, now);
  }

  texts latest() const {
    texts result;
    for (auto& x : sent.back().items)
      result.push_back(x.dropped ? "(" + x.what + ")" : x.what);
    return result;
  }
};

} // namespace
} // namespace job_journal_test

BOOST_FIXTURE_TEST_SUITE(job_journal_test, fixture)

BOOST_AUTO_TEST_CASE(what_comes_while_a_batch_is_on_its_way_shares_the_next_ones) {
  for (auto* what : {"a", "b", "c", "d", "e"})
    write(what);
  BOOST_TEST((latest() == texts{"a"}));
  store();
  BOOST_TEST((latest() == texts{"b", "c", "d"}));
  store();
  BOOST_TEST((latest() == texts{"e"}));
  store();
  BOOST_TEST((told == texts{"a", "b", "c", "d", "e"}));
  BOOST_TEST(journal.size() == 0u);
}

BOOST_AUTO_TEST_CASE(each_batch_has_a_time_of_its_own_though_the_clock_goes_back) {
  write("a");
  write("b");
  store();
  now -= 500;
  write("c");
  store();
  BOOST_TEST(sent[0].at_ms < sent[1].at_ms);
  BOOST_TEST(sent[1].at_ms < sent[2].at_ms);
}

BOOST_AUTO_TEST_CASE(a_lost_batch_is_sent_again_as_it_was_and_before_all_others) {
  write("a");
  write("b");
  journal.lost({"full"});
  write("c");
  BOOST_TEST(sent.size() == 1u);
  journal.retry();
  journal.retry(); // has no effect: the batch is on its way
  BOOST_REQUIRE(sent.size() == 2u);
  BOOST_TEST((latest() == texts{"a"}));
  BOOST_TEST(sent[1].again);
  BOOST_TEST(sent[1].at_ms == sent[0].at_ms);
  store();
  BOOST_TEST((latest() == texts{"b", "c"}));
  BOOST_TEST(!sent.back().again);
}

BOOST_AUTO_TEST_CASE(an_outage_refuses_clients_at_once_and_keeps_the_rest) {
  ask("mine");
  write("own");
  ask("yours");
  journal.lost({"full"});
  BOOST_TEST((told == texts{"mine: full", "yours: full"}));
  ask("late");
  BOOST_TEST(told.back() == "late: full");
  journal.retry();
  BOOST_TEST((latest() == texts{"(mine)"})); // only looked up: its client was told that it failed
  store();
  BOOST_TEST((latest() == texts{"own"}));
  store();
  BOOST_TEST(told.back() == "own");
  BOOST_TEST(surprises.empty());
}

BOOST_AUTO_TEST_CASE(what_was_refused_and_yet_stored_is_reported_and_its_client_is_not_told_twice) {
  ask("mine");
  journal.lost({"away"});
  journal.retry();
  store(true);
  BOOST_TEST((told == texts{"mine: away"}));
  BOOST_TEST((surprises == texts{"mine"}));
}

BOOST_AUTO_TEST_CASE(who_waits_for_all_so_far_waits_for_no_more) {
  wait("at once");
  write("a");
  write("b");
  wait("later");
  write("c");
  store();
  BOOST_TEST((told == texts{"at once", "a"}));
  store();
  BOOST_TEST((told == texts{"at once", "a", "b", "c", "later"}));
}

BOOST_AUTO_TEST_CASE(who_waits_for_clients_that_are_refused_still_hears) {
  write("a");
  ask("mine");
  wait("later");
  journal.lost({"full"});
  journal.retry();
  store();
  BOOST_TEST((told == texts{"mine: full", "a", "later"}));
}

BOOST_AUTO_TEST_CASE(a_broken_store_refuses_what_it_has_at_hand) {
  write("a");
  ask("mine");
  journal.broken({"no store"});
  BOOST_TEST((told == texts{"a: no store"}));
  BOOST_TEST(sent.size() == 1u);
}

BOOST_AUTO_TEST_CASE(the_last_batch_has_what_was_never_sent_unless_the_store_fails) {
  write("a");
  BOOST_TEST(!journal.rest(now));
  for (auto* what : {"b", "c", "d", "e"})
    write(what);
  auto rest = journal.rest(now);
  BOOST_REQUIRE(rest.has_value());
  BOOST_TEST(rest->items.size() == 4u);
  BOOST_TEST(rest->at_ms > sent.back().at_ms);
  write("f");
  journal.lost({"full"});
  BOOST_TEST(!journal.rest(now));
}

BOOST_AUTO_TEST_SUITE_END()
