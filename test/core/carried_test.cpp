// Goal: subtitles and splice information reach the clients of every rendition, in the order of the source, each once,
// whether the rendition is transcoded or not, and whatever becomes of its tasks. Method: a session on its own.
#include "session_fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>

using namespace troupe;
using namespace troupe::core;

namespace carried_test {
namespace {

struct carried_fixture : session_fixture {
  carried_fixture() {
    config.held = [](const std::string& codec) { return codec != "subrip"; };
    config.earliest_dts = milliseconds{0};
    make({"news", {}, {"http://one/a.ts"}, false});
  }

  static stream_format with_cues() {
    auto result = format();
    result.tracks.resize(3);
    result.tracks[1].kind = track_kind::data;
    result.tracks[1].codec = "scte_35";
    result.tracks[2].kind = track_kind::subtitle;
    result.tracks[2].codec = "subrip";
    return result;
  }

  /// A section that arrives at `dts` for a splice at `pts`.
  void cue(attempt_id attempt, int64_t dts, int64_t pts, uint16_t track = 1) {
    it->on(sample_batch{attempt, ++sequence, {{{track, 0, pts, dts, 0, 1}}, shared_bytes{shared_bytes::container(1)}}},
           now);
  }

  int times_delivered(const std::string& profile, int64_t pts) {
    return static_cast<int>(std::ranges::count(effects.delivered[profile], pts));
  }
};

constexpr int64_t second = ticks_per_second;

} // namespace
} // namespace carried_test

BOOST_FIXTURE_TEST_SUITE(carried_test, carried_fixture)

BOOST_AUTO_TEST_CASE(what_the_container_holds_goes_along_in_every_kind_of_rendition) {
  it->watch(wanting("same", "copy"), 1, now);
  auto ingest = ingest_runs(with_cues());
  it->watch(wanting("small", "libx264"), 2, now);
  source(ingest, 10 * second, true);
  auto made = transcode_runs();
  it->on(format_change{made, format()}, now);
  cue(ingest, 10 * second + 100, 14 * second);
  cue(ingest, 10 * second + 100, 15 * second, 2);
  source(ingest, 10 * second + 3'600, false);
  BOOST_TEST(effects.outputs["same"].tracks.size() == 2u);
  BOOST_TEST(effects.outputs["same"].tracks.at(1).codec == "scte_35");
  BOOST_TEST(times_delivered("same", 14 * second) == 1);
  BOOST_TEST(times_delivered("same", 15 * second) == 0);
  // The rendition is behind the source: the message waits until it is there.
  it->on(sample_batch{made, 1, block(10 * second, true)}, now);
  BOOST_TEST(times_delivered("small", 14 * second) == 0);
  it->on(sample_batch{made, 2, block(10 * second + 3'600, false)}, now);
  BOOST_TEST(times_delivered("small", 14 * second) == 1);
  BOOST_TEST(times_delivered("small", 15 * second) == 0);
  BOOST_TEST(effects.outputs["small"].tracks.size() == 2u);
  // The transcoder gets the message, too, and it alone of both knows what a splice is.
  BOOST_REQUIRE(!effects.transcodes.empty());
  BOOST_TEST(effects.transcodes.back().source.tracks.size() == 3u);
}

BOOST_AUTO_TEST_CASE(the_death_of_a_task_loses_and_repeats_nothing) {
  it->watch(wanting("small", "libx264"), 1, now);
  auto ingest = ingest_runs(with_cues());
  source(ingest, 10 * second, true);
  auto first = transcode_runs();
  it->on(format_change{first, format()}, now);
  it->on(sample_batch{first, 1, block(10 * second, true)}, now);
  cue(ingest, 10 * second, 14 * second);
  cue(ingest, 11 * second, 15 * second);
  source(ingest, 11 * second, false);
  it->on(sample_batch{first, 2, block(10 * second + 3'600, false)}, now);
  BOOST_TEST(times_delivered("small", 14 * second) == 1);
  it->down(first, "killed", now);
  auto second_try = transcode_runs(6);
  it->on(format_change{second_try, format()}, now);
  it->on(sample_batch{second_try, 1, block(11 * second, false)}, now);
  BOOST_TEST(times_delivered("small", 14 * second) == 1);
  BOOST_TEST(times_delivered("small", 15 * second) == 1);
  BOOST_TEST(it->status().variants.at(0).frames_lost == 0u);
}

BOOST_AUTO_TEST_CASE(an_attempt_is_told_of_splices_that_were_announced_before_its_first_block) {
  it->watch(wanting("small", "libx264"), 1, now);
  auto ingest = ingest_runs(with_cues());
  source(ingest, 10 * second, true);
  auto first = transcode_runs();
  it->on(format_change{first, format()}, now);
  cue(ingest, 10 * second, 11 * second);
  cue(ingest, 10 * second, 25 * second);
  cue(ingest, 11 * second, 25 * second); // again
  for (auto t : {12, 14, 16})
    source(ingest, t * second, true);
  cue(ingest, 16 * second, 28 * second);
  for (auto t : {10, 12, 14, 16})
    it->on(sample_batch{first, static_cast<uint64_t>(t - 8) / 2, block(t * second, true)}, now);
  it->down(first, "killed", now);
  auto other = transcode_runs(6);
  std::vector<std::pair<uint16_t, int64_t>> told;
  for (auto& x : effects.sent)
    if (x.attempt == other)
      for (auto& s : x.block.samples)
        told.emplace_back(s.track, s.pts / second);
  // Its source begins with the picture at 14 s. What is over is not told, and what comes later comes in its place.
  std::vector<std::pair<uint16_t, int64_t>> expected{{1, 25}, {0, 14}, {0, 16}, {1, 28}};
  BOOST_TEST((told == expected));
  for (auto& x : effects.sent)
    if (x.attempt == other && x.sequence == 1)
      BOOST_TEST(x.block.bytes.size() == 11u);
}

struct slated_fixture : carried_fixture {
  slated_fixture() {
    config.slate = slate_kind::last;
    make({"news", {}, {"http://one/a.ts"}, false});
    it->watch(wanting("small", "libx264"), 1, now);
    ingest = ingest_runs(with_cues());
    source(ingest, 10 * second, true);
    made = transcode_runs();
    it->on(format_change{made, format()}, now);
    it->on(sample_batch{made, 1, block(10 * second, true)}, now);
    effects.reading["small"] = 1;
  }

  void be_away(milliseconds span) {
    it->on(stream_end{ingest, "connection refused", false}, now);
    for (milliseconds t{0}; t < span; t += 100ms) {
      now += 100ms;
      it->tick(now);
    }
    ingest = ingest_runs(with_cues());
    effects.sent.clear();
  }

  attempt_id ingest;
  attempt_id made;
};

BOOST_FIXTURE_TEST_CASE(what_is_announced_moves_with_the_source_when_it_returns, slated_fixture) {
  cue(ingest, 10 * second, 12 * second);
  cue(ingest, 10 * second, 40 * second);
  be_away(6s);
  // The source stood still meanwhile: what lay 28 s ahead lies 28 s ahead.
  source(ingest, 12 * second, true);
  BOOST_REQUIRE(!effects.sent.empty());
  auto& returned = effects.sent.back().block.samples;
  BOOST_REQUIRE(returned.size() == 2u);
  BOOST_TEST(returned[0].track == 1);
  auto moved = returned[1].pts - 12 * second;
  BOOST_TEST(moved > 3 * second);
  BOOST_TEST(returned[0].pts == 40 * second + moved);
  it->on(sample_batch{made, 2, block(returned[1].pts, true)}, now);
  BOOST_TEST(times_delivered("small", 12 * second + moved) == 2); // the picture, and the splice that begins there
  BOOST_TEST(times_delivered("small", 40 * second + moved) == 1);
}

BOOST_FIXTURE_TEST_CASE(what_comes_before_the_first_picture_of_a_source_that_returns_is_not_lost, slated_fixture) {
  be_away(6s);
  cue(ingest, 12 * second, 20 * second);
  BOOST_TEST(effects.sent.empty());
  source(ingest, 12 * second + 3'600, false);
  source(ingest, 13 * second, true);
  BOOST_REQUIRE(!effects.sent.empty());
  auto& returned = effects.sent.back().block.samples;
  BOOST_REQUIRE(returned.size() == 2u);
  BOOST_TEST(returned[0].pts == returned[1].pts + 7 * second);
  it->on(sample_batch{made, 2, block(returned[1].pts, true)}, now);
  BOOST_TEST(times_delivered("small", returned[0].pts) == 1);
}

BOOST_AUTO_TEST_CASE(a_splice_far_ahead_moves_nothing_else) {
  it->watch(wanting("same", "copy"), 1, now);
  auto ingest = ingest_runs(with_cues());
  // Nothing is known yet: there is no time to put it to.
  cue(ingest, 9 * second, 13 * second);
  source(ingest, 10 * second, true);
  cue(ingest, 10 * second, 3'000 * second);
  source(ingest, 10 * second + 3'600, false);
  BOOST_TEST(times_delivered("same", 13 * second) == 0);
  BOOST_TEST(times_delivered("same", 3'000 * second) == 1);
  it->down(ingest, "killed", now);
  now += 1s;
  it->tick(now);
  it->leased(effects.requests.back().label.attempt, {lease_id{2}, task_id{2}, worker_id{9}, ""}, now);
  BOOST_REQUIRE(!effects.ingests.empty());
  BOOST_TEST(effects.ingests.back().resume_from == 10 * second + 7'200);
}

BOOST_AUTO_TEST_CASE(a_new_client_is_not_told_what_is_long_over) {
  it->watch(wanting("same", "copy"), 1, now);
  auto ingest = ingest_runs(with_cues());
  source(ingest, 10 * second, true);
  cue(ingest, 10 * second, 11 * second);
  cue(ingest, 10 * second, 40 * second);
  source(ingest, 20 * second, true);
  it->watch(wanting("again", "copy"), 2, now);
  source(ingest, 20 * second + 3'600, false);
  BOOST_TEST(times_delivered("again", 11 * second) == 0);
  BOOST_TEST(times_delivered("again", 40 * second) == 1);
}

BOOST_AUTO_TEST_CASE(numbers_of_tracks_that_are_to_come_are_not_mistaken) {
  it->watch(wanting("same", "copy"), 1, now);
  auto ingest = ingest_runs(with_cues());
  source(ingest, 10 * second, true);
  // A new sound takes the number of the splice information, which counts from the next random-access point on.
  auto more = with_cues();
  track_format sound;
  sound.kind = track_kind::audio;
  sound.codec = "aac";
  more.tracks.insert(more.tracks.begin() + 1, sound);
  it->on(format_change{ingest, more}, now);
  cue(ingest, 10 * second, 12 * second, 1);
  source(ingest, 10 * second + 3'600, false);
  BOOST_TEST(times_delivered("same", 12 * second) == 0);
  source(ingest, 11 * second, true);
  cue(ingest, 11 * second, 14 * second, 2);
  source(ingest, 11 * second + 3'600, false);
  BOOST_TEST(times_delivered("same", 14 * second) == 1);
  BOOST_TEST(effects.outputs["same"].tracks.size() == 3u);
}

BOOST_AUTO_TEST_SUITE_END()
