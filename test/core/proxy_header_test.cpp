// Headers of the PROXY protocol: good ones of both versions, in pieces of every size, and hostile ones.
#include "core/trust/proxy_header.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

using namespace troupe::core;
using namespace std::string_literals;

namespace proxy_header_test {
namespace {

using state = proxy_header::state;

const std::string signature = "\r\n\r\n\0\r\nQUIT\n"s;

std::string be16(size_t x) {
  return {static_cast<char>(x >> 8), static_cast<char>(x & 0xff)};
}

/// Version 2, with a length that fits.
std::string binary(char command, char family, const std::string& body) {
  return signature + command + family + be16(body.size()) + body;
}

const std::string v4_addresses = "\xC0\x00\x02\x01\x0A\x00\x00\x01"s + be16(56324) + be16(443);
const std::string v6_addresses =
  "\x20\x01\x0d\xb8"s + std::string(11, '\0') + "\x07" + std::string(15, '\0') + "\x01" + be16(1) + be16(65535);

proxy_header read(const std::string& text) {
  return read_proxy_header({reinterpret_cast<const uint8_t*>(text.data()), text.size()});
}

/// The header is read as a whole, with something behind it, and in pieces; what it says.
proxy_header good(const std::string& header) {
  for (size_t n = 0; n < header.size(); ++n)
    BOOST_TEST((read(header.substr(0, n)).what == state::more), "after " << n << " bytes of " << header);
  auto result = read(header);
  BOOST_TEST((result.what == state::done));
  BOOST_TEST(result.size == header.size());
  for (auto& more : {"GET / HTTP/1.1\r\n"s, "\x16\x03\x01"s, "\r\n"s, header})
    BOOST_TEST((read(header + more) == result));
  return result;
}

std::string from(const proxy_header& x) {
  return x.from ? to_text(*x.from) + " " + std::to_string(x.port) : "-";
}

bool is_bad(const std::string& text) {
  return read(text).what == state::bad;
}

} // namespace
} // namespace proxy_header_test

BOOST_AUTO_TEST_SUITE(proxy_header_test)

BOOST_AUTO_TEST_CASE(a_line_names_the_client) {
  BOOST_TEST(from(good("PROXY TCP4 192.0.2.1 10.0.0.1 56324 443\r\n")) == "192.0.2.1 56324");
  BOOST_TEST(from(good("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n")) == "255.255.255.255 65535");
  BOOST_TEST(from(good("PROXY TCP6 2001:db8::7 ::1 0 443\r\n")) == "2001:db8::7 0");
  BOOST_TEST(from(good("PROXY UNKNOWN\r\n")) == "-");
  BOOST_TEST(from(good("PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n")) == "-");
  // The longest line of the protocol.
  std::string longest = "PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535";
  longest.resize(proxy_line_bytes_max - 2, ' ');
  BOOST_TEST(from(good(longest + "\r\n")) == "-");
}

BOOST_AUTO_TEST_CASE(a_binary_header_names_the_client) {
  BOOST_TEST(from(good(binary(0x21, 0x11, v4_addresses))) == "192.0.2.1 56324");
  BOOST_TEST(from(good(binary(0x21, 0x21, v6_addresses))) == "2001:db8::7 1");
  // A proxy that asks whether we live speaks for itself.
  BOOST_TEST(from(good(binary(0x20, 0x00, {}))) == "-");
  BOOST_TEST(from(good(binary(0x20, 0x11, v4_addresses))) == "-");
  BOOST_TEST(from(good(binary(0x21, 0x00, {}))) == "-");
  BOOST_TEST(from(good(binary(0x21, 0x31, std::string(216, 'x')))) == "-");
}

BOOST_AUTO_TEST_CASE(further_fields_are_skipped) {
  auto with_checksum = v4_addresses + "\x03\x00\x04\xff\xff\xff\xff"s;
  BOOST_TEST(from(good(binary(0x21, 0x11, with_checksum))) == "192.0.2.1 56324");
  auto most = v4_addresses;
  most.resize(proxy_header_bytes_max - 16, '\xff');
  BOOST_TEST(from(good(binary(0x21, 0x11, most))) == "192.0.2.1 56324");
}

BOOST_AUTO_TEST_CASE(hostile_lines_are_refused) {
  for (auto& line : {
         "PROXY TCP4 192.0.2.1 10.0.0.1 56324 443\n"s,       // no carriage return
         "PROXY TCP4 192.0.2.1 10.0.0.1 56324\r\n"s,         // a port is missing
         "PROXY TCP4 192.0.2.1 10.0.0.1 56324 443 9\r\n"s,   // one too many
         "PROXY TCP4  192.0.2.1 10.0.0.1 56324 443\r\n"s,    // two blanks
         "PROXY TCP4 192.0.2.1 10.0.0.1 56324 443 \r\n"s,    // a blank at the end
         "PROXY TCP4 192.0.2.1\t10.0.0.1 56324 443\r\n"s,    // another blank
         "PROXY TCP4 192.0.2.1 10.0.0.1 65536 443\r\n"s,     // no port
         "PROXY TCP4 192.0.2.1 10.0.0.1 -1 443\r\n"s,        //
         "PROXY TCP4 192.0.2.1 10.0.0.1 +1 443\r\n"s,        //
         "PROXY TCP4 192.0.2.1 10.0.0.1 080 443\r\n"s,       //
         "PROXY TCP4 192.0.2.1 10.0.0.1 0x50 443\r\n"s,      //
         "PROXY TCP4 192.0.2.256 10.0.0.1 1 443\r\n"s,       // no address
         "PROXY TCP4 192.0.2 10.0.0.1 1 443\r\n"s,           //
         "PROXY TCP4 192.0.2.1:80 10.0.0.1 1 443\r\n"s,      // an address with a port
         "PROXY TCP4 2001:db8::7 ::1 1 443\r\n"s,            // an address of the other kind
         "PROXY TCP6 192.0.2.1 10.0.0.1 1 443\r\n"s,         //
         "PROXY TCP6 [2001:db8::7] ::1 1 443\r\n"s,          // brackets
         "PROXY TCP6 fe80::1%eth0 ::1 1 443\r\n"s,           // a scope
         "PROXY tcp4 192.0.2.1 10.0.0.1 1 443\r\n"s,         // small letters
         "PROXY TCP5 192.0.2.1 10.0.0.1 1 443\r\n"s,         // a kind that does not exist
         "PROXY UNKNOWNER\r\n"s,                             //
         "PROXY \r\n"s,                                      // nothing
         "PROXY TCP4 192.0.2.1 10.0.0.1 1 443\r\r\n"s,       //
         "PROXY UNKNOWN\0\r\n"s,                             //
         "PROXY UNKNOWN "s + std::string(200, 'x'),          // no end
         "PROXY UNKNOWN "s + std::string(92, 'x') + "\r\n"s, // one byte too long
         "proxy TCP4 192.0.2.1 10.0.0.1 1 443\r\n"s,         // another begin
         "GET / HTTP/1.1\r\n"s,
         "\x16\x03\x01\x02\x00"s,
         " "s, //
       })
    BOOST_TEST(is_bad(line), line);
}

BOOST_AUTO_TEST_CASE(hostile_binary_headers_are_refused) {
  for (auto& header : {
         signature + "\x11\x11"s,                        // another version
         signature + "\x22\x11"s,                        // a command that does not exist
         signature + "\x21\x12"s,                        // a datagram
         signature + "\x21\x22"s,                        //
         signature + "\x21\x41"s,                        // a family that does not exist
         binary(0x21, 0x11, v4_addresses.substr(1)),     // no room for the addresses
         binary(0x21, 0x21, v4_addresses),               //
         binary(0x21, 0x11, {}),                         //
         signature + "\x21\x11"s + be16(0xffff),         // too long
         signature + "\x21\x11"s + be16(4096 - 16 + 1),  //
         "\r\n\r\n\0\r\nQUIT\r"s,                        // another signature
         "\r\nPROXY TCP4 192.0.2.1 10.0.0.1 1 443\r\n"s, //
       })
    BOOST_TEST(is_bad(header));
}

BOOST_AUTO_TEST_CASE(no_byte_of_the_signature_or_the_fixed_fields_may_be_another) {
  auto header = binary(0x21, 0x11, v4_addresses);
  for (size_t at = 0; at < 12; ++at)
    for (int other = 0; other < 256; ++other) {
      auto changed = header;
      changed[at] = static_cast<char>(other);
      BOOST_TEST((is_bad(changed) == (changed != header)));
    }
}

BOOST_AUTO_TEST_SUITE_END()
