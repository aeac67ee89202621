// A channel's life: the test gives the session the actors' events, and records its requests. Samples carry their time
// as content, so that the clients' data can be compared with the source's.
#include "test/core/session_fixture.hpp"

#include <boost/test/unit_test.hpp>

using namespace troupe;
using namespace troupe::core;
using namespace std::chrono_literals;

BOOST_FIXTURE_TEST_SUITE(session_test, session_fixture)

BOOST_AUTO_TEST_CASE(the_first_client_starts_the_ingest_and_is_answered_at_a_random_access_point) {
  it->watch(wanting("source", "copy"), 1, now);
  BOOST_REQUIRE(effects.requests.size() == 1u);
  BOOST_TEST((effects.requests[0].label.kind == work_kind::ingest));
  auto ingest = ingest_runs();
  BOOST_TEST(effects.ingests[0].url == "http://one/a.ts");
  source(ingest, 0, false);
  BOOST_TEST(effects.answered.empty());
  source(ingest, 1, true);
  source(ingest, 2, false);
  BOOST_TEST(effects.answered.at(1) == "source");
  BOOST_TEST((effects.delivered["source"] == std::vector<int64_t>{1, 2}));
  BOOST_TEST(effects.acknowledged.back().sequence == 3u);
}

BOOST_AUTO_TEST_CASE(more_clients_share_one_ingest_and_one_transcode) {
  it->watch(wanting("hd", "libx264"), 1, now);
  auto ingest = ingest_runs();
  it->watch(wanting("hd", "libx264"), 2, now);
  source(ingest, 0, true);
  auto transcode = transcode_runs();
  BOOST_TEST(effects.requests.size() == 2u);
  BOOST_TEST((effects.requests[1].encoders == std::vector<std::string>{"libx264"}));
  BOOST_TEST((effects.requests[1].decoders == std::vector<std::string>{"h264"}));
  it->on(sample_batch{transcode, 1, block(0, true)}, now);
  it->watch(wanting("hd", "libx264"), 3, now);
  BOOST_TEST(effects.answered.size() == 3u);
  BOOST_TEST(effects.transcodes.size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_transcoder_starts_at_the_latest_random_access_point_and_under_credit) {
  config.credit_bytes = 100;
  make({"news", {}, {"u"}, false});
  it->watch(wanting("hd", "libx264"), 1, now);
  auto ingest = ingest_runs();
  for (int64_t t = 0; t < 10; ++t)
    source(ingest, t, t % 4 == 0, 60);
  auto transcode = transcode_runs();
  BOOST_REQUIRE(effects.sent.size() == 2u); // 120 bytes with a limit of 100: the last batch may exceed it
  BOOST_TEST(effects.sent[0].block.samples[0].pts == 8);
  BOOST_TEST(effects.sent[0].sequence == 1u);
  source(ingest, 10, false, 60);
  BOOST_TEST(effects.sent.size() == 2u);
  it->on(batch_ack{transcode, 2}, now);
  BOOST_TEST(effects.sent.size() == 3u);
  BOOST_TEST(effects.sent.back().block.samples[0].pts == 10);
}

BOOST_AUTO_TEST_CASE(samples_of_another_attempt_or_out_of_sequence_are_refused) {
  it->watch(wanting("source", "copy"), 1, now);
  auto ingest = ingest_runs();
  source(ingest, 0, true);
  it->on(sample_batch{attempt_id{77}, 1, block(50, true)}, now);
  it->on(sample_batch{ingest, 1, block(51, true)}, now);
  BOOST_TEST((effects.delivered["source"] == std::vector<int64_t>{0}));
  // If a batch is missing, the pull is useless: it is stopped.
  it->on(sample_batch{ingest, 3, block(52, true)}, now);
  BOOST_TEST((effects.delivered["source"] == std::vector<int64_t>{0}));
  BOOST_TEST(effects.stopped.contains(ingest));
}

BOOST_AUTO_TEST_CASE(a_variant_without_clients_stops_after_the_idle_time_and_the_session_with_it) {
  it->watch(wanting("hd", "libx264"), 1, now);
  auto ingest = ingest_runs();
  source(ingest, 0, true);
  auto transcode = transcode_runs();
  it->on(sample_batch{transcode, 1, block(0, true)}, now);
  effects.reading["hd"] = 1;
  it->tick(now += 100s);
  BOOST_TEST(effects.stopped.empty());
  effects.reading["hd"] = 0;
  it->tick(now += 1s);
  it->tick(now += 59s);
  BOOST_TEST(effects.stopped.empty());
  it->tick(now += 2s);
  BOOST_TEST(effects.stopped.contains(transcode));
  BOOST_TEST(effects.stopped.contains(ingest));
  BOOST_TEST(it->finished());
}

BOOST_AUTO_TEST_CASE(a_client_that_returns_in_time_keeps_the_variant) {
  it->watch(wanting("source", "copy"), 1, now);
  auto ingest = ingest_runs();
  source(ingest, 0, true);
  it->tick(now += 1s);
  it->tick(now += 50s);
  effects.reading["source"] = 1;
  it->tick(now += 9s);
  effects.reading["source"] = 0;
  it->tick(now += 1s);
  it->tick(now += 59s);
  BOOST_TEST(!it->finished());
}

BOOST_AUTO_TEST_CASE(the_next_source_is_tried_when_one_cannot_be_opened_and_the_last_reason_is_told) {
  it->watch(wanting("source", "copy"), 1, now);
  auto first = effects.requests.back().label.attempt;
  it->leased(first, {lease_id{1}, task_id{1}, worker_id{9}, ""}, now);
  it->started(first, now);
  it->on(stream_end{first, "connection refused", false}, now);
  auto second = effects.requests.back().label.attempt;
  BOOST_TEST((second != first));
  it->leased(second, {lease_id{2}, task_id{2}, worker_id{9}, ""}, now);
  BOOST_TEST(effects.ingests.back().url == "http://two/b.ts");
  it->on(stream_end{second, "not media", true}, now);
  BOOST_TEST((effects.refused.at(1).first == ec::source_failed));
  BOOST_TEST(effects.refused.at(1).second == "not media");
  BOOST_TEST(it->finished());
}

BOOST_AUTO_TEST_CASE(a_failed_transcode_is_tried_elsewhere_a_hopeless_one_is_not) {
  it->watch(wanting("hd", "libx264"), 1, now);
  auto ingest = ingest_runs();
  source(ingest, 0, true);
  auto first = transcode_runs(5);
  it->down(first, "the process is gone", now);
  BOOST_TEST(effects.stopped.at(first) == "the process is gone");
  BOOST_TEST((effects.requests.back().refused_by == std::vector<worker_id>{worker_id{5}}));
  auto second = transcode_runs(6);
  BOOST_TEST((second != first));
  it->on(stream_end{second, "the encoder says no", true}, now);
  BOOST_TEST((effects.refused.at(1).first == ec::encode_failed));
  BOOST_TEST(effects.refused.at(1).second == "the encoder says no");
}

BOOST_AUTO_TEST_CASE(a_new_attempt_goes_on_behind_what_was_delivered) {
  it->watch(wanting("hd", "libx264"), 1, now);
  auto ingest = ingest_runs();
  for (int64_t t = 0; t < 20; ++t)
    source(ingest, t * 3600, t % 5 == 0);
  auto first = transcode_runs();
  for (uint64_t i = 0; i < 3; ++i)
    it->on(sample_batch{first, i + 1, block(static_cast<int64_t>(15 + i) * 3600, i == 0)}, now);
  it->down(first, "killed", now);
  auto second = transcode_runs();
  BOOST_TEST(effects.transcodes.back().spans.front().from_pts == 17 * 3600 + 1);
  // Later messages of the old attempt are ignored.
  it->on(sample_batch{first, 4, block(99 * 3600, false)}, now);
  BOOST_TEST(effects.delivered["hd"].size() == 3u);
  it->on(sample_batch{second, 1, block(18 * 3600, true)}, now);
  BOOST_TEST(effects.delivered["hd"].back() == 18 * 3600);
}

BOOST_AUTO_TEST_CASE(nobody_to_do_the_work_is_a_clear_refusal) {
  it->watch(wanting("hd", "libx264"), 1, now);
  (void)ingest_runs();
  it->lease_failed(effects.requests.back().label.attempt, ec::no_worker, "no worker is registered", now);
  BOOST_TEST((effects.refused.at(1).first == ec::no_worker));
  it->tick(now);
  BOOST_TEST(it->finished());
}

BOOST_AUTO_TEST_CASE(a_client_does_not_wait_for_ever) {
  it->watch(wanting("source", "copy"), 1, now);
  (void)ingest_runs();
  it->tick(now + config.watch_timeout);
  BOOST_TEST((effects.refused.at(1).first == ec::timeout));
}

BOOST_AUTO_TEST_CASE(the_end_of_a_source_flushes_the_transcoder_and_then_ends_the_clients) {
  it->watch(wanting("hd", "libx264"), 1, now);
  auto ingest = ingest_runs();
  source(ingest, 0, true);
  auto transcode = transcode_runs();
  it->on(sample_batch{transcode, 1, block(0, true)}, now);
  it->on(stream_end{ingest, {}, false}, now);
  BOOST_TEST((effects.finished == std::vector<attempt_id>{transcode}));
  BOOST_TEST(!effects.closed.contains("hd"));
  it->on(sample_batch{transcode, 2, block(3600, false)}, now);
  it->on(batch_ack{transcode, effects.sent.back().sequence}, now);
  it->on(stream_end{transcode, {}, false}, now);
  BOOST_TEST(effects.delivered["hd"].size() == 2u);
  BOOST_TEST(effects.closed.contains("hd"));
  BOOST_TEST(it->finished());
}

BOOST_AUTO_TEST_CASE(a_lease_that_comes_after_its_variant_went_is_given_back) {
  it->watch(wanting("hd", "libx264"), 1, now);
  auto ingest = ingest_runs();
  source(ingest, 0, true);
  auto late = effects.requests.back().label.attempt;
  it->shut_down("the node stops");
  BOOST_TEST((effects.refused.at(1).first == ec::stopping));
  effects.stopped.clear();
  it->leased(late, {lease_id{2}, task_id{2}, worker_id{5}, "w"}, now);
  BOOST_TEST(effects.stopped.contains(late));
}

BOOST_AUTO_TEST_CASE(the_sound_alone_of_a_source_with_pictures_can_be_joined) {
  auto sound = wanting("radio", "none");
  sound.audio.codec = "copy";
  it->watch(sound, 1, now);
  auto tracks = format();
  tracks.tracks.resize(2);
  tracks.tracks[1].kind = track_kind::audio;
  tracks.tracks[1].codec = "mp2";
  auto ingest = ingest_runs(tracks);
  for (int64_t i = 0; i < 3; ++i) {
    auto x = block(i * 3600, i == 0, 0);
    if (i > 0) // the random-access point has a block for itself
      x.samples.push_back({1, sample::key, i * 3600, i * 3600, 3600, 0});
    it->on(sample_batch{ingest, ++sequence, std::move(x)}, now);
  }
  BOOST_TEST(effects.answered.at(1) == "radio");
  BOOST_TEST((effects.delivered.at("radio") == std::vector<int64_t>{3600, 7200}));
}

BOOST_AUTO_TEST_SUITE_END()
