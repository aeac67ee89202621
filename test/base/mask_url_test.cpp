// Goal: a source's credentials are never shown, and the parts that identify it remain. Method: URLs as users write
// them, with secrets in the places where they occur in practice.
#include "base/mask_url.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <utility>

using namespace troupe::base;

BOOST_AUTO_TEST_SUITE(mask_url_test)

BOOST_AUTO_TEST_CASE(an_operator_sees_which_source_it_is_and_nothing_that_opens_it) {
  const std::pair<std::string, std::string> cases[] = {
    {"http://a:b@c@host:80/x.ts", "http://***@host:80/x.ts"},
    {"http://host/a@b?Passwd=1&q=2&plain&=&", "http://host/a@b?Passwd=***&q=***&***&=&"},
    {"http://host/x?S3CRET", "http://host/x?***"},
    {"http://host?x=1#fragment", "http://host?x=***#***"},
    {"http://host/x.ts?a=http://u:p@other/?b=c", "http://host/x.ts?a=***"},
    {"http://tv.example/live/ann/hunter2/77.ts", "http://tv.example/live/***/***/77.ts"},
    {"http://tv.example/x/movie/ann/hunter2/77.mp4", "http://tv.example/x/movie/***/***/77.mp4"},
    {"http://tv.example:8080/ann/hunter2/77", "http://tv.example:8080/***/***/77"},
    {"http://tv.example/live/news/index.m3u8", "http://tv.example/live/news/index.m3u8"},
    {"https://cdn.example/hdnts=exp=1~hmac=abc/x.m3u8", "https://cdn.example/hdnts=***/x.m3u8"},
    {"rtmp://host/app/KEY-1234", "rtmp://host/app/***"},
    {"rtmps://host/app", "rtmps://host/app"},
    {"srt://host:1?passphrase=geheim&streamid=x", "srt://host:1?passphrase=***&streamid=***"},
    {"udp://@239.0.0.1:5000", "udp://***@239.0.0.1:5000"},
    {"/srv/a@b?x=1.ts", "/srv/a@b?x=1.ts"},
    {"", ""},
  };
  for (auto& [url, shown] : cases)
    BOOST_TEST(mask_url(url) == shown);
}

BOOST_AUTO_TEST_CASE(passwords_that_hold_what_ends_them_are_hidden) {
  const std::pair<std::string, std::string> cases[] = {
    {"http://user:p/SECRET@host/x.ts", "http://***@host/x.ts"},
    {"http://user:p/SECRET@host:80/x.ts?a=b@c", "http://***@host:80/x.ts?a=***"},
    {"http://p/w:SECRET@host/x.ts", "http://***@host/x.ts"},
    {"http://user:p/w@SECRET@host", "http://***@host"},
    {"http://user:p@w/SECRET@host", "http://***@host"},
    {"http://user:SECRET?w@host/x", "http://***@host/x"},
    {"http://user:SECRET#w@host?x=1", "http://***@host?x=***"},
    {"http://user:SECRET?w=x@host", "http://***@host"},
    {"http://user:p@w/SECRET?x@host", "http://***@***"},
    {"http://[:p/SECRET@host", "http://***@host"},
    // These cannot be told from a host with its port.
    {"http://user:12/SECRET@host/x", "http://user:12/***@host/x"},
    {"http://user:12/SECRET?x@host", "http://user:12/***"},
    {"http://user:/SECRET#x@host", "http://user:/***"},
  };
  for (auto& [url, shown] : cases) {
    BOOST_TEST(mask_url(url) == shown);
    BOOST_TEST(mask_url(shown) == shown);
    BOOST_TEST(host_of_url(url).find("SECRET") == std::string::npos, url);
  }
  BOOST_TEST(host_of_url("http://user:p/SECRET@host/x") == "http://host");
}

BOOST_AUTO_TEST_CASE(an_at_sign_alone_makes_no_password) {
  for (std::string url :
       {"http://host/a@b", "http://[::1]/a@b", "http://host/a:b", "file:///srv/a:b@c.ts", "file:///srv/films/5.mkv"})
    BOOST_TEST(mask_url(url) == url);
  BOOST_TEST(mask_url("http://host:80/x?mail=a@b") == "http://host:80/x?mail=***");
  BOOST_TEST(mask_url("http://u:p@host/x?mail=a@b") == "http://***@host/x?mail=***");
  BOOST_TEST(mask_url("http://[::1]:80/x?from=12:00&mail=a@b") == "http://[::1]:80/x?from=***&mail=***");
}

BOOST_AUTO_TEST_CASE(a_viewer_sees_the_host_alone) {
  BOOST_TEST(host_of_url("http://ann:hunter2@host:80/live/x?token=1") == "http://host:80");
  BOOST_TEST(host_of_url("/srv/a.ts") == "/srv/a.ts");
  BOOST_TEST(only_hosts("open the source rtmp://h/app/KEY: Connection refused")
             == "open the source rtmp://h: Connection refused");
}

BOOST_AUTO_TEST_CASE(urls_are_found_wherever_they_stand_in_a_text) {
  BOOST_TEST(mask_urls("Opening 'http://h/x?token=1' for reading, then (https://u:p@h2/y).")
             == "Opening 'http://h/x?token=***' for reading, then (https://***@h2/y).");
  BOOST_TEST(mask_urls("[hls @ 0x1] http://h/a?b=c, http://h/d?e=f: gone")
             == "[hls @ 0x1] http://h/a?b=***, http://h/d?e=***: gone");
  BOOST_TEST(mask_urls("no address :// here") == "no address :// here");
  BOOST_TEST(mask_urls("://x?y=z") == "://x?y=***");
  BOOST_TEST(mask_urls("").empty());
  BOOST_TEST(mask_query("/api/v1/jobs/1/result?attempt=1.2-abc&x=1") == "/api/v1/jobs/1/result?attempt=***&x=***");
  BOOST_TEST(mask_query("/api/v1/jobs") == "/api/v1/jobs");
}

BOOST_AUTO_TEST_CASE(keys_are_masked_wherever_they_stand_in_a_text) {
  const std::string key = "trp_" + std::string(60, 'a');
  BOOST_TEST(mask_urls("there is no key " + key + "; see " + key) == "there is no key trp_***; see trp_***");
  BOOST_TEST(mask_urls("trp_0123456789") == "trp_***");
  BOOST_TEST(mask_urls("send a key as 'Authorization: Bearer trp_...'")
             == "send a key as 'Authorization: Bearer trp_...'");
  BOOST_TEST(mask_urls("trp_") == "trp_");
  BOOST_TEST(mask_query("/api/v1/keys/" + key + "?a=" + key) == "/api/v1/keys/trp_***?a=***");
  BOOST_TEST(mask_urls("http://host/" + key) == "http://host/trp_***");
}

BOOST_AUTO_TEST_CASE(what_a_header_proves_is_masked) {
  const std::string ticket(64, '7');
  BOOST_TEST(mask_urls("Authorization: Bearer " + ticket + "\r\nIf-Match: x")
             == "Authorization: Bearer ***\r\nIf-Match: x");
  BOOST_TEST(mask_urls("'Bearer abc-._~+/=0123456789' twice: Bearer " + ticket) == "'Bearer ***' twice: Bearer ***");
  BOOST_TEST(mask_urls("Bearer token") == "Bearer token");
}

BOOST_AUTO_TEST_SUITE_END()
