// Which format a player gets at an address that names none: `?format=` before what it accepts, that before its name.
#include "http/delivery_format.hpp"

#include <boost/test/unit_test.hpp>

#include <string>

using namespace troupe::http;

BOOST_AUTO_TEST_SUITE(delivery_format_test)

namespace {

constexpr const char* safari =
  "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Safari/605.1.15";
constexpr const char* browser_accepts = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

std::string chosen(const std::string& query, const std::string& accept, const std::string& agent) {
  auto x = choose_format(query, accept, agent);
  return x ? std::string{to_string(*x)} : x.error();
}

} // namespace

BOOST_AUTO_TEST_CASE(the_query_decides_before_everything_else) {
  BOOST_TEST(chosen("format=dash", "video/mp2t", "VLC/3.0.20 LibVLC/3.0.20") == "dash");
  BOOST_TEST(chosen("a=b&format=ts", "application/dash+xml", safari) == "ts");
  BOOST_TEST(chosen("format=hls", {}, {}) == "hls");
  BOOST_TEST(chosen("format=ll-hls", {}, {}) == "hls");
  for (auto* x : {"format=", "format=mp4", "format=HLS", "format=hls%00"})
    BOOST_TEST(chosen(x, {}, {}).find("allowed is") != std::string::npos, x);
  BOOST_TEST(chosen("format=%zz", {}, {}).find("malformed") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(what_the_player_accepts_decides_before_its_name) {
  BOOST_TEST(chosen({}, "application/dash+xml", "VLC/3.0.20") == "dash");
  BOOST_TEST(chosen({}, "Application/Vnd.Apple.MpegURL", "VLC/3.0.20") == "hls");
  BOOST_TEST(chosen({}, "audio/x-mpegurl, */*", "VLC/3.0.20") == "hls");
  BOOST_TEST(chosen({}, "video/mp2t", safari) == "ts");
  BOOST_TEST(chosen({}, "application/dash+xml;q=0.5, application/x-mpegurl;q=0.8", safari) == "hls");
  BOOST_TEST(chosen({}, "application/dash+xml ; q=1.0 , application/x-mpegurl ; q=0.999", safari) == "dash");
  BOOST_TEST(chosen({}, "application/dash+xml, application/x-mpegurl", safari) == "dash");
  BOOST_TEST(chosen({}, "application/dash+xml;q=0", safari) == "hls");
  BOOST_TEST(chosen({}, "application/dash+xml;q=0.", safari) == "hls");
  for (auto* useless : {browser_accepts, "*/*", "video/*", ",;,;q=", ";;;q=x", "dash"})
    BOOST_TEST(chosen({}, useless, "VLC/3.0.20") == "ts", useless);
}

BOOST_AUTO_TEST_CASE(a_player_is_known_by_its_name) {
  const std::pair<const char*, const char*> cases[] = {
    {safari, "hls"},
    {"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36", "hls"},
    {"AppleCoreMedia/1.0.0.21F79 (iPhone; U; CPU OS 17_5 like Mac OS X; en_us)", "hls"},
    {"Roku/DVP-12.5 (12.5.0.4178-88)", "hls"},
    {"ExoPlayerDemo/2.19.1 (Linux;Android 14) ExoPlayerLib/2.19.1", "hls"},
    {"VLC/3.0.20 LibVLC/3.0.20", "ts"},
    {"libmpv", "ts"},
    {"Lavf/59.27.100", "ts"},
    {"Kodi/20.2 (X11; Linux x86_64) Ubuntu/22.04 App_Bitness/64 Version/20.2", "ts"},
    {"Mozilla/5.0 (QtEmbedded; U; Linux; C) AppleWebKit/533.3 (KHTML, like Gecko) MAG200 stbapp ver: 2 rev: 250 "
     "Safari/533.3",
     "ts"},
    {"Plex Media Server", "ts"},
    {"curl/8.5.0", "ts"},
    {"", "ts"},
  };
  for (auto& [agent, format] : cases)
    BOOST_TEST(chosen({}, browser_accepts, agent) == format, agent);
  BOOST_TEST(chosen({}, {}, std::string(100'000, 'x') + "Mozilla/") == "ts");
}

BOOST_AUTO_TEST_SUITE_END()
