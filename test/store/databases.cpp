#include "test/store/databases.hpp"

#include "messages/job_states.hpp"

#include <boost/test/unit_test.hpp>

#include <deque>
#include <filesystem>
#include <iostream>
#include <map>
#include <optional>
#include <stdexcept>

#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <unistd.h>

#include <soci/postgresql/soci-postgresql.h>
#include <soci/soci.h>
#include <soci/sqlite3/soci-sqlite3.h>

namespace troupe::test {

namespace {

namespace fs = std::filesystem;

/// The folder of the newest server's programs; empty if there is none.
std::string server_programs() {
  std::map<int, std::string> found;
  std::error_code ignored;
  for (const auto& version : fs::directory_iterator("/usr/lib/postgresql", ignored))
    if (fs::exists(version.path() / "bin/initdb") && fs::exists(version.path() / "bin/postgres"))
      found[std::atoi(version.path().filename().c_str())] = version.path() / "bin";
  return found.empty() ? "" : found.rbegin()->second;
}

/// A PostgreSQL server that this test program owns. It refuses to run as root, so a test as root gives it another user.
class server {
public:
  server() {
    fs::permissions(folder_.path(), fs::perms::owner_all | fs::perms::group_exec | fs::perms::others_exec);
    for (auto name : {"data", "socket"}) {
      fs::create_directory(folder_.path(name));
      if (::geteuid() == 0 && ::chown(folder_.path(name).c_str(), user().pw_uid, user().pw_gid) != 0)
        throw std::runtime_error("cannot give a folder to the server's user");
    }
    process init = start("initdb", {"-D", folder_.path("data"), "-A", "trust", "-U", "troupe", "-E", "UTF8",
                                    "--locale=C", "--no-sync", "--no-instructions"});
    if (init.wait(scaled(milliseconds{60'000})) != 0)
      throw std::runtime_error("initdb failed: " + init.output());
    run();
  }

  ~server() {
    stop();
  }

  void run() {
    // Writes need not survive a loss of power here.
    process_.emplace(start("postgres", {"-D", folder_.path("data"), "-k", folder_.path("socket"), "-c",
                                        "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=20"}));
    const auto deadline = clock::now() + scaled(milliseconds{30'000});
    while (!answers()) {
      if (clock::now() > deadline || !process_->running())
        throw std::runtime_error("the PostgreSQL server does not start: " + process_->output());
      ::poll(nullptr, 0, 20);
    }
  }

  /// Ends at once, as if its machine crashed: connections break, and the next start recovers from its log.
  void stop() {
    if (!process_)
      return;
    process_->signal(SIGQUIT);
    process_->wait(scaled(milliseconds{5'000}));
    process_.reset();
  }

  std::string url() const {
    return "postgresql:///postgres?host=" + folder_.path("socket") + "&user=troupe";
  }

private:
  static const passwd& user() {
    auto found = ::getpwnam("postgres");
    if (!found)
      found = ::getpwnam("nobody");
    if (!found)
      throw std::runtime_error("there is no user to run PostgreSQL as");
    return *found;
  }

  process start(const std::string& program, std::vector<std::string> arguments) {
    auto path = server_programs() + "/" + program;
    if (::geteuid() == 0) {
      // A change of user clears the setting that ends the process with the test; setpriv sets it again.
      std::vector<std::string> before{"--reuid=" + std::to_string(user().pw_uid),
                                      "--regid=" + std::to_string(user().pw_gid), "--clear-groups", "--pdeathsig=QUIT",
                                      path};
      arguments.insert(arguments.begin(), before.begin(), before.end());
      path = "/usr/bin/setpriv";
    }
    return process{path, arguments, folder_.path(program + ".log")};
  }

  bool answers() const {
    return PQping(url().c_str()) == PQPING_OK;
  }

  temporary_folder folder_;
  std::optional<process> process_;
};

server& the_server() {
  static server result;
  return result;
}

soci::session connect(bool sqlite, const std::string& url) {
  return sqlite ? soci::session{soci::sqlite3, url} : soci::session{soci::postgresql, url};
}

} // namespace

const std::vector<std::string>& database_kinds() {
  static const auto result = [] {
    std::vector<std::string> kinds{"sqlite"};
    if (!server_programs().empty())
      kinds.emplace_back("postgresql");
    else
      std::cout << "skipped: tests over PostgreSQL, because /usr/lib/postgresql/*/bin has no server\n";
    return kinds;
  }();
  return result;
}

scratch_database::scratch_database(const std::string& kind) : sqlite_{kind == "sqlite"} {
  if (sqlite_) {
    url_ = folder_.path("jobs.db");
    return;
  }
  url_ = the_server().url();
  tell("SET client_min_messages = error; DROP SCHEMA IF EXISTS public CASCADE; CREATE SCHEMA public");
}

void stop_database_server() {
  the_server().stop();
}

void start_database_server() {
  the_server().run();
}

store::settings scratch_database::settings() const {
  store::settings result;
  result.url = url_;
  return result;
}

store::job_store scratch_database::open() const {
  auto result = store::job_store::open(settings());
  if (!result)
    throw std::runtime_error(result.error().text);
  return std::move(*result);
}

long long scratch_database::ask(const std::string& query) const {
  auto session = connect(sqlite_, url_);
  long long result = -1;
  session << query, soci::into(result);
  return result;
}

void scratch_database::tell(const std::string& statement) const {
  auto session = connect(sqlite_, url_);
  session << statement;
}

store::outcome must(store::job_store& on, const store::operation& op, int64_t now_ms) {
  auto result = on.apply(op, now_ms);
  if (!result)
    throw std::runtime_error(result.error().text);
  return *result;
}

store::error must_fail(store::job_store& on, const store::operation& op) {
  auto result = on.apply(op, test_time_ms);
  BOOST_REQUIRE(!result);
  return result.error();
}

store::submit_job a_job(uint64_t n) {
  store::submit_job result;
  result.id = nth(n);
  result.name = "film " + std::to_string(n);
  result.request = R"({"input":"film.mkv"})";
  result.node = "caf-ctl";
  return result;
}

store::move_job a_move(store::job_store& on, job_id id, job_state to) {
  auto job = on.find(id);
  BOOST_REQUIRE(job.has_value());
  return {id, to, {}, job->attempt, "test", "node"};
}

void bring(store::job_store& on, job_id id, job_state to) {
  // Breadth first over the table, from the state that a job begins with.
  std::map<job_state, job_state> before;
  std::deque<job_state> todo{job_state::queued};
  while (!todo.empty()) {
    const auto from = todo.front();
    todo.pop_front();
    for (const auto& way : job_transitions)
      if (way.from == from && way.to != job_state::queued && before.emplace(way.to, from).second)
        todo.push_back(way.to);
  }
  std::vector<job_state> path;
  for (auto at = to; at != job_state::queued; at = before.at(at))
    path.insert(path.begin(), at);
  for (auto state : path)
    must(on, a_move(on, id, state));
}

std::vector<store::history_entry> history_of(store::job_store& on, job_id id) {
  auto result = on.history(id, {}, 1'000);
  BOOST_REQUIRE(result.has_value());
  return result->rows;
}

void check_consistent(const scratch_database& database) {
  BOOST_TEST(database.ask("SELECT count(*) FROM (SELECT queue, state, count(*) AS n FROM jobs GROUP BY queue, state) a"
                          " LEFT JOIN job_counts c ON c.queue = a.queue AND c.state = a.state"
                          " WHERE c.jobs IS NULL OR c.jobs <> a.n")
             == 0);
  BOOST_TEST(database.ask("SELECT coalesce(sum(jobs), 0) FROM job_counts")
             == database.ask("SELECT count(*) FROM jobs"));
  BOOST_TEST(database.ask("SELECT count(*) FROM jobs WHERE state <> coalesce((SELECT to_state FROM history"
                          " WHERE job = jobs.number AND chunk = -1 ORDER BY number DESC LIMIT 1), '')")
             == 0);
  BOOST_TEST(
    database.ask("SELECT count(*) FROM history a WHERE from_state <> coalesce((SELECT to_state FROM history b"
                 " WHERE b.job = a.job AND b.chunk = a.chunk AND b.number < a.number ORDER BY number DESC LIMIT 1),"
                 " CASE WHEN chunk = -1 THEN '' ELSE 'waiting' END)")
    == 0);
}

} // namespace troupe::test
