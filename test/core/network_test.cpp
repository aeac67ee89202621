// Which address a request comes from: networks, proxies, and lies about both.
#include "core/trust/network.hpp"

#include <boost/test/unit_test.hpp>

#include <vector>

using namespace troupe::core;

namespace network_test {
namespace {

std::string behind(const char* peer, std::string_view forwarded, const std::vector<const char*>& trusted) {
  std::vector<network> networks;
  for (auto x : trusted)
    networks.push_back(network::parse(x).value());
  return to_text(client_behind(parse_address(peer).value(), forwarded, networks));
}

} // namespace
} // namespace network_test

BOOST_AUTO_TEST_SUITE(network_test)

BOOST_AUTO_TEST_CASE(addresses_are_read_with_and_without_a_port) {
  BOOST_TEST(to_text(parse_address("192.0.2.1").value()) == "192.0.2.1");
  BOOST_TEST(to_text(parse_address("192.0.2.1:80").value()) == "192.0.2.1");
  BOOST_TEST(to_text(parse_address("2001:db8::1").value()) == "2001:db8::1");
  BOOST_TEST(to_text(parse_address("[2001:db8::1]:80").value()) == "2001:db8::1");
  BOOST_TEST(to_text(parse_address("::ffff:192.0.2.1").value()) == "192.0.2.1");
  for (auto wrong : {"", "192.0.2", "localhost", "[::1", "1.2.3.4.5", "0x7f.1"})
    BOOST_TEST(!parse_address(wrong).has_value());
  BOOST_TEST(is_loopback(parse_address("127.8.9.1").value()));
  BOOST_TEST(is_loopback(parse_address("::1").value()));
  BOOST_TEST(is_loopback(parse_address("::ffff:127.0.0.1").value()));
  BOOST_TEST(!is_loopback(parse_address("128.0.0.1").value()));
}

BOOST_AUTO_TEST_CASE(a_network_of_64_bits_is_one_client) {
  auto name = [](const char* x) { return client_name(parse_address(x).value()); };
  BOOST_TEST(name("2001:db8:1:2:3:4:5:6") == name("2001:db8:1:2::1"));
  BOOST_TEST(name("2001:db8:1:2::1") != name("2001:db8:1:3::1"));
  BOOST_TEST(name("192.0.2.1") != name("192.0.2.2"));
}

BOOST_AUTO_TEST_CASE(a_network_has_the_addresses_of_its_prefix) {
  auto has = [](const char* n, const char* x) { return network::parse(n)->contains(parse_address(x).value()); };
  BOOST_TEST(has("10.0.0.0/8", "10.255.0.1"));
  BOOST_TEST(!has("10.0.0.0/8", "11.0.0.1"));
  BOOST_TEST(has("0.0.0.0/0", "11.0.0.1"));
  BOOST_TEST(!has("0.0.0.0/0", "2001:db8::1"));
  BOOST_TEST(has("10.0.0.1", "10.0.0.1"));
  BOOST_TEST(!has("10.0.0.1", "10.0.0.2"));
  BOOST_TEST(has("2001:db8::/33", "2001:db8:7fff::1"));
  BOOST_TEST(!has("2001:db8::/33", "2001:db8:8000::1"));
  for (auto wrong : {"", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8x", "::/129", "host/8"})
    BOOST_TEST(!network::parse(wrong).has_value());
}

BOOST_AUTO_TEST_CASE(only_what_a_trusted_proxy_said_counts) {
  BOOST_TEST(behind("203.0.113.9", "192.0.2.1", {}) == "203.0.113.9");
  BOOST_TEST(behind("203.0.113.9", "192.0.2.1", {"10.0.0.0/8"}) == "203.0.113.9");
  BOOST_TEST(behind("10.0.0.1", "192.0.2.1", {"10.0.0.0/8"}) == "192.0.2.1");
  BOOST_TEST(behind("10.0.0.1", "", {"10.0.0.0/8"}) == "10.0.0.1");
  // The client sent the first entry itself.
  BOOST_TEST(behind("10.0.0.1", "198.51.100.7, 192.0.2.1", {"10.0.0.0/8"}) == "192.0.2.1");
  BOOST_TEST(behind("10.0.0.1", "198.51.100.7, 192.0.2.1, 10.0.0.2", {"10.0.0.0/8"}) == "192.0.2.1");
  BOOST_TEST(behind("10.0.0.1", "127.0.0.1,192.0.2.1:4711", {"10.0.0.0/8"}) == "192.0.2.1");
  BOOST_TEST(behind("10.0.0.1", "192.0.2.1, unknown", {"10.0.0.0/8"}) == "10.0.0.1");
  BOOST_TEST(behind("10.0.0.1", "192.0.2.1,", {"10.0.0.0/8"}) == "10.0.0.1");
  BOOST_TEST(behind("::1", "2001:db8::7", {"::1"}) == "2001:db8::7");
}

BOOST_AUTO_TEST_SUITE_END()
