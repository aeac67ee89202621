// The cluster port, with strangers on raw sockets and nodes of the cluster. Silence is cut off, nonsense and wrong
// proofs are refused, numbers and sizes are bounded, and missing certificates cost no connection. Nodes of the cluster
// still connect, and send what their role may send.
#include "actors/cluster/link.hpp"
#include "actors/cluster/link_gate.hpp"
#include "base/descriptor.hpp"
#include "core/trust/link_proof.hpp"
#include "registered_types.hpp"
#include "stranger.hpp"
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

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace troupe;
using namespace std::chrono_literals;

namespace link_test {
namespace {

constexpr auto patience = stranger::patience;

const std::string cluster_secret = "the secret of this cluster";

/// A node that knows its secret.
link_config member() {
  link_config result;
  result.port = 0;
  result.name = "box";
  result.secret = core::node_secret(cluster_secret, result.name);
  return result;
}

/// A task whose worker has made this pass.
link_config task_of(core::task_pass pass, const link_config& worker = member()) {
  auto result = worker;
  result.role = core::link_role::task;
  result.name = name_of(pass);
  result.secret = secret_of(pass, core::node_secret(cluster_secret, pass.node));
  result.certificate = result.key = {};
  return result;
}

core::task_pass fresh_pass(uint64_t task = 7, std::string node = "box") {
  return {task, 8, std::chrono::system_clock::to_time_t(std::chrono::system_clock::now()), std::move(node)};
}

/// A CA with a certificate for localhost, which may be the coordinator, and one that only a worker may use.
struct authority {
  authority() {
    auto made = std::system(
      (TROUPE_SOURCE_DIR "/test/support/make_certs.sh '" + folder.path() + "' localhost >/dev/null 2>&1").c_str());
    BOOST_REQUIRE(made == 0);
  }

  /// A node with a certificate that is only for workers.
  link_config worker_link() const {
    auto made = std::system(
      (TROUPE_SOURCE_DIR "/test/support/make_certs.sh '" + folder.path() + "' box >/dev/null 2>&1").c_str());
    BOOST_REQUIRE(made == 0);
    auto result = link();
    result.certificate = folder.path("box.pem");
    result.key = folder.path("box.key");
    return result;
  }

  link_config link() const {
    auto result = member();
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

  uint16_t open(link_config at, const std::string& secret = cluster_secret) {
    at.port = 0;
    at.secret = secret;
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

  /// True if the coordinator still answers.
  bool is_well() {
    caf::scoped_actor self{system};
    auto well = false;
    self->request(coordinator, patience, caf::ok_atom_v).receive([&] { well = true; }, [](const caf::error&) {});
    return well;
  }

  std::ostringstream said;
  std::atomic<int> joined{0}; ///< tasks
  node_system_config cfg;
  caf::actor_system system{cfg};
  /// Stands in for the coordinator, which is all that `publish` accepts. It returns the samples that it is sent, and
  /// counts the tasks that join.
  caf::actor coordinator = system.spawn([this](caf::event_based_actor*) -> caf::behavior {
    return {
      [](sample_batch& x) { return std::move(x); },
      [this](const task_join&, const task_actor&) { ++joined; },
      [](caf::ok_atom) {},
    };
  });
  published_link published;
};

link_config plain(std::chrono::milliseconds handshake_timeout = patience) {
  auto result = member();
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

/// The first bytes of BASP that a node sends, as process `pid` of another machine.
std::string hello(uint32_t pid = 4711) {
  auto id = caf::make_node_id(pid, "0123456789abcdef0123456789abcdef01234567");
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
constexpr char routed_message = 3;
constexpr char heartbeat_message = 6;

} // namespace
} // namespace link_test

BOOST_FIXTURE_TEST_SUITE(link_test, fixture)

BOOST_AUTO_TEST_CASE(a_node_gets_in_plainly_and_over_tls) {
  open(plain());
  BOOST_TEST(gets_in(plain()));
  authority ours;
  open(ours.link());
  BOOST_TEST(gets_in(ours.link()));
  BOOST_TEST(!gets_in(plain(200ms)));
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
  half.says("worker ");
  stranger almost{port};
  almost.says("worker " + std::string(64, 'a') + ' ' + std::string(64, 'b') + " box");
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
  stranger other_caf{port};
  other_caf.says(hello());
  BOOST_TEST(other_caf.is_left());
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
    BOOST_TEST(first.proves(member()));
    stranger second{port};
    BOOST_TEST(second.proves(member()));
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
  for (uint64_t i = 0; i < 8; ++i) {
    greedy.emplace_back(port);
    BOOST_TEST(greedy.back().proves(task_of(fresh_pass(i))));
    BOOST_TEST(greedy.back().says(hello(static_cast<uint32_t>(i + 1)) + header(direct_message, 200 << 20, 1)
                                  + std::string(1000, 'x')));
    BOOST_TEST(greedy.back().hears());
  }
  for (auto& [as, bytes] : {std::pair{task_of(fresh_pass(9)), 0x40000000u}, std::pair{member(), 5u << 20}}) {
    stranger too_greedy{port};
    BOOST_TEST(too_greedy.proves(as));
    too_greedy.says(hello(99) + header(direct_message, bytes, 1) + std::string(1000, 'x'));
    BOOST_TEST(too_greedy.is_left());
  }
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

BOOST_AUTO_TEST_CASE(who_proves_nothing_or_the_wrong_thing_is_refused) {
  auto port = open(plain());
  auto stolen = task_of(fresh_pass());
  auto refuses = [&](const link_config& as) {
    stranger x{port};
    return !x.proves(as) && x.is_left();
  };
  auto wrong = member();
  wrong.secret = "a guess";
  BOOST_TEST(refuses(wrong));
  wrong.secret.clear();
  BOOST_TEST(refuses(wrong));
  // A task's pass is no worker's secret, and no other task's.
  wrong.secret = stolen.secret;
  BOOST_TEST(refuses(wrong));
  wrong = stolen;
  wrong.name = name_of(fresh_pass(8));
  BOOST_TEST(refuses(wrong));
  wrong.name = "box";
  BOOST_TEST(refuses(wrong));
  wrong = task_of({7, 8, 1'600'000'000});
  BOOST_TEST(refuses(wrong));
  // A proof that was heard is worth nothing on the next connection.
  stranger honest{port};
  BOOST_TEST(honest.proves(member()));
  stranger replaying{port};
  BOOST_TEST(!replaying.line().empty());
  replaying.says(core::claim_line(honest.claim));
  BOOST_TEST(replaying.is_left());
  auto text = logged();
  BOOST_TEST(text.find("its secret is wrong") != std::string::npos);
  BOOST_TEST(text.find("not made by a worker of this cluster") != std::string::npos);
  BOOST_TEST(text.find("expired") != std::string::npos);
  BOOST_TEST(text.find(stolen.secret) == std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_node_that_is_no_member_any_more_loses_its_connections_and_those_of_its_tasks) {
  auto link = plain();
  std::atomic<bool> admitted{true};
  link.admits = [&](const std::string& node) { return node == "box" && admitted; };
  auto port = open(link);
  stranger worker{port};
  BOOST_TEST(worker.proves(member()));
  stranger task{port};
  BOOST_TEST(task.proves(task_of(fresh_pass())));
  stranger unknown{port};
  BOOST_TEST(!unknown.proves(task_of(fresh_pass(8, "shed"))));
  admitted = false;
  published.gate->end("box");
  BOOST_TEST(worker.is_left());
  BOOST_TEST(task.is_left());
  BOOST_TEST(!gets_in(member()));
  BOOST_TEST(!gets_in(task_of(fresh_pass(9))));
  published.gate.reset();
}

BOOST_AUTO_TEST_CASE(a_node_talks_to_no_coordinator_of_another_secret) {
  open(plain(), "the secret of another cluster");
  BOOST_TEST(!gets_in(member()));
  // Nor to one that lets everybody in: it cannot prove that it knows the secret.
  base::descriptor listening{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  BOOST_REQUIRE(::bind(listening.get(), reinterpret_cast<sockaddr*>(&at), size) == 0);
  BOOST_REQUIRE(::listen(listening.get(), 1) == 0);
  BOOST_REQUIRE(::getsockname(listening.get(), reinterpret_cast<sockaddr*>(&at), &size) == 0);
  std::string heard;
  std::thread liar{[&] {
    base::descriptor peer{::accept(listening.get(), nullptr, nullptr)};
    auto words = core::greeting_line(std::string(64, 'a')) + core::welcome_line(std::string(64, 'b'));
    (void)::send(peer.get(), words.data(), words.size(), MSG_NOSIGNAL);
    char bytes[4096];
    ssize_t n = 0;
    while ((n = ::recv(peer.get(), bytes, sizeof bytes, 0)) > 0)
      heard.append(bytes, static_cast<size_t>(n));
  }};
  auto to = member();
  to.port = ntohs(at.sin_port);
  BOOST_TEST(!connect(system, to));
  liar.join();
  BOOST_TEST(heard.find(to.secret) == std::string::npos);
  BOOST_TEST(heard.find('\n') == heard.size() - 1); // nothing follows the claim
}

BOOST_AUTO_TEST_CASE(a_pass_and_a_node_have_one_connection_at_a_time) {
  auto port = open(plain());
  auto as = task_of(fresh_pass());
  {
    stranger first{port};
    BOOST_TEST(first.proves(as));
    BOOST_TEST(first.says(hello()));
    BOOST_TEST(first.is_known());
    stranger second{port};
    BOOST_TEST(!second.proves(as));
    BOOST_TEST(second.is_left());
    stranger same_node{port};
    BOOST_TEST(same_node.proves(member()));
    same_node.says(hello() + header(heartbeat_message, 0, 0));
    BOOST_TEST(same_node.is_left());
  }
  // A task that has lost its connection comes back.
  auto deadline = std::chrono::steady_clock::now() + patience;
  auto back = false;
  while (!back && std::chrono::steady_clock::now() < deadline)
    back = stranger{port}.proves(as);
  BOOST_TEST(back);
}

BOOST_AUTO_TEST_CASE(over_tls_only_a_worker_needs_a_certificate_and_only_a_coordinators_serves) {
  authority ours;
  auto worker = ours.worker_link();
  open(ours.link());
  BOOST_TEST(gets_in(worker));
  auto naked = worker;
  naked.certificate = naked.key = {};
  BOOST_TEST(!gets_in(naked));
  BOOST_TEST(gets_in(task_of(fresh_pass(), ours.link())));
  BOOST_TEST(logged().find("a worker needs a certificate") != std::string::npos);
  open(worker);
  BOOST_TEST(!gets_in(ours.link()));
  BOOST_TEST(!gets_in(task_of(fresh_pass(), ours.link())));
}

BOOST_AUTO_TEST_CASE(a_node_that_says_more_than_it_may_loses_its_connection_and_ends_nobody) {
  auto port = open(plain());
  auto id = coordinator.id();
  auto types = [](const std::vector<uint64_t>& x) {
    auto result = big_endian(x.size(), 1);
    for (auto type : x)
      result += big_endian(type, 2);
    return result;
  };
  auto exit = std::string(1, '\0') + types({caf::type_id_v<caf::exit_msg>}) + std::string(40, '\0');
  auto list = std::string(1, '\0') + types({caf::type_id_v<daemons_atom>});
  uint32_t pid = 0;
  auto loses = [&](core::link_role role, const std::string& words) {
    ++pid;
    stranger x{port};
    BOOST_TEST(x.proves(role == core::link_role::worker ? member() : task_of(fresh_pass(pid))));
    x.says(hello(pid) + words);
    return x.is_left();
  };
  auto message = [](char operation, uint64_t to, const std::string& payload) {
    return header(operation, static_cast<uint32_t>(payload.size()), to) + payload;
  };
  for (auto role : {core::link_role::worker, core::link_role::task}) {
    BOOST_TEST(loses(role, message(direct_message, id, exit)));
    BOOST_TEST(loses(role, message(direct_message, id, list)));
    BOOST_TEST(loses(role, message(direct_message, id + 1, exit)));
    BOOST_TEST(loses(role, message(routed_message, id, exit)));
    BOOST_TEST(loses(role, message(17, id, "nono")));
  }
  BOOST_TEST(is_well());
}

BOOST_AUTO_TEST_CASE(a_task_joins_as_itself) {
  open(plain());
  node_system_config its_config{1};
  caf::actor_system its_system{its_config};
  auto to = task_of(fresh_pass());
  to.port = published.port;
  auto found = connect(its_system, to);
  BOOST_REQUIRE(found);
  auto task = caf::actor_cast<task_actor>(
    its_system.spawn([](caf::event_based_actor*) -> caf::behavior { return {[](ingest_work&) {}}; }));
  auto joins = [&](task_join who) {
    caf::scoped_actor self{its_system};
    auto done = false;
    self->request(caf::actor_cast<caf::actor>(*found), patience, std::move(who), task)
      .receive([&] { done = true; }, [](const caf::error&) {});
    return done;
  };
  BOOST_TEST(joins({task_id{7}, worker_id{8}, "1"}));
  BOOST_TEST(!joins({task_id{6}, worker_id{8}, "1"}));
  BOOST_TEST(joined == 1);
  caf::anon_send_exit(task, caf::exit_reason::user_shutdown);
}

BOOST_AUTO_TEST_CASE(messages_of_any_size_come_whole) {
  authority ours;
  for (auto& link : {plain(), ours.link()}) {
    open(link);
    node_system_config its_config{1};
    caf::actor_system its_system{its_config};
    auto to = task_of(fresh_pass(), link);
    to.port = published.port;
    auto found = connect(its_system, to);
    BOOST_REQUIRE(found);
    caf::scoped_actor self{its_system};
    for (size_t bytes : {10u, 16'000u, 262'000u, 263'000u, 5'000'000u}) {
      shared_bytes::container content(bytes, std::byte{'x'});
      for (size_t i = 0; i < bytes; i += 1000)
        content[i] = static_cast<std::byte>('a' + i / 1000 % 26);
      sample_batch batch{attempt_id{1}, 1, {{sample{}}, shared_bytes{std::move(content)}}};
      batch.block.samples[0].size = static_cast<uint32_t>(bytes);
      self->request(caf::actor_cast<caf::actor>(*found), patience, batch)
        .receive([&](const sample_batch& x) { BOOST_TEST((x == batch)); },
                 [&](const caf::error& why) { BOOST_ERROR(caf::to_string(why)); });
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
