// Goal: credentials of sources and secrets of nodes are seen only by those who may see them. Method: a cluster whose
// sources have a secret in every usual place of a URL. Its HTTP answers, logs and network traffic are searched for the
// secrets.
#include "test/cluster/job_cluster.hpp"
#include "test/cluster/web_server.hpp"

#include <boost/json/serialize.hpp>
#include <boost/test/unit_test.hpp>

#include <atomic>
#include <fstream>
#include <optional>
#include <string>

using namespace troupe::test;

BOOST_AUTO_TEST_SUITE(secrets_test)

namespace {

/// Checks that the text contains none of the tests' secrets.
void check_clean(const std::string& text, const std::string& where) {
  for (auto secret : {"annika7", "hunter2", "KEY-1", "S3CRET"})
    BOOST_TEST(text.find(secret) == std::string::npos, where << " shows " << secret);
}

} // namespace

BOOST_AUTO_TEST_CASE(no_log_no_answer_and_no_error_shows_what_opens_a_source) {
  auto host = "127.0.0.1:" + std::to_string(closed_port());
  job_cluster f{{.flags = {"--log.level=debug", "--jobs.retries_max=0"},
                 .channels = {{"a", "http://annika7:hunter2@" + host + "/live/annika7/hunter2/7.ts?token=S3CRET"},
                              {"b", "rtmp://" + host + "/app/KEY-1"}},
                 .seconds = 10}};
  f.c.start({"one"}, 1);
  for (auto channel : {"a", "b"}) {
    auto answer = f.c.get("/live/" + std::string{channel} + "/small.ts");
    BOOST_TEST(answer.status >= 500);
    BOOST_TEST(says(answer.body, host), answer.body);
    check_clean(answer.body, "the error for viewers");
    for (auto path : {"/app", "7.ts"})
      BOOST_TEST(answer.body.find(path) == std::string::npos);
  }
  auto id = f.order(R"({"input": "http://annika7:p| w/hunter2@)" + host + R"(/x?S3CRET&token=S3CRET", "output": ")"
                    + f.result + R"("})");
  f.wait_until_over(id, "failed");
  BOOST_TEST(says(f.error_of(id), host), f.error_of(id));
  auto log = f.c.get("/api/v1/jobs/" + id + "/logs");
  check_clean(boost::json::serialize(f.job(id)), "the job");
  check_clean(log.body, "the job's log");
  check_clean(f.c.get("/api/v1/channels").body, "the list of channels");
  for (auto node : {"coordinator", "one"}) {
    auto said = f.c.node(node).output();
    BOOST_TEST(!said.empty());
    // The log may name the channel and its host, but no secret.
    check_clean(said, "the log of " + std::string{node});
  }
}

BOOST_AUTO_TEST_CASE(a_playlist_that_travels_as_a_file_takes_the_ticket_nowhere) {
  job_cluster f{{.flags = {"--jobs.transfer=http"}, .seconds = 10}};
  f.c.start({"one"}, 1);
  std::atomic<int> requests{0};
  web_server thief{[&requests](const std::string&) {
    ++requests;
    return std::optional<std::string>{"none of your business"};
  }};
  auto playlist = f.c.folder().path("list.m3u8");
  std::ofstream{playlist} << "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:3,\nhttp://127.0.0.1:" << thief.port()
                          << "/a.ts\n#EXT-X-ENDLIST\n";
  auto id = f.order(R"({"input": ")" + playlist + R"(", "output": ")" + f.result + R"("})");
  f.wait_until_over(id, "failed");
  BOOST_TEST(says(f.error_of(id), "a playlist"), f.error_of(id));
  BOOST_TEST(requests == 0);
}

BOOST_AUTO_TEST_CASE(a_node_and_its_tasks_leave_no_core_dump) {
  job_cluster f{{.seconds = 10}};
  f.c.start({"one"}, 1);
  for (auto pid : {f.c.node("coordinator").pid(), f.c.node("one").pid()}) {
    auto limits = read_file("/proc/" + std::to_string(pid) + "/limits");
    auto at = limits.find("Max core file size");
    BOOST_REQUIRE(at != std::string::npos);
    BOOST_TEST(limits.substr(at, limits.find('\n', at) - at).find("unlimited") == std::string::npos);
    BOOST_TEST(limits.substr(at + 18, 40).find_first_of("123456789") == std::string::npos, limits.substr(at, 60));
  }
}

BOOST_AUTO_TEST_SUITE_END()
