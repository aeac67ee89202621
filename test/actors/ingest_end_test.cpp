// How an ingest ends: with its sink, or by itself once its sink has heard why. Its source does not exist, so its thread
// ends at once; the test waits for that thread's message, and for nothing else.
#include "actors/live/ingest.hpp"
#include "dummies.hpp"

#include <boost/test/unit_test.hpp>

using namespace troupe;

namespace ingest_end_test {
namespace {

struct fixture : virtual_time {
  ~fixture() {
    end();
  }

  sample_sink_actor start_sink() {
    auto made = keep(system.spawn([this](caf::event_based_actor* self) -> caf::behavior {
      self->attach_functor([this] { heard.clear(); });
      return {
        [this, self](const stream_end& x) -> caf::result<void> {
          ended = x;
          return heard.emplace_back(self->make_response_promise<void>());
        },
        [this](attempt_id, const work_statistics&) { ++reports; },
      };
    }));
    return caf::actor_cast<sample_sink_actor>(made);
  }

  /// Starts the ingest of a source that does not exist, and waits until its sink is told of the failure.
  void start() {
    ingest_work work;
    work.attempt = attempt_id{3};
    work.url = "/no/such/source";
    ingest = keep(spawn_ingest(system, work, sink));
    BOOST_REQUIRE(comes([&] { return !heard.empty(); }));
  }

  std::optional<stream_end> ended;
  std::vector<caf::typed_response_promise<void>> heard;
  int reports = 0;
  sample_sink_actor sink = start_sink();
  ingest_actor ingest;
};

} // namespace
} // namespace ingest_end_test

BOOST_FIXTURE_TEST_SUITE(ingest_end_test, fixture)

BOOST_AUTO_TEST_CASE(an_ingest_says_why_it_ends_and_stays_until_that_has_been_heard) {
  start();
  BOOST_TEST(ended->attempt.value == 3u);
  BOOST_TEST(ended->reason != "");
  pass(3s);
  BOOST_TEST(!is_over(ingest));
  within(sink, [answer = heard.back()]() mutable { answer.deliver(); });
  BOOST_TEST(is_over(ingest));
}

BOOST_AUTO_TEST_CASE(an_ingest_does_not_wait_for_ever_to_be_heard) {
  start();
  pass(4900ms);
  BOOST_TEST(!is_over(ingest));
  pass(200ms);
  BOOST_TEST(is_over(ingest));
}

BOOST_AUTO_TEST_CASE(an_ingest_ends_with_its_sink) {
  start();
  kill(sink);
  BOOST_TEST(is_over(ingest));
}

BOOST_AUTO_TEST_CASE(a_stop_ends_it_while_its_sink_is_silent) {
  start();
  caf::anon_send(ingest, stop_atom_v);
  BOOST_TEST(is_over(ingest));
}

BOOST_AUTO_TEST_SUITE_END()
