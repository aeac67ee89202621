// Goal: clients and channels that come and go in any order leave nothing behind: no task, thread, descriptor, session
// or slot.
// Method: two hundred random steps on a cluster with a short idle_timeout. Clients join a good, a failing or an unknown
// channel, read a little, and leave politely or in mid-request. Afterwards each node must hold as much as
// after a first warm-up round. The seed is printed; TROUPE_TEST_SEED sets it.
#include "test/cluster/media.hpp"
#include "test/support/cluster.hpp"

#include <boost/json/serialize.hpp>
#include <boost/test/unit_test.hpp>

#include <cstdlib>
#include <list>
#include <map>
#include <random>
#include <vector>

using namespace troupe::test;

BOOST_AUTO_TEST_SUITE(churn_test)

namespace {

constexpr int steps = 200;
constexpr size_t clients_max = 12;

/// Growth that is no leak: threads and descriptors of a pool that settles between two rounds.
constexpr size_t slack = 3;

uint64_t seed() {
  auto given = std::getenv("TROUPE_TEST_SEED");
  return given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
}

class crowd {
public:
  crowd(const cluster& c, uint64_t seed) : cluster_(c), random_(seed) {}

  void step() {
    switch (pick(10)) {
    case 0:
    case 1:
    case 2:
    case 3:
      join();
      break;
    case 4:
    case 5:
    case 6:
      leave();
      break;
    case 7:
      visit();
      break;
    default:
      read();
    }
  }

  void leave_all() {
    clients_.clear();
  }

private:
  uint64_t pick(uint64_t n) {
    return random_() % n;
  }

  std::string target() {
    static const std::vector<std::string> targets{
      "/live/a/small.ts", "/live/a/source.ts",     "/live/b/small.ts",       "/live/b/source.ts",
      "/live/c/small.ts", "/live/short/source.ts", "/live/missing/small.ts", "/live/nobody/small.ts"};
    return targets[pick(targets.size())];
  }

  void join() {
    if (clients_.size() >= clients_max)
      leave();
    clients_.emplace_back(cluster_.http_port());
    clients_.back().get(target());
    if (pick(2) == 0) // the other half leave their request unanswered
      (void)clients_.back().read(milliseconds{300});
  }

  void leave() {
    if (!clients_.empty())
      clients_.erase(std::next(clients_.begin(), static_cast<long>(pick(clients_.size()))));
  }

  /// A client that sends a request and disconnects at once.
  void visit() {
    http_stream client{cluster_.http_port()};
    client.get(target());
  }

  void read() {
    for (auto& x : clients_) {
      (void)x.read(milliseconds{10});
      (void)x.take_body();
    }
  }

  const cluster& cluster_;
  std::mt19937_64 random_;
  std::list<http_stream> clients_;
};

bool quiet(const cluster& c) {
  if (!c.sessions().empty())
    return false;
  for (auto& x : c.daemons())
    if (count(x.get_object(), "slots_used") != 0)
      return false;
  return true;
}

const std::vector<std::string> nodes{"coordinator", "w1", "w2"};

/// What each node holds once nothing runs.
std::map<std::string, holdings> settle(cluster& c) {
  c.wait_until(
    "nothing runs any more", [&] { return quiet(c); }, milliseconds{30'000});
  // One warm process each: those that worked have ended, and those that replace them have joined.
  for (auto& name : nodes)
    c.wait_until(
      "one process is warm on " + name, [&] { return tasks_of(c.node(name).pid()).size() == 1; }, milliseconds{30'000});
  std::map<std::string, holdings> result;
  for (auto& name : nodes)
    result[name] = holdings_of(c.node(name).pid());
  return result;
}

} // namespace

BOOST_AUTO_TEST_CASE(clients_that_come_and_go_leave_nothing_behind) {
  auto started_with = seed();
  BOOST_TEST_MESSAGE("TROUPE_TEST_SEED=" << started_with);
  auto source = media("h264.ts");
  auto brief = small_sample();
  brief.seconds = 2;
  cluster c{{{{"a", source},
              {"b", source},
              {"c", source},
              {"short", media("short.ts", brief), false},
              {"missing", "/nothing/here.ts"}},
             {"--live.idle_timeout=200ms", scaled_flag("cluster.selection_timeout", milliseconds{500})},
             {}}};
  c.start({"w1", "w2"}, 1);
  crowd people{c, started_with};
  for (int i = 0; i < steps / 10; ++i)
    people.step();
  people.leave_all();
  auto before = settle(c);
  for (int i = 0; i < steps; ++i)
    people.step();
  people.leave_all();
  auto after = settle(c);
  for (auto& name : nodes) {
    BOOST_TEST_MESSAGE(name << ": " << before[name].threads << " threads and " << before[name].descriptors
                            << " descriptors before, " << after[name].threads << " and " << after[name].descriptors
                            << " after");
    BOOST_TEST(after[name].threads <= before[name].threads + slack, name);
    BOOST_TEST(after[name].descriptors <= before[name].descriptors + slack, name << " holds:\n"
                                                                                 << descriptors_of(c.node(name).pid()));
  }
  for (auto name : {"w1", "w2"}) {
    BOOST_TEST(c.daemon_state(name) == "healthy", text(c.daemon(name), "reason"));
    BOOST_TEST(count(c.daemon(name), "tasks_failed") == 0, boost::json::serialize(list(c.daemon(name), "ended")));
  }
  BOOST_TEST(c.get("/readyz").status == 200);
  auto still_works = c.watch("a", "small", 50'000);
}

BOOST_AUTO_TEST_SUITE_END()
