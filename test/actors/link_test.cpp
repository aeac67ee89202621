// The cluster port, with strangers on raw sockets and nodes of the cluster. Silence is cut off, nonsense is refused,
// numbers and sizes are bounded, and missing certificates cost no connection. Nodes of the cluster still connect.
#include "actors/cluster/link.hpp"
#include "base/descriptor.hpp"
#include "registered_types.hpp"
#include "telemetry/log.hpp"
#include "test/support/temporary_folder.hpp"

#include <caf/actor_cast.hpp>
#include <caf/actor_system.hpp>
#include <caf/binary_serializer.hpp>
#include <caf/byte_buffer.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/node_id.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>

#include <boost/test/unit_test.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

using namespace troupe;
using namespace std::chrono_literals;

namespace link_test {
namespace {

constexpr auto patience = 10s;

/// A client that is no node.
class stranger {
public:
  explicit stranger(uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    BOOST_REQUIRE(::connect(socket_.get(), reinterpret_cast<sockaddr*>(&to), sizeof to) == 0);
  }

  bool says(const std::string& words) {
    return ::send(socket_.get(), words.data(), words.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(words.size());
  }

  /// Waits until the other side sends something, or closes. False if it does neither in time.
  bool hears(std::chrono::milliseconds span = patience) {
    pollfd what{socket_.get(), POLLIN, 0};
    return ::poll(&what, 1, static_cast<int>(span.count())) > 0;
  }

  /// Waits until the other side has ended the connection.
  bool is_left() {
    char ignored[4096];
    while (hears()) {
      if (::recv(socket_.get(), ignored, sizeof ignored, 0) <= 0)
        return true;
    }
    return false;
  }

private:
  base::descriptor socket_;
};

/// A CA with a certificate for localhost.
struct authority {
  authority() {
    auto made =
      std::system((TROUPE_SOURCE_DIR "/test/support/make_certs.sh '" + folder.path() + "' localhost >/dev/null 2>&1").c_str());
    BOOST_REQUIRE(made == 0);
  }

  link_config link() const {
    link_config result;
    result.port = 0;
    result.ca = folder.path("ca.pem");
    result.certificate = folder.path("localhost.pem");
    result.key = folder.path("localhost.key");
    return result;
  }

  test::temporary_folder folder;
};

/// A node with an actor that others connect to. The log is kept.
struct fixture : registered_types {
  fixture() {
    log::configure(log::level::info, log::format::text, &said);
  }

  ~fixture() {
    published.gate.reset();
    caf::anon_send_exit(coordinator, caf::exit_reason::user_shutdown);
    log::configure(log::level::info, log::format::text);
  }

  uint16_t open(link_config at) {
    at.port = 0;
    auto opened = publish(system, caf::actor_cast<coordinator_actor>(coordinator), at);
    if (!opened)
      BOOST_FAIL(opened.error());
    published = std::move(*opened);
    return published.port;
  }

  /// True if a node with a valid certificate can connect.
  bool gets_in(link_config to) {
    node_system_config its_config{1};
    caf::actor_system its_system{its_config};
    to.port = published.port;
    return static_cast<bool>(connect(its_system, to));
  }

  /// The log so far; the node no longer listens after this call.
  std::string logged() {
    published.gate.reset();
    return said.str();
  }

  std::ostringstream said;
  node_system_config cfg;
  caf::actor_system system{cfg};
  /// Stands in for the coordinator, which is all that `publish` accepts. It returns what it is sent.
  caf::actor coordinator = system.spawn(
    [](caf::event_based_actor*) -> caf::behavior { return {[](std::string& x) { return std::move(x); }}; });
  published_link published;
};

link_config plain(std::chrono::milliseconds handshake_timeout = patience) {
  link_config result;
  result.port = 0;
  result.handshake_timeout = handshake_timeout;
  return result;
}

std::string big_endian(uint64_t x, size_t bytes) {
  std::string result(bytes, '\0');
  for (auto i = bytes; i > 0; --i, x >>= 8)
    result[i - 1] = static_cast<char>(x & 0xff);
  return result;
}

std::string header(char operation, uint32_t length, uint64_t receiver) {
  return std::string{operation, 0, 0, 0} + big_endian(length, 4) + std::string(16, '\0') + big_endian(receiver, 8);
}

/// The first bytes that a node sends.
std::string hello() {
  auto id = caf::make_node_id(4711, "0123456789abcdef0123456789abcdef01234567");
  BOOST_REQUIRE(id);
  caf::byte_buffer bytes;
  caf::binary_serializer sink{nullptr, bytes};
  BOOST_REQUIRE(sink.apply(*id));
  return header(1, static_cast<uint32_t>(bytes.size()), 0)
         + std::string{reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

size_t resident_bytes() {
  std::ifstream file{"/proc/self/statm"};
  size_t all = 0;
  size_t resident = 0;
  file >> all >> resident;
  return resident * static_cast<size_t>(::sysconf(_SC_PAGESIZE));
}

constexpr char direct_message = 2;

} // namespace
} // namespace link_test

BOOST_FIXTURE_TEST_SUITE(link_test, fixture)

BOOST_AUTO_TEST_CASE(a_node_gets_in_plainly_and_over_tls) {
  open(plain());
  BOOST_TEST(gets_in(plain()));
  authority ours;
  open(ours.link());
  BOOST_TEST(gets_in(ours.link()));
  BOOST_TEST(!gets_in(plain()));
  authority theirs;
  auto foreign = theirs.link();
  BOOST_TEST(!gets_in(foreign));
  foreign.ca = ours.link().ca;
  BOOST_TEST(!gets_in(foreign));
}

BOOST_AUTO_TEST_CASE(who_says_nothing_or_half_of_it_leaves) {
  auto port = open(plain(50ms));
  stranger silent{port};
  stranger half{port};
  half.says(hello().substr(0, 10));
  stranger almost{port};
  almost.says(hello().substr(0, 40));
  BOOST_TEST(silent.is_left());
  BOOST_TEST(half.is_left());
  BOOST_TEST(almost.is_left());
  authority ours;
  auto secure = ours.link();
  secure.handshake_timeout = 50ms;
  port = open(secure);
  stranger mute{port};
  stranger hesitant{port};
  hesitant.says(std::string{"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03", 11});
  BOOST_TEST(mute.is_left());
  BOOST_TEST(hesitant.is_left());
  BOOST_TEST(logged().find("handshake took too long") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(who_says_something_else_is_refused_by_name) {
  auto port = open(plain());
  stranger browser{port};
  browser.says("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  BOOST_TEST(browser.is_left());
  stranger greedy{port};
  greedy.says(header(1, 0x40000000, 0));
  BOOST_TEST(greedy.is_left());
  authority ours;
  port = open(ours.link());
  stranger on_tls{port};
  on_tls.says("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  BOOST_TEST(on_tls.is_left());
  // A connection that was only opened and closed is not logged.
  { stranger monitor{port}; }
  BOOST_TEST(gets_in(ours.link()));
  auto text = logged();
  BOOST_TEST(text.find("does not speak the protocol") != std::string::npos);
  BOOST_TEST(text.find("http request") != std::string::npos);
  size_t lines = 0;
  for (auto at = text.find("127.0.0.1:"); at != std::string::npos; at = text.find("127.0.0.1:", at + 1))
    ++lines;
  BOOST_TEST(lines == 3u);
}

BOOST_AUTO_TEST_CASE(silent_strangers_keep_nobody_out) {
  auto port = open(plain());
  std::vector<stranger> crowd;
  for (size_t i = 0; i < config::defaults::link_newcomers_max + 20; ++i)
    crowd.emplace_back(port);
  BOOST_TEST(gets_in(plain()));
  BOOST_TEST(crowd.front().is_left());
}

BOOST_AUTO_TEST_CASE(connections_are_bounded_in_number) {
  auto two = plain();
  two.connections_max = 3; // one of them is kept for a client that has not finished its handshake
  auto port = open(two);
  {
    stranger first{port};
    first.says(hello());
    BOOST_TEST(first.hears());
    stranger second{port};
    second.says(hello());
    BOOST_TEST(second.hears());
    stranger third{port};
    BOOST_TEST(third.is_left());
  }
  auto deadline = std::chrono::steady_clock::now() + patience;
  while (!gets_in(plain()) && std::chrono::steady_clock::now() < deadline) {
  }
  BOOST_TEST(gets_in(plain()));
}

BOOST_AUTO_TEST_CASE(memory_for_a_message_grows_with_what_has_come_of_it) {
  auto port = open(plain());
  auto before = resident_bytes();
  std::vector<stranger> greedy;
  for (int i = 0; i < 8; ++i) {
    greedy.emplace_back(port);
    BOOST_TEST(greedy.back().says(hello() + header(direct_message, 200 << 20, 1) + std::string(1000, 'x')));
    BOOST_TEST(greedy.back().hears());
  }
  stranger too_greedy{port};
  too_greedy.says(hello() + header(direct_message, 0x40000000, 1) + std::string(1000, 'x'));
  BOOST_TEST(too_greedy.is_left());
  BOOST_TEST(gets_in(plain()));
  BOOST_TEST(resident_bytes() < before + (size_t{200} << 20));
}

BOOST_AUTO_TEST_CASE(certificates_that_are_away_or_broken_cost_nobody_a_connection) {
  authority ours;
  authority others; // gets copies of the same files, so that one side keeps its files
  for (auto name : {"ca.pem", "ca.key", "localhost.pem", "localhost.key"})
    std::filesystem::copy_file(ours.folder.path(name), others.folder.path(name),
                               std::filesystem::copy_options::overwrite_existing);
  open(ours.link());
  std::filesystem::rename(ours.folder.path("localhost.pem"), ours.folder.path("away.pem"));
  BOOST_TEST(gets_in(others.link()));
  std::ofstream{ours.folder.path("localhost.pem")} << "no certificate";
  BOOST_TEST(gets_in(others.link()));
  // A client that cannot read its own key does not connect; when it can read the key again, it does.
  std::filesystem::rename(others.folder.path("localhost.key"), others.folder.path("away.key"));
  BOOST_TEST(!gets_in(others.link()));
  std::filesystem::rename(others.folder.path("away.key"), others.folder.path("localhost.key"));
  BOOST_TEST(gets_in(others.link()));
  // New certificates are used without a restart.
  authority fresh;
  for (auto name : {"ca.pem", "localhost.pem", "localhost.key"})
    std::filesystem::rename(fresh.folder.path(name), ours.folder.path(name));
  BOOST_TEST(!gets_in(others.link()));
  BOOST_TEST(gets_in(ours.link()));
  BOOST_TEST(logged().find("the former ones stay in use") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(certificates_that_cannot_be_read_at_the_start_are_named) {
  authority ours;
  auto link = ours.link();
  link.key = ours.folder.path("none.key");
  auto opened = publish(system, caf::actor_cast<coordinator_actor>(coordinator), link);
  BOOST_REQUIRE(!opened);
  BOOST_TEST(opened.error().find("none.key") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(messages_of_any_size_come_whole) {
  authority ours;
  for (auto& link : {plain(), ours.link()}) {
    open(link);
    node_system_config its_config{1};
    caf::actor_system its_system{its_config};
    auto to = link;
    to.port = published.port;
    auto found = connect(its_system, to);
    BOOST_REQUIRE(found);
    caf::scoped_actor self{its_system};
    for (size_t bytes : {10u, 16'000u, 262'000u, 263'000u, 5'000'000u}) {
      std::string text(bytes, 'x');
      for (size_t i = 0; i < bytes; i += 1000)
        text[i] = static_cast<char>('a' + i / 1000 % 26);
      self->request(caf::actor_cast<caf::actor>(*found), patience, text)
        .receive([&](const std::string& x) { BOOST_TEST((x == text)); },
                 [&](const caf::error& why) { BOOST_ERROR(caf::to_string(why)); });
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
