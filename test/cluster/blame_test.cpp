// Goal: orders that cannot succeed fail at once, and never block a worker for others.
// Method: while its channel is watched, one worker gets jobs whose sources are missing, refused or unreachable. It
// gets one job more than would make a blamed worker unhealthy.
#include "test/cluster/job_cluster.hpp"
#include "test/cluster/web_server.hpp"

#include <boost/test/unit_test.hpp>

using namespace troupe::test;

BOOST_AUTO_TEST_SUITE(blame_test)

namespace {

const std::string missing_path = "/no/such/film.mkv";

std::string order_of(const std::string& input, const std::string& output) {
  return R"({"input":")" + input + R"(","output":")" + output + R"(.mkv","video":{"codec":"libx264"}})";
}

} // namespace

BOOST_AUTO_TEST_CASE(sources_that_are_missing_or_away_leave_the_worker_healthy_and_live_work_alone) {
  job_settings settings;
  settings.channels = {{"a", media("h264.ts")}};
  settings.flags = {"--jobs.retries_max=1"};
  job_cluster f{settings};
  f.c.start({"w1"}, 2);
  web_server empty{[](const std::string&) { return std::nullopt; }};
  auto web = "http://127.0.0.1:" + std::to_string(empty.port()) + "/film.mkv";
  auto away = "http://127.0.0.1:" + std::to_string(closed_port()) + "/film.mkv";
  std::vector<std::string> terminal, transient;
  for (int i = 0; i < 4; ++i)
    terminal.push_back(f.order(order_of(missing_path + std::to_string(i), f.result + std::to_string(i))));
  // A path below a regular file, and a URL of a file that the server does not have.
  terminal.push_back(f.order(order_of(f.source + "/film.mkv", f.result + "-folder")));
  terminal.push_back(f.order(order_of(web, f.result + "-web")));
  for (int i = 0; i < 4; ++i)
    transient.push_back(f.order(order_of(away + std::to_string(i), f.result + "-away" + std::to_string(i))));
  for (auto& id : terminal) {
    f.wait_until_over(id, "failed");
    BOOST_TEST(says(f.history(id), "an error that no other try would mend"), f.history(id));
  }
  BOOST_TEST(says(f.error_of(terminal.front()), "No such file"), f.error_of(terminal.front()));
  BOOST_TEST(says(f.error_of(terminal.back()), "404"), f.error_of(terminal.back()));
  for (auto& id : transient) {
    f.wait_until_over(id, "failed");
    BOOST_TEST(says(f.history(id), "an error, several times"), f.history(id));
  }
  auto worker = f.c.daemon("w1");
  BOOST_TEST(text(worker, "state") == "healthy");
  BOOST_TEST(count(object(worker, "breaker"), "failures") == 0);
  BOOST_TEST(f.c.get("/readyz").status == 200);
  (void)f.c.watch("a", "small");
}

BOOST_AUTO_TEST_SUITE_END()
