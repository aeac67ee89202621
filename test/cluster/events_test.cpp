// Goal: a client that follows a job gets each transition once, in order, and its progress from time to time, even
// across a restart of the coordinator. The messages of the job and its codecs are kept with it.
// Method: real processes, one worker, a small source of our own. Event streams on raw sockets are compared with the
// job's history; caf-ctl follows too.
#include "ctl/events.hpp"
#include "test/cluster/media.hpp"
#include "test/support/cluster.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

using namespace troupe::test;
namespace json = boost::json;
namespace fs = std::filesystem;
namespace ctl = troupe::ctl;

BOOST_AUTO_TEST_SUITE(events_test)

namespace {

constexpr auto job_limit = milliseconds{60'000};

struct fixture {
  cluster c{{{}, {}, {}}};
  std::string source = media("events.mkv", small_sample());
  std::string result = c.folder().path("result.mp4");

  void start() {
    c.start({"one"}, 1);
  }

  std::string order(json::object more = {}, const std::string& input = {}) const {
    more["input"] = input.empty() ? source : input;
    more["output"] = result;
    more["overwrite"] = true;
    auto answer = http_request(c.http_port(), "POST", "/api/v1/jobs", milliseconds{10'000}, json::serialize(more));
    BOOST_REQUIRE_MESSAGE(answer.status == 201, answer.body);
    return text(answer.json().as_object(), "id");
  }

  /// A job of some seconds.
  std::string order_slow() const {
    return order({{"video", {{"codec", "libx264"}, {"preset", "slower"}, {"crf", 18}}}, {"chunk", {{"seconds", 2}}}});
  }

  json::object job(const std::string& id) const {
    auto answer = c.get("/api/v1/jobs/" + id);
    return answer.status == 200 ? answer.json().as_object() : json::object{};
  }

  std::string base() const {
    return "http://127.0.0.1:" + std::to_string(c.http_port()) + "/api/v1/jobs/";
  }

  /// Everything that a stream says to its end.
  std::vector<ctl::event> listen(const std::string& id, std::optional<int64_t> last = {},
                                 size_t at_most = 100'000) const {
    std::vector<ctl::event> result;
    auto end = ctl::listen(base() + id + "/events", {}, last, [&](const ctl::event& x) {
      result.push_back(x);
      return result.size() < at_most;
    });
    BOOST_REQUIRE_MESSAGE(end.has_value(), end.error());
    BOOST_TEST((end->status == 200 || end->status == 204));
    return result;
  }

  std::vector<int64_t> numbers_after(const std::string& id, size_t rows) const {
    auto history = list(job(id), "history");
    std::vector<int64_t> result;
    for (auto& row : history)
      result.push_back(count(row.as_object(), "number"));
    result.erase(result.begin(), result.begin() + static_cast<std::ptrdiff_t>(std::min(rows, result.size())));
    return result;
  }
};

/// The numbers of transitions, in order.
std::vector<int64_t> numbers_of(const std::vector<ctl::event>& xs) {
  std::vector<int64_t> result;
  for (auto& x : xs)
    if (x.id && x.name != "job")
      result.push_back(*x.id);
  return result;
}

} // namespace

BOOST_FIXTURE_TEST_CASE(a_job_is_followed_to_its_end_transition_by_transition, fixture) {
  start();
  auto id = order_slow();
  auto since = clock::now();
  auto seen = listen(id);
  auto took = std::chrono::duration<double>(clock::now() - since).count();
  BOOST_REQUIRE(!seen.empty());
  BOOST_TEST(seen.front().name == "job");
  BOOST_TEST(seen.back().name == "end");
  auto transitions = numbers_of(seen);
  auto first = seen.front().id.value_or(0);
  auto expected = numbers_after(id, 0);
  std::erase_if(expected, [first](int64_t x) { return x <= first; });
  BOOST_TEST(transitions == expected, boost::test_tools::per_element());
  auto progress = std::count_if(seen.begin(), seen.end(), [](auto& x) { return x.name == "progress"; });
  BOOST_TEST(progress >= 1);
  BOOST_TEST(static_cast<double>(progress) <= 2 * took + 2);
  BOOST_TEST(text(job(id), "state") == "completed");
  // A stream that resumes after an event gets the events after it; after the last event, it gets nothing.
  auto rest = listen(id, transitions[transitions.size() / 2]);
  BOOST_TEST(numbers_of(rest).size() == transitions.size() - transitions.size() / 2 - 1);
  BOOST_TEST(listen(id, transitions.back()).empty());
}

BOOST_FIXTURE_TEST_CASE(following_goes_on_when_the_coordinator_is_back, fixture) {
  start();
  auto id = order_slow();
  process follower{TROUPE_BINARY_DIR "/bin/caf-ctl",
                   {"jobs", "follow", id, "--json", "--url=http://127.0.0.1:" + std::to_string(c.http_port())},
                   c.folder().path("follow.log")};
  auto before = listen(id, std::nullopt, 4);
  BOOST_REQUIRE(!before.empty());
  c.kill("coordinator");
  c.start_coordinator();
  auto last = before.front().id;
  for (auto& x : before)
    last = x.id ? x.id : last;
  auto rest = listen(id, last);
  BOOST_REQUIRE(!rest.empty());
  BOOST_TEST(rest.back().name == "end");
  auto expected = numbers_after(id, 0);
  std::erase_if(expected, [&](int64_t x) { return x <= *last; });
  BOOST_TEST(numbers_of(rest) == expected, boost::test_tools::per_element());
  BOOST_TEST((follower.wait(scaled(job_limit)) == 0));
  BOOST_TEST(follower.output().find("\"state\":\"completed\"") != std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(all_jobs_are_heard_of_by_queue_and_state, fixture) {
  c.start_coordinator();
  http_stream all{c.http_port()};
  BOOST_TEST(all.get("/api/v1/jobs/events?state=cancelled&queue=batch"));
  BOOST_TEST(all.read_head(scaled(milliseconds{5'000})) == 200);
  BOOST_TEST(all.read_body(3, scaled(milliseconds{5'000})));
  auto other = order();
  auto wanted = order({{"queue", "batch"}});
  for (auto& id : {other, wanted})
    BOOST_TEST(http_request(c.http_port(), "POST", "/api/v1/jobs/" + id + "/cancel").status == 200);
  c.wait_until("the end is heard", [&] {
    all.read(milliseconds{100});
    return all.body().find("event: end") != std::string::npos;
  });
  BOOST_TEST(all.body().find(wanted) != std::string::npos);
  BOOST_TEST(all.body().find(other) == std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(what_the_codecs_say_is_kept_with_the_job, fixture) {
  start();
  // Overwrites bytes in the middle: the decoder complains and continues, or gives up. Either must be in the log.
  auto damaged = c.folder().path("damaged.ts");
  fs::copy_file(media("events.ts", small_sample()), damaged);
  {
    std::fstream file{damaged, std::ios::in | std::ios::out | std::ios::binary};
    for (auto at = fs::file_size(damaged) / 3; at < fs::file_size(damaged) / 3 + 40'000; at += 61) {
      file.seekp(static_cast<std::streamoff>(at));
      file.put('\x5a');
    }
  }
  auto id = order({{"video", {{"codec", "libx264"}, {"preset", "ultrafast"}}}}, damaged);
  listen(id);
  auto answer = c.get("/api/v1/jobs/" + id + "/logs");
  BOOST_TEST(answer.status == 200);
  BOOST_TEST(answer.field("content-type").starts_with("text/plain"));
  BOOST_TEST_MESSAGE(answer.body.substr(0, 2'000));
  BOOST_TEST(answer.body.find("h264: ") != std::string::npos);
  BOOST_TEST(answer.body.find(" on one: ") != std::string::npos);
  auto as_json = c.get("/api/v1/jobs/" + id + "/logs?format=json");
  auto first = json::parse(as_json.body.substr(0, as_json.body.find('\n'))).as_object();
  BOOST_TEST(count(first, "at_ms") > 0);
  process shown{TROUPE_BINARY_DIR "/bin/caf-ctl",
                {"jobs", "logs", id, "--url=http://127.0.0.1:" + std::to_string(c.http_port())},
                c.folder().path("logs.log")};
  BOOST_TEST((shown.wait(scaled(milliseconds{5'000})) == 0));
  BOOST_TEST(shown.output() == answer.body);
  BOOST_TEST(c.get("/api/v1/jobs/" + id + "/logs?format=xml").status == 400);
  // The log is deleted with the job.
  BOOST_TEST(http_request(c.http_port(), "DELETE", "/api/v1/jobs/" + id).status == 204);
  BOOST_TEST(c.get("/api/v1/jobs/" + id + "/logs").status == 404);
}

BOOST_AUTO_TEST_SUITE_END()
