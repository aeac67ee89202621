// Goal: sources that cannot or must not be read are refused in time and with the reason, and remote sources are read
// like local ones. Method: files that are not media, limits that are reached, and loopback servers that send what real
// ones send, or nothing.
#include "encoder/source/demuxer.hpp"

#include "clip.hpp"
#include "reading.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <random>
#include <thread>

using namespace troupe::av;
using namespace troupe::av::test;

BOOST_AUTO_TEST_SUITE(source_test)

namespace {

const clip& plain() {
  static const auto instance = make_clip({});
  return instance;
}

std::string http(const std::string& type, const std::string& body, bool sized = true) {
  auto result = "HTTP/1.1 200 OK\r\nContent-Type: " + type + "\r\nConnection: close\r\n";
  if (sized)
    result += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  return result + "\r\n" + body;
}

} // namespace

BOOST_AUTO_TEST_CASE(what_is_not_media_is_named) {
  auto html = failure(from(write_bytes("page.ts", "<!DOCTYPE html><html><body>Not found</body></html>")));
  BOOST_TEST(static_cast<int>(html.code) == static_cast<int>(errc::media));
  BOOST_TEST(html.what.find("HTML") != std::string::npos);
  auto empty = failure(from(write_bytes("empty.ts", "")));
  BOOST_TEST(empty.what.find("empty") != std::string::npos);
  BOOST_TEST(empty.terminal());
  auto missing = failure(from(temporary("missing.ts")));
  BOOST_TEST(static_cast<int>(missing.code) == static_cast<int>(errc::absent));
  BOOST_TEST(missing.terminal());
  BOOST_TEST(missing.what.find("No such file") != std::string::npos);
  BOOST_TEST(failure(from("/")).what.find("not a regular file") != std::string::npos);
  BOOST_TEST(failure(from("/dev/zero")).terminal());
  BOOST_TEST(failure(from(std::string(100'000, 'x'))).terminal());
  clip_settings settings;
  settings.global_header = true;
  auto mp4 = read_bytes(write_file(make_clip(settings), "mp4", "cut.mp4"));
  BOOST_TEST(failure(from(write_bytes("cut.mp4", mp4.substr(0, mp4.size() / 2)))).what.find("cut off")
             != std::string::npos);
  std::mt19937 random{3};
  std::string noise(200'000, '\0');
  for (auto& x : noise)
    x = static_cast<char>(random());
  BOOST_TEST(failure(from(write_bytes("noise.ts", noise))).terminal());
}

BOOST_AUTO_TEST_CASE(schemes_and_options_beyond_the_lists_are_refused) {
  for (const auto* url : {"gopher://127.0.0.1/x", "ftp://127.0.0.1/x", "sftp://127.0.0.1/x", "unix:///tmp/x"})
    BOOST_TEST(static_cast<int>(failure(from(url)).code) == static_cast<int>(errc::option));
  // A libav* protocol without slashes is treated as a file name.
  for (const auto* url : {"concat:/etc/passwd|/etc/hosts", "subfile,,start,0,end,9,,:/etc/passwd", "pipe:0", "data:,x"})
    BOOST_TEST(failure(from(url)).what.find("No such file") != std::string::npos);
  auto options = from(write_file(plain(), "mpegts", "options.ts", moved(900'000)));
  options.options = {{"protocol_whitelist", "file,http"}};
  BOOST_TEST(static_cast<int>(failure(options).code) == static_cast<int>(errc::option));
  options.options = {{"user_agent", "x"}};
  BOOST_TEST(failure(options).what.find("does not apply") != std::string::npos);
  options.options = {{"probesize", "1000000"}};
  BOOST_TEST(demuxer::open(options, never).has_value());
}

BOOST_AUTO_TEST_CASE(errors_never_show_a_password) {
  auto x = failure(from("http://user:s3cret@127.0.0.1:1/live?token=s3cret"));
  BOOST_TEST(x.what.find("s3cret") == std::string::npos);
  BOOST_TEST(x.what.find("127.0.0.1:1/live") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_remote_playlist_cannot_read_local_files) {
  auto local = write_file(plain(), "mpegts", "private.ts", moved(900'000));
  tiny_server server{[&](const std::string&) {
    return http("application/vnd.apple.mpegurl", "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:3,\nfile://" + local
                                                   + "\n#EXTINF:3,\n" + local + "\n#EXT-X-ENDLIST\n");
  }};
  auto source = demuxer::open(from(server.url("/x.m3u8")), never);
  BOOST_TEST(!source);
}

BOOST_AUTO_TEST_CASE(hls_is_read_over_http) {
  auto segment = read_bytes(write_file(plain(), "mpegts", "segment.ts", moved(900'000)));
  tiny_server server{[&](const std::string& path) {
    if (path == "/x.m3u8")
      return http("application/vnd.apple.mpegurl",
                  "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:3,\ns.ts\n#EXT-X-ENDLIST\n");
    return http("video/mp2t", segment);
  }};
  auto source = demuxer::open(from(server.url("/x.m3u8")), never);
  BOOST_REQUIRE_MESSAGE(source, (source ? "" : source.error().what));
  BOOST_TEST(!source->is_live());
  BOOST_TEST(read_all(*source).video().size() == 75u);
}

BOOST_AUTO_TEST_CASE(a_playlist_whose_key_cannot_be_read_is_refused) {
  auto segment = read_bytes(write_file(plain(), "mpegts", "segment.ts", moved(900'000)));
  tiny_server server{[&](const std::string& path) {
    if (path == "/x.m3u8")
      return http("application/vnd.apple.mpegurl",
                  "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"key\","
                  "IV=0x00000000000000000000000000000001\n#EXTINF:3,\ns.ts\n#EXT-X-ENDLIST\n");
    return path == "/s.ts" ? http("video/mp2t", segment) : "HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n";
  }};
  auto x = failure(from(server.url("/x.m3u8")));
  BOOST_TEST(static_cast<int>(x.code) == static_cast<int>(errc::media));
  BOOST_TEST(x.what.find("encrypted") != std::string::npos, x.what);
}

BOOST_AUTO_TEST_CASE(a_playlist_that_names_playlists_is_read_and_one_that_names_itself_is_refused) {
  auto segment = read_bytes(write_file(plain(), "mpegts", "segment.ts", moved(900'000)));
  auto master = [](const std::string& a, const std::string& b) {
    return http("application/vnd.apple.mpegurl",
                "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n" + a + "\n#EXT-X-STREAM-INF:BANDWIDTH=2\n" + b + "\n");
  };
  tiny_server server{[&](const std::string& path) {
    if (path == "/good.m3u8")
      return master("a.m3u8", "b.m3u8");
    if (path == "/bad.m3u8")
      return master("bad.m3u8", "bad.m3u8");
    if (path == "/outer.m3u8")
      return master("a.m3u8", "good.m3u8");
    if (path.ends_with(".m3u8"))
      return http("application/vnd.apple.mpegurl",
                  "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:3,\ns.ts\n#EXT-X-ENDLIST\n");
    return http("video/mp2t", segment);
  }};
  auto source = demuxer::open(from(server.url("/good.m3u8")), never);
  BOOST_REQUIRE_MESSAGE(source, (source ? "" : source.error().what));
  BOOST_TEST(read_all(*source).video().size() == 75u);
  auto local = write_bytes("self.m3u8", "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nself.m3u8\n");
  for (auto& url : {server.url("/bad.m3u8"), server.url("/outer.m3u8"), local}) {
    auto x = failure(from(url));
    BOOST_TEST(x.what.find("a playlist of playlists") != std::string::npos, x.what);
    BOOST_TEST(x.terminal());
  }
  BOOST_TEST(server.requests().size() < 20u);
}

BOOST_AUTO_TEST_CASE(a_source_of_one_file_opens_nothing_that_it_names) {
  tiny_server server{[&](const std::string&) {
    return http("application/vnd.apple.mpegurl",
                "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:3,\nother.ts\n#EXT-X-ENDLIST\n");
  }};
  auto options = from(server.url("/x.m3u8"));
  options.one_file = true;
  auto x = failure(options);
  BOOST_TEST(x.what.find("a playlist") != std::string::npos, x.what);
  for (auto& request : server.requests())
    BOOST_TEST(request == "/x.m3u8");
}

BOOST_AUTO_TEST_CASE(http_that_cannot_seek_and_has_no_size_is_live) {
  auto bytes = read_bytes(write_file(plain(), "mpegts", "live.ts", moved(900'000)));
  tiny_server server{[&](const std::string& path) { return http("video/mp2t", bytes, path == "/sized.ts"); }};
  auto live = demuxer::open(from(server.url("/live.ts")), never);
  BOOST_REQUIRE(live);
  BOOST_TEST(live->is_live());
  BOOST_TEST(read_all(*live).video().size() == 75u);
  auto sized = demuxer::open(from(server.url("/sized.ts")), never);
  BOOST_REQUIRE(sized);
  BOOST_TEST(!sized->is_live());
}

BOOST_AUTO_TEST_CASE(html_over_http_and_errors_of_the_server_are_told_apart) {
  tiny_server server{[](const std::string& path) {
    if (path == "/page")
      return http("text/html", "<html><head></head></html>");
    if (path.starts_with("/status/"))
      return "HTTP/1.1 " + path.substr(8) + " No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    return std::string{"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"};
  }};
  auto page = failure(from(server.url("/page")));
  BOOST_TEST(static_cast<int>(page.code) == static_cast<int>(errc::media));
  BOOST_TEST(page.what.find("HTML") != std::string::npos);
  auto gone = failure(from(server.url("/gone")));
  BOOST_TEST(static_cast<int>(gone.code) == static_cast<int>(errc::absent));
  BOOST_TEST(gone.what.find("404") != std::string::npos);
  for (const auto* status : {"401", "403", "410", "451"}) {
    auto x = failure(from(server.url(std::string{"/status/"} + status)));
    BOOST_TEST(x.terminal(), status);
    BOOST_TEST(x.what.find(status) != std::string::npos, x.what);
  }
  for (const auto* status : {"408", "429", "500", "503"})
    BOOST_TEST(!failure(from(server.url(std::string{"/status/"} + status))).terminal(), status);
}

BOOST_AUTO_TEST_CASE(a_silent_server_costs_the_timeout_and_no_more) {
  tiny_server server{[](const std::string&) { return std::string{"hang"}; }};
  auto options = from(server.url("/x.ts"));
  options.open_timeout = std::chrono::milliseconds{300};
  auto begin = std::chrono::steady_clock::now();
  auto x = failure(options);
  BOOST_TEST(static_cast<int>(x.code) == static_cast<int>(errc::timeout));
  BOOST_TEST((std::chrono::steady_clock::now() - begin < std::chrono::seconds{3}));
}

BOOST_AUTO_TEST_CASE(the_caller_can_stop_an_open) {
  tiny_server server{[](const std::string&) { return std::string{"hang"}; }};
  std::atomic<bool> stop{false};
  std::thread other{[&] {
    while (server.requests().empty())
      std::this_thread::yield();
    stop = true;
  }};
  auto x = demuxer::open(from(server.url("/x.ts")), stop);
  other.join();
  BOOST_REQUIRE(!x);
  BOOST_TEST(static_cast<int>(x.error().code) == static_cast<int>(errc::interrupted));
}

BOOST_AUTO_TEST_CASE(too_many_streams_are_refused) {
  auto options = from(write_file(plain(), "mpegts", "many.ts", moved(900'000)));
  options.streams_max = 1;
  BOOST_TEST(static_cast<int>(failure(options).code) == static_cast<int>(errc::limit));
}

BOOST_AUTO_TEST_SUITE_END()
