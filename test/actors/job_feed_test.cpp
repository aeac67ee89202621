// Each watcher of jobs gets what it asked for: transitions once they are written, progress from time to time, or only
// the ends of jobs that have a callback. Watchers are mailboxes of the test.
#include "actors/jobs/job_feed.hpp"
#include "registered_types.hpp"

#include <boost/test/unit_test.hpp>
#include <caf/actor_cast.hpp>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/scoped_actor.hpp>

using namespace troupe;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(job_feed_test)

namespace {

constexpr job_id one{1, 1};

struct fixture : registered_types {
  fixture() {
    system = std::make_unique<caf::actor_system>(config);
    all = std::make_unique<caf::scoped_actor>(*system);
    ends = std::make_unique<caf::scoped_actor>(*system);
    BOOST_TEST(feed.add({handle(*all), false}));
    BOOST_TEST(feed.add({handle(*ends), true}));
  }

  static job_watcher_actor handle(caf::scoped_actor& x) {
    return caf::actor_cast<job_watcher_actor>(x.ptr());
  }

  /// The events that a watcher received since the last call.
  std::vector<job_event> heard(caf::scoped_actor& by) {
    feed.send(all->ptr());
    std::vector<job_event> result;
    auto more = true;
    while (more)
      by->receive([&](const job_news& x) { result.insert(result.end(), x.events.begin(), x.events.end()); },
                  caf::after(0s) >> [&] { more = false; });
    return result;
  }

  store::outcome moved(int64_t number, bool callback = false) const {
    store::outcome x;
    x.id = one;
    x.attempt = 2;
    x.history = number;
    x.from = "running";
    x.queue = job_queue::batch;
    x.callback = callback;
    return x;
  }

  caf::actor_system_config config;
  std::unique_ptr<caf::actor_system> system;
  std::unique_ptr<caf::scoped_actor> all;
  std::unique_ptr<caf::scoped_actor> ends;
  job_feed feed;
};

} // namespace

BOOST_FIXTURE_TEST_CASE(what_was_written_is_told_with_its_number, fixture) {
  store::move_job way;
  way.to = job_state::queued;
  way.why = "why";
  way.node = "node";
  feed.wrote(way, moved(7), 99);
  feed.wrote(store::edit_job{}, store::outcome{}, 99);
  auto news = heard(*all);
  BOOST_REQUIRE(news.size() == 1u);
  BOOST_TEST(news[0].row.number == 7);
  BOOST_TEST(news[0].row.at_ms == 99);
  BOOST_TEST(news[0].row.from == "running");
  BOOST_TEST(news[0].row.to == "queued");
  BOOST_TEST(news[0].row.why == "why");
  BOOST_TEST((news[0].queue == job_queue::batch));
  BOOST_TEST(heard(*all).empty());
  BOOST_TEST(heard(*ends).empty());
}

BOOST_FIXTURE_TEST_CASE(ends_with_a_callback_reach_both, fixture) {
  store::move_job way;
  way.to = job_state::completed;
  feed.wrote(way, moved(7, true), 99);
  BOOST_TEST(heard(*ends).size() == 1u);
  BOOST_TEST(heard(*all).size() == 1u);
  feed.remove(caf::actor_cast<caf::actor_addr>(handle(*all)));
  feed.wrote(way, moved(8, false), 99);
  feed.wrote(way, moved(9, true), 99);
  BOOST_TEST(heard(*ends).size() == 1u);
  BOOST_TEST(heard(*all).empty());
}

BOOST_FIXTURE_TEST_CASE(progress_is_told_twice_a_second_at_most, fixture) {
  auto start = std::chrono::steady_clock::time_point{} + 1h;
  job_report report;
  report.id = one;
  for (int ms = 0; ms < 3'000; ms += 100)
    feed.heard(report, job_queue::normal, start + std::chrono::milliseconds{ms});
  BOOST_TEST(heard(*all).size() == 6u);
  BOOST_TEST(heard(*ends).empty());
}

BOOST_AUTO_TEST_SUITE_END()
