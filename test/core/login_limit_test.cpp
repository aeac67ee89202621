// Logging in is slow for a client, and with a key that others try.
#include "core/trust/login_limit.hpp"

#include <boost/test/unit_test.hpp>

using namespace troupe::core;
using namespace std::chrono_literals;

namespace login_limit_test {
namespace {

struct fixture {
  /// How many of `n` tries in a row are allowed. All of them fail.
  int allowed(int n, const std::string& client, const std::string& key) {
    int result = 0;
    for (int i = 0; i < n; ++i)
      if (limit.begin(client, key, now).allowed) {
        ++result;
        limit.failed(key, now);
      }
    return result;
  }

  login_limit limit{10, 60s};
  login_limit::time_point now{1h};
};

} // namespace
} // namespace login_limit_test

BOOST_FIXTURE_TEST_SUITE(login_limit_test, fixture)

BOOST_AUTO_TEST_CASE(a_client_tries_only_so_often_whether_or_not_it_succeeds) {
  for (int i = 0; i < 10; ++i)
    BOOST_TEST(limit.begin("a", "key" + std::to_string(i), now).allowed);
  auto refused = limit.begin("a", "another", now);
  BOOST_TEST(!refused.allowed);
  BOOST_TEST((refused.again > 0ms && refused.again <= 120s));
  BOOST_TEST(limit.begin("b", "another", now).allowed);
  now += refused.again;
  BOOST_TEST(limit.begin("a", "another", now).allowed);
}

BOOST_AUTO_TEST_CASE(many_clients_cannot_try_one_key_together) {
  int tries = 0;
  for (int i = 0; i < 100; ++i)
    tries += allowed(1, "client" + std::to_string(i), "key");
  BOOST_TEST(tries == 10);
  auto refused = limit.begin("its owner", "key", now);
  BOOST_TEST(!refused.allowed);
  BOOST_TEST((refused.again > 0ms));
  BOOST_TEST(limit.begin("its owner", "another key", now).allowed);
  now += refused.again;
  BOOST_TEST(limit.begin("its owner", "key", now).allowed);
}

BOOST_AUTO_TEST_CASE(tries_that_succeed_do_not_count_against_their_key) {
  for (int i = 0; i < 100; ++i)
    BOOST_TEST(limit.begin("client" + std::to_string(i), "key", now).allowed);
}

BOOST_AUTO_TEST_CASE(texts_without_a_key_count_for_their_client_alone) {
  BOOST_TEST(allowed(100, "a", {}) == 10);
  BOOST_TEST(allowed(100, "b", {}) == 10);
}

BOOST_AUTO_TEST_SUITE_END()
