// Secrets are a type that nothing prints.
#include "base/secret.hpp"

#include <boost/test/unit_test.hpp>

#include <ostream>
#include <string>
#include <string_view>
#include <type_traits>

using namespace troupe::base;

namespace secret_test {
namespace {

template <class T>
concept printable = requires(std::ostream& to, const T& x) {
  to << x;
};

static_assert(printable<std::string> && !printable<secret_text>);
static_assert(!std::is_convertible_v<secret_text, std::string>);
static_assert(!std::is_convertible_v<secret_text, std::string_view>);
static_assert(!std::is_constructible_v<std::string, secret_text>);

} // namespace
} // namespace secret_test

BOOST_AUTO_TEST_SUITE(secret_test)

BOOST_AUTO_TEST_CASE(a_secret_is_known_to_who_asks_for_it) {
  secret_text x{"hunter2"};
  BOOST_TEST(x.reveal() == "hunter2");
  BOOST_TEST((x == secret_text{"hunter2"}));
  BOOST_TEST(!(x == secret_text{"hunter3"}));
  BOOST_TEST(!(x == secret_text{}));
  BOOST_TEST(secret_text{}.empty());
}

BOOST_AUTO_TEST_CASE(a_secret_that_moved_leaves_nothing_behind) {
  // Long enough for memory of its own, and short enough for none.
  for (auto n : {100u, 5u}) {
    secret_text x{std::string(n, 's')};
    auto copy = x;
    auto moved = std::move(x);
    BOOST_TEST(x.empty()); // NOLINT(bugprone-use-after-move)
    BOOST_TEST((moved == copy));
    x = copy;
    BOOST_TEST((x == moved));
  }
}

BOOST_AUTO_TEST_CASE(random_digits_are_not_repeated) {
  BOOST_TEST(random_digits(26).size() == 52u);
  BOOST_TEST(random_digits(26) != random_digits(26));
}

BOOST_AUTO_TEST_SUITE_END()
