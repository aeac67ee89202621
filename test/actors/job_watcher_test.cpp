// A watcher of jobs and the queues that it listens to, on virtual time. The watcher notices each interruption and its
// end.
#include "actors/jobs/job_watcher.hpp"
#include "job_dummies.hpp"

#include <boost/test/unit_test.hpp>

using namespace troupe;

namespace job_watcher_test {
namespace {

struct fixture : virtual_time {
  caf::actor queue; ///< the queue that answers at present
  bool refuses = false;
  std::vector<job_watcher_actor> subscribed;
  int heard = 0;
  int listening = 0;
  caf::actor jobs = keep(system.spawn([this](caf::event_based_actor* self) -> caf::behavior {
    return {[this, self](const job_subscription& x) { return self->delegate(queue, x); }};
  }));
  caf::actor watcher;

  fixture() {
    begin_queue();
    job_watcher_functions call;
    call.news = [this](const job_news&) { ++heard; };
    call.listening = [this] { ++listening; };
    watcher = keep(spawn_job_watcher(system, caf::actor_cast<jobs_actor>(jobs), call));
    settle();
  }

  ~fixture() {
    end();
  }

  void begin_queue() {
    queue = keep(system.spawn([this](caf::event_based_actor*) -> caf::behavior {
      return {[this](const job_subscription& x) -> caf::result<void> {
        if (refuses)
          return caf::make_error(ec::limit, "the limit of watchers of jobs is reached");
        subscribed.push_back(x.watcher);
        return caf::unit;
      }};
    }));
  }
};

} // namespace
} // namespace job_watcher_test

BOOST_FIXTURE_TEST_SUITE(job_watcher_test, fixture)

BOOST_AUTO_TEST_CASE(news_are_passed_on) {
  BOOST_TEST(listening == 1);
  BOOST_REQUIRE(subscribed.size() == 1u);
  caf::anon_send(subscribed[0], job_news{});
  settle();
  BOOST_TEST(heard == 1);
}

BOOST_AUTO_TEST_CASE(a_queue_that_dies_is_followed_by_its_successor_and_the_gap_is_said) {
  kill(queue);
  pass(1s); // nobody answers for a while
  BOOST_TEST(listening == 1);
  begin_queue();
  pass(1s);
  BOOST_TEST(listening == 2);
  BOOST_TEST(subscribed.size() == 2u);
  pass(10s);
  BOOST_TEST(subscribed.size() == 2u);
}

BOOST_AUTO_TEST_CASE(a_queue_that_dies_as_soon_as_it_has_answered_is_noticed) {
  kill(queue);
  settle();
  begin_queue();
  while (subscribed.size() < 2)
    pass(10ms);
  kill(queue);
  settle();
  begin_queue();
  pass(1s);
  BOOST_TEST(subscribed.size() == 3u);
  BOOST_TEST(listening == 3);
}

BOOST_AUTO_TEST_CASE(a_subscription_that_is_refused_is_asked_for_again) {
  refuses = true;
  kill(queue);
  settle();
  begin_queue();
  pass(1s);
  BOOST_TEST(listening == 1);
  refuses = false;
  pass(1s);
  BOOST_TEST(listening == 2);
}

BOOST_AUTO_TEST_CASE(a_watcher_ends_with_the_coordinator) {
  kill(jobs);
  pass(100ms);
  BOOST_TEST(is_over(watcher));
}

BOOST_AUTO_TEST_SUITE_END()
