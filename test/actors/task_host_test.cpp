// A task host whose processes are this test program, which only waits. The host learns of their ends from its own
// threads, whose messages the test awaits. All delays are virtual.
#include "actors/cluster/task_host.hpp"
#include "core/trust/link_proof.hpp"
#include "dummies.hpp"
#include "test/support/temporary_folder.hpp"

#include <boost/test/unit_test.hpp>

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>

using namespace troupe;

namespace task_host_test {
namespace {

struct fixture : virtual_time {
  ~fixture() {
    end();
  }

  /// Its processes run that case of this suite.
  void start(const std::string& child = "a_child_waits_for_the_end_of_its_input", const std::string& argument = {}) {
    task_host_config x;
    x.host = worker_id{1};
    x.node = "box";
    x.secret = secret;
    x.arguments = {"--log_sink=/dev/null", "--report_level=no", "--run_test=task_host_test/" + child, "--", argument};
    x.stop_timeout = 2s;
    x.file_stop_timeout = 5s;
    host = keep(spawn_task_host(system, std::move(x)));
  }

  void keep_warm(uint32_t processes) {
    ask(*this, host, warm_atom_v, processes);
  }

  std::vector<task_statistics> list() {
    return **ask<std::vector<task_statistics>>(*this, host, status_atom_v);
  }

  std::shared_ptr<answer<std::string>> assign(task_id task, work_kind kind = work_kind::transcode) {
    work_label label;
    label.kind = kind;
    return ask<std::string>(*this, host, assign_atom_v, task, label);
  }

  std::shared_ptr<answer<task_exit>> end_of(task_id task) {
    return ask<task_exit>(*this, host, status_atom_v, task);
  }

  void order_end(task_id task) {
    ask(*this, host, end_atom_v, task);
  }

  static constexpr const char* secret = "the secret of a cluster";
  local_task_host_actor host;
};

} // namespace
} // namespace task_host_test

BOOST_FIXTURE_TEST_SUITE(task_host_test, fixture)

BOOST_AUTO_TEST_CASE(a_child_waits_for_the_end_of_its_input, *boost::unit_test::disabled()) {
  if (::getpgrp() != ::getpid() || ::isatty(STDIN_FILENO) != 0)
    return; // a person or CTest runs this case: only a host's child has a pipe and a process group of its own
  for (std::string line; std::getline(std::cin, line);) {
  }
}

BOOST_AUTO_TEST_CASE(a_child_ends_at_once, *boost::unit_test::disabled()) {}

BOOST_AUTO_TEST_CASE(a_child_writes_down_what_it_hears, *boost::unit_test::disabled()) {
  auto& suite = boost::unit_test::framework::master_test_suite();
  if (suite.argc < 2)
    return;
  std::string file = suite.argv[1];
  std::string line;
  std::getline(std::cin, line);
  std::ofstream{file + ".part"} << line;
  std::filesystem::rename(file + ".part", file);
}

BOOST_AUTO_TEST_CASE(a_process_hears_its_pass_and_not_the_secret_of_the_cluster) {
  test::temporary_folder folder;
  start("a_child_writes_down_what_it_hears", folder.path("heard"));
  keep_warm(1);
  BOOST_REQUIRE(comes([&] { return std::filesystem::exists(folder.path("heard")); }));
  std::ifstream file{folder.path("heard")};
  std::string name;
  std::string told;
  file >> name >> told;
  auto pass = core::read_pass(name);
  BOOST_REQUIRE(pass.has_value());
  BOOST_TEST(pass->task != 0u);
  BOOST_TEST((worker_id{pass->host} == worker_id{1}));
  BOOST_TEST(pass->node == "box");
  BOOST_TEST(told == core::secret_of(*pass, secret));
  BOOST_TEST(file.get() == std::ifstream::traits_type::eof());
}

BOOST_AUTO_TEST_CASE(a_process_is_given_to_one_work_only) {
  start();
  keep_warm(2);
  auto all = list();
  BOOST_REQUIRE(all.size() == 2u);
  BOOST_TEST(all[0].kind == "warm");
  BOOST_TEST(assign(all[0].task)->value.has_value());
  BOOST_TEST((assign(all[0].task)->error == ec::refused));
  BOOST_TEST((assign(task_id{1})->error == ec::refused));
  order_end(all[1].task);
  BOOST_TEST((assign(all[1].task)->error == ec::refused)); // the process may still exist
}

BOOST_AUTO_TEST_CASE(a_process_that_got_work_is_replaced_at_once_if_none_waits_and_else_a_little_later) {
  start();
  keep_warm(1);
  BOOST_TEST(assign(list().at(0).task)->value.has_value());
  BOOST_TEST(list().size() == 2u);
  keep_warm(2);
  auto all = list();
  auto warm = std::find_if(all.begin(), all.end(), [](const auto& x) { return x.kind == "warm"; });
  BOOST_REQUIRE(warm != all.end());
  BOOST_TEST(assign(warm->task)->value.has_value());
  BOOST_TEST(list().size() == 3u);
  pass(300ms);
  BOOST_TEST(list().size() == 4u);
}

BOOST_AUTO_TEST_CASE(how_a_process_ended_is_told_to_those_who_asked_before_and_after) {
  start();
  keep_warm(1);
  auto task = list().at(0).task;
  BOOST_TEST(assign(task)->value.has_value());
  keep_warm(0);
  auto early = end_of(task);
  BOOST_TEST(!early->came());
  order_end(task);
  BOOST_REQUIRE(comes([&] { return early->came(); }));
  auto late = end_of(task);
  BOOST_TEST((**early == **late));
  BOOST_TEST((**end_of(task_id{1}) == task_exit{})); // a task unknown to the host
}

BOOST_AUTO_TEST_CASE(processes_that_end_before_they_get_work_are_replaced_ever_more_slowly) {
  start("a_child_ends_at_once");
  keep_warm(1);
  for (auto delay : {100ms, 200ms, 400ms}) {
    BOOST_REQUIRE(comes([&] { return list().empty(); }));
    pass(delay - 10ms);
    BOOST_TEST(list().empty());
    pass(10ms);
    BOOST_TEST(list().size() == 1u);
  }
}

BOOST_AUTO_TEST_SUITE_END()
