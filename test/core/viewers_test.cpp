// What viewers get, or are told, when a channel does not simply play. The test gives the session the actors' events,
// and records its requests.
#include "test/core/session_fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <array>

using namespace troupe;
using namespace troupe::core;
using namespace std::chrono_literals;

namespace viewers_test {
namespace {

stream_format at_rate(int32_t frames_a_second) {
  auto x = session_fixture::format();
  x.tracks[0].frame_rate = {frames_a_second, 1};
  return x;
}

} // namespace
} // namespace viewers_test

BOOST_FIXTURE_TEST_SUITE(viewers_test, session_fixture)

BOOST_AUTO_TEST_CASE(times_that_a_container_cannot_say_are_moved_up_alike_for_all_renditions) {
  config.earliest_dts = 1s;
  make({"news", {}, {"u"}, false});
  it->watch(wanting("source", "copy"), 1, now);
  it->watch(wanting("hd", "libx264"), 2, now);
  auto ingest = ingest_runs(at_rate(25));
  source(ingest, -5000, true);
  auto lift = effects.delivered.at("source").front() + 5000;
  BOOST_TEST(lift == 2 * ticks_per_second);
  source(ingest, 90'000, false);
  BOOST_TEST(effects.delivered.at("source").back() == 90'000 + lift);
  transcode_runs();
  BOOST_TEST(effects.sent.front().block.samples.front().dts == -5000 + lift);
  // The next pull resumes at the source's own time, not at the lifted time that viewers got.
  it->down(ingest, "gone", now);
  it->tick(now += 10s);
  ingest_runs(at_rate(25));
  BOOST_TEST(effects.ingests.back().resume_from == 90'000 + 3600);
}

BOOST_AUTO_TEST_CASE(times_that_begin_late_enough_stay_as_they_are) {
  config.earliest_dts = 1s;
  for (auto [rate, first, lift] : {std::array{25, 126'000, 0}, std::array{1, 126'000, 3}, std::array{25, 0, 2}}) {
    effects = {};
    make({"news", {}, {"u"}, false});
    it->watch(wanting("source", "copy"), 1, now);
    source(ingest_runs(at_rate(rate)), first, true);
    BOOST_TEST(effects.delivered.at("source").front() == first + lift * ticks_per_second);
  }
}

BOOST_AUTO_TEST_CASE(a_source_without_a_place_to_begin_at_keeps_no_slot) {
  it->watch(wanting("hd", "libx264"), 1, now);
  auto ingest = ingest_runs();
  auto first = transcode_runs();
  it->tick(now += 1s);
  BOOST_TEST(effects.stopped.empty());
  it->tick(now += 1s);
  BOOST_REQUIRE(effects.stopped.contains(first));
  BOOST_TEST(effects.stopped.at(first) == "");
  auto requests = effects.requests.size();
  it->tick(now += 1s);
  source(ingest, 0, false);
  BOOST_TEST(effects.requests.size() == requests);
  source(ingest, 3600, true);
  BOOST_REQUIRE(effects.requests.size() == requests + 1);
  auto second = transcode_runs();
  BOOST_TEST(effects.sent.back().block.samples.front().pts == 3600);
  it->on(sample_batch{second, 1, block(3600, true)}, now);
  BOOST_TEST(effects.answered.at(1) == "hd");
}

BOOST_AUTO_TEST_CASE(a_transcode_that_gave_nothing_ends_when_nobody_waits_for_it_any_more) {
  config.first_output_timeout = 10min;
  make({"news", {}, {"u"}, false});
  it->watch(wanting("hd", "libx264"), 1, now);
  auto ingest = ingest_runs();
  source(ingest, 0, true);
  auto first = transcode_runs();
  it->tick(now += config.watch_timeout);
  BOOST_TEST((effects.refused.at(1).first == ec::timeout));
  BOOST_REQUIRE(effects.stopped.contains(first));
  BOOST_TEST(effects.stopped.at(first) == "");
  auto requests = effects.requests.size();
  it->tick(now += 1s);
  source(ingest, 3600, true);
  BOOST_TEST(effects.requests.size() == requests);
  it->watch(wanting("hd", "libx264"), 2, now);
  BOOST_TEST(effects.requests.size() == requests + 1);
}

BOOST_AUTO_TEST_CASE(a_transcoder_that_takes_the_source_and_makes_nothing_is_ended_and_nobody_blamed) {
  it->watch(wanting("hd", "libx264"), 1, now);
  auto ingest = ingest_runs();
  source(ingest, 0, true);
  auto first = transcode_runs();
  it->on(batch_ack{first, 1}, now);
  it->tick(now += config.first_output_timeout);
  BOOST_TEST((effects.refused.at(1).first == ec::encode_failed));
  BOOST_TEST(effects.refused.at(1).second.find("made no output from it") != std::string::npos);
  BOOST_TEST(effects.stopped.at(first) == "");
  BOOST_TEST(effects.closed.contains("hd"));
}

BOOST_AUTO_TEST_CASE(a_rendition_that_gets_nothing_says_so_and_why) {
  it->watch(wanting("source", "copy"), 1, now);
  auto ingest = ingest_runs();
  it->tick(now += 4s);
  BOOST_TEST(it->status().variants.front().state == "starting");
  BOOST_TEST(it->status().variants.front().reason == "");
  it->tick(now += 2s);
  BOOST_TEST(it->status().variants.front().reason
             == "nothing for 6 s: the source has shown no random-access point yet");
  BOOST_REQUIRE(effects.notices.size() == 1u);
  source(ingest, 0, true);
  effects.reading["source"] = 1;
  it->tick(now += 1s);
  BOOST_TEST(it->status().variants.front().state == "running");
  BOOST_TEST(it->status().variants.front().reason == "");
  it->tick(now += 6s);
  BOOST_TEST(it->status().variants.front().state == "silent");
  BOOST_TEST(it->status().variants.front().reason == "nothing for 7 s: the source sends nothing");
  it->tick(now += 1s);
  BOOST_TEST(effects.notices.size() == 2u);
}

BOOST_AUTO_TEST_CASE(what_is_converted_or_not_carried_is_in_the_status) {
  config.held = [](const std::string& codec) { return codec != "pcm_alaw"; };
  make({"news", {}, {"u"}, false});
  it->watch(wanting("source", "copy"), 1, now);
  auto attempt = effects.requests.back().label.attempt;
  it->leased(attempt, {lease_id{1}, task_id{1}, worker_id{9}, ""}, now);
  it->started(attempt, now);
  auto tracks = format();
  tracks.tracks.resize(2);
  tracks.tracks[1].kind = track_kind::audio;
  tracks.tracks[1].codec = "pcm_alaw";
  it->on(format_change{attempt, tracks, {"data scte_35 (stream 500)"}}, now);
  BOOST_TEST((it->status().not_carried == std::vector<std::string>{"data scte_35 (stream 500)"}));
  BOOST_REQUIRE(it->status().variants.front().notes.size() == 1u);
  BOOST_TEST((effects.notices == it->status().variants.front().notes));
  BOOST_TEST((effects.requests.back().encoders == std::vector<std::string>{"aac"}));
  // If no worker can convert the sound, the pictures come without it.
  it->lease_failed(effects.requests.back().label.attempt, ec::no_worker, "no working decoder for pcm_alaw", now);
  source(attempt, 0, true);
  BOOST_TEST((effects.delivered.at("source") == std::vector<int64_t>{0}));
  BOOST_TEST(effects.answered.at(1) == "source");
  BOOST_TEST(effects.outputs.at("source").tracks.size() == 1u);
  BOOST_REQUIRE(it->status().variants.front().notes.size() == 1u);
  BOOST_TEST(it->status().variants.front().notes[0].find("no working decoder for pcm_alaw") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(sound_that_is_all_there_is_and_that_nobody_can_convert_is_a_clear_refusal) {
  config.held = [](const std::string& codec) { return codec != "pcm_alaw"; };
  make({"news", {}, {"u"}, false});
  it->watch(wanting("source", "copy"), 1, now);
  auto tracks = format();
  tracks.tracks[0].kind = track_kind::audio;
  tracks.tracks[0].codec = "pcm_alaw";
  ingest_runs(tracks);
  it->lease_failed(effects.requests.back().label.attempt, ec::no_worker, "no working decoder for pcm_alaw", now);
  BOOST_TEST((effects.refused.at(1).first == ec::no_worker));
  BOOST_TEST(effects.refused.at(1).second == "no working decoder for pcm_alaw");
}

BOOST_AUTO_TEST_SUITE_END()
