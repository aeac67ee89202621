// Open connections by node: a revocation ends those of its node.
#include "actors/cluster/link_peers.hpp"
#include "base/descriptor.hpp"

#include <boost/test/unit_test.hpp>

#include <sys/socket.h>

using namespace troupe;

namespace link_peers_test {
namespace {

/// A connection and its other end.
struct pair_of_sockets {
  pair_of_sockets() {
    int ends[2] = {-1, -1};
    BOOST_REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    own = base::descriptor{ends[0]};
    other = base::descriptor{ends[1]};
  }

  bool is_open() const {
    char byte = 0;
    return ::recv(other.get(), &byte, 1, MSG_DONTWAIT) < 0;
  }

  base::descriptor own;
  base::descriptor other;
};

} // namespace
} // namespace link_peers_test

BOOST_AUTO_TEST_SUITE(link_peers_test)

BOOST_AUTO_TEST_CASE(a_revocation_ends_the_connections_of_its_node_and_no_others) {
  auto peers = std::make_shared<link_peers>();
  pair_of_sockets a;
  pair_of_sockets b;
  pair_of_sockets c;
  auto first = peers->add(a.own.get(), "box");
  auto second = peers->add(b.own.get(), "shed");
  auto third = peers->add(c.own.get(), "box");
  // Its number may belong to another connection now.
  third.reset();
  peers->end("box");
  BOOST_TEST(!a.is_open());
  BOOST_TEST(b.is_open());
  BOOST_TEST(c.is_open());
}

BOOST_AUTO_TEST_SUITE_END()
