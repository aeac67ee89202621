// Goal: a player of HLS or DASH gets what the standards promise: the right status for each request (RFC 8216bis,
// 6.2.5), requests that wait for what comes next, and the headers that browsers and caches need. Method: samples are
// written to a rendition behind a real server; answers are compared byte by byte with the rendition's own window.
#include "served_channel.hpp"

#include "packaging/compress.hpp"

#include <boost/test/unit_test.hpp>

#include <ctime>
#include <map>
#include <sstream>

using namespace troupe;
using namespace troupe::http;

namespace delivery_test {
namespace {

struct fixture : served_channel {
  fixture() {
    start();
    write_until(2.5);
    viewer = enter();
  }

  std::string query(int64_t msn, int64_t part) {
    return "?_HLS_msn=" + std::to_string(msn) + "&_HLS_part=" + std::to_string(part);
  }

  /// The latest complete segment of the video.
  media_segment complete() {
    auto segments = out.shared()->window("v")->segments();
    auto i = std::find_if(segments.rbegin(), segments.rend(), [](auto& x) { return x.complete; });
    BOOST_REQUIRE((i != segments.rend()));
    return *i;
  }

  static std::string bytes_of(const media_segment& x) {
    std::string result;
    for (auto& part : x.parts)
      result += text(part.bytes);
    return result;
  }

  std::string viewer;
};

/// A playlist's segments with all that is said of each, by number.
struct listed {
  explicit listed(const std::string& text) {
    std::istringstream lines{text};
    std::string map;
    std::string said;
    int64_t number = 0;
    for (std::string line; std::getline(lines, line);) {
      auto is = [&](const char* tag) { return line.starts_with(tag); };
      auto value = [&] { return std::stoll(line.substr(line.find_last_of(":=") + 1)); };
      if (is("#EXT-X-MEDIA-SEQUENCE:"))
        first = number = value();
      else if (is("#EXT-X-SKIP:"))
        number += skipped = value();
      else if (is("#EXT-X-MAP:"))
        map = line;
      else if (is("#EXT-X-PROGRAM-DATE-TIME:") || is("#EXTINF:") || is("#EXT-X-GAP") || line == "#EXT-X-DISCONTINUITY")
        said += line + "\n";
      else if (!is("#")) {
        segments[number++] = map + "\n" + said + line;
        said.clear();
      } else if (number > 0)
        tail += line + "\n";
    }
  }

  int64_t first = 0;
  int64_t skipped = 0;
  std::map<int64_t, std::string> segments;
  std::string tail; ///< parts, hint, reports
};

} // namespace
} // namespace delivery_test

BOOST_FIXTURE_TEST_SUITE(delivery_test, fixture)

BOOST_AUTO_TEST_CASE(a_directive_out_of_range_is_refused_and_one_in_the_past_is_answered) {
  auto [n, part] = latest();
  const std::pair<std::string, int> cases[] = {
    {"?_HLS_part=0", 400},
    {"?_HLS_msn=-1", 400},
    {"?_HLS_msn=", 400},
    {"?_HLS_msn=abc", 400},
    {"?_HLS_msn=1.5", 400},
    {"?_HLS_msn=+1", 400},
    {"?_HLS_msn=9223372036854775807", 400},
    {"?_HLS_msn=9223372036854775808", 400},
    {"?_HLS_msn=" + std::string(2000, '9'), 400},
    {query(n, -1), 400},
    {query(n, *part + 7), 400},
    {query(n, 9223372036854775807), 400},
    {query(n + 3, 0), 400},
    {"?_HLS_msn=" + std::to_string(n + 3), 400},
    {"?_HLS_msn=0", 200},
    {query(0, 9223372036854775807), 200},
    {query(n - 1, 0), 200},
    {query(n, *part), 200},
    {"?_HLS_msn=" + std::to_string(n - 1), 200},
    {"?_HLS_skip=YES", 200},
    {"?_HLS_skip=perhaps", 200},
    {"?_HLS_unheard=1&session=7", 200},
  };
  for (auto& [directive, status] : cases) {
    auto x = get(viewer + "v.m3u8" + directive);
    BOOST_TEST(x.status == status, directive.substr(0, 60) << " is answered with " << x.status);
    BOOST_TEST(x.has("Access-Control-Allow-Origin: *"));
  }
  BOOST_TEST(out.shared()->waiting() == 0u);
  out.end({});
  for (auto& directive : {query(n + 1, 0), query(n + 9, 0)}) {
    auto x = get(viewer + "v.m3u8" + directive);
    BOOST_TEST(x.status == 200);
    BOOST_TEST(x.body.find("#EXT-X-ENDLIST\n") != std::string::npos);
  }
}

BOOST_AUTO_TEST_CASE(what_is_unknown_is_not_found) {
  auto key = viewer.substr(0, viewer.size() - 5);
  for (auto& path :
       {std::string{"/live/other/h264/index.m3u8"}, std::string{"/live/demo/other/index.m3u8"},
        std::string{"/live/demo/other/manifest.mpd"}, std::string{"/live/demo/h264/index.mp4"}, key + "other/v.m3u8",
        viewer + "a7.m3u8", viewer + "v", viewer + "v-0.m4s", viewer + "v-x.m4s", viewer + "v-0000000000000000.mp4",
        viewer + "v-" + std::to_string(latest().number) + ".99.m4s", viewer + "v-99999999999999999999.m4s",
        viewer + "v-t0.m4s", viewer + "../v.m3u8", std::string{"/live/demo/h264/NOKEY/h264/v.m3u8"}})
    BOOST_TEST(get(path).status == 404, path);
}

BOOST_AUTO_TEST_CASE(a_segment_remains_for_a_while_after_its_playlist_lost_it_and_is_then_gone) {
  auto segment = complete();
  auto path = viewer + "v-" + std::to_string(segment.number) + ".m4s";
  auto lists = [&] { return get(viewer + "v.m3u8").body.find("v-" + std::to_string(segment.number) + ".m4s"); };
  BOOST_TEST(lists() != std::string::npos);
  BOOST_TEST(get(path).body == bytes_of(segment));
  write_until(14);
  BOOST_TEST(lists() == std::string::npos);
  BOOST_TEST(get(path).body == bytes_of(segment));
  write_until(25.5);
  BOOST_TEST(get(path).status == 404);
}

BOOST_AUTO_TEST_CASE(a_reload_waits_for_the_part_that_it_names) {
  auto [n, part] = latest();
  auto c = connect(viewer + "v.m3u8" + query(n, *part + 1));
  BOOST_TEST(reached([&] { return out.shared()->waiting() == 1; }));
  BOOST_TEST(!c.waits(std::chrono::milliseconds{50}));
  write_until(3.2);
  auto x = c.read_response();
  BOOST_TEST(x.status == 200);
  BOOST_TEST(x.body.find("v-" + std::to_string(n) + "." + std::to_string(*part + 1) + ".m4s") != std::string::npos);
  BOOST_TEST(out.shared()->waiting() == 0u);
  // A number alone means the whole segment.
  auto number = std::to_string(latest().number + 1);
  auto whole = connect(viewer + "v.m3u8?_HLS_msn=" + number);
  BOOST_TEST(reached([&] { return out.shared()->waiting() == 1; }));
  write_until(3.9);
  BOOST_TEST(!whole.waits(std::chrono::milliseconds{20}));
  write_until(4.5);
  BOOST_TEST(whole.read_response().body.find("\nv-" + number + ".m4s") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_reload_that_waits_in_vain_gets_a_503_and_leaves_nothing_behind) {
  auto [n, part] = latest();
  auto c = connect(viewer + "v.m3u8" + query(n, *part + 2));
  auto before = std::chrono::steady_clock::now();
  auto x = c.read_response();
  BOOST_TEST(x.status == 503);
  BOOST_TEST(x.has("Retry-After"));
  BOOST_TEST(x.has("Access-Control-Allow-Origin: *"));
  BOOST_TEST((std::chrono::steady_clock::now() - before > std::chrono::milliseconds{200}));
  BOOST_TEST(out.shared()->waiting() == 0u);
  c.get(viewer + "v.m3u8");
  BOOST_TEST(c.read_response().status == 200);
}

BOOST_AUTO_TEST_CASE(the_part_that_a_playlist_announces_comes_whole_or_not_at_all) {
  auto text = get(viewer + "v.m3u8").body;
  auto at = text.find("TYPE=PART,URI=\"") + 15;
  auto hinted = text.substr(at, text.find('"', at) - at);
  auto c = connect(viewer + hinted);
  BOOST_TEST(reached([&] { return out.shared()->waiting() == 1; }));
  BOOST_TEST(!c.waits(std::chrono::milliseconds{20}));
  write_until(3.5);
  auto segment = complete();
  auto part = static_cast<size_t>(std::stoi(hinted.substr(hinted.find('.') + 1)));
  BOOST_TEST(c.read_response().body == served_channel::text(segment.parts.at(part).bytes));
}

BOOST_AUTO_TEST_CASE(an_update_put_into_an_older_playlist_is_the_full_one) {
  write_until(12.5);
  listed old{get(viewer + "v.m3u8").body};
  write_until(16.5);
  listed full{get(viewer + "v.m3u8").body};
  auto response = get(viewer + "v.m3u8?_HLS_skip=YES");
  listed update{response.body};
  BOOST_TEST(update.skipped > 2);
  BOOST_TEST(update.first == full.first);
  BOOST_TEST(update.tail == full.tail);
  auto merged = update.segments;
  for (auto n = update.first; n < update.first + update.skipped; ++n)
    merged.emplace(n, old.segments.at(n));
  // The map of what was skipped still counts.
  auto map = full.segments.begin()->second.substr(0, full.segments.begin()->second.find('\n'));
  for (auto& [n, x] : merged)
    if (x.starts_with('\n'))
      x.insert(0, map);
  BOOST_TEST((merged == full.segments));
  BOOST_TEST(response.body.size() < get(viewer + "v.m3u8").body.size());
}

BOOST_AUTO_TEST_CASE(texts_are_compressed_for_who_takes_it_and_media_never) {
  auto plain = get(viewer + "v.m3u8");
  BOOST_TEST(!plain.has("Content-Encoding"));
  BOOST_TEST(plain.has("Vary: Accept-Encoding"));
  for (auto* takes : {"gzip", "br, gzip", "deflate;q=0.5, gzip;q=1.0"}) {
    auto x = get(viewer + "v.m3u8", "Accept-Encoding: " + std::string{takes} + "\r\n");
    BOOST_TEST(x.has("Content-Encoding: gzip"), takes);
    BOOST_TEST(x.has("Vary: Accept-Encoding"));
    BOOST_TEST((x.body == text(compressed(plain.body))));
  }
  for (auto* takes : {"gzip;q=0", "identity", "br"})
    BOOST_TEST(get(viewer + "v.m3u8", "Accept-Encoding: " + std::string{takes} + "\r\n").body == plain.body);
  auto segment = complete();
  auto x = get(viewer + "v-" + std::to_string(segment.number) + ".m4s", "Accept-Encoding: gzip\r\n");
  BOOST_TEST(!x.has("Content-Encoding"));
  BOOST_TEST(x.body == bytes_of(segment));
  for (auto& entry : {std::string{"/live/demo/h264/index.m3u8"}, enter_dash()})
    BOOST_TEST(get(entry, "Accept-Encoding: gzip\r\n").has("Content-Encoding: gzip"), entry);
}

BOOST_AUTO_TEST_CASE(each_file_has_its_type_its_time_in_caches_and_is_open_to_all_pages) {
  auto segment = complete();
  auto number = std::to_string(segment.number);
  struct file {
    std::string path;
    const char* type;
    const char* cache;
  };
  const file files[] = {
    {"/live/demo/h264/index.m3u8", "application/vnd.apple.mpegurl", "no-store"},
    {enter_dash(), "application/dash+xml", "no-store"},
    {"/live/demo/h264/time", "text/plain", "no-store"},
    {viewer + "v.m3u8", "application/vnd.apple.mpegurl", "max-age=0"},
    {viewer + "v.m3u8?_HLS_msn=" + number, "application/vnd.apple.mpegurl", "max-age=6"},
    {viewer + "v.keys.m3u8", "application/vnd.apple.mpegurl", "max-age=0"},
    {viewer + "v-" + segment.init + ".mp4", "video/mp4", "max-age=6"},
    {viewer + "v-" + number + ".m4s", "video/mp4", "max-age=6"},
    {viewer + "v-" + number + ".0.m4s", "video/mp4", "max-age=6"},
    {viewer + "a0-" + number + ".m4s", "audio/mp4", "max-age=6"},
  };
  for (auto& x : files) {
    auto whole = get(x.path);
    BOOST_TEST_CONTEXT(x.path << "\n" << whole.head) {
      BOOST_TEST(whole.status == 200);
      BOOST_TEST(!whole.body.empty());
      BOOST_TEST(whole.has("Content-Type: " + std::string{x.type} + "\r\n"));
      BOOST_TEST(whole.has("Cache-Control: " + std::string{x.cache} + "\r\n"));
      BOOST_TEST(whole.has("Access-Control-Allow-Origin: *"));
      auto c = connect(x.path, {}, "HEAD");
      auto head = c.read_head();
      BOOST_TEST(head.status == 200);
      BOOST_TEST(head.has("Content-Length: " + std::to_string(whole.body.size()) + "\r\n"));
      c.get("/healthz"); // no body came before this answer
      BOOST_TEST(c.read_response().status == 200);
      auto asked = connect(x.path, "Origin: https://a.example\r\nAccess-Control-Request-Method: GET\r\n", "OPTIONS");
      auto allowed = asked.read_head();
      BOOST_TEST(allowed.status == 204);
      BOOST_TEST(allowed.has("Access-Control-Allow-Origin: *"));
      BOOST_TEST(allowed.has("Access-Control-Allow-Methods: GET, HEAD, OPTIONS"));
      BOOST_TEST(allowed.has("Access-Control-Allow-Headers: *"));
    }
  }
  for (auto* path : {"v-0.m4s", "v.m3u8?_HLS_part=1"})
    BOOST_TEST(get(viewer + path).has("Cache-Control: no-store"), path);
}

BOOST_AUTO_TEST_CASE(a_part_of_a_segment_is_served_as_key_playlists_ask_for_it) {
  auto segment = complete();
  auto path = viewer + "v-" + std::to_string(segment.number) + ".m4s";
  auto whole = bytes_of(segment);
  auto size = std::to_string(whole.size());
  auto range = [&](const std::string& x) { return get(path, "Range: bytes=" + x + "\r\n"); };
  auto from = segment.parts.at(0).bytes.size() - 10; // over the end of a part
  auto x = range(std::to_string(from) + "-" + std::to_string(from + 99));
  BOOST_TEST(x.status == 206);
  BOOST_TEST(x.body == whole.substr(from, 100));
  BOOST_TEST(x.has("Content-Range: bytes " + std::to_string(from) + "-" + std::to_string(from + 99) + "/" + size));
  BOOST_TEST(range("0-").body == whole);
  BOOST_TEST(range("0-0").body == whole.substr(0, 1));
  BOOST_TEST(range("-7").body == whole.substr(whole.size() - 7));
  auto behind = range(size + "-");
  BOOST_TEST(behind.status == 416);
  BOOST_TEST(behind.has("Content-Range: bytes */" + size));
  BOOST_TEST(range("x").status == 200);
  BOOST_TEST(get(viewer + "v.m3u8", "Range: bytes=0-5\r\n").status == 200);
}

BOOST_AUTO_TEST_CASE(a_manifest_and_its_updates_are_at_an_address_of_its_viewer) {
  auto address = enter_dash();
  auto folder = address.substr(0, address.size() - 4) + "/h264/";
  auto manifest = get(address).body;
  BOOST_TEST(manifest.find("media=\"" + folder.substr(16) + "v-$Number$.m4s\"") != std::string::npos);
  auto segment = complete();
  for (auto& name : {std::to_string(segment.number), "t" + std::to_string(segment.start)})
    BOOST_TEST(get(folder + "v-" + name + ".m4s").body == bytes_of(segment));
  write_until(4.5);
  auto later = get(address).body;
  for (auto* constant : {"availabilityStartTime=", "startNumber=", "presentationTimeOffset=", "media="}) {
    auto at = manifest.find(constant);
    BOOST_REQUIRE(at != std::string::npos);
    auto said = manifest.substr(at, manifest.find(' ', at) - at);
    BOOST_TEST(later.find(said) != std::string::npos, said);
  }
  // A player asks for a segment by the clock, a little early.
  auto next = "v-" + std::to_string(complete().number + 2) + ".m4s";
  auto early = connect(folder + next);
  BOOST_TEST(reached([&] { return out.shared()->waiting() == 1; }));
  write_until(5.6);
  BOOST_TEST(early.read_head().has("Transfer-Encoding: chunked"));
  write_until(6.5);
  auto ended = [](const std::string& text) { return text.ends_with("0\r\n\r\n"); };
  BOOST_TEST(client::dechunk(early.read_until(ended)) == get(folder + next).body);
}

BOOST_AUTO_TEST_CASE(the_time_is_the_servers_clock) {
  auto seconds_of = [](const std::string& text) {
    std::tm t{};
    BOOST_REQUIRE((::strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &t) != nullptr));
    return ::timegm(&t);
  };
  auto before = std::time(nullptr);
  auto said = seconds_of(get("/live/demo/h264/time").body);
  BOOST_TEST(said >= before);
  BOOST_TEST(said <= std::time(nullptr));
}

BOOST_AUTO_TEST_CASE(a_rendition_that_has_ended_is_asked_for_again) {
  auto before = cluster->watches;
  out.end({});
  auto x = get("/live/demo/h264/index.m3u8");
  BOOST_TEST(x.status == 502);
  BOOST_TEST(cluster->watches > before);
  rendition_output again{{}, "h264"};
  {
    std::lock_guard guard{cluster->mutex};
    cluster->running = again.shared();
  }
  auto c = connect(viewer + "v.m3u8");
  BOOST_TEST(reached([&] { return again.shared()->waiting() == 1; }));
  BOOST_REQUIRE(again.set_format({{media().pictures.format}}, times, {begin, 1'000'000}));
  for (auto s : media().all) {
    if (s.info.track != 0 || s.info.dts > begin + 2 * ticks_per_second)
      continue;
    s.info.size = static_cast<uint32_t>(s.bytes.size());
    BOOST_REQUIRE(again.write({{s.info}, shared_bytes{s.bytes}}, {}));
  }
  BOOST_TEST(c.read_response().status == 200);
}

BOOST_AUTO_TEST_SUITE_END()
