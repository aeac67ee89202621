// Goal: what a session writes is what players get: playlists with what can be loaded, parts that add up to segments,
// requests that wait until what they ask for exists. Method: coded pictures and sound are written as a session writes
// them; the answers to a player's requests are read.
#include "packaging/dash_manifest.hpp"
#include "packaging/rendition.hpp"

#include "coded_track.hpp"
#include "test/encoder/splices.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <string>

using namespace troupe;
using namespace troupe::test;

namespace {

constexpr int64_t begin = 100 * ticks_per_second; // the source has a clock of its own
constexpr delivery_times times{.segment = ticks_per_second};

struct channel_fixture {
  channel_fixture() {
    auto pictures = make_pictures({.frames = 100, .gop = 25, .first_pts = begin});
    auto sound = make_sound({.encoder = "aac", .first_sample = 100 * 48'000, .samples = 4 * 48'000});
    all_tracks = {{pictures.format, sound.format}};
    BOOST_REQUIRE(out.set_format(all_tracks, times, {begin, 1'000'000}));
    for (auto& x : pictures.samples)
      all.push_back(x);
    for (auto& x : sound.samples) {
      all.push_back(x);
      all.back().info.track = 1;
      all.back().info.flags = sample::key;
    }
    std::ranges::stable_sort(all, {}, [](const coded_sample& x) { return x.info.dts; });
  }

  /// Writes the samples up to this decoding time, each as a block.
  void write_until(int64_t dts) {
    for (; next < all.size() && all[next].info.dts < dts; ++next) {
      auto x = all[next].info;
      if (x.track == 0 && (x.flags & sample::key) != 0)
        x.flags |= sample::random_access;
      x.size = static_cast<uint32_t>(all[next].bytes.size());
      BOOST_REQUIRE(out.write({{x}, shared_bytes{all[next].bytes}}, {}));
    }
  }

  delivery_reply get(const std::string& file, std::optional<int64_t> msn = {}, std::optional<int64_t> part = {}) {
    delivery_request x;
    x.file = file;
    x.msn = msn;
    x.part = part;
    return out.shared()->get(x);
  }

  static std::string text(const delivery_reply& x) {
    std::string result;
    for (auto& bytes : x.body)
      result.append(reinterpret_cast<const char*>(bytes.span().data()), bytes.size());
    return result;
  }

  rendition_output out{{}, "hd"};
  stream_format all_tracks;
  std::vector<coded_sample> all;
  size_t next = 0;
};

using outcome = delivery_reply::outcome;

} // namespace

BOOST_FIXTURE_TEST_SUITE(rendition_test, channel_fixture)

BOOST_AUTO_TEST_CASE(parts_in_a_row_are_the_segment_in_every_track) {
  write_until(begin + 4 * ticks_per_second);
  for (auto* track : {"v", "a0"}) {
    auto window = out.shared()->window(track).value();
    BOOST_REQUIRE(window.segments().size() >= 3u);
    for (auto& s : window.segments()) {
      if (!s.complete)
        continue;
      std::string parts;
      for (size_t i = 0; i < s.parts.size(); ++i) {
        parts += text(get(part_name(track, s.number, static_cast<int64_t>(i))));
        BOOST_TEST(s.parts[i].duration <= times.part_target());
        if (i + 1 < s.parts.size())
          BOOST_TEST(s.parts[i].duration * 100 >= 85 * times.part_target());
      }
      BOOST_TEST(!parts.empty());
      BOOST_TEST((text(get(segment_name(track, s.number))) == parts));
      BOOST_TEST((text(get(std::string{track} + "-t" + std::to_string(s.start) + ".m4s")) == parts));
      BOOST_TEST(s.number == s.start / times.segment);
    }
  }
}

BOOST_AUTO_TEST_CASE(players_are_told_of_splices_with_the_sections_bytes) {
  auto format = all_tracks;
  format.tracks.emplace_back().kind = track_kind::data;
  format.tracks.back().codec = "scte_35";
  BOOST_REQUIRE(out.set_format(format, times, {begin, 1'000'000}));
  write_until(begin + 3 * ticks_per_second / 2);
  auto section = av::test::splice_insert({.event = 7, .out = true, .time = 1, .duration = 30 * ticks_per_second});
  shared_bytes::container bytes(section.size());
  std::ranges::transform(section, bytes.begin(), [](uint8_t x) { return std::byte{x}; });
  BOOST_TEST(text(get("v.m3u8")).find("DATERANGE") == std::string::npos);
  auto at = begin + 3 * ticks_per_second;
  auto size = static_cast<uint32_t>(bytes.size());
  BOOST_REQUIRE(out.write({{{2, 0, at, begin + ticks_per_second, 0, size}}, shared_bytes{std::move(bytes)}}, {}));
  for (auto* playlist : {"v.m3u8", "a0.m3u8"}) {
    auto seen = text(get(playlist));
    BOOST_TEST(seen.find("SCTE35-OUT=0xFC30") != std::string::npos, playlist);
    // Begin is 1000 s of the machine's clock.
    BOOST_TEST(seen.find("START-DATE=\"1970-01-01T00:16:43.000Z\"") != std::string::npos, playlist);
  }
  auto summary = out.shared()->summary("KEY/hd");
  BOOST_REQUIRE(summary);
  BOOST_TEST(summary->tracks.size() == 2u);
  auto manifest = dash_manifest(*out.shared(), *summary, {});
  BOOST_TEST(manifest.find("urn:scte:scte35:2014:xml+bin") < manifest.find("<AdaptationSet"));
  BOOST_TEST(manifest.find("presentationTime=\"90270000\"") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(subtitles_have_the_segments_of_the_pictures) {
  auto format = all_tracks;
  format.tracks.emplace_back().kind = track_kind::subtitle;
  format.tracks.back().codec = text_codec;
  format.tracks.back().language = "ger";
  BOOST_REQUIRE(out.set_format(format, times, {begin, 1'000'000}));
  auto say = [&](int64_t at, const std::string& words, uint32_t duration) {
    auto* from = reinterpret_cast<const std::byte*>(words.data());
    shared_bytes::container bytes(from, from + words.size());
    auto size = static_cast<uint32_t>(bytes.size());
    BOOST_REQUIRE(out.write({{{2, 0, begin + at, begin + at, duration, size}}, shared_bytes{std::move(bytes)}}, {}));
  };
  write_until(begin + ticks_per_second / 2);
  say(ticks_per_second / 2, "Hello", ticks_per_second);
  BOOST_TEST((get("s0.m3u8").what == outcome::wait));
  BOOST_TEST(!out.shared()->summary("KEY/hd"));
  write_until(begin + 4 * ticks_per_second);
  auto video = out.shared()->window("v").value();
  auto subtitles = out.shared()->window("s0").value();
  BOOST_REQUIRE(subtitles.segments().size() >= 2u);
  for (size_t i = 0; i < subtitles.segments().size(); ++i) {
    BOOST_TEST(subtitles.segments()[i].number == video.segments()[i].number);
    BOOST_TEST(subtitles.segments()[i].start == video.segments()[i].start);
    BOOST_TEST(subtitles.segments()[i].duration == video.segments()[i].duration);
    BOOST_TEST(subtitles.segments()[i].complete);
  }
  auto number = subtitles.segments()[0].number;
  auto first = get(subtitle_name("s0", number));
  BOOST_TEST(first.content_type == "text/vtt");
  BOOST_TEST(text(first).find("00:00:00.500 --> 00:00:01.000\nHello") != std::string::npos);
  BOOST_TEST(text(get(subtitle_name("s0", number + 1))).find("00:00:00.000 --> 00:00:00.500\nHello")
             != std::string::npos);
  BOOST_TEST((get(segment_name("s0", number)).what == outcome::not_found));
  BOOST_TEST((get(subtitle_name("v", number)).what == outcome::not_found));
  BOOST_TEST((get("s0-.mp4").what == outcome::not_found));
  auto playlist = text(get("s0.m3u8"));
  BOOST_TEST(playlist.find("#EXT-X-PART:") == std::string::npos);
  BOOST_TEST(playlist.find("PRELOAD-HINT") == std::string::npos);
  BOOST_TEST(playlist.find("#EXT-X-MAP") == std::string::npos);
  BOOST_TEST(playlist.find("\n" + subtitle_name("s0", number) + "\n") != std::string::npos);
  BOOST_TEST(
    text(get("v.m3u8")).find("URI=\"s0.m3u8\",LAST-MSN=" + std::to_string(subtitles.segments().back().number) + "\n")
    != std::string::npos);
  auto summary = out.shared()->summary("KEY/hd");
  BOOST_REQUIRE(summary);
  auto all = multivariant_playlist(std::vector{*summary}, out.shared()->times());
  BOOST_TEST(all.find("#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"text\",NAME=\"de s0\",LANGUAGE=\"de\",DEFAULT=NO,"
                      "AUTOSELECT=YES,FORCED=NO,URI=\"KEY/hd/s0.m3u8\"")
             != std::string::npos);
  BOOST_TEST(all.find(",SUBTITLES=\"text\"\n") != std::string::npos);
  BOOST_TEST(dash_manifest(*out.shared(), *summary, {}).find("s0") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_request_waits_for_what_is_next_and_for_nothing_else) {
  BOOST_TEST((get("v.m3u8").what == outcome::wait));
  auto woken = 0;
  BOOST_TEST(out.shared()->notify({}, [&] { ++woken; }));
  write_until(begin + 3 * ticks_per_second / 2);
  BOOST_TEST(woken == 1);
  auto latest = out.shared()->window("v")->latest().value();
  BOOST_TEST((get("v.m3u8").what == outcome::found));
  BOOST_TEST((get("v.m3u8", latest.number, *latest.part).what == outcome::found));
  BOOST_TEST((get("v.m3u8", latest.number, *latest.part + 1).what == outcome::wait));
  BOOST_TEST((get("v.m3u8", 3).what == outcome::found));
  BOOST_TEST((get("v.m3u8", latest.number + 3).what == outcome::bad_request));
  BOOST_TEST((get("v.m3u8", latest.number, *latest.part + 20).what == outcome::bad_request));
  BOOST_TEST((get("v.m3u8", {}, 1).what == outcome::bad_request));
  auto hinted = out.shared()->window("v")->next().value();
  BOOST_TEST((get(part_name("v", hinted.number, *hinted.part)).what == outcome::wait));
  BOOST_TEST((get(part_name("v", hinted.number, *hinted.part + 1)).what == outcome::not_found));
  for (auto* x : {"v-1.m4s", "v-x.m4s", "w.m3u8", "v-0000000000000000.mp4", "v", "-", "v--1.m4s", "v-1.-1.m4s"})
    BOOST_TEST((get(x).what == outcome::not_found), x);
  delivery_request part;
  part.file = part_name("v", hinted.number, *hinted.part);
  BOOST_TEST(out.shared()->notify(part, [&] { ++woken; }));
  write_until(begin + 5 * ticks_per_second / 2);
  BOOST_TEST(woken == 2);
  BOOST_TEST((get(part.file).what == outcome::found));
}

BOOST_AUTO_TEST_CASE(an_ended_rendition_says_so_and_wakes_who_waits) {
  write_until(begin + 3 * ticks_per_second / 2);
  auto latest = out.shared()->window("v")->latest().value();
  delivery_request later;
  later.file = "v.m3u8";
  later.msn = latest.number + 1;
  auto woken = 0;
  BOOST_TEST(out.shared()->notify(later, [&] { ++woken; }));
  out.end({});
  BOOST_TEST(woken == 1);
  BOOST_TEST(text(get("v.m3u8", latest.number + 1)).ends_with("LAST-PART=0\n") == false);
  BOOST_TEST(text(get("v.m3u8")).find("#EXT-X-ENDLIST") != std::string::npos);
  BOOST_TEST(out.shared()->ended());
}

BOOST_AUTO_TEST_CASE(a_restarted_session_goes_on_with_the_numbers_of_source_time) {
  write_until(begin + 5 * ticks_per_second / 2);
  auto first = out.shared()->window("v")->segments().back();
  rendition_output again{{}, "hd"};
  auto pictures =
    make_pictures({.frames = 100, .gop = 25, .first_pts = first.start - out.shared()->clock_of_times().pts + begin});
  BOOST_REQUIRE(again.set_format({{pictures.format}}, times, {begin, 1'000'000 + 5000}));
  for (auto& x : pictures.samples) {
    x.info.size = static_cast<uint32_t>(x.bytes.size());
    x.info.flags |= (x.info.flags & sample::key) != 0 ? sample::random_access : 0;
    BOOST_REQUIRE(again.write({{x.info}, shared_bytes{x.bytes}}, {}));
  }
  BOOST_TEST(again.shared()->window("v")->segments().front().number == first.number);
}

BOOST_AUTO_TEST_CASE(a_viewer_is_one_viewer_however_much_it_asks_for) {
  auto now = rendition::clock::time_point{} + std::chrono::hours{1};
  for (auto i = 0; i < 10; ++i)
    out.shared()->seen("a", now);
  out.shared()->seen("b", now);
  BOOST_TEST(out.shared()->clients(now) == 2u);
  BOOST_TEST(out.shared()->clients_total() == 2u);
  out.shared()->seen("b", now + std::chrono::seconds{8});
  BOOST_TEST(out.shared()->clients(now + std::chrono::seconds{11}) == 1u);
}

BOOST_AUTO_TEST_CASE(a_manifest_lists_the_times_of_complete_segments) {
  write_until(begin + 4 * ticks_per_second);
  auto summary = out.shared()->summary("KEY/hd").value();
  auto text = dash_manifest(*out.shared(), summary, {"KEY.mpd", "time"});
  auto window = out.shared()->window("v").value();
  BOOST_TEST_CONTEXT(text) {
    for (auto& s : window.segments())
      BOOST_TEST((text.find("<S t=\"" + std::to_string(s.start) + "\"") != std::string::npos) == s.complete);
    BOOST_TEST(text.find("media=\"KEY/hd/v-t$Time$.m4s\"") != std::string::npos);
    BOOST_TEST(text.find("availabilityStartTime=\"1970-01-01T00:00:00Z\"") != std::string::npos);
  }
}

BOOST_AUTO_TEST_SUITE_END()
