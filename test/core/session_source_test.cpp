// How a session pulls its source: which URL it tries when and for how long, how often it retries a failed one, and how
// it recognises a source that returns. The test gives the session the actors' events.
#include "test/core/session_fixture.hpp"

#include "core/live/sample_print.hpp"

#include <boost/test/unit_test.hpp>

using namespace troupe;
using namespace troupe::core;
using namespace std::chrono_literals;

namespace session_source_test {
namespace {

struct source_fixture : session_fixture {
  source_fixture() {
    effects.reading["source"] = 1;
  }

  attempt_id pull_starts() {
    auto attempt = effects.requests.back().label.attempt;
    it->leased(attempt, {lease_id{1}, task_id{1}, worker_id{9}, ""}, now);
    it->started(attempt, now);
    return attempt;
  }

  void pass(milliseconds time) {
    for (milliseconds t{0}; t < time; t += 100ms)
      it->tick(now += 100ms);
  }
};

} // namespace
} // namespace session_source_test

BOOST_FIXTURE_TEST_SUITE(session_source_test, source_fixture)

BOOST_AUTO_TEST_CASE(urls_that_say_nothing_have_a_short_turn_each_and_then_a_long_one) {
  make({"news", {}, {"a", "b", "c"}, false});
  it->watch(wanting("source", "copy"), 1, now);
  auto begin = now;
  for (auto* url : {"a", "b", "c"}) {
    auto attempt = pull_starts();
    auto& work = effects.ingests.back();
    BOOST_TEST(work.url == url);
    BOOST_TEST(work.first_byte_timeout.count() > 0);
    now += work.first_byte_timeout;
    it->on(stream_end{attempt, "nothing", false}, now);
  }
  BOOST_TEST((now - begin < config.watch_timeout / 2));
  // The first URL is tried again, without a limit on the time to its first byte.
  (void)pull_starts();
  BOOST_TEST(effects.ingests.back().url == "a");
  BOOST_TEST(effects.ingests.back().first_byte_timeout.count() == 0);
  BOOST_TEST(effects.refused.empty());
}

BOOST_AUTO_TEST_CASE(one_url_alone_may_take_its_time_and_many_are_all_asked) {
  make({"news", {}, {"a"}, false});
  it->watch(wanting("source", "copy"), 1, now);
  (void)pull_starts();
  BOOST_TEST(effects.ingests.back().first_byte_timeout.count() == 0);
  make({"news", {}, std::vector<std::string>(10, "u"), false});
  it->watch(wanting("source", "copy"), 2, now);
  (void)pull_starts();
  BOOST_TEST((effects.ingests.back().first_byte_timeout * 10 < config.watch_timeout));
}

BOOST_AUTO_TEST_CASE(a_client_that_waits_too_long_hears_why) {
  make({"news", {}, {"a", "b"}, false});
  it->watch(wanting("source", "copy"), 1, now);
  auto first = pull_starts();
  it->on(stream_end{first, "a: connection refused", false}, now);
  (void)pull_starts();
  pass(config.watch_timeout + 100ms);
  BOOST_TEST(effects.refused.at(1).second == "a: connection refused");
}

BOOST_AUTO_TEST_CASE(a_source_that_flows_forgets_why_another_url_did_not) {
  it->watch(wanting("source", "copy"), 1, now);
  it->on(stream_end{pull_starts(), "one: connection refused", false}, now);
  auto second = ingest_runs();
  BOOST_TEST(it->status().reason == "one: connection refused");
  source(second, 0, true);
  BOOST_TEST(it->status().state == "running");
  BOOST_TEST(it->status().reason.empty());
}

BOOST_AUTO_TEST_CASE(a_first_url_that_failed_at_the_start_is_tried_again_only_later) {
  it->watch(wanting("source", "copy"), 1, now);
  it->on(stream_end{pull_starts(), "one: connection refused", false}, now);
  auto second = ingest_runs();
  source(second, 0, true);
  auto requests = effects.requests.size();
  pass(config.source_return - 100ms);
  BOOST_TEST(effects.requests.size() == requests);
  pass(200ms);
  BOOST_TEST(effects.requests.size() == requests + 1);
  (void)pull_starts();
  BOOST_TEST(effects.ingests.back().url == "http://one/a.ts");
}

BOOST_AUTO_TEST_CASE(a_source_of_three_pictures_is_transcoded_before_it_is_over) {
  for (auto* ends : {"before the lease", "before it starts", "when all is sent"}) {
    effects = {};
    make({"news", {}, {"u"}, false});
    it->watch(wanting("hd", "libx264"), 1, now);
    auto ingest = ingest_runs();
    for (int64_t i = 0; i < 3; ++i)
      source(ingest, i * frame, i == 0);
    auto transcode = effects.requests.back().label.attempt;
    auto end = [&](std::string_view when) {
      if (when == ends)
        it->on(stream_end{ingest, {}, false}, now);
    };
    end("before the lease");
    BOOST_TEST(effects.refused.empty());
    it->leased(transcode, {lease_id{2}, task_id{2}, worker_id{5}, "w"}, now);
    end("before it starts");
    it->started(transcode, now);
    it->on(format_change{transcode, format()}, now);
    end("when all is sent");
    it->tick(now += 100ms);
    BOOST_TEST(effects.sent.size() == 3u);
    BOOST_TEST((effects.finished == std::vector<attempt_id>{transcode}));
    it->on(batch_ack{transcode, 3}, now);
    for (int64_t i = 0; i < 3; ++i)
      it->on(sample_batch{transcode, static_cast<uint64_t>(i + 1), block(i * frame, i == 0)}, now);
    it->on(stream_end{transcode, {}, false}, now);
    BOOST_TEST(effects.delivered["hd"].size() == 3u);
    BOOST_TEST(effects.answered.contains(1));
    BOOST_TEST(effects.refused.empty());
    BOOST_TEST(effects.closed.at("hd") == "the source has ended");
    BOOST_TEST(it->finished());
  }
}

BOOST_AUTO_TEST_CASE(a_source_that_ends_without_a_place_to_begin_at_refuses_its_clients) {
  it->watch(wanting("hd", "libx264"), 1, now);
  auto ingest = ingest_runs();
  source(ingest, 0, false);
  it->on(stream_end{ingest, {}, false}, now);
  BOOST_TEST(effects.refused.at(1).second == "the source has ended");
  BOOST_TEST(it->finished());
}

BOOST_AUTO_TEST_CASE(pulls_that_end_at_once_come_less_and_less_often) {
  it->watch(wanting("source", "copy"), 1, now);
  auto attempt = ingest_runs();
  size_t pulls = 1;
  int64_t pts = 0;
  for (auto end = now + 60s; now < end;) {
    source(attempt, pts += 3600, true);
    it->on(stream_end{attempt, "the source closed the connection", false}, now);
    BOOST_TEST(effects.stopped.at(attempt).empty(), "the source's end counts against its task's host");
    auto before = effects.requests.size();
    while (effects.requests.size() == before && now < end)
      pass(100ms);
    if (effects.requests.size() > before) {
      attempt = ingest_runs();
      ++pulls;
    }
  }
  BOOST_TEST(pulls <= 12u);
  // A source that has delivered for a while is pulled again at once.
  for (int i = 0; i < 100; ++i) {
    now += 100ms;
    source(attempt, pts += 3600, true);
  }
  auto before = effects.requests.size();
  it->on(stream_end{attempt, "the source closed the connection", false}, now);
  pass(300ms);
  BOOST_TEST(effects.requests.size() == before + 1);
}

BOOST_AUTO_TEST_CASE(a_source_that_is_pulled_anew_can_be_known_again_and_goes_on_within_a_group) {
  it->watch(wanting("source", "copy"), 1, now);
  auto attempt = ingest_runs();
  for (int64_t i = 0; i < 25; ++i)
    source(attempt, i * 3600, i % 10 == 0, 10 + static_cast<size_t>(i));
  work_statistics counted;
  counted.samples_out = 25;
  counted.source_shift = 77;
  it->on(attempt, counted, now);
  it->on(stream_end{attempt, "connection reset", false}, now);
  pass(400ms);
  auto again = pull_starts();
  auto& work = effects.ingests.back();
  BOOST_TEST(work.known_shift == 77);
  BOOST_REQUIRE(work.known.size() == 3u);
  BOOST_TEST(work.known[1].pts == 10 * 3600);
  BOOST_TEST(work.known[1].print == print_of(block(0, true, 20).bytes.span()));
  BOOST_REQUIRE(work.passed.size() == 1u);
  BOOST_TEST(work.passed[0] == 24 * 3600);
  it->on(format_change{again, format()}, now);
  auto x = block(25 * 3600, false);
  x.samples.front().flags |= sample::continues;
  it->on(sample_batch{again, 1, x}, now);
  it->on(sample_batch{again, 2, block(26 * 3600, false)}, now);
  BOOST_TEST(effects.delivered["source"].size() == 27u);
  BOOST_TEST(it->status().state == "running");
}

BOOST_AUTO_TEST_CASE(a_source_that_has_nothing_new_may_begin_again) {
  it->watch(wanting("source", "copy"), 1, now);
  auto attempt = ingest_runs();
  source(attempt, 0, true);
  for (auto known : {1u, 1u, 0u}) {
    it->on(stream_end{attempt, "the source closed the connection", false}, now);
    pass(2s);
    attempt = pull_starts();
    BOOST_TEST(effects.ingests.back().known.size() == known);
    work_statistics counted; // the second pull reads nothing, the third only old samples
    counted.samples_in = effects.ingests.size() == 3 ? 5 : 0;
    it->on(attempt, counted, now);
  }
}

BOOST_AUTO_TEST_SUITE_END()
