// Goal: many clients of one rendition cost one ingest and one transcode, and each gets exactly what a single client
// gets.
// Method: raw HTTP clients read in parallel; bodies are compared byte by byte from where they overlap. Without warm
// processes, the process table shows exactly the working ones. A client that does not read reaches its limit while
// another continues.
#include "test/cluster/media.hpp"
#include "test/support/cluster.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <vector>

#include <poll.h>

using namespace troupe::test;

BOOST_AUTO_TEST_SUITE(fanout_test)

namespace {

constexpr size_t transport_packet = 188;

/// Reads from all clients as data arrives, until each has `bytes` bytes or `duration` is over.
void read_all_for(std::vector<http_stream>& clients, milliseconds duration, size_t bytes = SIZE_MAX) {
  auto deadline = clock::now() + duration;
  auto has_less = [bytes](auto& x) { return x.body().size() < bytes; };
  while (clock::now() < deadline && std::any_of(clients.begin(), clients.end(), has_less)) {
    std::vector<pollfd> waiting;
    for (auto& x : clients)
      waiting.push_back({x.descriptor(), POLLIN, 0});
    auto left = std::chrono::duration_cast<milliseconds>(deadline - clock::now()).count();
    if (::poll(waiting.data(), waiting.size(), static_cast<int>(std::max<int64_t>(left, 0))) <= 0)
      continue;
    for (size_t i = 0; i < clients.size(); ++i)
      if (waiting[i].revents != 0)
        BOOST_REQUIRE_MESSAGE(clients[i].read(milliseconds{0}), "client " << i << " got an end: " << clients[i].head());
  }
}

/// Whether `part` occurs in `whole`. If `whole` ends within `part`, the rest of `part` is not compared.
bool continues(std::string_view whole, std::string_view part) {
  // The first packets may be program tables, which occur often, so the place is found by 100 packets.
  auto probe = part.substr(0, 100 * transport_packet);
  for (auto at = whole.find(probe); at != std::string_view::npos; at = whole.find(probe, at + 1)) {
    auto both = std::min(whole.size() - at, part.size());
    if (whole.substr(at, both) == part.substr(0, both))
      return true;
  }
  return false;
}

/// A source of some 6 Mbit/s in small pictures, so that the buffers between server and client are full soon.
std::string heavy_source() {
  auto options = small_sample();
  options.picture.grain = 20;
  options.video_bit_rate = 6'000'000;
  return media("heavy.ts", options);
}

} // namespace

BOOST_AUTO_TEST_CASE(twenty_clients_share_one_ingest_and_one_transcode_and_get_the_same_bytes) {
  cluster c{{{{"a", media("h264.ts")}}, {"--worker.warm_tasks=0", "--coordinator.warm_tasks=0"}, {}}};
  c.start({"w1"}, 2);
  std::vector<http_stream> clients;
  for (int i = 0; i < 20; ++i) {
    clients.emplace_back(c.http_port());
    clients.back().get("/live/a/small.ts");
  }
  for (auto& x : clients)
    BOOST_REQUIRE(x.read_head(scaled(milliseconds{20'000})) == 200);
  read_all_for(clients, scaled(milliseconds{10'000}), 300'000);

  BOOST_TEST(c.sessions().size() == 1u);
  BOOST_TEST(list(c.session("a"), "variants").size() == 1u);
  BOOST_TEST(count(c.variant("a", "small"), "clients") == 20);
  BOOST_TEST(count(c.variant("a", "small"), "skips") == 0);
  BOOST_TEST(tasks_of(c.node("coordinator").pid()).size() == 1u);
  BOOST_TEST(tasks_of(c.node("w1").pid()).size() == 1u);

  auto earliest = std::max_element(clients.begin(), clients.end(),
                                   [](auto& a, auto& b) { return a.body().size() < b.body().size(); });
  for (size_t i = 0; i < clients.size(); ++i) {
    auto& body = clients[i].body();
    BOOST_TEST(body.size() >= 300'000u);
    BOOST_TEST(body.size() % transport_packet == 0u);
    BOOST_TEST(continues(earliest->body(), body), "client " << i << " got other bytes");
  }

  // A client that comes later joins the same rendition.
  auto late = c.watch("a", "small", 100'000);
  std::vector<http_stream> both;
  both.push_back(std::move(*earliest));
  both.push_back(std::move(late));
  read_all_for(both, milliseconds{500});
  BOOST_TEST(continues(both[0].body(), both[1].body()));
  BOOST_TEST(tasks_of(c.node("w1").pid()).size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_slow_client_is_moved_ahead_and_counted_and_disturbs_nobody) {
  cluster c{{{{"heavy", heavy_source()}}, {"--live.client_lag_max=1s", "--live.variant_buffer_duration=4s"}, {}}};
  c.start_coordinator();
  std::vector<http_stream> fast;
  fast.push_back(c.watch("heavy", "source"));
  constexpr int receive_buffer = 8 * 1024;
  http_stream slow{c.http_port(), receive_buffer};
  slow.get("/live/heavy/source.ts");
  BOOST_REQUIRE(slow.read_head(scaled(milliseconds{10'000})) == 200);
  BOOST_REQUIRE(slow.read_body(transport_packet, scaled(milliseconds{10'000})));
  // The slow client reads nothing while the fast one reads on: the buffers between server and client fill, then more
  // than a second passes.
  read_all_for(fast, scaled(milliseconds{15'000}), 4'500'000);
  auto before = slow.body().size();

  // When it reads again it gets what the buffers held, and then current data.
  std::vector<http_stream> both;
  both.push_back(std::move(fast[0]));
  both.push_back(std::move(slow));
  read_all_for(both, milliseconds{4'000});
  BOOST_TEST(count(c.variant("heavy", "source"), "skips") >= 1);
  BOOST_TEST(count(c.variant("heavy", "source"), "clients") == 2);
  std::string_view all{both[0].body()};
  std::string_view some{both[1].body()};
  BOOST_TEST(some.size() > before + 1'000'000);
  BOOST_TEST(some.size() + 1'000'000 < all.size());
  BOOST_TEST(all.size() % transport_packet == 0u);
  BOOST_TEST(some.size() % transport_packet == 0u);
  // The slow client's last megabyte is part of what the fast client got: the slow one has caught up, and the fast one
  // misses nothing in that part.
  BOOST_TEST(continues(all, some.substr((some.size() / transport_packet - 5'000) * transport_packet)));
}

BOOST_AUTO_TEST_SUITE_END()
