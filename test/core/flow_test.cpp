// Credit, source buffer, chunk ring and plan: the small classes on the path of the samples. Each gets input by hand;
// the tests compare what a consumer gets.
#include "core/live/client_ring.hpp"
#include "core/live/credit.hpp"
#include "core/live/source_buffer.hpp"
#include "core/plan.hpp"

#include <boost/test/unit_test.hpp>

#include <random>

using namespace std::chrono_literals;
using namespace troupe;
using namespace troupe::core;

BOOST_AUTO_TEST_SUITE(flow_test)

namespace {

sample_block block(int64_t ticks, bool random_access, size_t bytes = 100) {
  sample s;
  s.pts = s.dts = ticks;
  s.size = static_cast<uint32_t>(bytes);
  s.flags = random_access ? sample::random_access : 0;
  return {{s}, shared_bytes{shared_bytes::container(bytes)}};
}

chunk muxed(int64_t ticks, bool random_access, size_t bytes = 100) {
  return {shared_bytes{shared_bytes::container(bytes)}, random_access, ticks};
}

track_format track(track_kind kind, const std::string& codec) {
  track_format x;
  x.kind = kind;
  x.codec = codec;
  x.width = 1280;
  x.height = 720;
  x.frame_rate = {25, 1};
  x.sample_rate = 48'000;
  return x;
}

} // namespace

BOOST_AUTO_TEST_CASE(credit_is_used_up_by_sending_and_given_back_by_acknowledgement) {
  credit_window credit{100};
  BOOST_TEST(credit.open());
  BOOST_TEST(credit.send(60) == 1u);
  BOOST_TEST(credit.open());
  BOOST_TEST(credit.send(60) == 2u);
  BOOST_TEST(!credit.open());
  BOOST_TEST(credit.acknowledge(1));
  BOOST_TEST(credit.open());
  BOOST_TEST(credit.in_flight_bytes() == 60u);
}

BOOST_AUTO_TEST_CASE(an_acknowledgement_covers_all_before_it_and_repeats_harmlessly) {
  credit_window credit{100};
  for (int i = 0; i < 5; ++i)
    credit.send(10);
  BOOST_TEST(credit.acknowledge(4));
  BOOST_TEST(credit.in_flight_bytes() == 10u);
  BOOST_TEST(credit.acknowledge(2));
  BOOST_TEST(credit.in_flight_bytes() == 10u);
}

BOOST_AUTO_TEST_CASE(what_was_never_sent_cannot_be_acknowledged) {
  credit_window credit{100};
  credit.send(10);
  BOOST_TEST(!credit.acknowledge(2));
  BOOST_TEST(credit.in_flight_bytes() == 10u);
}

BOOST_AUTO_TEST_CASE(a_new_consumer_starts_at_the_latest_random_access_point) {
  source_buffer buffer{{}};
  BOOST_TEST(!buffer.join_point().has_value());
  buffer.append(block(0, true));
  buffer.append(block(1, false));
  buffer.append(block(2, true));
  buffer.append(block(3, false));
  BOOST_TEST(*buffer.join_point() == 2u);
  BOOST_TEST(*buffer.join_point_before(1) == 0u);
  BOOST_TEST(*buffer.join_point_from(1) == 2u);
}

BOOST_AUTO_TEST_CASE(the_buffer_keeps_what_a_new_consumer_and_the_floor_need_and_nothing_else) {
  source_buffer buffer{{}};
  for (int i = 0; i < 10; ++i)
    buffer.append(block(i, i % 4 == 0));
  buffer.release(2);
  BOOST_TEST(buffer.first() == 2u);
  buffer.release(10);
  BOOST_TEST(buffer.first() == 8u); // the latest random-access point
  BOOST_TEST(buffer.bytes() == 200u);
}

BOOST_AUTO_TEST_CASE(beyond_its_limits_the_buffer_drops_the_oldest_and_counts_it) {
  source_buffer buffer{{1000, 1s}};
  for (int i = 0; i < 30; ++i)
    buffer.append(block(i, i == 0));
  BOOST_TEST(buffer.bytes() <= 1000u);
  BOOST_TEST(buffer.overruns() == 20u);
  buffer.append(block(200'000, true));
  BOOST_TEST(buffer.end() - buffer.first() == 1u); // older than a second
}

BOOST_AUTO_TEST_CASE(a_joining_client_reads_from_the_latest_random_access_point_on) {
  client_ring ring{{}};
  client_ring::cursor place;
  BOOST_TEST(ring.read(place, 1 << 20).empty());
  ring.push(muxed(0, true));
  ring.push(muxed(1, false));
  ring.push(muxed(2, true));
  ring.push(muxed(3, false));
  auto got = ring.read(place, 1 << 20);
  BOOST_REQUIRE(got.size() == 2u);
  BOOST_TEST(got.front().dts == 2);
  BOOST_TEST(!ring.readable(place));
  ring.push(muxed(4, false));
  BOOST_TEST(ring.read(place, 1 << 20).size() == 1u);
  BOOST_TEST(place.skips == 0u);
}

BOOST_AUTO_TEST_CASE(a_read_gives_at_least_one_chunk_and_no_more_than_asked_for) {
  client_ring ring{{}};
  for (int i = 0; i < 10; ++i)
    ring.push(muxed(i, i == 0));
  client_ring::cursor place;
  BOOST_TEST(ring.read(place, 1).size() == 1u);
  BOOST_TEST(ring.read(place, 250).size() == 2u);
}

BOOST_AUTO_TEST_CASE(a_slow_client_is_moved_ahead_at_a_random_access_point_and_counted) {
  client_ring ring{{1 << 20, 1000s, 1s}};
  client_ring::cursor slow;
  ring.push(muxed(0, true));
  BOOST_TEST(ring.read(slow, 1).size() == 1u);
  for (int i = 1; i < 100; ++i)
    ring.push(muxed(i * 3600, i % 25 == 0));
  auto got = ring.read(slow, 1);
  BOOST_REQUIRE(got.size() == 1u);
  BOOST_TEST(got.front().random_access);
  BOOST_TEST(got.front().dts == 75 * 3600);
  BOOST_TEST(slow.skips == 1u);
}

BOOST_AUTO_TEST_CASE(a_client_whose_chunk_is_gone_waits_for_a_point_to_join_at) {
  client_ring ring{{300, 1000s, 1000s}};
  client_ring::cursor slow;
  ring.push(muxed(0, true));
  BOOST_TEST(ring.read(slow, 1).size() == 1u);
  for (int i = 1; i < 10; ++i)
    ring.push(muxed(i, false));
  BOOST_TEST(ring.read(slow, 1).empty());
  ring.push(muxed(10, true));
  BOOST_TEST(ring.read(slow, 1 << 20).front().dts == 10);
}

BOOST_AUTO_TEST_CASE(no_client_ever_gets_a_chunk_twice_or_out_of_order) {
  std::mt19937 random{7};
  client_ring ring{{5000, 1000ms, 444ms}};
  std::vector<client_ring::cursor> places(5);
  std::vector<int64_t> last(5, -1);
  for (int64_t t = 0; t < 20'000; ++t) {
    ring.push(muxed(t * 3600, random() % 10 == 0, 1 + random() % 400));
    auto i = random() % places.size();
    auto moved = places[i].skips;
    for (auto& c : ring.read(places[i], 1 + random() % 1000)) {
      BOOST_REQUIRE(c.dts > last[i]);
      if (last[i] >= 0 && c.dts != last[i] + 3600)
        BOOST_REQUIRE((places[i].skips == moved + 1 && c.random_access));
      last[i] = c.dts;
    }
  }
}

BOOST_AUTO_TEST_CASE(a_track_passes_when_the_profile_asks_for_what_it_is) {
  stream_format source{{track(track_kind::video, "h264"), track(track_kind::audio, "aac")}};
  profile p;
  p.video.codec = "h264";
  p.audio.codec = "aac";
  BOOST_TEST(plan_variant(source, p).passthrough());
  p.video.codec = "copy";
  p.audio.codec = "copy";
  BOOST_TEST(plan_variant(source, p).passthrough());
}

BOOST_AUTO_TEST_CASE(a_track_is_encoded_when_anything_differs_or_an_encoder_is_named) {
  stream_format source{{track(track_kind::video, "h264"), track(track_kind::audio, "aac")}};
  profile p;
  p.audio.codec = "copy";
  p.video.codec = "libx264";
  BOOST_TEST((plan_variant(source, p).encoders == std::vector<std::string>{"libx264"}));
  BOOST_TEST((plan_variant(source, p).decoders == std::vector<std::string>{"h264"}));
  p.video.codec = "h264";
  p.video.height = 480;
  BOOST_TEST(!plan_variant(source, p).passthrough());
  p.video.height = 720;
  BOOST_TEST(plan_variant(source, p).passthrough());
  p.video.bit_rate = 1'000'000;
  BOOST_TEST(!plan_variant(source, p).passthrough());
  p.video.bit_rate = 0;
  source.tracks[0].field_order = "tt";
  BOOST_TEST(!plan_variant(source, p).passthrough());
  p.video.deinterlace = "off";
  BOOST_TEST(plan_variant(source, p).passthrough());
  // A requested height is that of an upright picture with square samples.
  source.tracks[0].turn = 3;
  BOOST_TEST(!plan_variant(source, p).passthrough());
  source.tracks[0].turn = 0;
  source.tracks[0].sample_aspect = {16, 11};
  BOOST_TEST(!plan_variant(source, p).passthrough());
}

BOOST_AUTO_TEST_CASE(what_the_container_does_not_hold_is_encoded_and_said) {
  stream_format source{{track(track_kind::video, "h264"), track(track_kind::audio, "flac")}};
  auto held = [](const std::string& codec) { return codec != "flac"; };
  auto plan = plan_variant(source, {}, held);
  BOOST_TEST((plan.actions[0] == track_action::copy));
  BOOST_TEST((plan.actions[1] == track_action::encode));
  BOOST_TEST((plan.encoders == std::vector<std::string>{"aac"}));
  BOOST_TEST((plan.decoders == std::vector<std::string>{"flac"}));
  BOOST_TEST(!plan.encodes_video);
  BOOST_REQUIRE(plan.notes.size() == 1u);
  BOOST_TEST(plan.notes[0] == "audio flac is converted to aac: the container does not carry it");
  BOOST_TEST(encoding_of({}).audio.codec == "aac");
}

BOOST_AUTO_TEST_CASE(tracks_that_the_profile_does_not_want_are_dropped) {
  stream_format source{
    {track(track_kind::video, "h264"), track(track_kind::audio, "aac"), track(track_kind::data, "scte")}};
  profile p;
  p.video.codec = "none";
  auto plan = plan_variant(source, p);
  auto left = passthrough_format(source, plan);
  BOOST_REQUIRE(left.tracks.size() == 1u);
  BOOST_TEST(left.tracks[0].codec == "aac");
}

BOOST_AUTO_TEST_SUITE_END()
