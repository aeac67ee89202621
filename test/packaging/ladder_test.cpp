// Goal: the renditions of a ladder are one presentation: a player finds all of them in one playlist and one manifest,
// and can switch at each segment. Method: two renditions of video and one of sound are written as a session does it;
// texts and windows are compared.
#include "packaging/dash_manifest.hpp"
#include "packaging/rendition.hpp"
#include "rig/delivery/boxes.hpp"
#include "rig/ts_scanner.hpp"

#include "coded_track.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <span>
#include <string>

using namespace troupe;
using namespace troupe::test;

namespace ladder_test {
namespace {

constexpr int64_t begin = 100 * ticks_per_second + 40 * 3600; // within a segment
constexpr delivery_times times{.segment = ticks_per_second};

/// One rendition, and what a session will write of it.
struct made {
  made(const std::string& name, coded_track track, const std::shared_ptr<rendition_group>& group,
       segment_beginning at = {})
    : out({}, name, group), format{{track.format}}, all(std::move(track.samples)) {
    BOOST_REQUIRE(out.set_format(format, times, {begin, 1'000'000}, at));
  }

  void write_until(int64_t dts) {
    for (; next < all.size() && all[next].info.dts < dts; ++next) {
      auto x = all[next].info;
      x.track = 0;
      x.flags |= (x.flags & sample::key) != 0 ? sample::random_access : 0;
      x.size = static_cast<uint32_t>(all[next].bytes.size());
      sample_block block{{x}, shared_bytes{all[next].bytes}};
      BOOST_REQUIRE(out.write(block, {}));
      for (auto* other : heard_in)
        BOOST_REQUIRE(other->out.write_sound(block, {}));
    }
  }

  /// From now on this is the sound of these.
  void join(const std::vector<made*>& pictures) {
    heard_in = pictures;
    for (auto* x : pictures)
      BOOST_REQUIRE(x->out.set_sound(format, {}));
  }

  std::string playlist(const std::string& file) {
    delivery_request x;
    x.file = file;
    auto got = out.shared()->get(x);
    BOOST_REQUIRE((got.what == delivery_reply::outcome::found));
    std::string result;
    for (auto& bytes : got.body)
      result.append(reinterpret_cast<const char*>(bytes.span().data()), bytes.size());
    return result;
  }

  track_window window() const {
    auto video = out.shared()->window("v");
    return video ? *video : out.shared()->window("a0").value();
  }

  track_window transport() const {
    return out.shared()->window("ts").value();
  }

  rendition_output out;
  stream_format format;
  std::vector<coded_sample> all;
  size_t next = 0;
  std::vector<made*> heard_in;
};

/// Five seconds of pictures with random-access points at each second of the source, and where it begins.
coded_track pictures(int width, int64_t from = begin) {
  auto until_grid = static_cast<int>((ticks_per_second - from % ticks_per_second) % ticks_per_second / 3600);
  auto make = [&](int frames, int64_t first) {
    return make_pictures(
      {.width = width, .height = width * 9 / 16, .frames = frames, .gop = 25, .b_frames = 0, .first_pts = first});
  };
  auto result = make(until_grid, from);
  auto rest = make(5 * 25, from + int64_t{3600} * until_grid);
  result.samples.insert(result.samples.end(), rest.samples.begin(), rest.samples.end());
  return result;
}

struct ladder_fixture {
  std::shared_ptr<rendition_group> group = std::make_shared<rendition_group>();
  made hd{"hd", pictures(320), group};
  made sd{"sd", pictures(160), group};
  made sound{"sound",
             make_sound({.encoder = "aac", .first_sample = 101 * 48'000, .samples = 4 * 48'000}),
             group,
             {.from_pts = begin}};

  void write_until(int64_t dts) {
    for (auto* x : {&sound, &hd, &sd})
      x->write_until(dts);
  }

  std::vector<manifest_rendition> all() {
    std::vector<manifest_rendition> result;
    for (auto* x : {&hd, &sd, &sound})
      result.push_back({x->out.shared(), x->out.shared()->summary("KEY/" + x->out.shared()->name()).value()});
    return result;
  }
};

size_t count(const std::string& text, const std::string& part) {
  size_t result = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
    ++result;
  return result;
}

std::string value_of(const std::string& line, const std::string& name) {
  auto at = line.find(name + "=");
  BOOST_REQUIRE(at != std::string::npos);
  auto from = at + name.size() + 1;
  return line.substr(from, line.find_first_of(",\n", from) - from);
}

} // namespace
} // namespace ladder_test

BOOST_FIXTURE_TEST_SUITE(ladder_test, ladder_fixture)

BOOST_AUTO_TEST_CASE(segments_of_one_number_begin_at_one_time_in_all_renditions) {
  write_until(begin + 3 * ticks_per_second);
  auto of_hd = hd.window();
  auto of_sd = sd.window();
  auto of_sound = sound.window();
  BOOST_REQUIRE(of_hd.segments().size() >= 3u);
  for (auto& s : of_hd.segments()) {
    auto* other = of_sd.find(s.number);
    BOOST_REQUIRE(other);
    BOOST_TEST(other->start == s.start);
    auto* heard = of_sound.find(s.number);
    BOOST_REQUIRE(heard);
    BOOST_TEST(heard->start >= s.start);
    BOOST_TEST(heard->start < s.start + 1920); // a frame of sound
  }
  BOOST_TEST(of_sound.segments().front().number == of_hd.segments().front().number);
}

BOOST_AUTO_TEST_CASE(a_late_rendition_has_no_segment_that_begins_elsewhere) {
  auto late_begin = begin + int64_t{3600} * 5; // within the same segment
  made late{"ld", pictures(160, late_begin), group, {.from_pts = late_begin, .whole = true}};
  write_until(begin + 3 * ticks_per_second);
  late.write_until(begin + 3 * ticks_per_second);
  auto of_hd = hd.window();
  auto of_late = late.window();
  BOOST_TEST(of_late.segments().front().number == of_hd.segments().front().number + 1);
  for (auto& s : of_late.segments())
    BOOST_TEST(of_hd.find(s.number)->start == s.start);
}

BOOST_AUTO_TEST_CASE(one_playlist_offers_all_videos_with_the_one_sound) {
  write_until(begin + 3 * ticks_per_second);
  std::vector<rendition_summary> summaries;
  for (auto& x : all())
    summaries.push_back(x.summary);
  auto text = multivariant_playlist(summaries, times);
  BOOST_TEST_CONTEXT(text) {
    BOOST_TEST(count(text, "#EXT-X-STREAM-INF:") == 2u);
    BOOST_TEST(count(text, "#EXT-X-I-FRAME-STREAM-INF:") == 2u);
    BOOST_TEST(count(text, "#EXT-X-MEDIA:TYPE=AUDIO") == 1u);
    BOOST_TEST(count(text, "URI=\"KEY/sound/a0.m3u8\"") == 1u);
    BOOST_TEST(count(text, "AUDIO=\"sound\",CLOSED-CAPTIONS=NONE\nKEY/hd/v.m3u8\n") == 1u);
    BOOST_TEST(count(text, "AUDIO=\"sound\",CLOSED-CAPTIONS=NONE\nKEY/sd/v.m3u8\n") == 1u);
    BOOST_TEST(count(text, ",mp4a.40.2\"") == 2u);
    BOOST_TEST(count(text, "FRAME-RATE=25.000") == 2u);
    auto of_sound = sound.window();
    for (auto* x : {&hd, &sd}) {
      auto at = text.find("RESOLUTION=" + std::to_string(x == &hd ? 320 : 160) + "x");
      BOOST_REQUIRE(at != std::string::npos);
      auto line = text.substr(text.rfind("#EXT-X-STREAM-INF", at));
      auto most = std::stoll(value_of(line, "BANDWIDTH"));
      auto mean = std::stoll(value_of(line, "AVERAGE-BANDWIDTH"));
      BOOST_TEST(most >= x->window().peak_bit_rate() + of_sound.peak_bit_rate());
      BOOST_TEST(mean >= x->window().mean_bit_rate() + of_sound.mean_bit_rate());
      BOOST_TEST(mean <= most);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_playlist_reports_how_far_all_other_renditions_are) {
  write_until(begin + 5 * ticks_per_second / 2);
  auto text = hd.playlist("v.m3u8");
  auto report = [](const std::string& uri, const made& of) {
    auto latest = of.window().latest().value();
    return "#EXT-X-RENDITION-REPORT:URI=\"" + uri + "\",LAST-MSN=" + std::to_string(latest.number)
           + ",LAST-PART=" + std::to_string(latest.part.value()) + "\n";
  };
  BOOST_TEST_CONTEXT(text) {
    BOOST_TEST(count(text, "#EXT-X-RENDITION-REPORT:") == 2u);
    BOOST_TEST(count(text, report("../sd/v.m3u8", sd)) == 1u);
    BOOST_TEST(count(text, report("../sound/a0.m3u8", sound)) == 1u);
  }
  BOOST_TEST(count(sound.playlist("a0.m3u8"), report("../hd/v.m3u8", hd)) == 1u);
  // Nor is a track that is gone.
  auto video = hd.out.shared()->summary({}).value().tracks.at(0).format;
  auto spoken = sound.out.shared()->summary({}).value().tracks.at(0).format;
  BOOST_REQUIRE(hd.out.set_format({{video, spoken}}, times, {begin, 1'000'000}));
  auto frame = sound.all[sound.next];
  frame.info.track = 1;
  for (int i = 0; i < 60; ++i, frame.info.dts += 1920, frame.info.pts += 1920) {
    frame.info.flags = sample::key;
    frame.info.size = static_cast<uint32_t>(frame.bytes.size());
    BOOST_REQUIRE(hd.out.write({{frame.info}, shared_bytes{frame.bytes}}, {}));
  }
  write_until(begin + 27 * ticks_per_second / 10);
  BOOST_TEST(count(sd.playlist("v.m3u8"), "URI=\"../hd/a0.m3u8\"") == 1u);
  BOOST_REQUIRE(hd.out.set_format({{video}}, times, {begin, 1'000'000}));
  write_until(begin + 29 * ticks_per_second / 10);
  BOOST_TEST(count(sd.playlist("v.m3u8"), "URI=\"../hd/a0.m3u8\"") == 0u);
  // One that is over is not offered any more.
  sd.out.end("no worker");
  hd.write_until(begin + 3 * ticks_per_second);
  BOOST_TEST(count(hd.playlist("v.m3u8"), "#EXT-X-RENDITION-REPORT:") == 1u);
}

BOOST_AUTO_TEST_CASE(a_discontinuity_of_one_rendition_is_one_of_all) {
  sound.write_until(begin + 5 * ticks_per_second / 2);
  hd.write_until(begin + 3 * ticks_per_second / 2);
  sd.write_until(begin + 3 * ticks_per_second / 2);
  auto newest = sound.window().segments().back().number;
  BOOST_REQUIRE(newest > hd.window().segments().back().number);
  auto other = pictures(256);
  for (auto* x : {&hd, &sd})
    BOOST_REQUIRE(x->out.set_format({{other.format}}, times, {begin, 1'000'000}));
  hd.all = sd.all = other.samples;
  write_until(begin + 5 * ticks_per_second);
  for (auto* x : {&hd, &sd, &sound}) {
    auto window = x->window();
    for (auto& s : window.segments())
      BOOST_TEST(s.discontinuity == (s.number == newest + 1), x->out.shared()->name() << " " << s.number);
  }
  // One that comes later counts like the others.
  auto late_begin = begin + 4 * ticks_per_second;
  made late{"ld", pictures(160, late_begin), group, {.from_pts = late_begin, .whole = true}};
  late.write_until(late_begin + 2 * ticks_per_second);
  BOOST_TEST(late.window().discontinuities_before() == 1);
}

BOOST_AUTO_TEST_CASE(a_manifest_has_one_set_of_video_and_one_of_sound) {
  write_until(begin + 3 * ticks_per_second);
  auto text = dash_manifest(all(), "time");
  BOOST_TEST_CONTEXT(text) {
    BOOST_TEST(count(text, "<AdaptationSet ") == 2u);
    BOOST_TEST(count(text, "contentType=\"video\"") == 1u);
    BOOST_TEST(count(text, "segmentAlignment=\"true\"") == 2u);
    BOOST_TEST(count(text, "<Representation ") == 3u);
    auto video = text.substr(0, text.find("</AdaptationSet>"));
    BOOST_TEST(count(video, "<Representation id=\"hd-v\"") == 1u);
    BOOST_TEST(count(video, "<Representation id=\"sd-v\"") == 1u);
    BOOST_TEST(count(video, "media=\"KEY/sd/v-$Number$.m4s\"") == 1u);
    BOOST_TEST(count(text, "media=\"KEY/sound/a0-$Number$.m4s\"") == 1u);
    // All have the same numbers at the same times.
    auto numbers = text.substr(text.find(" duration="), text.find(" availabilityTimeOffset") - text.find(" duration="));
    BOOST_TEST(count(text, numbers) == 3u, numbers);
  }
}

BOOST_AUTO_TEST_CASE(in_mpeg_ts_each_rendition_has_the_sound_and_the_segments_of_its_pictures) {
  sound.join({&hd, &sd});
  for (auto until = begin; until <= begin + 5 * ticks_per_second; until += ticks_per_second / 10)
    write_until(until);
  for (auto* x : {&sound, &hd, &sd})
    x->out.end({});
  for (auto* x : {&hd, &sd}) {
    auto video = x->window();
    auto window = x->transport();
    auto& segments = window.segments();
    BOOST_REQUIRE(segments.size() == video.segments().size());
    bench::delivery::ts_account account;
    std::vector<int64_t> heard;
    size_t seen = 0;
    bench::ts_scanner scanner{[&](const bench::ts_unit& u) {
      seen += u.video ? 1 : 0;
      if (!u.video)
        heard.push_back(u.pts);
    }};
    for (size_t i = 0; i < segments.size(); ++i) {
      auto& s = segments[i];
      BOOST_TEST(s.number == video.segments()[i].number);
      BOOST_TEST(s.start == video.segments()[i].start);
      BOOST_TEST(s.duration == video.segments()[i].duration);
      std::string bytes;
      for (auto& part : s.parts)
        bytes.append(reinterpret_cast<const char*>(part.bytes.span().data()), part.bytes.size());
      auto facts = account.take(bytes);
      BOOST_TEST(facts.tables_first);
      BOOST_TEST(facts.first_is_random_access);
      BOOST_TEST(facts.jumps == 0u);
      BOOST_TEST(facts.clock_step_s <= 0.1);
      scanner.take(std::as_bytes(std::span{bytes}), {});
    }
    scanner.finish();
    BOOST_TEST(seen == x->next);
    BOOST_REQUIRE(heard.size() > 100u);
    BOOST_TEST(heard.front() <= begin + 1920);
    for (size_t i = 1; i < heard.size(); ++i)
      BOOST_TEST(heard[i] - heard[i - 1] == 1920);
    BOOST_TEST(heard.back() == sound.all.back().info.pts);
  }
}

BOOST_AUTO_TEST_CASE(in_mpeg_ts_too_a_discontinuity_of_one_rendition_is_one_of_all) {
  sound.join({&hd, &sd});
  sound.write_until(begin + 5 * ticks_per_second / 2);
  hd.write_until(begin + 3 * ticks_per_second / 2);
  sd.write_until(begin + 3 * ticks_per_second / 2);
  auto newest = sound.window().segments().back().number;
  auto other = pictures(256);
  BOOST_REQUIRE(hd.out.set_format({{other.format}}, times, {begin, 1'000'000}));
  hd.all = other.samples;
  write_until(begin + 5 * ticks_per_second);
  for (auto* x : {&hd, &sd}) {
    auto window = x->transport();
    for (auto& s : window.segments())
      BOOST_TEST(s.discontinuity == (s.number == newest + 1), x->out.shared()->name() << " " << s.number);
  }
  auto late_begin = begin + 4 * ticks_per_second;
  made late{"ld", pictures(160, late_begin), group, {.from_pts = late_begin, .whole = true}};
  sound.join({&late});
  late.write_until(late_begin + 2 * ticks_per_second);
  BOOST_TEST(late.transport().discontinuities_before() == 1);
  BOOST_TEST(late.transport().segments().front().number == late.window().segments().front().number);
}

BOOST_AUTO_TEST_CASE(in_mpeg_ts_sound_that_comes_late_begins_with_a_discontinuity_of_all) {
  for (auto* x : {&hd, &sd})
    x->write_until(begin + 41 * ticks_per_second / 10);
  BOOST_REQUIRE(hd.transport().segments().size() >= 4u); // nobody waits for ever
  auto newest = hd.window().segments().back().number;
  sound.join({&hd, &sd});
  for (auto* x : {&hd, &sd}) {
    x->write_until(begin + 6 * ticks_per_second);
    for (auto& window : {x->window(), x->transport()}) {
      BOOST_TEST(window.segments().back().number == newest + 1);
      for (auto& s : window.segments())
        BOOST_TEST(s.discontinuity == (s.number == newest + 1), x->out.shared()->name() << " " << s.number);
    }
  }
}

BOOST_AUTO_TEST_CASE(old_receivers_find_all_renditions_with_the_one_sound_in_each) {
  sound.join({&hd, &sd});
  write_until(begin + 3 * ticks_per_second);
  auto heard = sound.out.shared()->transport({}).value();
  std::vector<transport_summary> all;
  for (auto* x : {&hd, &sd}) {
    all.push_back(x->out.shared()->transport("KEY/" + x->out.shared()->name()).value());
    all.back().tracks.insert(all.back().tracks.end(), heard.tracks.begin(), heard.tracks.end());
  }
  auto text = transport_multivariant_playlist(all);
  BOOST_TEST_CONTEXT(text) {
    BOOST_TEST(text.starts_with("#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-STREAM-INF:"));
    BOOST_TEST(count(text, "#EXT-X-STREAM-INF:") == 2u);
    BOOST_TEST(count(text, ",mp4a.40.2\",RESOLUTION=320x180,FRAME-RATE=25.000\nKEY/hd/ts.m3u8\n") == 1u);
    BOOST_TEST(count(text, ",mp4a.40.2\",RESOLUTION=160x90,FRAME-RATE=25.000\nKEY/sd/ts.m3u8\n") == 1u);
    BOOST_TEST(count(text, "EXT-X-MEDIA:") == 0u);
  }
}

BOOST_AUTO_TEST_CASE(videos_of_different_codecs_are_sets_of_their_own) {
  auto track = make_track("hevc");
  made other{"hevc", std::move(track), group};
  other.write_until(std::numeric_limits<int64_t>::max());
  other.out.end({});
  write_until(begin + 3 * ticks_per_second);
  auto renditions = all();
  renditions.insert(renditions.begin() + 1, {other.out.shared(), other.out.shared()->summary("KEY/hevc").value()});
  BOOST_TEST(count(dash_manifest(renditions, ""), "contentType=\"video\"") == 2u);
}

BOOST_AUTO_TEST_SUITE_END()
