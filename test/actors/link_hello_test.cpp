// The first bytes of a node without TLS, byte by byte: which bytes are refused, and how long a handshake may be.
#include "actors/cluster/link_hello.hpp"

#include <boost/test/unit_test.hpp>

#include <array>
#include <span>

using namespace troupe;

BOOST_AUTO_TEST_SUITE(link_hello_test)

namespace {

/// A client's handshake with a payload of that size.
std::array<std::byte, hello_header_bytes> hello(uint32_t payload) {
  std::array<std::byte, hello_header_bytes> result{};
  result[0] = std::byte{1};
  for (size_t i = 0; i < 4; ++i)
    result[4 + i] = static_cast<std::byte>(payload >> (24 - 8 * i));
  return result;
}

} // namespace

BOOST_AUTO_TEST_CASE(a_handshake_tells_its_size) {
  BOOST_TEST(hello_bytes(hello(1)).value() == hello_header_bytes + 1);
  BOOST_TEST(hello_bytes(hello(300)).value() == hello_header_bytes + 300);
}

BOOST_AUTO_TEST_CASE(half_a_header_is_none) {
  auto x = hello(40);
  BOOST_TEST(!hello_bytes(std::span{x}.first(hello_header_bytes - 1)));
}

BOOST_AUTO_TEST_CASE(a_payload_that_is_empty_or_longer_than_any_node_sends_is_refused) {
  BOOST_TEST(!hello_bytes(hello(0)));
  BOOST_TEST(hello_bytes(hello(hello_bytes_max - hello_header_bytes)).value() == hello_bytes_max);
  BOOST_TEST(!hello_bytes(hello(hello_bytes_max - hello_header_bytes + 1)));
  BOOST_TEST(!hello_bytes(hello(0xffffffff)));
}

BOOST_AUTO_TEST_CASE(other_operations_and_addresses_are_refused) {
  auto x = hello(40);
  x[0] = std::byte{2};
  BOOST_TEST(!hello_bytes(x));
  for (size_t i = 8; i < hello_header_bytes; ++i) {
    x = hello(40);
    x[i] = std::byte{1};
    BOOST_TEST(!hello_bytes(x));
  }
}

BOOST_AUTO_TEST_SUITE_END()
