// Goal: channels are placed on workers according to slots and states, and a channel without a worker is refused in
// time.
// Method: a coordinator, two workers with one slot each, and their tasks, all as separate processes. The placement is
// read from the API and compared with the process table.
#include "ctl/run.hpp"
#include "test/cluster/media.hpp"
#include "test/support/cluster.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <set>
#include <sstream>
#include <thread>
#include <vector>

using namespace troupe;
using namespace troupe::test;

BOOST_AUTO_TEST_SUITE(placement_test)

namespace {

constexpr auto selection_timeout = milliseconds{1'000};

cluster_settings three_channels() {
  auto source = media("h264.ts");
  return {
    {{"a", source}, {"b", source}, {"c", source}}, {"--cluster.selection_timeout=1s", "--live.idle_timeout=500ms"}, {}};
}

http_answer post(const cluster& c, const std::string& target) {
  return http_request(c.http_port(), "POST", target);
}

} // namespace

BOOST_AUTO_TEST_CASE(two_channels_land_on_two_workers_and_a_third_gets_a_clear_503_in_time) {
  cluster c{three_channels()};
  c.start({"w1", "w2"}, 1);
  auto a = c.watch("a", "small");
  auto b = c.watch("b", "small");
  auto of_a = text(c.variant("a", "small"), "worker");
  auto of_b = text(c.variant("b", "small"), "worker");
  BOOST_TEST(of_a != of_b);
  for (auto& worker : {of_a, of_b}) {
    BOOST_TEST(count(c.daemon(worker), "slots_used") == 1);
    c.wait_until(worker + " reports its transcode", [&] { return c.transcodes_of(worker).size() == 1; });
    auto pid = c.transcodes_of(worker).front();
    auto below = tasks_of(c.node(worker).pid());
    BOOST_TEST(std::any_of(below.begin(), below.end(), [&](auto& x) { return x.pid == pid; }),
               worker << " reports the pid " << pid << ", which is no child of it");
  }

  auto before = clock::now();
  auto refused = c.get("/live/c/small.ts", scaled(milliseconds{15'000}));
  auto took = std::chrono::duration_cast<milliseconds>(refused.at - before);
  BOOST_TEST(refused.status == 503);
  BOOST_TEST((took >= selection_timeout && took < scaled(selection_timeout + milliseconds{1'500})), took.count()
                                                                                                      << " ms");
  BOOST_TEST(refused.field("content-type") == "application/problem+json");
  auto problem = refused.json().get_object();
  BOOST_TEST(text(problem, "code") == "no_worker");
  BOOST_TEST(text(problem, "detail").find("no free slot") != std::string::npos, text(problem, "detail"));
  BOOST_TEST(!refused.field("retry-after").empty());

  // The refusal harms nothing: the first two clients still get their streams, and nothing of the third is left.
  BOOST_TEST(a.read_body(a.body().size() + 100'000, scaled(milliseconds{10'000})));
  BOOST_TEST(b.read_body(b.body().size() + 100'000, scaled(milliseconds{10'000})));
  c.wait_until("the refused channel is gone", [&] { return c.session("c").empty(); });
}

BOOST_AUTO_TEST_CASE(a_draining_worker_gets_nothing_new_until_it_is_resumed) {
  cluster c{three_channels()};
  c.start({"w1", "w2"}, 2);
  auto drained = post(c, "/api/v1/daemons/w1/drain");
  BOOST_TEST(drained.status == 200);
  BOOST_TEST(c.daemon_state("w1") == "draining");
  auto a = c.watch("a", "small");
  auto b = c.watch("b", "small");
  BOOST_TEST(text(c.variant("a", "small"), "worker") == "w2");
  BOOST_TEST(text(c.variant("b", "small"), "worker") == "w2");
  auto refused = c.get("/live/c/small.ts", scaled(milliseconds{15'000}));
  BOOST_TEST(refused.status == 503);
  BOOST_TEST(refused.body.find("w1 is draining") != std::string::npos, refused.body);

  // What runs on a draining worker continues there, and moves as soon as another worker can take it.
  BOOST_TEST(post(c, "/api/v1/daemons/w2/drain").status == 200);
  BOOST_TEST(a.read_body(a.body().size() + 100'000, scaled(milliseconds{10'000})));
  BOOST_TEST(post(c, "/api/v1/daemons/w1/resume").status == 200);
  c.wait_until("both have moved", [&] {
    return text(c.variant("a", "small"), "worker") == "w1" && text(c.variant("b", "small"), "worker") == "w1";
  });
  BOOST_TEST(a.read_body(a.body().size() + 100'000, scaled(milliseconds{10'000})));
  std::ostringstream said;
  BOOST_TEST(
    ctl::run({"drain", "w2", "--wait"}, {.url = "http://127.0.0.1:" + std::to_string(c.http_port())}, said, said, false)
    == 0);
  BOOST_TEST(said.str().find("w2 has no work left") != std::string::npos, said.str());

  BOOST_TEST(post(c, "/api/v1/daemons/w2/resume").status == 200);
  auto third = c.watch("c", "small");
  BOOST_TEST(text(c.variant("c", "small"), "worker") == "w2");
}

BOOST_AUTO_TEST_CASE(a_removed_worker_is_forgotten_and_ends_with_its_tasks) {
  cluster c{three_channels()};
  c.start({"w1", "w2"}, 1);
  auto a = c.watch("a", "small");
  auto worker = text(c.variant("a", "small"), "worker");
  BOOST_TEST(http_request(c.http_port(), "DELETE", "/api/v1/daemons/" + worker).status == 204);
  BOOST_TEST(c.get("/api/v1/daemons/" + worker).status == 404);
  BOOST_TEST(c.daemons().size() == 1u);
  auto ended = c.node(worker).wait(scaled(milliseconds{5'000}));
  BOOST_TEST(ended.has_value());
  BOOST_TEST(c.node(worker).output().find("removed") != std::string::npos);
  c.stop(worker, 1);
  c.wait_until("its tasks are gone", no_orphans);
}

BOOST_AUTO_TEST_CASE(a_worker_that_has_proven_nothing_gets_nothing_to_encode) {
  cluster c{three_channels()};
  c.start_coordinator();
  c.start_worker("w1", 2, {"--worker.prove=false", "--worker.capability_cache=" + c.folder().path("none.json")});
  c.wait_until("w1 is registered", [&] { return c.daemon_state("w1") == "healthy"; });
  BOOST_TEST(list(object(c.daemon("w1"), "can"), "encoders").empty());
  BOOST_TEST(c.get("/readyz").status == 503);
  auto refused = c.get("/live/a/small.ts", scaled(milliseconds{15'000}));
  BOOST_TEST(refused.status == 503);
  BOOST_TEST(refused.body.find("no working encoder for libx264") != std::string::npos);
  // The unchanged source needs no worker.
  auto client = c.watch("a", "source", 50'000);
}

BOOST_AUTO_TEST_CASE(a_worker_that_is_not_there_is_a_404) {
  cluster c{three_channels()};
  c.start_coordinator();
  for (auto& answer :
       {c.get("/api/v1/daemons/nobody"), post(c, "/api/v1/daemons/nobody/drain"),
        post(c, "/api/v1/daemons/nobody/resume"), http_request(c.http_port(), "DELETE", "/api/v1/daemons/nobody")}) {
    BOOST_TEST(answer.status == 404);
    BOOST_TEST(answer.body.find("unknown_daemon") != std::string::npos, answer.body);
  }
  BOOST_TEST(c.get("/readyz").status == 503);
  BOOST_TEST(c.get("/healthz").status == 200);
}

BOOST_AUTO_TEST_CASE(who_comes_when_a_session_ends_is_served_by_the_next) {
  auto settings = three_channels();
  settings.flags = {"--cluster.selection_timeout=20ms", "--live.idle_timeout=1ms"};
  cluster c{std::move(settings)};
  c.start_coordinator();
  std::array<std::set<std::string>, 4> said;
  {
    std::vector<std::jthread> clients;
    for (auto& codes : said)
      clients.emplace_back([&] {
        for (int i = 0; i < 40; ++i)
          codes.insert(text(c.get("/live/a/small.ts", scaled(milliseconds{15'000})).json(), "code"));
      });
  }
  for (auto& codes : said)
    BOOST_TEST((codes == std::set<std::string>{"no_worker"}), *codes.rbegin());
}

BOOST_AUTO_TEST_SUITE_END()
