// Goal: tasks begin in a process that has everything loaded, are their node's own children all the same, and a node that has lost
// that process starts them from the program's file.
// Method: a real cluster's processes are looked at in /proc, and the fork server is killed.
#include "test/cluster/media.hpp"
#include "test/support/cluster.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <string>
#include <vector>

#include <signal.h>

using namespace troupe::test;

namespace {

/// The fork servers of a node.
std::vector<process_info> servers_of(pid_t node) {
  auto result = descendants(node);
  std::erase_if(result, [](auto& x) { return x.command.find("fork server") == std::string::npos; });
  return result;
}

#ifdef __SANITIZE_THREAD__
constexpr bool one_thread = false; // the sanitizer has one of its own before `main`
#else
constexpr bool one_thread = true;
#endif

void wait_for_another(const cluster& c, pid_t node, pid_t task) {
  c.wait_until("another task waits", [&] {
    auto tasks = tasks_of(node);
    return tasks.size() == 1 && tasks.front().pid != task;
  });
}

} // namespace

BOOST_AUTO_TEST_SUITE(fork_server_test)

BOOST_AUTO_TEST_CASE(a_task_is_forked_and_is_its_nodes_child) {
  cluster c{{{{"a", media("h264.ts")}}, {}, {}}};
  c.start({"w1"}, 1);
  auto node = c.node("w1").pid();
  c.wait_until("a task waits", [&] { return tasks_of(node).size() == 1; });
  auto servers = servers_of(node);
  BOOST_REQUIRE(servers.size() == size_t{one_thread});
  auto task = tasks_of(node).front();
  BOOST_TEST(task.parent == node);
  BOOST_TEST(task.command.starts_with("caf-node --role=task "), task.command);
  BOOST_TEST(task.command.find("--cluster.coordinator=") != std::string::npos, task.command);
  // Its node alone is who waits for it: an end is noticed, and the process does not stay.
  BOOST_REQUIRE(::kill(task.pid, SIGKILL) == 0);
  wait_for_another(c, node, task.pid);
  BOOST_TEST(holdings_of(task.pid).threads == 0u);
}

BOOST_AUTO_TEST_CASE(a_node_without_its_fork_server_starts_tasks_from_the_file) {
  cluster c{{{{"a", media("h264.ts")}}, {}, {}}};
  c.start({"w1"}, 1);
  auto node = c.node("w1").pid();
  c.wait_until("a task waits", [&] { return tasks_of(node).size() == 1; });
  for (auto& x : servers_of(node))
    BOOST_REQUIRE(::kill(x.pid, SIGKILL) == 0);
  auto task = tasks_of(node).front().pid;
  BOOST_REQUIRE(::kill(task, SIGKILL) == 0);
  wait_for_another(c, node, task);
  BOOST_TEST((!one_thread || c.node("w1").output().find("the fork server is gone") != std::string::npos));
  auto client = c.watch("a", "small", 100'000);
}

BOOST_AUTO_TEST_SUITE_END()
