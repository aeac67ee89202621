// Live streams over real sockets from a real `variant_stream`: the clients' data, byte by byte. A client that leaves or
// stops reading affects no other.
#include "client.hpp"
#include "dummy_gateway.hpp"
#include "http/live_group.hpp"
#include "http/server.hpp"

#include <boost/test/unit_test.hpp>

#include <cstring>
#include <thread>

using namespace troupe;
using namespace troupe::http;

namespace live_test {
namespace {

struct fixture : type_registration {
  explicit fixture(uint32_t threads = 1, std::chrono::milliseconds write_timeout = std::chrono::seconds{30}) {
    core::client_ring::limits limits;
    limits.bytes_max = 4 * 1024 * 1024;
    cluster->run(limits);
    config.listen.port = 0;
    config.threads = threads;
    config.watch_timeout = std::chrono::milliseconds{300};
    config.write_timeout = write_timeout;
    config.stop_timeout = std::chrono::milliseconds{1000};
    config.log = [this](const access_record& x) {
      std::lock_guard guard{cluster->mutex};
      records.push_back(x);
    };
    channel_status c;
    c.name = "demo";
    cluster->channels.push_back(c);
    profile p;
    p.name = "h264";
    cluster->profiles.push_back(p);
    auto started = server::start(config, system, spawn_dummy_gateway(system, cluster));
    if (!started)
      BOOST_FAIL(started.error());
    web = std::move(*started);
  }

  /// Appends a chunk of `size` bytes that no other chunk equals.
  std::string push(size_t size, bool random_access) {
    auto text = "[" + std::to_string(pushed++) + (random_access ? " r" : " ");
    text.resize(size, '.');
    shared_bytes::container bytes(size);
    std::memcpy(bytes.data(), text.data(), size);
    cluster->stream->push({shared_bytes{std::move(bytes)}, random_access, static_cast<int64_t>(pushed) * 3600});
    return text;
  }

  client watch(const std::string& version = "1.1", int receive_buffer = 0) {
    client result{web->port(), receive_buffer};
    result.send("GET /live/demo/h264.ts HTTP/" + version + "\r\nHost: localhost\r\n\r\n");
    return result;
  }

  /// Waits for a state of the stream that some other thread brings about.
  template <class Condition>
  bool reached(Condition condition) {
    auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{10};
    while (!condition()) {
      if (std::chrono::steady_clock::now() > deadline)
        return false;
      std::this_thread::yield();
    }
    return true;
  }

  bool clients_become(uint32_t n) {
    return reached([&] { return cluster->stream->count().clients == n; });
  }

  uint64_t pushed = 0;
  dummy_cluster_ptr cluster = std::make_shared<dummy_cluster>();
  caf::actor_system_config system_config;
  caf::actor_system system{system_config};
  server_config config;
  std::vector<access_record> records;
  std::unique_ptr<server> web;
};

struct two_threads : fixture {
  two_threads() : fixture(2) {}
};

struct impatient : fixture {
  impatient() : fixture(1, std::chrono::milliseconds{300}) {}
};

} // namespace
} // namespace live_test

BOOST_FIXTURE_TEST_SUITE(live_test, fixture)

BOOST_AUTO_TEST_CASE(a_client_gets_the_chunks_from_a_random_access_point_on) {
  push(1000, true);
  push(1000, false);
  auto expected = push(2000, true);
  expected += push(500, false);
  auto c = watch();
  auto head = c.read_head();
  BOOST_TEST(head.status == 200);
  BOOST_TEST(head.has("Content-Type: video/mp2t"));
  BOOST_TEST(head.has("Transfer-Encoding: chunked"));
  BOOST_TEST(head.has("Cache-Control: no-store"));
  BOOST_TEST(clients_become(1));
  expected += push(300, false);
  c.read_until([&](auto& t) { return client::dechunk(t).size() >= expected.size(); });
  cluster->stream->end({});
  bool ended = false;
  BOOST_TEST(client::dechunk(c.read_all(), &ended) == expected);
  BOOST_TEST(ended);
  BOOST_TEST(clients_become(0));
}

BOOST_AUTO_TEST_CASE(an_old_client_gets_the_bytes_as_they_are) {
  auto expected = push(2000, true);
  auto c = watch("1.0");
  auto head = c.read_head();
  BOOST_TEST(head.status == 200);
  BOOST_TEST(!head.has("Transfer-Encoding"));
  cluster->stream->end({});
  BOOST_TEST(c.read_all() == expected);
}

BOOST_FIXTURE_TEST_CASE(many_clients_get_the_same_bytes, two_threads) {
  auto expected = push(100, true);
  std::vector<client> clients;
  for (int i = 0; i < 20; ++i)
    clients.push_back(watch());
  for (auto& c : clients)
    BOOST_TEST(c.read_head().status == 200);
  for (int i = 0; i < 50; ++i)
    expected += push(1000 + i * 97, i % 10 == 0);
  cluster->stream->end({});
  for (auto& c : clients)
    BOOST_TEST(client::dechunk(c.read_all()) == expected);
  BOOST_TEST(cluster->stream->count().clients_total == 20);
  BOOST_TEST(clients_become(0));
}

// Those who wait on one thread are woken through one of them.
BOOST_AUTO_TEST_CASE(a_client_that_leaves_takes_nothing_from_those_that_wait_with_it) {
  auto expected = push(2000, true);
  std::vector<client> clients;
  auto have_all = [&](size_t from) {
    auto all = [&](auto& t) { return client::dechunk(t).size() >= expected.size(); };
    for (auto i = from; i < clients.size(); ++i)
      BOOST_TEST(client::dechunk(clients[i].read_until(all)) == expected);
  };
  for (int i = 0; i < 5; ++i) {
    clients.push_back(watch());
    BOOST_TEST(clients.back().read_head().status == 200);
  }
  have_all(0);
  for (size_t gone = 0; gone + 1 < clients.size(); ++gone) {
    clients[gone].close();
    BOOST_TEST(clients_become(static_cast<uint32_t>(clients.size() - gone - 1)));
    expected += push(1000, false);
    have_all(gone + 1);
  }
  cluster->stream->end({});
  BOOST_TEST(client::dechunk(clients.back().read_all()) == expected);
}

BOOST_AUTO_TEST_CASE(clients_rest_longer_the_longer_they_take_but_no_picture_waits_long) {
  using std::chrono::milliseconds;
  BOOST_TEST(live_group::rest_after(std::chrono::microseconds{500}).count() == 0);
  BOOST_TEST(live_group::rest_after(milliseconds{2}).count() == 18);
  BOOST_TEST(live_group::rest_after(milliseconds{50}).count() == live_group::rest_max.count());
}

BOOST_AUTO_TEST_CASE(a_stream_that_breaks_ends_without_the_last_chunk) {
  push(2000, true);
  auto c = watch();
  BOOST_TEST(c.read_head().status == 200);
  cluster->stream->end("the source is gone");
  bool ended = false;
  client::dechunk(c.read_all(), &ended);
  BOOST_TEST(!ended);
  web->stop();
  BOOST_TEST(records.back().note == "the source is gone");
  BOOST_TEST(records.back().channel == "demo");
}

BOOST_AUTO_TEST_CASE(a_client_that_leaves_is_noticed) {
  push(2000, true);
  auto waits = watch();
  BOOST_TEST(waits.read_head().status == 200);
  BOOST_TEST(clients_become(1));
  waits.close();
  BOOST_TEST(clients_become(0));
}

BOOST_AUTO_TEST_CASE(a_slow_client_is_moved_ahead_and_holds_nobody_back) {
  auto expected = push(1000, true);
  auto slow = watch("1.1", 16 * 1024);
  BOOST_TEST(clients_become(1));
  auto quick = watch();
  BOOST_TEST(quick.read_head().status == 200);
  // Searches only the end of the received text: a search of all would take longer than the server waits.
  auto ends_with = [](const std::string& all, const std::string& text) {
    auto tail_max = 2 * text.size() + 64 * 1024;
    return all.find(text, all.size() > tail_max ? all.size() - tail_max : 0) != std::string::npos;
  };
  // Far more than kernel and ring hold; the quick client keeps pace, so that only the slow one loses its place.
  for (int i = 0; i < 400; ++i) {
    auto chunk = push(64 * 1024, i % 20 == 0);
    expected += chunk;
    quick.read_until([&](auto& t) { return ends_with(t, chunk) || t.size() >= expected.size() + 400 * 8; });
  }
  std::string_view marker = "[";
  auto slow_text = [&] { return client::dechunk(slow.read_until([](auto&) { return true; })); };
  BOOST_TEST(slow.read_head().status == 200);
  // Reads on until the last push has come.
  auto last = "[" + std::to_string(pushed - 1) + " ";
  slow.read_until([&](auto& t) { return ends_with(t, last); });
  BOOST_TEST(cluster->stream->count().skips >= 1);
  auto got = slow_text();
  BOOST_TEST(got.size() < expected.size());
  // Every chunk that it got is whole, and each jump leads to a random-access point.
  uint64_t before = 0;
  bool first = true;
  for (size_t at = got.find(marker); at != std::string::npos; at = got.find(marker, at + 1)) {
    auto number = std::strtoull(got.c_str() + at + 1, nullptr, 10);
    auto joins = got.substr(at, 12).find(" r") != std::string::npos;
    if (!first && number != before + 1)
      BOOST_TEST(joins);
    first = false;
    before = number;
  }
  cluster->stream->end({});
  BOOST_TEST(client::dechunk(quick.read_all()) == expected);
}

BOOST_FIXTURE_TEST_CASE(a_client_that_takes_nothing_is_dropped, impatient) {
  push(1000, true);
  auto c = watch("1.1", 4096);
  BOOST_TEST(clients_become(1));
  // The kernel's buffers take megabytes in place of the client: pushes continue until they are full and the client is
  // dropped.
  BOOST_TEST(reached([&] {
    push(64 * 1024, true);
    return cluster->stream->count().clients == 0;
  }));
}

BOOST_AUTO_TEST_CASE(a_channel_that_cannot_be_shown_is_a_problem) {
  auto status = [this](const std::string& path) {
    client c{web->port()};
    c.get(path);
    return c.read_response();
  };
  BOOST_TEST(status("/live/other/h264.ts").status == 404);
  BOOST_TEST(status("/live/demo/other.ts").body.find("unknown_profile") != std::string::npos);
  BOOST_TEST(status("/live/demo/h264.mp4").status == 404);
  BOOST_TEST(status("/live/demo/.ts").status == 404);
  const std::pair<ec, int> failures[] = {{ec::no_worker, 503},       {ec::source_failed, 502}, {ec::encode_failed, 502},
                                         {ec::limit, 503},           {ec::timeout, 504},       {ec::stopping, 503},
                                         {ec::invalid_argument, 400}};
  for (auto& [code, expected] : failures) {
    {
      std::lock_guard guard{cluster->mutex};
      cluster->failure = caf::make_error(code, "because of " + to_string(code));
    }
    auto x = status("/live/demo/h264.ts");
    BOOST_TEST(x.status == expected);
    BOOST_TEST(x.body.find("because of " + to_string(code)) != std::string::npos);
    BOOST_TEST(x.has("Retry-After") == (expected == 503));
  }
}

BOOST_AUTO_TEST_CASE(a_channel_that_does_not_start_is_a_504) {
  cluster->silent = true;
  client c{web->port()};
  c.get("/live/demo/h264.ts");
  BOOST_TEST(c.read_response().status == 504);
}

BOOST_AUTO_TEST_CASE(head_starts_nothing) {
  auto head = [this](const std::string& path) {
    client c{web->port()};
    c.send("HEAD " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
    return c.read_head();
  };
  auto x = head("/live/demo/h264.ts");
  BOOST_TEST(x.status == 200);
  BOOST_TEST(x.has("Content-Type: video/mp2t"));
  BOOST_TEST(head("/live/demo/other.ts").status == 404);
  BOOST_TEST(head("/live/other/h264.ts").status == 404);
  BOOST_TEST(cluster->watches == 0);
}

BOOST_AUTO_TEST_CASE(stop_ends_streams_and_is_quick) {
  auto expected = push(2000, true);
  auto c = watch();
  BOOST_TEST(c.read_head().status == 200);
  c.read_until([&](auto& t) { return client::dechunk(t).size() >= expected.size(); });
  auto stuck = watch("1.1", 4096);
  BOOST_TEST(clients_become(2));
  for (int i = 0; i < 20; ++i)
    push(64 * 1024, false);
  client idle{web->port()};
  idle.get("/healthz");
  BOOST_TEST(idle.read_response().status == 200);
  std::thread reader{[&] { c.read_until([](auto&) { return false; }); }};
  auto before = std::chrono::steady_clock::now();
  web->stop();
  auto took = std::chrono::steady_clock::now() - before;
  reader.join();
  BOOST_TEST((took < std::chrono::seconds{5}));
  bool ended = false;
  client::dechunk(c.read_all(), &ended);
  BOOST_TEST(ended);
  BOOST_TEST(idle.read_all().empty());
  web.reset();
  BOOST_TEST(cluster->stream->count().clients == 0);
}

BOOST_AUTO_TEST_CASE(clients_that_come_and_go_at_random_leave_nothing_behind) {
  push(1000, true);
  for (int i = 0; i < 100; ++i) {
    auto c = watch();
    if (i % 3 == 0)
      c.read_head();
    push(500, i % 5 == 0);
  }
  BOOST_TEST(clients_become(0));
  BOOST_TEST(cluster->stream->count().clients_total <= 100);
}

BOOST_AUTO_TEST_SUITE_END()
