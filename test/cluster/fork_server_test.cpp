// Goal: tasks start from a process that has everything loaded, but are their node's own children. A node that has lost
// that process starts tasks from the program's file. Tasks have none of their node's secrets.
// Method: the test reads a real cluster's processes in /proc, and kills or stops the fork server.
#include "test/cluster/media.hpp"
#include "test/support/cluster.hpp"

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <fstream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <signal.h>
#include <unistd.h>

using namespace troupe::test;

BOOST_AUTO_TEST_SUITE(fork_server_test)

namespace {

/// The fork servers of a node.
std::vector<process_info> servers_of(pid_t node) {
  auto result = descendants(node);
  std::erase_if(result, [](auto& x) { return x.command.find("fork server") == std::string::npos; });
  return result;
}

/// Heap and stack of a process.
std::string memory_of(pid_t pid) {
  auto folder = "/proc/" + std::to_string(pid);
  std::string result;
  std::istringstream maps{read_file(folder + "/maps")};
  std::ifstream memory{folder + "/mem", std::ios::binary};
  for (std::string line; std::getline(maps, line);) {
    if (!line.ends_with("[heap]") && !line.ends_with("[stack]"))
      continue;
    size_t end_of_first = 0;
    auto from = std::stoull(line, &end_of_first, 16);
    auto to = std::stoull(line.substr(end_of_first + 1), nullptr, 16);
    std::string part(to - from, '\0');
    memory.seekg(static_cast<std::streamoff>(from));
    memory.read(part.data(), static_cast<std::streamsize>(part.size()));
    result += part;
  }
  return result;
}

struct fixture {
  cluster c;
  pid_t node;

  explicit fixture(std::vector<std::string> environment = {})
    : c{{.channels = {{"a", media("h264.ts")}},
         .flags = {},
         .profiles = {},
         .environment = {{"w1", std::move(environment)}}}} {
    c.start({"w1"}, 1);
    node = c.node("w1").pid();
  }

  /// The task process that waits for work and is not `before`.
  process_info warm_task(pid_t before = 0) const {
    std::vector<process_info> tasks;
    auto one = [&] {
      tasks = tasks_of(node);
      return tasks.size() == 1 && tasks.front().pid != before;
    };
    c.wait_until("a task waits", one);
    return tasks.front();
  }

  /// The fork server. While it forks, several processes have its name for a moment.
  pid_t server() const {
    std::vector<process_info> servers;
    c.wait_until("there is one fork server", [&] { return (servers = servers_of(node)).size() == 1; });
    return servers.front().pid;
  }
};

} // namespace

BOOST_AUTO_TEST_CASE(a_task_is_forked_and_is_its_nodes_child) {
  fixture f;
  auto task = f.warm_task();
  BOOST_TEST(f.server() != task.pid);
  f.c.wait_until("the process in between is gone", [&] { return f.warm_task().parent == f.node; });
  BOOST_TEST(task.command.starts_with("caf-node --role=task "), task.command);
  // The task is a child of its node, which notices its end and removes the zombie.
  BOOST_REQUIRE(::kill(task.pid, SIGKILL) == 0);
  f.warm_task(task.pid);
  f.c.wait_until("the dead one is reaped", [&] { return holdings_of(task.pid).threads == 0; });
}

BOOST_DATA_TEST_CASE(a_node_without_its_fork_server_starts_tasks_from_the_file,
                     boost::unit_test::data::make({SIGKILL, SIGSTOP}), end) {
  fixture f;
  auto task = f.warm_task().pid;
  BOOST_REQUIRE(::kill(f.server(), end) == 0);
  BOOST_REQUIRE(::kill(task, SIGKILL) == 0);
  f.warm_task(task);
  BOOST_TEST(servers_of(f.node).empty());
  BOOST_TEST(f.c.node("w1").output().find("the fork server is gone") != std::string::npos);
  auto client = f.c.watch("a", "small", 100'000);
}

BOOST_AUTO_TEST_CASE(a_task_knows_nothing_of_its_nodes_secrets) {
  const std::string secret = "only-for-the-node";
  fixture f{{"TROUPE_JOBS_CALLBACK_SECRET=" + secret}};
  auto task = f.warm_task();
  if (::geteuid() == 0) // others may not read a node's memory
    BOOST_TEST(memory_of(f.node).find(secret) != std::string::npos);
  BOOST_TEST(memory_of(task.pid).find(secret) == std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
