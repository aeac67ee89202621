// Roles, keys and signed texts: whom a key stands for, what a role may do, which keys may be made and revoked.
#include "base/secret.hpp"
#include "core/trust/key_table.hpp"
#include "core/trust/key_text.hpp"
#include "core/trust/signed_text.hpp"

#include <boost/test/unit_test.hpp>

using namespace troupe;
using namespace troupe::core;

namespace key_table_test {
namespace {

constexpr int64_t now = 1'700'000'000'000;

api_key a_key(const std::string& id, role r = role::admin) {
  api_key x;
  x.id = id;
  x.sha256 = base::sha256_of("text of " + id);
  x.name = id;
  x.role = r;
  x.created_ms = now;
  return x;
}

proof good(role r, std::vector<std::string> channels = {}) {
  return {proof::kind::good, {r, std::move(channels), "k", 0}};
}

} // namespace
} // namespace key_table_test

BOOST_AUTO_TEST_SUITE(key_table_test)

BOOST_AUTO_TEST_CASE(a_keys_text_names_it_and_has_a_checksum) {
  auto digits = base::random_digits(key_random_bytes);
  auto text = key_text(digits);
  BOOST_TEST(text.size() == key_text_size);
  BOOST_TEST(text.starts_with("trp_"));
  BOOST_TEST(key_id_of(text).value() == digits.substr(0, key_id_digits));
  for (size_t i = 0; i < text.size(); ++i) {
    auto wrong = text;
    wrong[i] = wrong[i] == '0' ? '1' : '0';
    BOOST_TEST(!key_id_of(wrong).has_value());
  }
  BOOST_TEST(!key_id_of("").has_value());
  BOOST_TEST(!key_id_of(text + "0").has_value());
  BOOST_TEST(!key_id_of(text.substr(1)).has_value());
  // The checksum of this text was computed by zlib.
  BOOST_TEST(key_text(std::string(52, '0')) == "trp_" + std::string(52, '0') + "2114b17e");
}

BOOST_AUTO_TEST_CASE(only_the_right_text_of_a_key_that_lives_is_good) {
  key_table table;
  auto x = a_key("a", role::viewer);
  x.expires_ms = now + 10;
  table.add(x);
  BOOST_TEST((table.check("a", x.sha256, now).what == proof::kind::good));
  BOOST_TEST((table.check("a", x.sha256, now).who.role == role::viewer));
  BOOST_TEST(table.find("a")->used_ms == now);
  BOOST_TEST((table.check("a", base::sha256_of("another"), now).what == proof::kind::wrong));
  BOOST_TEST((table.check("a", "", now).what == proof::kind::wrong));
  BOOST_TEST((table.check("b", x.sha256, now).what == proof::kind::wrong));
  BOOST_TEST((table.check("a", x.sha256, now + 9).what == proof::kind::good));
  BOOST_TEST((table.check("a", x.sha256, now + 10).what == proof::kind::expired));
  table.revoke("a", now + 5);
  BOOST_TEST((table.check("a", x.sha256, now + 6).what == proof::kind::revoked));
  BOOST_TEST((table.check("a", now + 6).what == proof::kind::revoked));
  // A wrong text does not learn that the key was revoked.
  BOOST_TEST((table.check("a", base::sha256_of("another"), now + 6).what == proof::kind::wrong));
}

BOOST_AUTO_TEST_CASE(the_last_key_of_an_administrator_stays) {
  key_table table;
  table.add(a_key("first"));
  BOOST_TEST(table.has_only_first());
  BOOST_TEST(!table.why_it_stays("first").empty());
  auto ends = a_key("ends");
  ends.expires_ms = now + 1000;
  table.add(ends);
  table.add(a_key("operator", role::operate));
  BOOST_TEST(!table.why_it_stays("first").empty());
  BOOST_TEST(table.why_it_stays("ends").empty());
  BOOST_TEST(table.why_it_stays("operator").empty());
  BOOST_TEST(table.why_it_stays("nobody").empty());
  table.add(a_key("second"));
  BOOST_TEST(table.why_it_stays("first").empty());
  table.revoke("first", now);
  BOOST_TEST(!table.why_it_stays("second").empty());
}

BOOST_AUTO_TEST_CASE(a_revoked_key_does_not_open_the_machine_again) {
  key_table table;
  table.add(a_key("first"));
  table.add(a_key("second"));
  BOOST_TEST(!table.has_only_first());
  table.revoke("second", now);
  BOOST_TEST(!table.has_only_first());
}

BOOST_AUTO_TEST_CASE(a_key_has_a_name_and_limits_that_make_sense) {
  key_table table;
  auto fault = [&table](auto change) {
    auto x = a_key("x", role::watch);
    change(x);
    return !table.fault_of(x, now).empty();
  };
  BOOST_TEST(!fault([](auto& x) { x.channels = {"demo"}; }));
  BOOST_TEST(fault([](auto& x) { x.name = ""; }));
  BOOST_TEST(fault([](auto& x) { x.name = std::string(65, 'x'); }));
  BOOST_TEST(fault([](auto& x) { x.name = "a\x1b[0m"; }));
  BOOST_TEST(fault([](auto& x) { x.channels = {""}; }));
  BOOST_TEST(fault([](auto& x) { x.channels.resize(257, "c"); }));
  BOOST_TEST(fault([](auto& x) { x.role = role::viewer, x.channels = {"demo"}; }));
  BOOST_TEST(fault([](auto& x) { x.expires_ms = now; }));
  BOOST_TEST(!fault([](auto& x) { x.expires_ms = now + 1; }));
  for (size_t i = 0; i < key_table::keys_max; ++i)
    table.add(a_key(std::to_string(i)));
  BOOST_TEST(fault([](auto&) {}));
}

BOOST_AUTO_TEST_CASE(a_role_may_do_what_the_lower_ones_may) {
  const std::pair<need, role> least[] = {{need::channel, role::watch},
                                         {need::watch, role::watch},
                                         {need::viewer, role::viewer},
                                         {need::operate, role::operate},
                                         {need::admin, role::admin}};
  for (auto [what, enough] : least)
    for (auto r : {role::watch, role::viewer, role::operate, role::admin})
      BOOST_TEST((judge(what, good(r), "demo") == (r >= enough ? verdict::enter : verdict::too_low)));
  for (auto r : {role::watch, role::viewer, role::operate, role::admin})
    BOOST_TEST((role_of(to_string(r)) == r));
  BOOST_TEST(!role_of("root").has_value());
}

BOOST_AUTO_TEST_CASE(what_needs_nothing_is_open_even_to_a_wrong_key) {
  for (auto open : {need::nothing, need::ticket})
    for (auto kind : {proof::kind::none, proof::kind::wrong, proof::kind::expired, proof::kind::revoked})
      BOOST_TEST((judge(open, {kind, {}}, "") == verdict::enter));
  BOOST_TEST((judge(need::watch, {}, "") == verdict::no_key));
  BOOST_TEST((judge(need::watch, {proof::kind::wrong, {}}, "") == verdict::wrong_key));
  BOOST_TEST((judge(need::watch, {proof::kind::expired, {}}, "") == verdict::expired));
  BOOST_TEST((judge(need::watch, {proof::kind::revoked, {}}, "") == verdict::revoked));
}

BOOST_AUTO_TEST_CASE(only_what_opens_one_thing_may_travel_in_the_clear) {
  for (auto what : {need::channel, need::watch, need::viewer, need::operate, need::admin}) {
    BOOST_TEST(needs_https(what, false));
    BOOST_TEST(needs_https(what, true) == (what != need::channel));
  }
  BOOST_TEST(!needs_https(need::nothing, false));
  BOOST_TEST(!needs_https(need::ticket, false));
}

BOOST_AUTO_TEST_CASE(a_key_for_some_channels_opens_no_other) {
  BOOST_TEST((judge(need::channel, good(role::watch, {"a", "b"}), "b") == verdict::enter));
  BOOST_TEST((judge(need::channel, good(role::watch, {"a", "b"}), "c") == verdict::scope));
  BOOST_TEST((judge(need::channel, good(role::watch, {"a", "b"}), "") == verdict::scope));
  BOOST_TEST((judge(need::channel, good(role::watch), "c") == verdict::enter));
}

BOOST_AUTO_TEST_CASE(a_signed_text_holds_for_one_purpose_and_one_thing) {
  auto text = sign("secret", "address", {"0123456789ab", 1'700'000'000}, "demo");
  auto read = read_signed("secret", "address", text, "demo");
  BOOST_REQUIRE(read.has_value());
  BOOST_TEST(read->key == "0123456789ab");
  BOOST_TEST(read->expires_s == 1'700'000'000);
  BOOST_TEST(!read_signed("other", "address", text, "demo").has_value());
  BOOST_TEST(!read_signed("secret", "session", text, "demo").has_value());
  BOOST_TEST(!read_signed("secret", "address", text, "demo2").has_value());
  for (size_t i = 0; i < text.size(); ++i) {
    auto wrong = text;
    wrong[i] = wrong[i] == '1' ? '2' : '1';
    BOOST_TEST(!read_signed("secret", "address", wrong, "demo").has_value());
    BOOST_TEST(!read_signed("secret", "address", text.substr(0, i), "demo").has_value());
  }
}

BOOST_AUTO_TEST_SUITE_END()
