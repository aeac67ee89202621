// Goal: what a source names, wherever it is named, is opened only if the policy of this machine allows it, and the
// error says why not. Method: loopback servers that redirect, and playlists in playlists; files that name other files.
// One loopback address is allowed and stands for the network; all others are not.
#include "encoder/source/demuxer.hpp"
#include "encoder/source/resolver_guard.hpp"
#include "encoder/source/source_access.hpp"

#include "clip.hpp"
#include "reading.hpp"

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <memory>
#include <set>
#include <string>
#include <utility>

using namespace troupe::av;
using namespace troupe::av::test;

namespace source_access_test {
namespace {

namespace fs = std::filesystem;
namespace core = troupe::core;

const clip& film() {
  static const auto instance = make_clip({});
  return instance;
}

const std::string& segment() {
  static const auto bytes = read_bytes(write_file(film(), "mpegts", "access-segment.ts", moved(900'000)));
  return bytes;
}

std::string ok(const std::string& type, const std::string& body) {
  return "HTTP/1.1 200 OK\r\nContent-Type: " + type
         + "\r\nConnection: close\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

std::string redirect(const std::string& to) {
  return "HTTP/1.1 302 Found\r\nLocation: " + to + "\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
}

std::string playlist(const std::string& place, const std::string& more = {}) {
  return ok("application/vnd.apple.mpegurl",
            "#EXTM3U\n#EXT-X-TARGETDURATION:4\n" + more + "#EXTINF:3,\n" + place + "\n#EXT-X-ENDLIST\n");
}

/// Allows 127.0.0.1, where the test's servers are, and files of one folder.
source_options allowed(const std::string& url, const std::string& folder = "/none") {
  core::url_rules rules;
  rules.networks = {"127.0.0.1"};
  auto result = from(url);
  result.access =
    std::make_shared<const source_access>(core::url_policy{rules}, troupe::base::path_roots{{folder}, "paths.read"});
  return result;
}

void check_refused(const source_options& options, const std::string& reason) {
  auto why = failure(options);
  BOOST_TEST(why.what.find(reason) != std::string::npos, options.url << ": " << why.what);
  BOOST_TEST(why.terminal(), options.url << ": " << why.what);
}

std::string number(size_t value, size_t bytes) {
  std::string result(bytes, '\0');
  for (size_t i = bytes; i-- > 0; value >>= 8)
    result[i] = static_cast<char>(value & 0xff);
  return result;
}

/// A QuickTime movie whose first track has its samples at another place, which an alias record names.
std::string with_reference(std::string movie, const std::string& place) {
  auto path = place + (place.size() % 2 == 0 ? "" : "/");
  // Kind, version and flags; then the fields of an alias up to its list of names, and the path as one of these.
  auto entry = std::string{"alis"} + std::string(4 + 10, '\0') + std::string(1 + 27, '\0') + std::string(12, '\0')
               + std::string(1 + 63, '\0') + std::string(16 + 2 + 2 + 16, '\0') + number(2, 2) + number(path.size(), 2)
               + path + number(0xffff, 2) + number(0, 2);
  entry = number(entry.size() + 4, 4) + entry;
  constexpr size_t old_entry_bytes = 12;
  auto added = entry.size() - old_entry_bytes;
  size_t at = 0;
  for (auto box : {"moov", "trak", "mdia", "minf", "dinf", "dref"}) {
    at = movie.find(box, at);
    BOOST_REQUIRE(at != std::string::npos);
    size_t size = 0;
    for (size_t i = at - 4; i < at; ++i)
      size = size << 8 | static_cast<unsigned char>(movie[i]);
    movie.replace(at - 4, 4, number(size + added, 4));
  }
  // After the box's name: version and flags, the number of entries, and the first entry.
  return movie.replace(at + 4 + 4 + 4, old_entry_bytes, entry);
}

} // namespace
} // namespace source_access_test

BOOST_AUTO_TEST_SUITE(source_access_test)

BOOST_AUTO_TEST_CASE(libavformat_asks_the_guard) {
  BOOST_TEST(resolver_guard::works());
  connection_rules rules{[](auto, auto) { return std::string{}; },
                         [](auto& x) { return std::string{core::is_loopback(x) ? "refused here" : ""}; }};
  for (auto url : {"http://localhost:1/x", "https://localhost:1/x", "rtmp://localhost:1/a/b", "rtmpt://localhost:1/a/b",
                   "rtsp://localhost:1/x", "srt://localhost:1", "udp://localhost:1", "rtp://localhost:1"}) {
    std::string refusal;
    resolver_guard guard{&rules, refusal};
    BOOST_TEST(!demuxer::open(from(url), never).has_value());
    BOOST_TEST(refusal.find("refused here") != std::string::npos, url);
  }
}

BOOST_AUTO_TEST_CASE(an_allowed_place_is_read) {
  tiny_server server{[](const std::string& path) {
    if (path == "/x.m3u8")
      return playlist("s.ts");
    return path == "/moved.ts" ? redirect("/s.ts") : ok("video/mp2t", segment());
  }};
  for (auto path : {"/x.m3u8", "/s.ts", "/moved.ts"})
    BOOST_TEST(read_all(allowed(server.url(path))).video().size() == 75u);
}

BOOST_AUTO_TEST_CASE(a_redirect_leads_to_no_refused_place) {
  for (auto to : {"http://127.0.0.2:9/x", "http://[::1]:9/x", "http://0.0.0.0:9/x", "http://2130706434:9/x",
                  "http://0x7f.2:9/x", "http://127.2:9/x", "http://017700000002:9/x", "http://169.254.169.254/latest",
                  "http://[::ffff:127.0.0.2]:9/x", "http://user@127.0.0.2:9/x", "//127.0.0.2:9/x"}) {
    tiny_server server{[to](const std::string&) { return redirect(to); }};
    check_refused(allowed(server.url("/x.ts")), "leads nowhere allowed");
  }
}

BOOST_AUTO_TEST_CASE(no_secret_follows_a_redirect) {
  std::atomic<int> asked{0};
  tiny_server other{[&](const std::string&) {
    ++asked;
    return ok("video/mp2t", segment());
  }};
  tiny_server server{[&](const std::string&) { return redirect(other.url("/x.ts")); }};
  auto options = from(server.url("/x.ts"));
  options.one_file = true;
  options.options["headers"] = "Authorization: Bearer secret\r\n";
  check_refused(options, "another server");
  BOOST_TEST(asked == 0);
}

BOOST_AUTO_TEST_CASE(a_playlist_names_no_refused_place) {
  for (auto to : {"http://127.0.0.2:9/s.ts", "//127.0.0.2:9/s.ts", "http://127.2:9/s.ts", "http://[::1]:9/s.ts",
                  "http://169.254.169.254/s.ts", "http://x@127.0.0.2:9/s.ts"}) {
    tiny_server server{[to](const std::string&) { return playlist(to); }};
    check_refused(allowed(server.url("/x.m3u8")), "it names");
  }
  // A key, an initialisation segment, another playlist.
  for (auto tag : {"#EXT-X-KEY:METHOD=AES-128,URI=\"http://127.0.0.2:9/key\"\n",
                   "#EXT-X-MAP:URI=\"http://127.0.0.2:9/init.mp4\"\n"}) {
    tiny_server server{[tag](const std::string& path) {
      return path == "/x.m3u8" ? playlist("s.ts", tag) : ok("video/mp2t", segment());
    }};
    BOOST_TEST(!demuxer::open(allowed(server.url("/x.m3u8")), never).has_value());
  }
  tiny_server server{[](const std::string& path) {
    if (path == "/x.m3u8")
      return ok("application/vnd.apple.mpegurl",
                "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1000000\nhttp://127.0.0.2:9/inner.m3u8\n");
    return ok("video/mp2t", segment());
  }};
  check_refused(allowed(server.url("/x.m3u8")), "it names");
}

BOOST_AUTO_TEST_CASE(a_redirected_segment_reaches_no_refused_place) {
  tiny_server server{
    [](const std::string& path) { return path == "/x.m3u8" ? playlist("s.ts") : redirect("http://127.0.0.2:9/s.ts"); }};
  check_refused(allowed(server.url("/x.m3u8")), "leads nowhere allowed");
}

BOOST_AUTO_TEST_CASE(other_protocols_within_playlists_are_refused) {
  for (auto to : {"file:///etc/passwd", "/etc/passwd", "concat:http://127.0.0.1:9/a.ts|http://127.0.0.1:9/b.ts",
                  "subfile,,start,0,end,9,,:http://127.0.0.1:9/s.ts",
                  "data:video/mp2t;base64,R0A=", "tcp://127.0.0.1:9", "crypto:file:///etc/passwd",
                  "crypto+file:///etc/passwd", "async:file:///etc/passwd", "cache:http://127.0.0.1:9/s.ts",
                  "gopher://127.0.0.1:9/s.ts", "rtmp://127.0.0.1:9/a/b", "udp://127.0.0.1:9", "pipe:0"}) {
    tiny_server server{[to](const std::string&) { return playlist(to); }};
    BOOST_TEST(!demuxer::open(allowed(server.url("/x.m3u8")), never).has_value(), to);
  }
}

BOOST_AUTO_TEST_CASE(a_file_is_read_below_the_roots_only) {
  auto folder = fs::path{temporary("roots")};
  fs::create_directories(folder / "media");
  fs::create_directories(folder / "private");
  for (auto x : {"media", "private"})
    fs::copy_file(write_file(film(), "mpegts", "roots.ts", moved(900'000)), folder / x / "s.ts",
                  fs::copy_options::overwrite_existing);
  auto media = (folder / "media").string();
  auto open = [&](const std::string& path) { return allowed(path, media); };
  BOOST_TEST(read_all(open(media + "/s.ts")).video().size() == 75u);
  BOOST_TEST(read_all(open("file:" + media + "/s.ts")).video().size() == 75u);
  fs::remove(folder / "media/link.ts");
  fs::create_symlink(folder / "private/s.ts", folder / "media/link.ts");
  for (auto& path :
       {(folder / "private/s.ts").string(), media + "/link.ts", media + "/../private/s.ts", std::string{"/etc/passwd"},
        std::string{"/etc/none"}, "file:" + (folder / "private/s.ts").string()})
    check_refused(open(path), "paths.read");
  // A playlist among our files reaches the same folders, and no network.
  auto list = [&](const std::string& place) {
    auto path = media + "/list.m3u8";
    std::ofstream{path} << "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:3,\n" << place << "\n#EXT-X-ENDLIST\n";
    return open(path);
  };
  BOOST_TEST(read_all(list("s.ts")).video().size() == 75u);
  for (auto& place : {std::string{"../private/s.ts"}, std::string{"link.ts"}, (folder / "private/s.ts").string(),
                      "file://" + (folder / "private/s.ts").string()})
    check_refused(list(place), "paths.read");
  for (auto place : {"http://127.0.0.1:9/s.ts", "concat:s.ts|s.ts", "subfile,,start,0,end,9,,:s.ts"})
    BOOST_TEST(!demuxer::open(list(place), never).has_value(), place);
}

BOOST_AUTO_TEST_CASE(a_movie_opens_none_of_its_data_references) {
  auto folder = fs::path{temporary("reference")};
  fs::create_directories(folder);
  for (auto& place : {std::string{"http://127.0.0.2:9/samples"}, std::string{"/etc/passwd"}}) {
    auto path = (folder / "reference.mov").string();
    std::ofstream{path, std::ios::binary} << with_reference(read_bytes(write_file(film(), "mov", "whole.mov")), place);
    std::set<std::string> asked;
    connection_rules rules{[&](auto host, auto) {
                             asked.emplace(host);
                             return std::string{"no connection is expected"};
                           },
                           [](auto&) { return std::string{}; }};
    std::string refusal;
    resolver_guard guard{&rules, refusal};
    (void)demuxer::open(from(path), never);
    BOOST_TEST(asked.empty());
  }
}

BOOST_AUTO_TEST_SUITE_END()
