// Which requests are written down: those of people with keys that change something, and some of strangers.
#include "core/trust/audit_rules.hpp"

#include <boost/test/unit_test.hpp>

using namespace troupe::core;

namespace audit_rules_test {
namespace {

using kind = proof::kind;
using verdict = audit_rules::verdict;

constexpr need with_role[] = {need::channel, need::watch, need::viewer, need::operate, need::admin};
constexpr kind all_kinds[] = {kind::none, kind::wrong, kind::expired, kind::revoked, kind::good};

struct fixture {
  verdict judge(need what, bool reads, kind shown, const std::string& client = "192.0.2.1") {
    return rules.judge(what, reads, shown, client, now);
  }

  /// How many of `n` such requests are written down.
  int written(int n, const std::string& client) {
    int result = 0;
    for (int i = 0; i < n; ++i)
      result += judge(need::admin, false, kind::wrong, client) == verdict::write;
    return result;
  }

  audit_rules rules;
  audit_rules::time_point now{std::chrono::hours{1}};
};

} // namespace
} // namespace audit_rules_test

BOOST_FIXTURE_TEST_SUITE(audit_rules_test, fixture)

BOOST_AUTO_TEST_CASE(each_change_by_someone_with_a_role_is_written_down) {
  for (auto what : with_role)
    for (int i = 0; i < 1000; ++i)
      BOOST_REQUIRE((judge(what, false, kind::good) == verdict::write));
}

BOOST_AUTO_TEST_CASE(reading_is_not_written_down) {
  for (auto what : with_role) {
    BOOST_TEST((judge(what, true, kind::good) == verdict::ignore));
    BOOST_TEST((judge(what, true, kind::none) == verdict::ignore));
  }
}

BOOST_AUTO_TEST_CASE(what_needs_no_role_is_not_written_down) {
  for (auto what : {need::nothing, need::ticket})
    for (auto shown : all_kinds)
      for (auto reads : {true, false})
        BOOST_TEST((judge(what, reads, shown) == verdict::ignore));
}

BOOST_AUTO_TEST_CASE(keys_that_do_not_count_are_written_down_even_if_they_only_read) {
  for (auto shown : {kind::wrong, kind::expired, kind::revoked}) {
    BOOST_TEST((judge(need::viewer, true, shown) == verdict::write));
    BOOST_TEST((judge(need::admin, false, shown) == verdict::write));
  }
  // A player with an old address asks for each segment.
  BOOST_TEST((judge(need::channel, true, kind::expired) == verdict::ignore));
  BOOST_TEST((judge(need::channel, true, kind::wrong) == verdict::write));
}

BOOST_AUTO_TEST_CASE(a_stranger_cannot_fill_the_log_alone) {
  BOOST_TEST(written(1000, "192.0.2.1") == int{audit_rules::strangers_per_client});
  BOOST_TEST(written(5, "192.0.2.2") == 5);
  BOOST_TEST((judge(need::admin, false, kind::good, "192.0.2.1") == verdict::write));
  now += 2 * audit_rules::window;
  BOOST_TEST(written(1000, "192.0.2.1") == int{audit_rules::strangers_per_client});
}

BOOST_AUTO_TEST_CASE(many_strangers_cannot_fill_the_log_together) {
  int all = 0;
  for (int i = 0; i < 1000; ++i)
    all += written(3, "2001:db8:" + std::to_string(i) + "::/64");
  BOOST_TEST(all == int{audit_rules::strangers_max});
}

BOOST_AUTO_TEST_SUITE_END()
