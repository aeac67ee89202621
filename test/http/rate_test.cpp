// How much one client may ask for: requests in a burst, wrong keys, and who counts as one client behind proxies.
#include "core/trust/key_text.hpp"
#include "keyed_server.hpp"
#include "transfer/upload_registry.hpp"

#include <filesystem>
#include <fstream>

using namespace troupe;
using namespace troupe::http;

namespace rate_test {
namespace {

constexpr uint32_t other_address = INADDR_LOOPBACK + 1;

struct fixture : keyed_server {
  /// The statuses of this many requests on one connection, counted by status.
  std::map<int, int> burst(int n, const std::string& path, const std::string& fields = {}) {
    client c{web->port()};
    std::map<int, int> result;
    for (int i = 0; i < n; ++i) {
      c.get(path, fields);
      ++result[c.read_response().status];
    }
    return result;
  }
};

} // namespace
} // namespace rate_test

BOOST_FIXTURE_TEST_SUITE(rate_test, fixture)

BOOST_AUTO_TEST_CASE(request_201_of_a_burst_is_refused) {
  // The default, but slowed down so that a slow machine sends the burst in time.
  config.requests_burst = server_config{}.requests_burst;
  config.requests_per_second = 1;
  start();
  BOOST_TEST(burst(200, "/healthz")[200] == 200);
  client c{web->port()};
  c.get("/healthz", "X-Forwarded-For: 192.0.2.1\r\n");
  auto x = c.read_response();
  BOOST_TEST(x.status == 429);
  BOOST_TEST(x.has("Content-Type: application/problem+json"));
  BOOST_TEST(x.has("Retry-After: "));
  BOOST_TEST(x.has("RateLimit-Policy: \"requests\";q=200;w=200\r\n"));
  BOOST_TEST(x.has("RateLimit: \"requests\";r=0;t="));
  // Neither a key nor a lie about the address helps; another client is not affected.
  BOOST_TEST(ask("GET", "/api/v1/daemons", bearer(first.value())).status == 429);
  BOOST_TEST(ask("GET", "/nothing").status == 429);
  BOOST_TEST(ask("GET", "/healthz", {}, {}, other_address).status == 200);
}

BOOST_AUTO_TEST_CASE(media_that_a_client_may_watch_do_not_count) {
  config.requests_burst = 60;
  config.requests_per_second = 1;
  start();
  auto may = bearer(key(core::role::watch));
  BOOST_TEST(burst(80, "/live/demo/h264/none.m3u8", may)[404] == 80);
  BOOST_TEST(burst(80, "/live/demo/h264/none.m3u8")[429] == 20);
  // A player in a page of another origin may read why.
  auto refused = ask("GET", "/live/demo/h264/none.m3u8");
  BOOST_TEST(refused.status == 429);
  BOOST_TEST(refused.has("Access-Control-Allow-Origin: *"));
  BOOST_TEST(burst(80, "/live/demo/h264/none.m3u8", may)[404] == 80);
}

BOOST_AUTO_TEST_CASE(transfers_of_files_do_not_count_but_guesses_of_their_tickets_do) {
  const std::string job = "0123456789abcdef0123456789abcdef";
  std::filesystem::create_directories(folder.path("work"));
  std::ofstream{folder.path("source.mkv")} << "a film";
  transfer::upload_registry_config with;
  with.secret = "a secret of tests";
  with.work_folder = folder.path("work");
  config.files = std::make_shared<transfer::upload_registry>(with);
  config.requests_burst = 20;
  config.requests_per_second = 1;
  start();
  auto access = config.files->open_job(
    {job, "1", folder.path("source.mkv"), folder.path("work"), folder.path(".out.part"), folder.path("out.mp4")});
  auto asked = [&](const std::string& ticket) {
    std::map<int, int> result;
    for (int i = 0; i < 30; ++i)
      ++result[ask("GET", "/api/v1/jobs/" + job + "/source", ticket.empty() ? "" : bearer(ticket)).status];
    return result;
  };
  BOOST_TEST(asked(access.ticket)[200] == 30);
  BOOST_TEST(asked("wrong")[429] == 10);
  BOOST_TEST(asked({})[429] == 30);
  BOOST_TEST(asked(access.ticket)[200] == 30);
}

BOOST_AUTO_TEST_CASE(behind_a_trusted_proxy_each_client_counts_for_itself) {
  config.requests_burst = 60;
  config.requests_per_second = 1;
  config.trusted_proxies = {"127.0.0.1/32"};
  start();
  auto as = [this](const std::string& forwarded) {
    return burst(70, "/healthz", "X-Forwarded-For: " + forwarded + "\r\n")[429];
  };
  BOOST_TEST(as("192.0.2.1") == 10);
  BOOST_TEST(as("192.0.2.2") == 10);
  // The client itself wrote what stands before.
  BOOST_TEST(as("198.51.100.1, 192.0.2.1") == 70);
  BOOST_TEST(as("2001:db8::1") == 10);
  BOOST_TEST(as("2001:db8::2") == 70);
}

BOOST_AUTO_TEST_CASE(who_guesses_keys_is_slowed_down_alone) {
  config.wrong_keys_max = 10;
  start();
  auto guess = [this](uint32_t from) {
    return ask("GET", "/api/v1/daemons", bearer(trust::key_ring::fresh_text()), {}, from);
  };
  for (int i = 0; i < 10; ++i)
    BOOST_TEST(guess(INADDR_LOOPBACK).status == 401);
  auto x = guess(INADDR_LOOPBACK);
  BOOST_TEST(x.status == 429);
  BOOST_TEST(x.has("RateLimit-Policy: \"wrong-keys\";q=10;w=60\r\n"));
  // Not even the right key is looked at, so that guessing stays slow. What needs no key is served.
  BOOST_TEST(ask("GET", "/api/v1/daemons", bearer(first.value())).status == 429);
  BOOST_TEST(ask("GET", "/healthz").status == 200);
  auto other = ask("GET", "/api/v1/daemons", bearer(first.value()), {}, other_address);
  BOOST_TEST(other.status == 200);
  BOOST_TEST(guess(other_address).status == 401);
}

BOOST_AUTO_TEST_CASE(logging_in_is_slower_than_other_requests) {
  config.logins_max = 5;
  start();
  auto may = bearer(first.value());
  auto login = [&](const std::string& fields, uint32_t from) {
    return ask("POST", "/api/v1/session", fields, {}, from);
  };
  for (int i = 0; i < 5; ++i)
    BOOST_TEST(login(may, INADDR_LOOPBACK).status == 204);
  auto x = login(may, INADDR_LOOPBACK);
  BOOST_TEST(x.status == 429);
  BOOST_TEST(x.has("Retry-After: "));
  BOOST_TEST(x.has("RateLimit-Policy: \"logins\";q=5;w=60\r\n"));
  // Only logging in is refused.
  BOOST_TEST(ask("GET", "/api/v1/daemons", bearer(first.value())).status == 200);
  BOOST_TEST(login(may, other_address).status == 204);
}

BOOST_AUTO_TEST_CASE(many_addresses_cannot_try_one_key_together) {
  config.logins_max = 3;
  start();
  // The same id with another secret, and the checksum that belongs to it.
  auto digits = first.value().substr(4, 12) + std::string(40, '0');
  auto guess = bearer(core::key_text(digits));
  for (uint32_t i = 1; i <= 3; ++i)
    BOOST_TEST(ask("POST", "/api/v1/session", guess, {}, INADDR_LOOPBACK + i).status == 401);
  auto owner = bearer(first.value());
  BOOST_TEST(ask("POST", "/api/v1/session", guess, {}, INADDR_LOOPBACK + 9).status == 429);
  BOOST_TEST(ask("POST", "/api/v1/session", owner, {}, INADDR_LOOPBACK + 10).status == 429);
  // The key itself works, and so does another one.
  BOOST_TEST(ask("GET", "/api/v1/daemons", owner, {}, INADDR_LOOPBACK + 10).status == 200);
  auto other = bearer(key(core::role::viewer));
  BOOST_TEST(ask("POST", "/api/v1/session", other, {}, INADDR_LOOPBACK + 10).status == 204);
}

BOOST_AUTO_TEST_CASE(expired_keys_are_no_guesses) {
  config.wrong_keys_max = 3;
  start();
  auto ends = key(core::role::viewer, {}, 1000);
  now += 1000;
  BOOST_TEST(burst(20, "/api/v1/daemons", bearer(ends))[401] == 20);
}

BOOST_AUTO_TEST_SUITE_END()
