// Goal: a URL reaches what the rules allow and nothing else, in whatever spelling. Method: tables of URLs and addresses
// with the reason of each refusal.
#include "core/trust/address_kind.hpp"
#include "core/trust/url_policy.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace troupe::core;

namespace url_policy_test {
namespace {

struct row {
  std::string_view url;
  std::string_view reason; ///< a part of it; empty: allowed
};

void check(const url_policy& policy, url_use use, const std::vector<row>& rows) {
  for (auto& x : rows) {
    auto why = policy.refusal(use, x.url);
    auto as_told = x.reason.empty() ? why.empty() : why.find(x.reason) != std::string::npos;
    BOOST_TEST(as_told, x.url << ": \"" << why << "\", not \"" << x.reason << "\"");
  }
}

std::string refusal_of(const url_policy& policy, const char* address) {
  return policy.refusal_of(network::parse(address).value().address);
}

} // namespace
} // namespace url_policy_test

BOOST_AUTO_TEST_SUITE(url_policy_test)

BOOST_AUTO_TEST_CASE(sources_of_a_home_are_allowed) {
  check({}, url_use::source,
        {
          {"http://tv.example/live/1.ts", ""},
          {"https://user:pa@ss@tv.example:8443/a?b=c", ""},
          {"http://192.168.1.20:5004/auto/v5.1", ""},
          {"rtsp://admin:secret@10.0.0.7/stream1", ""},
          {"rtmp://172.16.3.4/app/key", ""},
          {"http://[fd12:3456::1]:8080/x", ""},
          {"srt://198.51.100.4:9000?mode=caller", ""},
          {"srt://:9000?mode=listener", ""},
          {"srt://0.0.0.0:9000?mode=listener", ""},
          {"udp://239.1.2.3:1234", ""},
          {"udp://@239.1.2.3:1234", ""},
          {"udp://@:1234", ""},
          {"rtp://[ff15::1]:5004", ""},
          {"HTTP://TV.Example./x", ""},
          {"http://tv.example/a film.mkv", ""},
        });
}

BOOST_AUTO_TEST_CASE(places_of_the_machine_and_of_clouds_are_refused) {
  constexpr std::string_view loopback = "urls.loopback";
  constexpr std::string_view link_local = "link-local";
  constexpr std::string_view metadata = "metadata";
  constexpr std::string_view nothing = "names no machine";
  check({}, url_use::source,
        {
          {"http://127.0.0.1/", loopback},
          {"http://127.200.3.4:8080/", loopback},
          {"http://user@127.0.0.1/", loopback},
          {"http://tv.example@127.0.0.1/", loopback},
          {"http://tv.example:80@127.0.0.1:80/", loopback},
          {"http://127.0.0.1.:80/", loopback},
          {"http://localhost/", loopback},
          {"http://LOCALHOST.:80/", loopback},
          {"http://a.localhost/", loopback},
          {"http://[::1]/", loopback},
          {"http://[0:0:0:0:0:0:0:1]:80/", loopback},
          {"http://[::ffff:127.0.0.1]/", loopback},
          {"http://[::ffff:7f00:1]/", loopback},
          {"http://[::127.0.0.1]/", loopback},
          {"http://[::ffff:0:127.0.0.1]/", loopback},
          {"http://[64:ff9b::127.0.0.1]/", loopback},
          {"http://[64:ff9b:1::7f00:1]/", loopback},
          {"http://[2002:7f00:1::]/", loopback},
          {"http://[2001:0:7f00:1::]/", loopback},
          {"http://[2001:0:c000:201::80ff:fffe]/", loopback},
          {"http://[2001:db8::5efe:7f00:1]/", loopback},
          {"rtsp://127.0.0.1/x", loopback},
          {"srt://127.0.0.1:9000", loopback},
          {"udp://127.0.0.1:1234", loopback},
          {"http://169.254.7.7/", link_local},
          {"http://[fe80::1]/", link_local},
          {"http://[fe80::1%25eth0]/", link_local},
          {"http://[febf::1]/", link_local},
          {"http://169.254.169.254/latest/meta-data/", metadata},
          {"http://169.254.170.2/v2/credentials", metadata},
          {"http://100.100.100.200/", metadata},
          {"http://168.63.129.16/", metadata},
          {"http://192.0.0.192/", metadata},
          {"http://[fd00:ec2::254]/", metadata},
          {"http://[fd20:ce::254]/", metadata},
          {"http://[::ffff:a9fe:a9fe]/", metadata},
          {"http://[64:ff9b::a9fe:a9fe]/", metadata},
          {"http://[2002:a9fe:a9fe::1]/", metadata},
          {"http://0.0.0.0/", nothing},
          {"http://0.1.2.3/", nothing},
          {"http://[::]/", nothing},
          {"srt://0.0.0.0:9000", nothing},
          {"http://224.0.0.1/", "multicast"},
          {"http://[ff02::1]/", "multicast"},
          {"http://255.255.255.255/", "reserved"},
          {"http://240.0.0.1/", "reserved"},
          {"http://192.0.0.8/", "reserved"},
        });
}

BOOST_AUTO_TEST_CASE(other_spellings_are_refused) {
  constexpr std::string_view number = "host is a number";
  constexpr std::string_view letters = "letters, digits";
  constexpr std::string_view control = "control character";
  constexpr std::string_view port = "port must be";
  using namespace std::string_view_literals;
  check({}, url_use::source,
        {
          {"http://2130706433/", number},
          {"http://017700000001/", number},
          {"http://0x7f000001/", number},
          {"http://0X7F.0.0.1/", number},
          {"http://127.1/", number},
          {"http://127.0.0.0x1/", number},
          {"http://0177.0.0.1/", number},
          {"http://1.2.3.4.5/", number},
          {"http://127%2e0%2e0%2e1/", letters},
          {"http://\xe2\x91\xa0.example/", letters},
          {"http://a$b/", letters},
          {"http://[::1/", "bracket"},
          {"http://[tv.example]/", "brackets"},
          {"http://[127.0.0.1]/", "brackets"},
          {"http://[::1]x/", "brackets"},
          {"http://tv.example\\@127.0.0.1/", "backslash"},
          {"http://tv.example @127.0.0.1/", "blank"},
          {"http://tv.example/\r\nHost: x", control},
          {"http://tv.example/a\tb", control},
          {"http://tv.example/a\0b"sv, control},
          {" http://tv.example/", "scheme"},
          {"http://tv.example:0/", port},
          {"http://tv.example:65536/", port},
          {"http://tv.example:80x/", port},
          {"http://tv.example:/", port},
          {"http://tv.example:-1/", port},
          {"http://::1/", port},
          {"http://", "no host"},
          {"http:///etc/passwd", "no host"},
          {"http://user@/x", "no host"},
          {"srt://:9000", "no host"},
          {"tv.example/x", "scheme"},
          {"://tv.example/x", "scheme"},
          {"/etc/passwd", "scheme"},
          {"concat:http://tv.example/a|http://tv.example/b", "scheme"},
          {"subfile,,start,0,end,9,,:http://tv.example/x", "scheme"},
        });
  BOOST_TEST(!url_policy{}.refusal(url_use::source, "http://tv.example/" + std::string(5000, 'x')).empty());
  BOOST_TEST(!url_policy{}.refusal(url_use::source, "http://" + std::string(300, 'x') + "/").empty());
}

BOOST_AUTO_TEST_CASE(schemes_are_those_of_the_use) {
  constexpr std::string_view scheme = "urls.schemes";
  check({}, url_use::source,
        {
          {"file:///etc/passwd", "no host"},
          {"file://host/etc/passwd", scheme},
          {"gopher://tv.example/", scheme},
          {"ftp://tv.example/x", scheme},
          {"sftp://tv.example/x", scheme},
          {"tcp://tv.example:25", scheme},
          {"smb://tv.example/x", scheme},
          {"crypto+http://tv.example/x", scheme},
        });
  check({}, url_use::callback,
        {
          {"https://hooks.example/done", ""},
          {"http://192.168.1.5:8123/api", ""},
          {"rtmp://hooks.example/done", "http or https"},
          {"http://127.0.0.1:8080/api/v1/daemons/w/drain", "urls.loopback"},
          {"http://169.254.169.254/", "metadata"},
        });
  url_rules web;
  web.schemes = {"https"};
  check(url_policy{web}, url_use::source, {{"http://tv.example/", scheme}, {"https://tv.example/", ""}});
  check(url_policy{web}, url_use::callback, {{"http://tv.example/", ""}});
}

BOOST_AUTO_TEST_CASE(rules_widen_and_narrow) {
  url_rules own;
  own.loopback = true;
  check(url_policy{own}, url_use::source,
        {{"http://127.0.0.1/", ""}, {"http://localhost/", ""}, {"http://[::1]/", ""}, {"http://169.254.1.1/", "link"}});
  url_rules closed;
  closed.private_networks = false;
  closed.networks = {"10.1.0.0/16", "169.254.169.254", "127.0.0.1"};
  check(url_policy{closed}, url_use::source,
        {{"http://10.1.2.3/", ""},
         {"http://10.2.2.3/", "urls.private_networks"},
         {"http://100.64.1.1/", "urls.private_networks"},
         {"http://198.18.0.1/", "urls.private_networks"},
         {"http://[fc00::1]/", "urls.private_networks"},
         {"http://[fec0::1]/", "urls.private_networks"},
         {"http://[64:ff9b::10.2.2.3]/", "urls.private_networks"},
         {"http://169.254.169.254/", ""},
         {"http://127.0.0.1/", ""},
         {"http://127.0.0.2/", "urls.loopback"}});
  url_rules few;
  few.hosts = {"TV.example", "cdn.example", "192.168.7.9", "[2001:db8::5]"};
  check(url_policy{few}, url_use::source,
        {{"http://tv.example./x", ""},
         {"http://a.b.cdn.example/x", ""},
         {"http://cdn.example/x", ""},
         {"http://evilcdn.example/x", "urls.hosts"},
         {"http://tv.example.evil/x", "urls.hosts"},
         {"http://tv.example@evil/x", "urls.hosts"},
         {"http://192.168.7.9/x", ""},
         {"http://192.168.8.9/x", "urls.hosts"},
         {"http://[2001:db8::5]/x", ""},
         {"udp://@:1234", ""}});
}

BOOST_AUTO_TEST_CASE(an_address_is_checked_for_what_its_source_may_do) {
  url_policy policy;
  BOOST_TEST(refusal_of(policy, "8.8.8.8").empty());
  BOOST_TEST(refusal_of(policy, "10.0.0.1").empty());
  BOOST_TEST(!refusal_of(policy, "127.0.0.1").empty());
  BOOST_TEST(!refusal_of(policy, "239.1.1.1").empty());
  auto group = network::parse("239.1.1.1").value().address;
  auto any = network::parse("0.0.0.0").value().address;
  auto udp = parse_place("udp://tv.example:1234").value();
  auto caller = parse_place("srt://tv.example:1234").value();
  BOOST_TEST(policy.refusal_of(group, udp).empty());
  BOOST_TEST(policy.refusal_of(any, udp).empty());
  BOOST_TEST(!policy.refusal_of(group, caller).empty());
  BOOST_TEST(!policy.refusal_of(any, caller).empty());
}

BOOST_AUTO_TEST_SUITE_END()
