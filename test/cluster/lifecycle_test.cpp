// Goal: nodes start in any order and end quickly and cleanly, however often, and no two use one store.
// Method: real processes that are started alone, together, too early or twice, and told to end at any moment.
#include "test/cluster/job_cluster.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdlib>
#include <deque>
#include <filesystem>
#include <fstream>
#include <memory>
#include <random>

#include <signal.h>
#include <sys/stat.h>

using namespace troupe::test;
namespace fs = std::filesystem;

BOOST_AUTO_TEST_SUITE(lifecycle_test)

namespace {

constexpr auto start_limit = milliseconds{20'000};
constexpr auto end_limit = milliseconds{10'000};

struct node {
  std::string state;
  std::string port_file;
  std::unique_ptr<process> it;

  node(const temporary_folder& folder, const std::string& name, std::vector<std::string> arguments)
    : state(folder.path(name)), port_file(folder.path(name + ".port")) {
    arguments.insert(arguments.end(), {"--node.name=" + name, "--node.state_dir=" + state, "--http.listen=127.0.0.1:0",
                                       "--cluster.listen=127.0.0.1:0", "--http.port_file=" + port_file});
    it = std::make_unique<process>(node_program(), arguments, folder.path(name + ".log"));
  }

  bool says(const std::string& words) const {
    return it->output().find(words) != std::string::npos;
  }

  bool listens() const {
    return fs::exists(port_file);
  }

  void wait_until_it_says(const std::string& words) const {
    wait_until([&] { return says(words); }, words);
  }

  void wait_until_it_listens() const {
    wait_until([&] { return listens(); }, "that it listens");
  }

  void wait_until(const std::function<bool()>& holds, const std::string& what) const {
    auto deadline = clock::now() + scaled(start_limit);
    while (!holds()) {
      BOOST_REQUIRE_MESSAGE(clock::now() < deadline && it->running(), "not in time: " << what << "\n" << it->output());
      (void)it->wait(milliseconds{10});
    }
  }
};

void expect_status(node& x, int status, milliseconds limit = end_limit) {
  auto ended = x.it->wait(scaled(limit));
  BOOST_REQUIRE_MESSAGE(ended.has_value(), "it does not end in time:\n" << x.it->output());
  BOOST_TEST(*ended == status, "it ended with status " << *ended << ":\n" << x.it->output());
}

int nodes_in_a_row() {
  return std::getenv("TROUPE_LONG") != nullptr ? 1000 : 40;
}

} // namespace

BOOST_AUTO_TEST_CASE(nodes_end_cleanly_however_often_and_whenever_they_are_told_to) {
  temporary_folder folder;
  std::mt19937 random{7};
  std::deque<node> running;
  for (int i = 0; i < nodes_in_a_row() || !running.empty();) {
    // Runs more nodes at once than there are processors.
    if (i < nodes_in_a_row() && running.size() < 6) {
      running.emplace_back(folder, "n" + std::to_string(i++),
                           std::vector<std::string>{"--role=all", "--worker.trust_codecs=true"});
      continue;
    }
    auto& x = running.front();
    x.wait_until_it_listens();
    (void)x.it->wait(milliseconds{random() % 100}); // while its first tasks start, join or wait
    x.it->signal(SIGTERM);
    expect_status(x, 0);
    running.pop_front();
  }
  check_nothing_left(folder.path());
}

BOOST_AUTO_TEST_CASE(tasks_end_by_themselves_after_their_work) {
  job_settings settings;
  settings.seconds = 4;
  job_cluster f{settings};
  f.c.start({"w1"}, 2);
  auto id = f.order(R"({"input":")" + f.source + R"(","output":")" + f.result
                    + R"(","video":{"codec":"libx264","preset":"ultrafast"}})");
  f.wait_until_over(id, "completed");
  f.c.wait_until("no task is left at files", [&] { return f.file_tasks().empty(); });
  for (auto* node : {"w1", "coordinator"})
    BOOST_TEST(!says(f.c.node(node).output(), "ended by itself"), f.c.node(node).output());
}

BOOST_AUTO_TEST_CASE(a_worker_that_is_earlier_than_the_token_waits_for_it) {
  temporary_folder folder;
  auto token = folder.path("coordinator/cluster.token");
  node worker{folder,
              "worker",
              {"--role=worker", "--cluster.token_file=" + token, "--cluster.coordinator=127.0.0.1:1",
               "--worker.trust_codecs=true", "--cluster.reconnect_delay=200ms", "--cluster.reconnect_max_delay=200ms"}};
  worker.wait_until_it_says("waits for the cluster token");
  node coordinator{folder, "coordinator", {"--role=coordinator"}};
  coordinator.wait_until_it_listens();
  worker.wait_until_it_says("the coordinator cannot be reached");
  // A node that still waits for its token can be ended, too.
  node other{
    folder, "other", {"--role=worker", "--cluster.token_file=" + folder.path("no"), "--worker.trust_codecs=true"}};
  other.wait_until_it_says("waits for the cluster token");
  for (auto* x : {&worker, &coordinator, &other}) {
    x->it->signal(SIGTERM);
    expect_status(*x, 0);
  }
  check_nothing_left(folder.path());
}

BOOST_AUTO_TEST_CASE(a_worker_without_a_coordinator_ends_at_once_while_it_tries_codecs) {
  temporary_folder folder;
  node worker{folder,
              "worker",
              {"--role=worker", "--cluster.coordinator=127.0.0.1:1", "--cluster.token=" + std::string(32, 'x'),
               "--worker.capability_cache=" + folder.path("codecs.json")}};
  worker.wait_until_it_says("testing which codecs work");
  worker.it->signal(SIGTERM);
  expect_status(worker, 0, milliseconds{2'000});
  check_nothing_left(folder.path());
}

BOOST_AUTO_TEST_CASE(a_worker_whose_coordinator_stands_still_ends_soon) {
  cluster c{{{}, {"--worker.trust_codecs=true"}, {}}};
  c.start({});
  c.start_worker("w1", 1, {"--worker.drain_timeout=1h"});
  c.wait_until("w1 is registered", [&] { return !c.daemon("w1").empty(); });
  c.node("coordinator").signal(SIGSTOP);
  auto since = clock::now();
  c.node("w1").signal(SIGTERM);
  BOOST_TEST(c.node("w1").wait(scaled(milliseconds{5'000})).value_or(-1) == 0);
  BOOST_TEST(ms_since(since) < scaled(milliseconds{4'000}).count());
  c.node("coordinator").signal(SIGCONT);
}

BOOST_AUTO_TEST_CASE(a_second_coordinator_with_the_same_store_is_refused_until_the_first_is_gone) {
  temporary_folder folder;
  auto store = "--jobs.store=" + folder.path("jobs.db");
  // The store's authority is opened with it.
  auto key = "--cluster.authority_key_file=" + folder.path("authority.key");
  node first{folder, "first", {"--role=coordinator", store, key}};
  first.wait_until_it_listens();
  node second{folder, "second", {"--role=coordinator", store, key}};
  expect_status(second, 1);
  auto holder = "is in use by troupe " + std::to_string(first.it->pid()) + " on ";
  BOOST_TEST(second.says(holder), second.it->output());
  BOOST_TEST(first.it->running());
  // A coordinator that was killed does not block the store, either.
  first.it->kill();
  node third{folder, "third", {"--role=coordinator", store, key}};
  third.wait_until_it_listens();
  for (auto* name : {"jobs.db", "jobs.db-wal", "jobs.db-shm", "jobs.db.lock"})
    BOOST_TEST(static_cast<int>(fs::status(folder.path(name)).permissions()) == 0600, name);
  third.it->signal(SIGTERM);
  expect_status(third, 0);
  check_nothing_left(folder.path());
}

BOOST_AUTO_TEST_CASE(secrets_that_others_may_change_are_refused_and_readable_ones_are_named) {
  temporary_folder folder;
  auto file = folder.path("token");
  std::ofstream{file} << std::string(32, 'x') << '\n';
  fs::permissions(file, fs::perms{0666});
  node open{folder, "open", {"--role=coordinator", "--cluster.token_file=" + file}};
  expect_status(open, 1);
  BOOST_TEST(open.says("chmod 600 " + file), open.it->output());
  fs::permissions(file, fs::perms{0660});
  node of_group{folder, "of_group", {"--role=coordinator", "--cluster.token_file=" + file}};
  expect_status(of_group, 1);
  BOOST_TEST(of_group.says("may be changed by its group (mode 0660): chmod 600 " + file), of_group.it->output());
  fs::create_directory(folder.path("shared"));
  fs::permissions(folder.path("shared"), fs::perms{0770});
  fs::create_directory(folder.path("open_to_all"));
  fs::permissions(folder.path("open_to_all"), fs::perms{0777});
  node open_to_all{folder, "open_to_all", {"--role=coordinator"}};
  expect_status(open_to_all, 1);
  BOOST_TEST(open_to_all.says("chmod 700 " + folder.path("open_to_all")), open_to_all.it->output());
  // Volumes of containers may be open to their group (mode 0770): the node only warns of it.
  node shared{folder, "shared", {"--role=coordinator"}};
  shared.wait_until_it_listens();
  BOOST_TEST(shared.says("chmod 700 " + folder.path("shared")), shared.it->output());
  shared.it->signal(SIGTERM);
  expect_status(shared, 0);
  fs::permissions(file, fs::perms{0644});
  fs::create_directory(folder.path("readable"));
  fs::permissions(folder.path("readable"), fs::perms{0755});
  auto work = folder.path("volume/work");
  node readable{folder, "readable", {"--role=coordinator", "--cluster.token_file=" + file, "--jobs.work_dir=" + work}};
  readable.wait_until_it_listens();
  BOOST_TEST(readable.says("chmod 600 " + file), readable.it->output());
  BOOST_TEST(readable.says("chmod 700 " + folder.path("readable")), readable.it->output());
  readable.wait_until([&] { return fs::exists(work); }, "that its jobs have a folder");
  BOOST_TEST(static_cast<int>(fs::status(work).permissions()) == 0700);
  readable.it->signal(SIGTERM);
  expect_status(readable, 0);
}

BOOST_AUTO_TEST_SUITE_END()
