// Goal: what a session writes is what players get: playlists with what can be loaded, parts that add up to segments,
// requests that wait until what they ask for exists. Method: coded pictures and sound are written as a session writes
// them; the answers to a player's requests are read.
#include "packaging/dash_manifest.hpp"
#include "packaging/rendition.hpp"
#include "rig/delivery/boxes.hpp"

#include "test/encoder/splices.hpp"
#include "written_channel.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <string>

using namespace troupe;
using namespace troupe::test;
using troupe::bench::delivery::ts_account;

namespace rendition_test {
namespace {

struct changing : channel_fixture {
  using channel_fixture::channel_fixture;

  /// From here on pictures have another size.
  static constexpr int64_t change = begin + 3 * ticks_per_second / 2;

  /// Writes until then, and then what comes in the new size.
  void change_size() {
    auto before = make_pictures({.frames = 38, .gop = 25, .b_frames = 0, .first_pts = begin});
    auto after =
      make_pictures({.width = 320, .height = 192, .frames = 60, .gop = 25, .b_frames = 0, .first_pts = change + 1800});
    std::erase_if(all, [](auto& x) { return x.info.track == 0; });
    for (auto* x : {&before, &after})
      all.insert(all.end(), x->samples.begin(), x->samples.end());
    std::ranges::stable_sort(all, {}, [](const coded_sample& x) { return x.info.dts; });
    write_until(change + 1800);
    auto sound = out.shared()->summary({}).value().tracks.at(1).format;
    BOOST_REQUIRE(out.set_format({{after.format, sound}}, out.shared()->times(), {begin, 1'000'000}));
    write_until(begin + 5 * ticks_per_second);
  }

  /// The segment that begins with the new pictures.
  const media_segment* changed(const track_window& window) {
    auto i = std::ranges::find_if(window.segments(), &media_segment::discontinuity);
    return i == window.segments().end() ? nullptr : &*i;
  }

  /// All that was written of a track, as far as it is complete: ticks of samples.
  int64_t written(const std::string& track) {
    int64_t result = 0;
    auto window = out.shared()->window(track).value();
    for (auto& s : window.segments())
      for (auto& x : s.parts)
        result += x.duration;
    return result;
  }
};

struct passed_through : changing {
  passed_through() : changing({.segment = ticks_per_second, .on_grid = false}) {}
};

using outcome = delivery_reply::outcome;

} // namespace
} // namespace rendition_test

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
  sample_block block{{{2, 0, at, begin + ticks_per_second, 0, size}}, shared_bytes{std::move(bytes)}};
  BOOST_REQUIRE(out.write(block, {}));
  for (auto* playlist : {"v.m3u8", "a0.m3u8"}) {
    auto seen = text(get(playlist));
    BOOST_TEST(seen.find("SCTE35-OUT=0xFC30") != std::string::npos, playlist);
    // Begin is 1000 s of the machine's clock.
    BOOST_TEST(seen.find("START-DATE=\"1970-01-01T00:16:43.000Z\"") != std::string::npos, playlist);
  }
  auto summary = out.shared()->summary("KEY/hd");
  BOOST_REQUIRE(summary);
  BOOST_TEST(summary->tracks.size() == 2u);
  auto manifest = dash_manifest({{{out.shared(), *summary}}}, "time");
  BOOST_TEST(manifest.find("urn:scte:scte35:2014:xml+bin") < manifest.find("<AdaptationSet"));
  // The period begins at the timeline's zero.
  BOOST_TEST(manifest.find("presentationTime=\"" + std::to_string(at) + "\"") != std::string::npos, manifest);
}

BOOST_AUTO_TEST_CASE(subtitles_have_the_segments_of_the_pictures) {
  set(with_text());
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
  BOOST_TEST((get(subtitle_name("v", number)).what == outcome::not_found));
  BOOST_TEST((get(part_name("s0", number, 0)).what == outcome::not_found));
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
  BOOST_TEST(all.find(",SUBTITLES=\"text\",CLOSED-CAPTIONS=NONE\n") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(subtitles_are_in_mp4_for_players_of_dash) {
  using namespace bench::delivery;
  set(with_text());
  write_until(begin + ticks_per_second / 2);
  say(ticks_per_second / 2, "Hello & good-bye", ticks_per_second);
  write_until(begin + 4 * ticks_per_second);
  auto manifest = dash_manifest({{{out.shared(), out.shared()->summary("KEY/hd").value()}}}, "time");
  auto window = out.shared()->window("s0").value();
  auto& first = window.segments().front();
  BOOST_TEST_CONTEXT(manifest) {
    auto at = manifest.find("contentType=\"text\" mimeType=\"application/mp4\"");
    BOOST_REQUIRE(at != std::string::npos);
    BOOST_TEST(at > manifest.find("contentType=\"audio\"")); // what comes and goes is the last one
    auto has = [&](const std::string& what) { return manifest.find(what, at) != std::string::npos; };
    BOOST_TEST(has(" lang=\"de\">\n      <Role schemeIdUri=\"urn:mpeg:dash:role:2011\" value=\"subtitle\"/>\n"));
    BOOST_TEST(has("<Representation id=\"hd-s0\" bandwidth=\""));
    BOOST_TEST(has("codecs=\"wvtt\">\n"));
    BOOST_TEST(has("initialization=\"KEY/hd/" + init_name("s0", first.init) + "\" media=\"KEY/hd/s0-$Number$.m4s\""));
    auto offset = std::string{" availabilityTimeOffset=\""};
    BOOST_TEST(manifest.substr(manifest.find(offset), 60) == manifest.substr(manifest.find(offset, at), 60));
  }
  auto header = get(init_name("s0", first.init));
  BOOST_TEST(header.content_type == "application/mp4");
  auto init = read_init(text(header)).value();
  for (auto& s : window.segments()) {
    auto segment = get(segment_name("s0", s.number));
    BOOST_TEST(segment.content_type == "application/mp4");
    auto bytes = text(segment);
    auto fragments = read_fragments(bytes, init);
    BOOST_REQUIRE(fragments.size() == 1u);
    BOOST_TEST(fragments[0].time.value() == static_cast<uint64_t>(s.start));
    BOOST_TEST(fragments[0].duration == static_cast<uint64_t>(s.duration));
    BOOST_TEST((bytes.find("Hello &amp; good-bye") != std::string::npos) == (s.number < first.number + 2));
  }
  // Like other segments, the next one may be asked for before it is there.
  BOOST_TEST((get(segment_name("s0", window.segments().back().number + 1)).what == outcome::wait));
}

BOOST_AUTO_TEST_CASE(subtitles_that_begin_in_the_middle_hold_nothing_back_and_are_there_to_the_end) {
  write_until(begin + 5 * ticks_per_second / 2);
  auto words = [&](int64_t number) { return text(get(subtitle_name("s0", number))); };
  auto first = begin / ticks_per_second;
  set(with_text());
  BOOST_TEST(out.shared()->summary("KEY/hd").value().tracks.size() == 3u);
  BOOST_TEST((get("").what == outcome::found));
  BOOST_TEST((get("s0.m3u8").what == outcome::found));
  BOOST_TEST(words(first + 1).find("-->") == std::string::npos);
  say(26 * ticks_per_second / 10, "Hello");
  write_until(begin + 35 * ticks_per_second / 10);
  BOOST_TEST(words(first + 2).find("00:00:00.600 --> 00:00:00.601\nHello") != std::string::npos);
  // If the track comes back soon, nothing has happened.
  set(all_tracks);
  set(with_text());
  BOOST_TEST(words(first + 2).find("00:00:00.600 --> 00:00:00.601\nHello") != std::string::npos);
  write_until(begin + 37 * ticks_per_second / 10);
  say(36 * ticks_per_second / 10, "Good bye");
  out.end({});
  BOOST_TEST(words(first + 3).find("00:00:00.600 --> 00:00:00.601\nGood bye") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(subtitles_that_the_source_loses_end_with_a_segment) {
  set(with_text());
  write_until(begin + 3 * ticks_per_second / 2);
  say(5 * ticks_per_second / 4, "Good bye");
  set(all_tracks);
  write_until(begin + 7 * ticks_per_second / 2);
  auto window = out.shared()->window("s0").value();
  BOOST_TEST(window.ended());
  auto& last = window.segments().back();
  BOOST_TEST(last.number == begin / ticks_per_second + 1);
  BOOST_TEST(last.duration == out.shared()->window("v")->find(last.number)->duration);
  BOOST_TEST(text(get(subtitle_name("s0", last.number))).ends_with("00:00:00.250 --> 00:00:00.251\nGood bye\n"));
}

BOOST_AUTO_TEST_CASE(a_request_waits_for_what_is_next_and_for_nothing_else) {
  BOOST_TEST((get("v.m3u8").what == outcome::wait));
  auto woken = 0;
  auto place = out.shared()->notify({}, [&] { ++woken; });
  BOOST_TEST((place != nullptr));
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
  place = out.shared()->notify(part, [&] { ++woken; });
  BOOST_TEST((place != nullptr));
  write_until(begin + 5 * ticks_per_second / 2);
  BOOST_TEST(woken == 2);
  BOOST_TEST((get(part.file).what == outcome::found));
}

BOOST_AUTO_TEST_CASE(a_playlist_is_rendered_once_for_each_state_however_many_ask) {
  write_until(begin + 3 * ticks_per_second);
  auto bytes = [this](bool gzip, bool skip) {
    delivery_request x;
    x.file = "v.m3u8";
    x.skip = skip;
    x.gzip = gzip;
    auto got = out.shared()->get(x);
    BOOST_REQUIRE(got.body.size() == 1u);
    return got.body.front();
  };
  for (auto gzip : {false, true})
    for (auto skip : {false, true})
      BOOST_TEST(bytes(gzip, skip).span().data() == bytes(gzip, skip).span().data());
  auto before = bytes(false, false);
  write_until(begin + 4 * ticks_per_second);
  BOOST_TEST(before.span().data() != bytes(false, false).span().data());
}

BOOST_AUTO_TEST_CASE(an_ended_rendition_says_so_and_wakes_who_waits) {
  write_until(begin + 3 * ticks_per_second / 2);
  auto latest = out.shared()->window("v")->latest().value();
  delivery_request later;
  later.file = "v.m3u8";
  later.msn = latest.number + 1;
  auto woken = 0;
  auto place = out.shared()->notify(later, [&] { ++woken; });
  BOOST_TEST((place != nullptr));
  out.end({});
  BOOST_TEST(woken == 1);
  BOOST_TEST(text(get("v.m3u8", latest.number + 1)).ends_with("LAST-PART=0\n") == false);
  BOOST_TEST(text(get("v.m3u8")).find("#EXT-X-ENDLIST") != std::string::npos);
  BOOST_TEST(out.shared()->ended());
}

BOOST_AUTO_TEST_CASE(who_waits_no_longer_is_not_called_and_takes_no_place) {
  auto woken = 0;
  auto gone = out.shared()->notify({}, [&] { woken += 100; });
  auto stays = out.shared()->notify({}, [&] { ++woken; });
  BOOST_TEST(out.shared()->waiting() == 2u);
  BOOST_TEST(out.shared()->clients({}) == 1u); // somebody waits
  gone.reset();
  BOOST_TEST(out.shared()->waiting() == 1u);
  write_until(begin + 3 * ticks_per_second / 2);
  BOOST_TEST(woken == 1);
  BOOST_TEST(out.shared()->waiting() == 0u);
  stays.reset();
  BOOST_TEST(out.shared()->clients({}) == 0u);
  // What is there already is told at once, and needs no place.
  BOOST_TEST((out.shared()->notify({}, [&] { ++woken; }) != nullptr));
  BOOST_TEST(woken == 2);
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
  now += std::chrono::seconds{30};
  BOOST_TEST(out.shared()->clients(now) == 0u);
}

BOOST_AUTO_TEST_CASE(a_manifest_on_the_grid_tells_segments_by_number_and_the_clock) {
  write_until(begin + 4 * ticks_per_second);
  auto summary = out.shared()->summary("KEY/hd").value();
  auto text = dash_manifest({{{out.shared(), summary}}}, "time");
  BOOST_TEST_CONTEXT(text) {
    BOOST_TEST(text.find("media=\"KEY/hd/v-$Number$.m4s\"") != std::string::npos);
    BOOST_TEST(text.find("duration=\"90000\" startNumber=\"0\" presentationTimeOffset=\"0\" ") != std::string::npos);
    BOOST_TEST(text.find("availabilityTimeOffset=\"0.560\" availabilityTimeComplete=\"false\"") != std::string::npos);
    BOOST_TEST(text.find("<Latency target=\"2000\"/>") != std::string::npos);
    BOOST_TEST(text.find("<Period id=\"0\" start=\"PT0.000S\">") != std::string::npos);
    BOOST_TEST(text.find("<S ") == std::string::npos);
  }
}

BOOST_FIXTURE_TEST_CASE(a_manifest_of_a_source_that_is_passed_through_lists_the_complete_segments, passed_through) {
  write_until(begin + 4 * ticks_per_second);
  auto summary = out.shared()->summary("KEY/hd").value();
  auto text = dash_manifest({{{out.shared(), summary}}}, "time");
  auto window = out.shared()->window("v").value();
  BOOST_TEST_CONTEXT(text) {
    for (auto& s : window.segments())
      BOOST_TEST((text.find("<S t=\"" + std::to_string(s.start) + "\"") != std::string::npos) == s.complete);
    BOOST_TEST(text.find("media=\"KEY/hd/v-t$Time$.m4s\"") != std::string::npos);
    BOOST_TEST(text.find("availabilityTimeOffset") == std::string::npos);
  }
}

BOOST_AUTO_TEST_CASE(a_segment_is_taken_part_by_part_while_it_is_made) {
  write_until(begin + 5 * ticks_per_second / 2);
  auto open = out.shared()->window("v")->segments().back();
  BOOST_REQUIRE(!open.complete);
  BOOST_REQUIRE(!open.parts.empty());
  delivery_request x;
  x.file = segment_name("v", open.number);
  BOOST_TEST((out.shared()->get(x).what == outcome::wait));
  x.growing = true;
  auto got = out.shared()->get(x);
  BOOST_TEST((got.what == outcome::found));
  BOOST_TEST(got.open);
  auto bytes = text(got);
  auto ended = false;
  for (auto until = begin + 5 * ticks_per_second / 2; !ended; until += ticks_per_second / 10) {
    BOOST_REQUIRE(until < begin + 4 * ticks_per_second);
    x.from += got.body.size();
    auto woken = 0;
    auto place = out.shared()->notify(x, [&] { ++woken; });
    BOOST_TEST((place != nullptr));
    write_until(until);
    got = out.shared()->get(x);
    BOOST_TEST((got.what == outcome::wait) == (woken == 0));
    if (got.what == outcome::wait) {
      got.body.clear();
      continue;
    }
    bytes += text(got);
    ended = !got.open;
  }
  BOOST_TEST((bytes == text(get(x.file))));
}

BOOST_AUTO_TEST_CASE(the_next_segment_is_waited_for_and_one_far_ahead_is_not) {
  write_until(begin + 5 * ticks_per_second / 2);
  auto open = out.shared()->window("v")->segments().back().number;
  BOOST_TEST((get(segment_name("v", open + 1)).what == outcome::wait));
  BOOST_TEST((get(segment_name("v", open + 3)).what == outcome::not_found));
}

BOOST_AUTO_TEST_CASE(transport_segments_are_the_stream_of_other_clients_cut_on_the_same_grid) {
  variant_stream::reader client{out.shared()->stream()};
  std::vector<shared_bytes> stream;
  auto woken = 0;
  delivery_request playlist;
  playlist.file = "ts.m3u8";
  BOOST_TEST((out.shared()->get(playlist).what == outcome::wait));
  auto place = out.shared()->notify(playlist, [&] { ++woken; });
  BOOST_TEST((place != nullptr));
  for (auto until = begin; until <= begin + 4 * ticks_per_second; until += ticks_per_second / 20) {
    write_until(until);
    client.read(stream, size_t{1} << 30);
  }
  BOOST_TEST(woken == 1);
  out.end({});
  client.read(stream, size_t{1} << 30);
  auto window = out.shared()->window("ts").value();
  auto video = out.shared()->window("v").value();
  auto list = text(get("ts.m3u8"));
  std::string joined;
  ts_account account;
  BOOST_TEST_CONTEXT(list) {
    BOOST_REQUIRE(window.segments().size() == video.segments().size());
    for (size_t i = 0; i < window.segments().size(); ++i) {
      auto& s = window.segments()[i];
      BOOST_TEST(s.number == video.segments()[i].number);
      BOOST_TEST(s.start == video.segments()[i].start);
      BOOST_TEST(s.duration == video.segments()[i].duration);
      auto name = transport_segment_name(s.number);
      BOOST_TEST(list.find("\n" + name + "\n") != std::string::npos);
      auto got = get(name);
      BOOST_TEST(got.content_type == "video/mp2t");
      auto bytes = text(got);
      auto facts = account.take(bytes);
      BOOST_TEST(facts.tables_first);
      BOOST_TEST(facts.first_is_random_access);
      BOOST_TEST(facts.jumps == 0u);
      BOOST_TEST(facts.clock_step_s <= 0.1);
      BOOST_TEST(!facts.clock_back);
      joined += bytes;
    }
    BOOST_TEST((joined == text({.body = stream})));
    BOOST_TEST(list.find("#EXT-X-VERSION:3\n") != std::string::npos);
    BOOST_TEST(list.ends_with("#EXT-X-ENDLIST\n"));
  }
  for (auto* x : {"ts-1.m4s", "ts-1.0.m4s", "v-1.ts", "ts.keys.m3u8", "ts-t1.ts"})
    BOOST_TEST((get(x).what == outcome::not_found), x);
}

BOOST_AUTO_TEST_CASE(the_multivariant_playlist_of_the_transport_stream_names_all_codecs_and_the_measured_rate) {
  BOOST_TEST(!out.shared()->transport("KEY/hd"));
  write_until(begin + 3 * ticks_per_second);
  auto summary = out.shared()->transport("KEY/hd").value();
  auto text = transport_multivariant_playlist({&summary, 1});
  BOOST_TEST_CONTEXT(text) {
    BOOST_TEST(text.find("CODECS=\"avc1.") != std::string::npos);
    BOOST_TEST(text.find(",mp4a.40.2\"") != std::string::npos);
    BOOST_TEST(text.find("RESOLUTION=160x96,FRAME-RATE=25.000\nKEY/hd/ts.m3u8\n") != std::string::npos);
    auto both = out.shared()->summary("KEY/hd").value();
    auto sum = both.tracks[0].mean_bit_rate + both.tracks[1].mean_bit_rate;
    BOOST_TEST(summary.mean_bit_rate > sum);
    BOOST_TEST(summary.mean_bit_rate < 3 * sum / 2 + 100'000);
  }
}

BOOST_FIXTURE_TEST_CASE(another_size_begins_a_segment_at_once_if_the_source_is_passed_through, passed_through) {
  change_size();
  out.end({});
  auto video = out.shared()->window("v").value();
  auto* first = changed(video);
  BOOST_REQUIRE(first != nullptr);
  auto* before = video.find(first->number - 1);
  BOOST_REQUIRE(before != nullptr);
  BOOST_TEST(first->start == change + 1800 + out.shared()->clock_of_times().pts - begin);
  BOOST_TEST(before->start + before->duration == first->start);
  BOOST_TEST(first->init != before->init);
  BOOST_TEST(video.init(first->init)->format.width == 320);
  BOOST_TEST(written("v") == (38 + 60) * 3600);
  for (auto* x : {"a0", "ts"}) {
    auto window = out.shared()->window(x).value();
    BOOST_REQUIRE(changed(window) != nullptr);
    BOOST_TEST(changed(window)->number == first->number);
  }
  BOOST_TEST(written("ts") == written("v"));
  BOOST_TEST(text(get("ts.m3u8")).find("#EXT-X-DISCONTINUITY\n") != std::string::npos);
  auto manifest = dash_manifest({{{out.shared(), out.shared()->summary("KEY/hd").value()}}}, "time");
  BOOST_TEST_CONTEXT(manifest) {
    auto second = manifest.find("<Period id=\"" + std::to_string(first->number) + "\"");
    BOOST_REQUIRE(second != std::string::npos);
    BOOST_TEST(manifest.find("width=\"160\"") < second);
    BOOST_TEST(manifest.find("width=\"320\"") > second);
  }
}

BOOST_FIXTURE_TEST_CASE(another_size_on_the_grid_begins_in_the_next_cell_and_sound_loses_nothing, changing) {
  change_size();
  out.end({});
  auto video = out.shared()->window("v").value();
  auto* first = changed(video);
  BOOST_REQUIRE(first != nullptr);
  // The new pictures have their random-access points in the middle of cells.
  BOOST_TEST(first->start == change + 1800 + ticks_per_second + out.shared()->clock_of_times().pts - begin);
  BOOST_TEST(first->number == first->start / times.segment);
  BOOST_TEST(written("ts") == (38 + 60) * 3600);
  auto sound = out.shared()->window("a0").value();
  BOOST_TEST(written("a0") > 39 * ticks_per_second / 10);
  BOOST_TEST(changed(sound)->number == first->number);
}

BOOST_AUTO_TEST_CASE(a_track_that_the_source_loses_ends_and_begins_anew_when_it_is_back) {
  write_until(begin + 5 * ticks_per_second / 2);
  auto both = out.shared()->summary({}).value();
  auto map = core::clock_map{begin, 1'000'000};
  BOOST_REQUIRE(out.set_format({{both.tracks[0].format}}, times, map));
  BOOST_TEST(text(get("a0.m3u8")).find("#EXT-X-ENDLIST") != std::string::npos);
  BOOST_TEST(text(get("v.m3u8")).find("#EXT-X-ENDLIST") == std::string::npos);
  BOOST_TEST(text(get("v.m3u8")).find("RENDITION-REPORT") == std::string::npos);
  BOOST_TEST(out.shared()->summary({}).value().tracks.size() == 1u);
  BOOST_TEST((get("").what == outcome::found));
  BOOST_REQUIRE(out.set_format({{both.tracks[0].format, both.tracks[1].format}}, times, map));
  write_until(begin + 4 * ticks_per_second);
  auto sound = out.shared()->window("a0").value();
  BOOST_TEST(!sound.ended());
  BOOST_TEST(sound.segments().front().start >= begin + 5 * ticks_per_second / 2);
  BOOST_TEST(out.shared()->summary({}).value().tracks.size() == 2u);
}

BOOST_AUTO_TEST_CASE(a_hole_in_the_source_is_a_row_of_missing_segments_in_each_playlist) {
  write_until(begin + 3 * ticks_per_second / 2);
  auto lost = std::remove_if(all.begin() + static_cast<ptrdiff_t>(next), all.end(),
                             [](auto& x) { return x.info.pts < begin + 3 * ticks_per_second; });
  all.erase(lost, all.end());
  write_until(begin + 4 * ticks_per_second);
  out.end({});
  auto missing = begin / ticks_per_second + 2 + (out.shared()->clock_of_times().pts - begin) / times.segment;
  for (auto* x : {"v", "a0", "ts"}) {
    auto window = out.shared()->window(x).value();
    auto* gap = window.find(missing);
    BOOST_REQUIRE(gap != nullptr);
    BOOST_TEST(gap->gap);
    auto list = text(get(std::string{x} + ".m3u8"));
    auto name = x == std::string{"ts"} ? transport_segment_name(missing) : segment_name(x, missing);
    BOOST_TEST(list.find("#EXT-X-GAP\n#EXTINF:") < list.find("\n" + name + "\n"));
    BOOST_TEST((get(name).what == outcome::not_found));
  }
}

BOOST_AUTO_TEST_SUITE_END()
