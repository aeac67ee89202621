// Goal: no job is lost and none ends twice, whatever is killed, and a failing store costs only the time of its failure.
// Method: a coordinator in its own process (the product's queue, store and HTTP server, with null jobs) gets jobs from
// fifty clients. It is killed several times in mid-work, or its store fails: a file that may not grow, a server that is
// stopped. The test then checks each job's row and history in the database.
#include "test/store/databases.hpp"

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <optional>
#include <string>

#include <poll.h>
#include <signal.h>
#include <sys/resource.h>

using namespace troupe;
using namespace troupe::test;
namespace data = boost::unit_test::data;

BOOST_AUTO_TEST_SUITE(queue_test)

namespace {

constexpr auto run_limit = milliseconds{60'000};

struct fixture {
  scratch_database database;
  temporary_folder folder;
  std::string log = folder.path("node.log");
  long long jobs;

  fixture(const std::string& kind, long long jobs) : database{kind}, jobs{time_scale() > 1 ? jobs / 10 : jobs} {}

  process start() const {
    return process{TROUPE_BINARY_DIR "/bin/caf-bench",
                   {"dispatch-node", database.url(), folder.path("jobs"), std::to_string(jobs)},
                   log};
  }

  /// How many jobs have completed; 0 while there is no schema, or no server.
  long long completed() const {
    try {
      return database.ask("SELECT coalesce(sum(jobs), 0) FROM job_counts WHERE state = 'completed'");
    } catch (const std::exception&) {
      return 0;
    }
  }

  void wait_for_completed(process& of, long long count) const {
    auto deadline = clock::now() + scaled(run_limit);
    while (completed() < count) {
      BOOST_REQUIRE_MESSAGE(clock::now() < deadline, "only " << completed() << " jobs in time: " << of.output());
      BOOST_REQUIRE_MESSAGE(of.running(), "the coordinator has ended: " << of.output());
      ::poll(nullptr, 0, 2);
    }
  }

  void wait_for_end(process& of) const {
    auto status = of.wait(scaled(run_limit));
    BOOST_REQUIRE_MESSAGE((status == 0), "not ended well: " << of.output());
  }

  /// Each job is there once and has ended once, by its own history.
  void check_all_ended_once() const {
    BOOST_TEST(database.ask("SELECT count(*) FROM jobs") == jobs);
    BOOST_TEST(database.ask("SELECT count(*) FROM jobs WHERE state = 'completed'") == jobs);
    BOOST_TEST(database.ask("SELECT count(DISTINCT idempotency_key) FROM jobs") == jobs);
    BOOST_TEST(database.ask("SELECT count(*) FROM history WHERE to_state = 'completed'") == jobs);
    BOOST_TEST(database.ask("SELECT count(DISTINCT job) FROM history WHERE to_state = 'completed'") == jobs);
    BOOST_TEST(database.ask("SELECT count(*) FROM history WHERE from_state = ''") == jobs);
    // Nothing follows an end.
    BOOST_TEST(database.ask("SELECT count(*) FROM history WHERE from_state = 'completed'") == 0);
    check_consistent(database);
    BOOST_TEST_MESSAGE(database.ask("SELECT sum(attempt) FROM jobs") - jobs
                       << " attempts were cut short and made anew");
  }

  uint16_t port(process& of) const {
    std::string said;
    auto deadline = clock::now() + scaled(run_limit);
    while ((said = of.output()).find('\n', said.rfind("http ") == std::string::npos ? 0 : said.rfind("http "))
           == std::string::npos)
      BOOST_REQUIRE(clock::now() < deadline && of.running() && ::poll(nullptr, 0, 5) == 0);
    return static_cast<uint16_t>(std::stoi(said.substr(said.rfind("http ") + 5)));
  }

  /// Submits a job over HTTP.
  static http_answer post(uint16_t port) {
    http_stream to{port};
    std::string body = R"({"input": "/in.mkv", "output": "/out.mp4"})";
    to.send("POST /api/v1/jobs HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Type: application/json\r\n"
            "Content-Length: "
              + std::to_string(body.size()) + "\r\n\r\n" + body,
            scaled(milliseconds{5'000}));
    http_answer result;
    to.read_all(scaled(milliseconds{10'000}));
    result.status = to.status();
    result.body = to.body();
    return result;
  }

  /// Makes the store unwritable until `mend_store`.
  void break_store(const process& of) const {
    if (!database.is_sqlite())
      return stop_database_server();
    rlimit none{1, RLIM_INFINITY};
    BOOST_REQUIRE(::prlimit(of.pid(), RLIMIT_FSIZE, &none, nullptr) == 0);
  }

  void mend_store(const process& of) const {
    if (!database.is_sqlite())
      return start_database_server();
    rlimit all{RLIM_INFINITY, RLIM_INFINITY};
    BOOST_REQUIRE(::prlimit(of.pid(), RLIMIT_FSIZE, &all, nullptr) == 0);
  }
};

/// Mends a broken store at the end of a test, because all tests of this program share one server.
struct server_again {
  const fixture& f;
  const process& node;
  bool broken = false;

  ~server_again() {
    if (broken)
      f.mend_store(node);
  }
};

} // namespace

BOOST_DATA_TEST_CASE(a_coordinator_that_is_killed_again_and_again_ends_each_job_once, data::make(database_kinds()),
                     kind) {
  fixture f{kind, kind == "sqlite" ? 10'000 : 2'000};
  // Each kill comes early enough that jobs are left, however quick the store is.
  for (int n = 1; n <= 3; ++n) {
    auto node = f.start();
    f.wait_for_completed(node, f.jobs * n / 8);
    node.kill();
    BOOST_TEST(f.completed() < f.jobs);
  }
  auto node = f.start();
  f.wait_for_end(node);
  f.check_all_ended_once();
}

BOOST_DATA_TEST_CASE(a_store_that_is_out_of_order_refuses_clients_and_loses_nothing, data::make(database_kinds()),
                     kind) {
  fixture f{kind, kind == "sqlite" ? 4'000 : 2'000};
  auto node = f.start();
  auto port = f.port(node);
  f.wait_for_completed(node, f.jobs / 4);
  server_again guard{f, node, true};
  f.break_store(node);
  http_answer refused;
  auto deadline = clock::now() + scaled(milliseconds{20'000});
  while ((refused = f.post(port)).status != 503)
    BOOST_REQUIRE_MESSAGE(clock::now() < deadline && node.running(), "not refused: " << refused.status << refused.body);
  BOOST_TEST_MESSAGE(refused.body);
  BOOST_TEST(refused.body.find("cannot ") != std::string::npos);
  BOOST_TEST(http_request(port, "GET", "/healthz").status == 200);
  guard.broken = false;
  f.mend_store(node);
  f.wait_for_end(node);
  // Jobs that were accepted between the break and the first refusal are not an error.
  f.jobs += f.database.ask("SELECT count(*) FROM jobs WHERE idempotency_key = ''");
  BOOST_TEST(f.database.ask("SELECT count(*) FROM jobs WHERE state <> 'completed'") == 0);
  BOOST_TEST(f.database.ask("SELECT count(*) FROM history WHERE to_state = 'completed'") == f.jobs);
  BOOST_TEST(f.database.ask("SELECT count(*) FROM jobs") == f.jobs);
  check_consistent(f.database);
}

BOOST_AUTO_TEST_CASE(a_server_that_restarts_in_the_middle_neither_loses_nor_doubles_a_job) {
  if (database_kinds().size() < 2)
    return;
  fixture f{"postgresql", 2'000};
  auto node = f.start();
  for (int n = 1; n <= 3; ++n) {
    f.wait_for_completed(node, f.jobs * n / 4);
    stop_database_server();
    start_database_server();
  }
  f.wait_for_end(node);
  f.check_all_ended_once();
}

BOOST_AUTO_TEST_SUITE_END()
