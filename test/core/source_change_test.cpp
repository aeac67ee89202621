// A source's tracks change while clients watch. The test gives the session the actors' events. Clients must get all of
// the old tracks before any of the new ones, and nothing twice.
#include "test/core/session_fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>

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

BOOST_AUTO_TEST_CASE(a_source_that_ends_soon_after_a_change_is_shown_to_its_end) {
  auto small = format();
  small.tracks[0].width = 720;
  make_output(first, 10, 20);
  it->on(format_change{ingest, small}, now);
  feed(30, 35);
  it->on(stream_end{ingest, {}, false}, now);
  acknowledge_all();
  it->on(stream_end{first, {}, false}, now);
  BOOST_TEST(!effects.closed.contains("hd"));
  auto second = transcode_runs(6, small);
  BOOST_TEST((effects.finished == std::vector{first, second}));
  make_output(second, 30, 35);
  acknowledge_all();
  it->on(stream_end{second, {}, false}, now);
  BOOST_TEST(effects.closed.contains("hd"));
  BOOST_TEST(effects.delivered["hd"].size() == 15u);
  BOOST_TEST(effects.delivered["hd"].back() == 34 * frame);
  BOOST_TEST(it->finished());
}

BOOST_AUTO_TEST_CASE(a_source_that_ends_soon_after_it_became_as_asked_is_shown_to_its_end) {
  auto other = format();
  other.tracks[0].codec = "mpeg2video";
  make({"news", {}, {"u"}, false});
  it->watch(wanting("hd", "h264"), 2, now);
  ingest = ingest_runs(other);
  feed(0, 15);
  first = transcode_runs(5);
  effects.reading["hd"] = 1;
  it->on(format_change{ingest, format()}, now);
  feed(20, 23);
  it->on(stream_end{ingest, {}, false}, now);
  make_output(first, 10, 15);
  acknowledge_all();
  it->on(stream_end{first, {}, false}, now);
  BOOST_TEST(effects.delivered["hd"].size() == 8u);
  BOOST_TEST(effects.delivered["hd"].back() == 22 * frame);
  BOOST_TEST(effects.closed.contains("hd"));
  it->tick(now);
  BOOST_TEST(it->finished());
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

struct beside_fixture : failover_fixture {
  static stream_format and_beside(stream_format x, track_kind kind, const std::string& codec) {
    auto& added = x.tracks.emplace_back();
    added.kind = kind;
    added.codec = codec;
    return x;
  }

  beside_fixture() {
    config.held = [](const std::string&) { return true; };
    make({"news", {}, {"u"}, false});
    effects = {};
    it->watch(wanting("hd", "libx264"), 1, now);
    it->watch(wanting("copy", "copy"), 2, now);
    ingest = ingest_runs(with_sound());
    feed_both(0, 15);
    first = transcode_runs(5, with_sound());
    output.clear();
    effects.reading["hd"] = effects.reading["copy"] = 1;
    make_both(first, 10, 12);
  }

  /// A subtitle on the track, at the time of picture `i`.
  void subtitle(int64_t i, uint16_t track) {
    sample_block x{{{track, 0, i * frame + 1, i * frame, frame, 0}}, {}};
    it->on(sample_batch{ingest, ++sequence, x}, now);
  }
};

BOOST_FIXTURE_TEST_CASE(a_track_beside_the_renditions_comes_and_goes_without_another_attempt, beside_fixture) {
  auto requests = effects.requests.size();
  auto words = and_beside(with_sound(), track_kind::subtitle, "webvtt");
  it->on(format_change{ingest, words}, now);
  // It counts at once, not from the next random-access point on.
  for (auto* name : {"hd", "copy"})
    BOOST_TEST((effects.outputs.at(name) == words), name);
  subtitle(15, 2);
  feed_both(15, 25);
  make_both(first, 12, 25);
  for (auto* name : {"hd", "copy"})
    BOOST_TEST(std::ranges::count(effects.delivered[name], 15 * frame + 1) == 1, name);
  // Another one takes its number, and it gets another one itself.
  auto more = and_beside(and_beside(with_sound(), track_kind::data, "timed_id3"), track_kind::subtitle, "webvtt");
  subtitle(25, 2);
  it->on(format_change{ingest, more}, now);
  subtitle(26, 3);
  feed_both(25, 35);
  it->on(format_change{ingest, with_sound()}, now);
  make_both(first, 25, 35);
  BOOST_TEST((effects.outputs.at("hd") == with_sound()));
  BOOST_TEST(std::ranges::count(effects.delivered["copy"], 25 * frame + 1) == 1);
  BOOST_TEST(std::ranges::count(effects.delivered["copy"], 26 * frame + 1) == 1);
  BOOST_TEST(effects.requests.size() == requests);
  BOOST_TEST(effects.finished.empty());
  BOOST_TEST(effects.failovers.empty());
  // A replacement is fed from before the changes, if it needs that.
  it->down(first, "killed", now);
  effects.sent.clear();
  transcode_runs(6, with_sound());
  BOOST_TEST(effects.sent.front().block.samples.front().pts == 10 * frame);
  BOOST_TEST(it->frames_lost() == 0u);
}

BOOST_FIXTURE_TEST_CASE(a_rendition_goes_on_if_only_tracks_change_that_it_does_not_have, beside_fixture) {
  auto only_pictures = wanting("mute", "libx264");
  only_pictures.audio.codec = "none";
  it->watch(only_pictures, 3, now);
  auto mute = transcode_runs(6);
  effects.reading["mute"] = 1;
  auto other = with_sound();
  other.tracks[1].sample_rate = 32'000;
  it->on(format_change{ingest, other}, now);
  feed_both(20, 25);
  BOOST_TEST((effects.finished == std::vector<attempt_id>{first}));
  for (auto i = 20; i < 25; ++i)
    BOOST_TEST(std::ranges::any_of(
      effects.sent, [&](auto& x) { return x.attempt == mute && x.block.samples.front().pts == i * frame; }));
  // Where splices are, pictures must be random-access points.
  it->on(format_change{ingest, and_beside(other, track_kind::data, "scte_35")}, now);
  feed_both(30, 35);
  BOOST_TEST((effects.finished == std::vector<attempt_id>{first, mute}));
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
