// A source's tracks change while clients watch. The test gives the session the actors' events. Clients must get all of
// the old tracks before any of the new ones, and nothing twice.
#include "test/core/session_fixture.hpp"

#include <boost/test/unit_test.hpp>

using namespace troupe;
using namespace troupe::core;
using namespace std::chrono_literals;

BOOST_FIXTURE_TEST_SUITE(source_change_test, failover_fixture)

BOOST_AUTO_TEST_CASE(a_transcoder_makes_the_rest_of_the_old_tracks_before_another_begins_with_the_new_ones) {
  make_output(first, 10, 18);
  auto small = format();
  small.tracks[0].width = 720;
  it->on(format_change{ingest, small}, now);
  feed(21, 22); // samples before the next random-access point belong to the old tracks
  BOOST_TEST(effects.finished.empty());
  feed(30, 35);
  BOOST_TEST((effects.finished == std::vector<attempt_id>{first}));
  BOOST_TEST(effects.sent.back().block.samples.front().pts == 21 * frame);
  make_output(first, 18, 20);
  make_output(first, 21, 22);
  auto requests = effects.requests.size();
  acknowledge_all();
  it->on(stream_end{first, {}, false}, now);
  BOOST_REQUIRE(effects.requests.size() == requests + 1);
  auto second = transcode_runs(6, small);
  BOOST_TEST(effects.transcodes.back().source.tracks[0].width == 720);
  BOOST_TEST(effects.transcodes.back().spans.front().from_pts == 21 * frame + 1);
  make_output(second, 30, 35);
  BOOST_TEST(effects.delivered["hd"].size() == 16u);
  BOOST_TEST(effects.delivered["hd"].back() == 34 * frame);
  BOOST_TEST(effects.outputs.at("hd").tracks[0].width == 720);
  BOOST_TEST((effects.failovers.at(0).first == failover_reason::source));
  BOOST_TEST(it->status().variants.front().frames_lost == 0u);
}

BOOST_AUTO_TEST_CASE(a_source_that_is_as_asked_from_now_on_passes_through_behind_the_rest_of_the_transcode) {
  auto other = format();
  other.tracks[0].codec = "mpeg2video";
  make({"news", {}, {"u"}, false});
  it->watch(wanting("hd", "h264"), 2, now);
  ingest = ingest_runs(other);
  feed(0, 15);
  first = transcode_runs(5);
  effects.reading["hd"] = 1;
  make_output(first, 10, 13);
  it->on(format_change{ingest, format()}, now);
  feed(20, 23);
  BOOST_TEST(delivered_once_each(10, 13));
  auto requests = effects.requests.size();
  make_output(first, 13, 15);
  acknowledge_all();
  it->on(stream_end{first, {}, false}, now);
  feed(23, 25);
  BOOST_TEST(effects.requests.size() == requests);
  BOOST_TEST((effects.delivered["hd"]
              == std::vector<int64_t>{10 * frame, 11 * frame, 12 * frame, 13 * frame, 14 * frame, 20 * frame,
                                      21 * frame, 22 * frame, 23 * frame, 24 * frame}));
  it->tick(now);
  BOOST_TEST(effects.requests.size() == requests);
}

BOOST_AUTO_TEST_CASE(a_source_that_is_no_more_as_asked_is_transcoded_behind_what_was_passed_through) {
  make({"news", {}, {"u"}, false});
  it->watch(wanting("hd", "h264"), 2, now);
  ingest = ingest_runs();
  effects.reading["hd"] = 1;
  feed(10, 15);
  BOOST_TEST(delivered_once_each(10, 15));
  auto other = format();
  other.tracks[0].codec = "mpeg2video";
  it->on(format_change{ingest, other}, now);
  effects.sent.clear();
  feed(20, 23);
  BOOST_TEST(delivered_once_each(10, 15));
  auto second = transcode_runs(6);
  BOOST_TEST(effects.transcodes.back().spans.front().from_pts == 14 * frame + 1);
  BOOST_TEST(effects.sent.front().block.samples.front().pts == 20 * frame);
  make_output(second, 20, 23);
  BOOST_TEST(effects.delivered["hd"].size() == 8u);
}

BOOST_AUTO_TEST_CASE(a_pull_that_goes_on_within_a_group_with_other_tracks_waits_for_the_next_group) {
  auto sound_first = with_sound();
  std::swap(sound_first.tracks[0], sound_first.tracks[1]);
  auto turned = [](int64_t i) {
    auto x = both(i);
    for (auto& s : x.samples)
      s.track = s.track == 0 ? 1 : 0;
    return x;
  };
  auto more = with_sound();
  more.tracks.push_back(more.tracks[1]);
  for (auto& [next, in_group] : {std::pair{sound_first, false}, {with_sound(), true}, {format(), true}, {more, true}}) {
    make({"news", {}, {"u"}, false});
    it->watch(wanting("copy", "copy"), 2, now);
    ingest = ingest_runs(with_sound());
    effects.reading["copy"] = 1;
    feed_both(0, 15);
    it->on(stream_end{ingest, "connection reset", false}, now);
    effects.delivered["copy"].clear();
    for (auto requests = effects.requests.size(); effects.requests.size() == requests;)
      it->tick(now += 100ms);
    ingest = ingest_runs(next);
    auto x = in_group ? both(15) : turned(15);
    x.samples.front().flags |= sample::continues;
    it->on(sample_batch{ingest, ++sequence, x}, now);
    it->on(sample_batch{ingest, ++sequence, in_group ? both(16) : turned(16)}, now);
    BOOST_TEST(effects.delivered["copy"].size() == (in_group ? 4u : 0u));
    BOOST_TEST((effects.outputs.at("copy") == with_sound()));
    it->on(sample_batch{ingest, ++sequence, in_group ? both(20) : turned(20)}, now);
    BOOST_TEST(effects.delivered["copy"].back() == 20 * frame);
    BOOST_TEST((effects.outputs.at("copy") == next));
  }
}

BOOST_AUTO_TEST_CASE(another_estimate_of_the_bit_rate_is_no_other_format) {
  auto other = format();
  other.tracks[0].bit_rate = 195'342;
  it->on(format_change{ingest, other}, now);
  feed(20, 31);
  make_output(first, 10, 31);
  BOOST_TEST(delivered_once_each(10, 31));
  BOOST_TEST(effects.finished.empty());
}

BOOST_AUTO_TEST_CASE(a_transcoder_that_ends_before_it_has_taken_everything_has_failed) {
  make_output(first, 10, 18);
  auto small = format();
  small.tracks[0].width = 720;
  it->on(format_change{ingest, small}, now);
  feed(30, 35);
  BOOST_REQUIRE(effects.finished.size() == 1u);
  it->on(stream_end{first, {}, false}, now); // it ends without pictures 18 and 19
  BOOST_TEST(!effects.stopped.at(first).empty());
  auto second = transcode_runs(6, small);
  make_output(second, 30, 32);
  BOOST_TEST(it->status().variants.front().frames_lost == 2u);
}

BOOST_AUTO_TEST_SUITE_END()
