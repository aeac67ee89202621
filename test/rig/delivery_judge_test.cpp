// Goal: the judge of HLS and DASH finds each fault, and nothing in a correct channel. Method: a rehearsal shows the
// judge a correct channel with one fault planted. Exactly the rules that the fault breaks have to be found.
#include "delivery_rehearsal.hpp"

#include "delivery_media.hpp"
#include "rig/delivery/dash_judge.hpp"
#include "rig/delivery/hls_judge.hpp"

#include <boost/test/unit_test.hpp>

#include <utility>

using namespace troupe::bench::delivery;

BOOST_AUTO_TEST_SUITE(delivery_judge_test)

namespace {

struct planted_fault {
  std::string rule;
  plant fault;
  std::set<std::string> also = {}; ///< other rules that the fault breaks
};

std::string ids(const std::set<std::string>& all) {
  std::string result;
  for (auto& each : all)
    result += each + " ";
  return result;
}

std::set<std::string> rules_of(const std::vector<violation>& all) {
  std::set<std::string> result;
  for (auto& each : all)
    result.insert(each.rule);
  return result;
}

std::string text_of(const std::vector<violation>& all) {
  std::string result;
  for (auto& each : all)
    result += "\n  " + each.rule + " at " + each.place + " (" + std::to_string(each.count) + "): " + each.found;
  return result;
}

void check(const std::vector<planted_fault>& all, std::vector<violation> (*rehearse)(const plant&)) {
  std::set<std::string> seen;
  for (auto& each : all) {
    BOOST_TEST(seen.insert(each.rule).second, each.rule << " is planted twice");
    auto expected = each.also;
    expected.insert(each.rule);
    auto found = rehearse(each.fault);
    BOOST_TEST(ids(rules_of(found)) == ids(expected), each.rule << " was planted, found:" << text_of(found));
  }
}

/// Delays the answers of all URLs that contain `text` by `by_s` seconds.
plant slower(std::string text, double by_s) {
  return [=](observation& seen) {
    if (seen.url.find(text) != std::string::npos)
      seen.answered += seconds{by_s};
  };
}

plant bytes(std::string name, std::string with) {
  return [=](observation& seen) {
    if (is_of(seen, name))
      seen.body = with;
  };
}

/// Delays every request and answer by `by`, if its answer would come at `after` or later.
plant later(seconds after, seconds by) {
  return [=](observation& seen) {
    if (seen.answered < after)
      return;
    seen.asked += by;
    seen.answered += by;
  };
}

plant between(seconds from, seconds to, plant what) {
  return [=](observation& seen) {
    if (seen.answered >= from && seen.answered < to)
      what(seen);
  };
}

plant only_in(std::string text, plant what) {
  return [=](observation& seen) {
    if (seen.body.find(text) != std::string::npos)
      what(seen);
  };
}

/// Tags of the parts of a segment of video.
std::string parts_of(int number) {
  std::string result;
  for (int part = 0; part < 5; ++part)
    result +=
      "#EXT-X-PART:DURATION=0.40000,URI=\"v-" + std::to_string(number) + "." + std::to_string(part) + ".m4s\"\n";
  return result;
}

void right(observation&) {}

} // namespace

BOOST_AUTO_TEST_CASE(a_right_channel_breaks_no_rule) {
  auto hls = rehearse_hls(right);
  BOOST_TEST(hls.empty(), text_of(hls));
  auto dash = rehearse_dash(right);
  BOOST_TEST(dash.empty(), text_of(dash));
}

BOOST_AUTO_TEST_CASE(each_fault_of_an_hls_playlist_is_found) {
  const std::string v = "v.m3u8";
  check(
    {
      {"hls-0.1", replaced(v, "#EXTM3U", "")},
      {"hls-1.1",
       replaced("", "TARGETDURATION:2", "TARGETDURATION:3", seconds{10}),
       {"hls-1.2", "hls-3.3", "hls-3.4", "hls-4.4"}},
      {"hls-1.2", replaced(v, "TARGETDURATION:2", "TARGETDURATION:1"), {"hls-1.3", "hls-4.2", "hls-4.3"}},
      {"hls-1.3", replaced(v, "EXTINF:2.00000,\nv-103", "EXTINF:3.00000,\nv-103"), {"hls-1.4", "hls-2.7", "hls-9.11"}},
      {"hls-1.4", replaced(v, "EXTINF:2.00", "EXTINF:2.02"), {"hls-2.7"}},
      {"hls-1.5", replaced(v, "#EXT-X-TARGETDURATION:2\n", ""), {"hls-7.3"}},
      {"hls-2.1", replaced(v, "DURATION=0.40000", "DURATION=0.46000"), {"hls-2.4", "hls-2.7"}},
      {"hls-2.2", replaced(v, "DURATION=0.40000", "DURATION=0.36500"), {"hls-2.7"}},
      {"hls-2.5", replaced(v, "#EXT-X-PART", "#X"), {"hls-6.2"}},
      {"hls-2.6", replaced(v, ",INDEPENDENT=YES", "")},
      {"hls-2.7", replaced(v, "DURATION=0.40000,URI=\"v-103.4", "DURATION=0.38000,URI=\"v-103.4")},
      {"hls-3.1", replaced("", "PART-HOLD-BACK=1.32", "PART-HOLD-BACK=0.8")},
      {"hls-3.2", replaced("", "PART-HOLD-BACK=1.32", "PART-HOLD-BACK=1.0")},
      {"hls-3.3", replaced("", ",HOLD-BACK=6.0", ",HOLD-BACK=4.0")},
      {"hls-3.4", replaced("", "CAN-SKIP-UNTIL=12.0", "CAN-SKIP-UNTIL=11.0")},
      {"hls-3.5", replaced(v, "PART-HOLD-BACK=1.32", "PART-HOLD-BACK=1.33")},
      {"hls-3.6", replaced("", "PART-TARGET=0.44", "PART-TARGET=0.43", seconds{9})},
      {"hls-3.7", replaced("", "CAN-BLOCK-RELOAD=YES,", "")},
      {"hls-4.1", slower("v.m3u8?_HLS_msn=103", 0.3)},
      {"hls-4.2", later(seconds{9}, seconds{3})},
      {"hls-4.3", replaced(v, "#EXTINF:2.00000,\nv-95.m4s", parts_of(95) + "#EXTINF:2.00000,\nv-95.m4s")},
      {"hls-4.4", replaced(v, "#EXT-X-PART:DURATION=0.40000,URI=\"v-103.", "#X:\"", seconds{8.1})},
      {"hls-5.1", replaced(v, "#EXTINF:2.00000,\nv-103",
                           "#EXT-X-PROGRAM-DATE-TIME:2026-11-30T10:00:46.000Z\n#EXTINF:2.00000,\nv-103")},
      {"hls-6.1", between(seconds{10}, seconds{10.1}, replaced(v, "#EXTINF:2.00000,\nv-104.m4s\n", ""))},
      {"hls-6.2",
       between(seconds{9.2}, seconds{9.3}, replaced(v, "#EXT-X-PART:DURATION=0.40000,URI=\"v-104.2.m4s\"\n", "")),
       {"hls-8.2"}},
      {"hls-6.7", slower("v.m3u8?_HLS_msn=103", 7), {"hls-4.1"}},
      {"hls-7.1", replaced("", "VERSION:9", "VERSION:8")},
      {"hls-7.2", replaced("", "CAN-SKIP-UNTIL=12.0", "CAN-SKIP-UNTIL=16.0")},
      {"hls-7.3", only_in("EXT-X-SKIP", replaced(v, "v-104.m4s", "v-104.mp4"))},
      {"hls-7.4", replaced("", "VERSION:9", "VERSION:5"), {"hls-7.1"}},
      {"hls-8.1", replaced(v, "#EXT-X-PRELOAD-HINT", "#X")},
      {"hls-8.2", replaced(v, "TYPE=PART,URI=\"v-105.2", "TYPE=PART,URI=\"v-105.3")},
      {"hls-8.5", replaced(v, "v.init", "w.init", seconds{9}), {"hls-10.6"}},
      {"hls-9.1", replaced("", "#EXT-X-PROGRAM-DATE-TIME", "#X"), {"hls-14.3"}},
      {"hls-9.2", replaced(v, "#EXT-X-RENDITION-REPORT", "#X")},
      {"hls-9.3", replaced(v, "LAST-MSN=103", "LAST-MSN=102")},
      {"hls-9.9", replaced("a.m3u8", ".000Z", ".960Z"), {"hls-9.10"}},
      {"hls-9.10", replaced(v, ".000Z", ".051Z")},
      {"hls-9.11", replaced("", ":34.000Z", ":34.900Z")},
      {"hls-10.1",
       replaced("", "DISCONTINUITY-SEQUENCE:4", "DISCONTINUITY-SEQUENCE:3", seconds{9}),
       {"hls-10.2", "hls-10.6"}},
      {"hls-10.2", replaced(v, "DISCONTINUITY-SEQUENCE:4", "DISCONTINUITY-SEQUENCE:5")},
      {"hls-10.6", replaced(v, "v-99.m4s", "v-99.other", seconds{9})},
      {"hls-14.1", replaced("", "DATE=\"2026-11-30T10:00:30", "DATE=\"2026-11-30T10:00:31", seconds{9})},
      {"hls-14.2", replaced("", "0xFC3003AABBCC", "0xFC3003AABB")},
      {"hls-14.4", replaced("", "ID=\"ad\",", "")},
    },
    rehearse_hls);
}

BOOST_AUTO_TEST_CASE(each_fault_of_a_multivariant_playlist_is_found) {
  const std::string m = "index.m3u8";
  check(
    {
      {"hls-11.13", replaced(m, "STREAM-INF:BANDWIDTH=40000,", "STREAM-INF:")},
      {"hls-11.3", replaced(m, "CODECS=\"avc1.64001f,mp4a.40.2\",", "")},
      {"hls-11.4", replaced(m, "RESOLUTION=1280x720,FRAME", "FRAME")},
      {"hls-11.5", replaced(m, "FRAME-RATE=25.000,", "")},
      {"hls-11.6", replaced(m, ",AVERAGE-BANDWIDTH=36000", "")},
      {"hls-11.7", replaced(m, "LANGUAGE=\"en\",", "")},
      {"hls-11.8", replaced("i.m3u8", "#EXT-X-I-FRAMES-ONLY", "")},
      {"hls-11.12", replaced(m, "avc1.64001f,mp4a", "hev1.1.6.L93.B0,avc1.64001f,mp4a")},
      {"hls-11.1", replaced(m, "BANDWIDTH=40000", "BANDWIDTH=20000")},
      {"hls-11.2", replaced(m, "AVERAGE-BANDWIDTH=36000", "AVERAGE-BANDWIDTH=20000")},
      {"hls-12.1", replaced(m, "AUDIO=\"sound\"", "AUDIO=\"noise\"")},
      {"hls-12.2", replaced(m, ",mp4a.40.2", "")},
      {"hls-12.3", replaced(m, "#EXT-X-I-FRAME",
                            "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"other\",NAME=\"Other\",LANGUAGE=\"de\"\n"
                            "#EXT-X-I-FRAME")},
      {"hls-12.4", replaced(m, "#EXT-X-I-FRAME",
                            "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"sound\",NAME=\"2\",LANGUAGE=\"de\","
                            "DEFAULT=YES\n#EXT-X-I-FRAME")},
      {"hls-12.5", replaced(m, "DEFAULT=YES", "DEFAULT=YES,FORCED=NO")},
      {"hls-12.6", replaced(m, "avc1.64001f,mp4a", "avc1.640028,mp4a")},
    },
    rehearse_hls);
}

BOOST_AUTO_TEST_CASE(each_fault_of_hls_media_is_found) {
  auto changed = [](std::string name, std::string from, std::string to) { return replaced(name, from, to); };
  auto at = [](uint64_t number, uint64_t part) { return number * 180'000 + part * 36'000; };
  check(
    {
      {"hls-2.3",
       [](observation& seen) {
         if (is_of(seen, "v-104.m4s"))
           seen.body.back() = 'y';
       }},
      {"hls-2.4", bytes("v-104.4.m4s", fragment(at(104, 4), 8, 3'600, false)), {"hls-2.3"}},
      {"hls-8.3",
       [first = true](observation& seen) mutable {
         if (is_of(seen, "v-102.1.m4s") && std::exchange(first, false))
           seen.body.resize(500);
       }},
      {"hls-10.5", answering("/v-103.m4s", 404)},
      {"hls-11.9", bytes("v-104.m4s", fragment(at(104, 0), 50, 3'600, false)), {"hls-2.3"}},
      {"hls-11.10", bytes("v-104.m4s", fragment(at(104, 0) + 900, 50, 3'600, true)), {"hls-2.3"}},
      {"cmaf-1", changed("", "tfdt", "none")},
      {"cmaf-2", changed("", std::string{"tfhd\0\x02", 6}, std::string{"tfhd\0\0", 6})},
      {"cmaf-3", changed("", std::string{"\x03\xe8\0\0\0\0", 6}, std::string{"\x03\xe8\0\0\x01\0", 6})},
      {"cmaf-4", changed("v.init.mp4", std::string{"iso6\0\0\0\0cmfc", 12}, std::string{"isom\0\0\0\0mp42", 12})},
      {"cmaf-5", changed("v.init.mp4", "mvex", "trak")},
    },
    rehearse_hls);
}

BOOST_AUTO_TEST_CASE(each_fault_of_http_is_found) {
  check(
    {
      {"hls-4.5", answering("probe-v-107.4", 404)},
      {"hls-4.6", answering("probe-v-100.m4s", 404)},
      {"hls-4.8", answering("probe-v-9999.m4s", 200)},
      {"hls-6.3", slower("probe-v.m3u8?_HLS_msn=105", 1)},
      {"hls-6.4", answering("probe-v.m3u8?_HLS_part=0", 200)},
      {"hls-6.5", answering("probe-v.m3u8?_HLS_msn=999", 200)},
      {"hls-6.6", answering("_HLS_part=99", 503)},
      {"hls-8.4", answering("probe-v-9999.1", 200)},
      {"hls-9.4", with_header("v.m3u8", "content-encoding", "")},
      {"hls-9.5",
       [](observation& seen) { seen.url.replace(0, 5, is_of(seen, "v.m3u8") ? "https:" : "http:"); },
       {"hls-9.2"}},
      {"hls-9.6", with_header("v.m3u8", "cache-control", "max-age=60")},
      {"hls-9.7", with_header("v-103.m4s", "cache-control", "no-cache")},
      {"hls-9.8", with_header("v-103.m4s", "access-control-allow-origin", "")},
      {"hls-11.11", [](observation& seen) { seen.redirected = is_of(seen, "v-103.m4s"); }},
      {"hls-13.3", with_header("v.m3u8", "content-type", "text/plain")},
      {"hls-13.4", with_header("v-103.m4s", "content-type", "text/plain")},
    },
    rehearse_hls);
}

BOOST_AUTO_TEST_CASE(each_fault_of_dash_is_found) {
  const std::string m = "m.mpd";
  constexpr seconds later{9};
  check(
    {
      {"dash-0.1", replaced(m, "</MPD>", "")},
      {"dash-1", replaced(m, "StartTime=\"2026-11-30T10:00:00", "StartTime=\"2026-11-30T10:00:01", later)},
      {"dash-2", replaced(m, "Offset=\"1.6\"", "Offset=\"2.0\"")},
      {"dash-3", replaced(m, " availabilityTimeComplete=\"false\"", "")},
      {"dash-4",
       [](observation& seen) {
         if (auto at = seen.body.find("Offset=\"1.6\""); at != std::string::npos)
           seen.body.replace(at, 12, "Offset=\"1.5\"");
       }},
      {"dash-5", replaced(m, "target=\"2500\"", "target=\"300\"")},
      {"dash-6", replaced(m, "UTCTiming", "Timing")},
      {"dash-7", answering("/time", 404)},
      {"dash-8", replaced(m, "r=\"4\"/><S", "r=\"3\"/><S"), {"dash-16"}},
      {"dash-9", answering("/v-103.m4s", 404)},
      {"dash-10", replaced(m, "Offset=\"1.6\"", "Offset=\"INF\"")},
      {"dash-11", replaced(m, "publishTime=\"2026-11-30T10:03", "publishTime=\"2026-11-30T09:03", later)},
      {"dash-12", with_header(m, "content-type", "text/xml")},
      {"dash-13", bytes("v-103.m4s", fragment(103 * 180'000 + 900, 50, 3'600, true))},
      {"dash-14",
       [kept = std::string{}](observation& seen) mutable {
         if (is_of(seen, "m.mpd"))
           kept = seen.body = seen.answered < seconds{9} ? seen.body : kept;
       },
       {"dash-13"}},
      {"dash-15", replaced(m, "start=\"PT0S\"", "start=\"PT1S\"", later)},
      {"dash-16", replaced(m, "d=\"180000\" r=\"4\"/></", "d=\"180001\" r=\"4\"/></")},
      {"dash-17", replaced(m, " minBufferTime=\"PT2S\"", "")},
      {"dash-18", replaced(m, " codecs=\"mp4a.40.2\"", "")},
      {"dash-19", replaced(m, "avc1.64001f", "avc1.640028")},
      {"dash-20", bytes("v-103.m4s", fragment(103 * 180'000, 50, 3'600, false))},
      {"dash-21",
       [](observation& seen) {
         if (is_of(seen, "v-103.m4s"))
           seen.began = seen.answered;
       }},
      {"dash-22",
       [](observation& seen) {
         // Of the two answers, that which came at once.
         if (is_of(seen, "v-103.m4s") && seen.answered - seen.asked < seconds{1})
           seen.body += "more";
       }},
    },
    rehearse_dash);
}

BOOST_AUTO_TEST_CASE(each_fault_of_a_plain_playlist_is_found) {
  const std::string head = "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:";
  const std::string map = "\n#EXT-X-MAP:URI=\"i.mp4\"";
  const std::string three = "\n#EXTINF:2,\n1.m4s\n#EXTINF:2,\n2.m4s\n#EXTINF:2,\n3.m4s\n";
  auto run = [](const std::vector<std::string>& texts) {
    verdict found;
    hls_judge judge{found};
    for (auto& text : texts) {
      observation seen;
      seen.url = "http://server/p.m3u8";
      seen.status = 200;
      seen.headers = {{"content-type", "application/vnd.apple.mpegurl"},
                      {"content-encoding", "gzip"},
                      {"cache-control", "no-cache"},
                      {"access-control-allow-origin", "*"}};
      seen.body = text;
      judge.playlist(seen.url, seen, {});
    }
    return ids(rules_of(found.violations()));
  };
  BOOST_TEST(run({head + "1" + map + three}) == "");
  BOOST_TEST(run({head + "1" + map + "\n#EXTINF:2,\n1.m4s\n"}) == "hls-4.7 ");
  BOOST_TEST(run({head + "5" + map + three, head + "4" + map + three}) == "hls-10.3 hls-10.6 ");
  BOOST_TEST(run({head + "1" + map + three + "#EXT-X-MAP:URI=\"j.mp4\"\n#EXTINF:2,\n4.m4s\n"}) == "hls-10.4 ");
  BOOST_TEST(run({head + "1" + map + three + "#EXT-X-DATERANGE:ID=\"x\",START-DATE=\"2026-11-30T10:00:30Z\""})
             == "hls-14.3 ");
}

BOOST_AUTO_TEST_CASE(tables_and_counters_of_transport_streams_are_judged) {
  auto run = [](const std::vector<std::string>& segments) {
    verdict found;
    hls_samples samples{found, "ts.m3u8"};
    media_segment x;
    for (auto& bytes : segments) {
      x.duration_s = 2;
      observation seen;
      seen.status = 200;
      seen.body = bytes;
      samples.segment(x, seen);
      ++x.number;
    }
    return ids(rules_of(found.violations()));
  };
  BOOST_TEST(run({ts_segment(0, 90'000), ts_segment(1, 270'000)}) == "");
  BOOST_TEST(run({ts_segment(0, 90'000), ts_segment(3, 270'000)}) == "hls-13.2 ");
  BOOST_TEST(run({ts_segment(0, 90'000, false)}) == "hls-13.1 ");
  BOOST_TEST(run({ts_segment(0, 90'000), ts_segment(1, 450'000)}) == "hls-1.4 ");
  BOOST_TEST(run({ts_segment(0, 90'000) + "G"}) == "hls-13.6 ");
  auto out_of_step = ts_segment(0, 90'000);
  out_of_step[2 * 188] = 'x';
  BOOST_TEST(run({out_of_step}) == "hls-13.6 ");
  // Without a clock, with one that goes back from segment to segment, and with one that stands still for a second.
  BOOST_TEST(run({ts_segment(0, 90'000, true, false)}) == "hls-13.7 ");
  BOOST_TEST(run({ts_segment(0, 270'000), ts_segment(1, 90'000)}).find("hls-13.7 ") != std::string::npos);
  BOOST_TEST(run({ts_segment(0, 90'000) + ts_segment(1, 180'000).substr(2 * 188)}) == "hls-13.7 ");
}

BOOST_AUTO_TEST_CASE(subtitles_that_are_no_web_vtt_are_found) {
  verdict found;
  hls_samples samples{found, "s.m3u8"};
  observation seen;
  seen.status = 200;
  seen.headers = {{"content-type", "text/vtt"}};
  seen.body = "WEBVTT\n";
  samples.segment({}, seen);
  BOOST_TEST(found.violations().empty());
  seen.body = "1\n00:00:00,000 --> 00:00:01,000\n";
  samples.segment({}, seen);
  BOOST_TEST(ids(rules_of(found.violations())) == "hls-13.5 ");
}

BOOST_AUTO_TEST_CASE(subtitles_of_dash_are_judged) {
  auto cue = box("vttc", box("payl", "Hello"));
  auto none = box("vtte", "");
  auto of = [](uint64_t number, const std::string& mdat) { return fragment(number * 180'000, 1, 180'000, true, mdat); };
  // What breaks rules if these are the segments from number 7 on, each 2 s long.
  auto run = [](const std::vector<std::string>& segments, const std::string& type = "application/mp4") {
    verdict found;
    dash_judge judge{found};
    observation seen;
    seen.url = "http://localhost/m.mpd";
    seen.status = 200;
    seen.headers = {{"access-control-allow-origin", "*"}, {"content-encoding", "gzip"}};
    seen.headers["content-type"] = "application/dash+xml";
    seen.body = R"(<MPD type="static"><Period><AdaptationSet contentType="text" mimeType="application/mp4">
<SegmentTemplate timescale="90000" duration="180000" media="s-$Number$.m4s" initialization="s.mp4" startNumber="7"
 presentationTimeOffset="1260000" availabilityTimeOffset="1.6" availabilityTimeComplete="false"/>
<Representation id="s" bandwidth="1000" codecs="wvtt"/></AdaptationSet></Period></MPD>)";
    judge.manifest(seen);
    BOOST_REQUIRE(judge.latest() != nullptr);
    auto& text = judge.latest()->representations.front();
    seen.headers["content-type"] = type;
    seen.body = init_segment("text", box("wvtt", std::string(8, '\0')));
    judge.init(text, seen);
    // It comes at once, when it is over.
    seen.began = seen.answered = seconds{2};
    for (uint64_t i = 0; i < segments.size(); ++i) {
      seen.body = segments[i];
      judge.segment(text, {7 + i, (7 + i) * 180'000, 180'000}, seen);
    }
    return ids(rules_of(found.violations()));
  };
  BOOST_TEST(run({of(7, none), of(8, cue + cue), of(9, none)}) == "");
  BOOST_TEST(run({of(7, none)}, "text/vtt") == "");
  BOOST_TEST(run({of(7, none)}, "text/plain") == "hls-13.4 ");
  BOOST_TEST(run({of(7, none), of(8, "WEBVTT\n")}) == "dash-23 ");
  BOOST_TEST(run({of(7, box("vttc", ""))}) == "dash-23 ");
  BOOST_TEST(run({of(7, none), fragment(8 * 180'000 + 900, 1, 179'100, true, none)}) == "dash-23 ");
}

BOOST_AUTO_TEST_CASE(a_rule_that_is_broken_again_is_counted) {
  verdict found;
  found.add("hls-2.1", "v.m3u8", "first");
  found.add("hls-2.1", "v.m3u8", "second");
  found.add("hls-2.1", "a.m3u8", "third");
  auto all = found.violations();
  BOOST_REQUIRE(all.size() == 2);
  BOOST_TEST(all[1].count == 2);
  BOOST_TEST(all[1].found == "first");
}

BOOST_AUTO_TEST_CASE(rules_have_distinct_ids) {
  std::set<std::string_view> all;
  for (auto& each : rules())
    BOOST_TEST(all.insert(each.id).second, each.id);
}

BOOST_AUTO_TEST_SUITE_END()
