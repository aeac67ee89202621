// Goal: many viewers, slow ones, hostile ones and those that leave cost a bounded amount, and nobody else notices.
// Method: the crowd is a process of its own, so that both ends of its connections fit into the limits of a process.
#include "served_channel.hpp"

#include <boost/test/unit_test.hpp>

#include <fstream>

#include <sys/wait.h>

using namespace troupe;
using namespace troupe::http;

namespace delivery_crowd_test {
namespace {

/// What a crowd does, in numbers that it writes through a pipe.
struct crowd {
  static constexpr uint16_t per_address = 1'000;

  /// Starts the process, before any thread runs. It begins when it is told where to.
  explicit crowd(size_t size) {
    BOOST_REQUIRE(::pipe(to_) == 0 && ::pipe(from_) == 0);
    child_ = ::fork();
    BOOST_REQUIRE(child_ >= 0);
    if (child_ == 0)
      ::_exit(run(size) ? 0 : 1);
    ::close(to_[0]);
    ::close(from_[1]);
  }

  ~crowd() {
    ::close(to_[1]);
    ::close(from_[0]);
    ::waitpid(child_, nullptr, 0);
  }

  void begin(uint16_t port, std::string path) {
    path.resize(path_size);
    BOOST_REQUIRE(::write(to_[1], &port, sizeof port) == sizeof port);
    BOOST_REQUIRE(::write(to_[1], path.data(), path_size) == path_size);
  }

  /// How many have their answer, and how many of these answers are 200 and whole.
  std::pair<uint32_t, uint32_t> result() {
    uint32_t numbers[2] = {0, 0};
    BOOST_REQUIRE(::read(from_[0], numbers, sizeof numbers) == sizeof numbers);
    return {numbers[0], numbers[1]};
  }

private:
  static constexpr ssize_t path_size = 200;

  /// In the child: nothing here touches the parent's objects.
  bool run(size_t size) {
    ::close(to_[1]);
    ::close(from_[0]);
    uint16_t port = 0;
    char path[path_size + 1] = {};
    if (::read(to_[0], &port, sizeof port) != sizeof port || ::read(to_[0], path, path_size) != path_size)
      return false;
    std::vector<client> all;
    uint32_t answered = 0;
    uint32_t whole = 0;
    try {
      for (size_t i = 0; i < size; ++i) {
        all.emplace_back(port, 0, INADDR_LOOPBACK + 1 + static_cast<uint32_t>(i / per_address));
        all.back().get(path);
      }
      for (auto& c : all) {
        auto x = c.read_response();
        ++answered;
        whole += x.status == 200 && x.body.ends_with("\n") ? 1 : 0;
      }
    } catch (const std::exception&) {
    }
    uint32_t numbers[2] = {answered, whole};
    return ::write(from_[1], numbers, sizeof numbers) == sizeof numbers;
  }

  int to_[2] = {-1, -1};
  int from_[2] = {-1, -1};
  pid_t child_ = -1;
};

/// Resident memory of this process.
uint64_t resident_bytes() {
  std::ifstream file{"/proc/self/statm"};
  uint64_t total = 0;
  uint64_t resident = 0;
  file >> total >> resident;
  return resident * 4096;
}

constexpr size_t many = 10'000;

/// The crowd's process is older than the server's threads.
struct ten_thousand {
  crowd others{many};
};

struct fixture : served_channel {
  using served_channel::served_channel;

  std::string next_part() {
    auto [n, part] = latest();
    return "v.m3u8?_HLS_msn=" + std::to_string(n) + "&_HLS_part=" + std::to_string(*part + 1);
  }

  size_t waiting() {
    return out.shared()->waiting();
  }
};

/// Requests may wait for three segments. These are so long that a slow machine has time for all clients.
struct crowded : ten_thousand, fixture {
  crowded() : fixture{{.segment = 8 * ticks_per_second}} {}
};

} // namespace
} // namespace delivery_crowd_test

BOOST_FIXTURE_TEST_SUITE(delivery_crowd_test, fixture)

BOOST_FIXTURE_TEST_CASE(ten_thousand_reloads_wait_in_little_memory_and_all_get_the_next_part, crowded) {
  config.connections_max = many + 100;
  config.watch_timeout = std::chrono::seconds{20};
  start();
  write_until(4.5);
  auto viewer = enter();
  auto before = resident_bytes();
  others.begin(web->port(), viewer + next_part());
  BOOST_TEST(reached([&] { return waiting() == many; }));
  auto each = (resident_bytes() - before) / many;
  BOOST_TEST(each < 64u * 1024, each << " bytes for each that waits");
  // One more waits, too, and is answered among them.
  auto own = connect(viewer + next_part());
  BOOST_TEST(reached([&] { return waiting() == many + 1; }));
  write_until(4.9);
  BOOST_TEST(own.read_response().status == 200);
  auto [answered, whole] = others.result();
  BOOST_TEST(answered == many);
  BOOST_TEST(whole == many);
  BOOST_TEST(waiting() == 0u);
  BOOST_TEST(get("/healthz").status == 200);
}

BOOST_AUTO_TEST_CASE(beyond_the_limit_a_request_that_would_wait_is_refused_and_all_others_are_answered) {
  start();
  write_until(2.5);
  auto viewer = enter();
  delivery_request next;
  next.file = "v.m3u8";
  next.msn = latest().number + 1;
  std::vector<std::shared_ptr<void>> places;
  while (auto place = out.shared()->notify(next, [] {}))
    places.push_back(std::move(place));
  BOOST_TEST(places.size() == 20'000u);
  auto refused = get(viewer + next_part());
  BOOST_TEST(refused.status == 503);
  BOOST_TEST(refused.has("Retry-After"));
  BOOST_TEST(get(viewer + "v.m3u8").status == 200);
  places.pop_back();
  auto c = connect(viewer + next_part());
  BOOST_TEST(reached([&] { return waiting() == 20'000; }));
  places.clear();
  BOOST_TEST(waiting() == 1u);
  write_until(2.9);
  BOOST_TEST(c.read_response().status == 200);
}

BOOST_AUTO_TEST_CASE(a_client_that_leaves_while_it_waits_gives_its_place_back) {
  start();
  write_until(2.5);
  auto viewer = enter();
  std::vector<client> all;
  for (auto i = 0; i < 20; ++i)
    all.push_back(connect(viewer + next_part()));
  BOOST_TEST(reached([&] { return waiting() == 20; }));
  while (all.size() > 5)
    all.pop_back();
  BOOST_TEST(reached([&] { return waiting() == 5; }));
  // One that waits for the channel to start leaves, too.
  {
    std::lock_guard guard{cluster->mutex};
    cluster->silent = true;
  }
  out.end({});
  BOOST_TEST(reached([&] { return waiting() == 0; }));
  auto c = connect("/live/demo/h264/index.m3u8");
  BOOST_TEST(!c.waits(std::chrono::milliseconds{20}));
  c.close();
  BOOST_TEST(get("/healthz").status == 200);
}

BOOST_AUTO_TEST_CASE(a_request_sent_ahead_waits_for_its_turn) {
  start();
  write_until(2.5);
  auto viewer = enter();
  auto c = connect(viewer + next_part());
  BOOST_TEST(reached([&] { return waiting() == 1; }));
  c.get("/healthz");
  BOOST_TEST(!c.waits(std::chrono::milliseconds{20}));
  write_until(2.9);
  BOOST_TEST(c.read_response().body.starts_with("#EXTM3U"));
  BOOST_TEST(c.read_response().body.find("\"ok\"") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_client_that_hardly_reads_holds_little_and_is_dropped) {
  config.write_timeout = std::chrono::milliseconds{300};
  padding = 8 * 1024 * 1024;
  start();
  write_until(2.5);
  auto viewer = enter();
  auto segments = out.shared()->window("v")->segments();
  auto path = viewer + "v-" + std::to_string(segments.at(1).number) + ".m4s";
  auto fast = get(path);
  BOOST_TEST(fast.body.size() > padding);
  client slow{web->port(), 4096};
  slow.get(path);
  BOOST_TEST(slow.read_head().status == 200);
  // A byte each 50 ms: five days for this segment. Its kernel reports room only once there is enough for a packet.
  client idle{web->port()};
  auto began = std::chrono::steady_clock::now();
  auto dropped = [&] {
    for (auto i = 0; i < 60; ++i) {
      BOOST_TEST(!idle.waits(std::chrono::milliseconds{50}));
      if (slow.take(1) == 0)
        return true;
      // Only the idle one is left, and the one that asks.
      if (get("/metrics").body.find("troupe_http_connections 2\n") != std::string::npos)
        return true;
    }
    return false;
  };
  BOOST_TEST(dropped());
  BOOST_TEST((std::chrono::steady_clock::now() - began < std::chrono::seconds{2}));
  BOOST_TEST(get(viewer + "v.m3u8").status == 200);
}

BOOST_AUTO_TEST_SUITE_END()
