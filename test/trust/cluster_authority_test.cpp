// The cluster's authority at work: made once, opened by its secret; nodes that join, renew and are revoked; the files
// of the coordinator.
#include "core/trust/join_token.hpp"
#include "test/support/temporary_folder.hpp"
#include "trust/cluster_authority.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <future>
#include <iterator>
#include <thread>

#include <sys/stat.h>

using namespace troupe;
using namespace troupe::trust;

namespace cluster_authority_test {
namespace {

constexpr int64_t start_ms = 1'700'000'000'000;
constexpr int64_t hour_ms = 3'600'000;
constexpr int64_t day_ms = 24 * hour_ms;

std::string text_in(const std::string& path) {
  std::ifstream in{path};
  return {std::istreambuf_iterator<char>{in}, {}};
}

struct fixture {
  tl::expected<std::shared_ptr<cluster_authority>, std::string> try_open() {
    auto store = store::authority_store::open({folder.path() + "/jobs.db"});
    BOOST_REQUIRE_MESSAGE(store.has_value(), store.error().text);
    cluster_authority_config config;
    config.password = password;
    config.folder = folder.path();
    config.node = "coordinator";
    config.interval = std::chrono::milliseconds{5};
    config.now_ms = [this] { return now.load(); };
    return cluster_authority::open(std::move(*store), std::move(config));
  }

  std::shared_ptr<cluster_authority> open() {
    auto result = try_open();
    BOOST_REQUIRE_MESSAGE(result.has_value(), result.error());
    return std::move(*result);
  }

  static made_token token(cluster_authority& x, int64_t uses = 1, int64_t life_ms = hour_ms) {
    std::promise<answer<made_token>> result;
    x.make_token({"worker", life_ms, uses}, {}, [&](answer<made_token> a) { result.set_value(std::move(a)); });
    return result.get_future().get().value();
  }

  struct node {
    certificate own;
    node_identity who;
  };

  static answer<node> with_key(answer<signed_certificate> x, const std::string& key) {
    if (!x)
      return tl::unexpected(std::move(x.error()));
    return node{certificate::read(x->chain, key).value(), x->who};
  }

  static answer<node> join(cluster_authority& x, const std::string& token, const std::string& name = "w1") {
    auto request = make_request().value();
    std::promise<answer<signed_certificate>> result;
    x.join({token, name, request.text}, [&](answer<signed_certificate> a) { result.set_value(std::move(a)); });
    return with_key(result.get_future().get(), request.key);
  }

  static answer<node> renew(cluster_authority& x, const certificate& present, const certificate& signs) {
    auto request = make_request().value();
    std::promise<answer<signed_certificate>> result;
    x.renew({present.text().chain, request.text, sign_text(signs, request.text)},
            [&](answer<signed_certificate> a) { result.set_value(std::move(a)); });
    return with_key(result.get_future().get(), request.key);
  }

  static answer<size_t> revoke(cluster_authority& x, const std::string& name) {
    std::promise<answer<size_t>> result;
    x.revoke_node(name, [&](answer<size_t> a) { result.set_value(a); });
    return result.get_future().get();
  }

  std::string file(const char* name) const {
    return folder.path() + "/" + name;
  }

  /// Waits for the thread's next rounds.
  template <class Holds>
  void await(const char* what, Holds holds) {
    auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{20};
    while (!holds() && std::chrono::steady_clock::now() < deadline)
      std::this_thread::yield();
    BOOST_TEST(holds(), what);
  }

  test::temporary_folder folder;
  std::atomic<int64_t> now{start_ms};
  std::string password = "a secret of this test, long enough";
};

} // namespace
} // namespace cluster_authority_test

BOOST_FIXTURE_TEST_SUITE(cluster_authority_test, fixture)

BOOST_AUTO_TEST_CASE(an_authority_is_made_once_and_its_key_is_nowhere_in_the_clear) {
  auto first = open()->own()->text();
  auto again = open();
  BOOST_TEST(again->own()->text().chain == first.chain);
  BOOST_TEST(again->own()->text().key == first.key);
  BOOST_TEST(text_in(file(public_authority_file)) == first.chain);
  // The middle of the key's text.
  auto part = first.key.substr(first.key.size() / 2, 20);
  for (auto& entry : std::filesystem::directory_iterator{folder.path()})
    BOOST_TEST(text_in(entry.path()).find(part) == std::string::npos, entry.path().string());
  again.reset();
  password = "another secret";
  auto refused = try_open();
  BOOST_REQUIRE(!refused.has_value());
  BOOST_TEST(refused.error().find("cluster.authority_key_file") != std::string::npos, refused.error());
}

BOOST_AUTO_TEST_CASE(the_coordinator_has_a_certificate_and_a_list_of_revoked_ones) {
  auto x = open();
  struct stat found {};
  BOOST_REQUIRE(::stat(file(node_file).c_str(), &found) == 0);
  BOOST_TEST((found.st_mode & 07777) == 0600u);
  auto own = certificate::read(text_in(file(node_file)), text_in(file(node_file))).value();
  BOOST_TEST(own.is_signed_by(*x->own()));
  BOOST_TEST(identity_of(own).role == "coordinator");
  BOOST_TEST(text_in(file(node_authority_file)).find("BEGIN X509 CRL") != std::string::npos);
  // A restart keeps it.
  x.reset();
  x = open();
  BOOST_TEST(text_in(file(node_file)) == own.whole());
}

BOOST_AUTO_TEST_CASE(damaged_files_are_mended_and_old_ones_renewed) {
  auto x = open();
  auto certificate_text = text_in(file(node_file));
  auto list = text_in(file(node_authority_file));
  std::filesystem::remove(file(node_file));
  std::ofstream{file(node_authority_file)} << "damaged";
  await("the files are as they were",
        [&] { return text_in(file(node_file)) == certificate_text && text_in(file(node_authority_file)) == list; });
  now += day_ms;
  await("the list is signed again", [&] {
    auto text = text_in(file(node_authority_file));
    return text != list && text.ends_with("-----END X509 CRL-----\n");
  });
  BOOST_TEST(text_in(file(node_file)) == certificate_text);
  now += 24 * day_ms;
  await("the certificate is renewed", [&] { return text_in(file(node_file)) != certificate_text; });
}

BOOST_AUTO_TEST_CASE(a_token_admits_a_node_once_even_after_a_restart) {
  using enum core::proof::kind;
  auto x = open();
  auto made = token(*x);
  BOOST_TEST((x->check(made.text).what == good));
  BOOST_TEST(x->check(made.text).who.key == made.token.id);
  auto altered = made.text;
  altered.back() = altered.back() == 'A' ? 'B' : 'A';
  BOOST_TEST((x->check(altered).what == wrong));
  BOOST_TEST((x->check("trp_0").what == wrong));
  auto w1 = join(*x, made.token.id);
  BOOST_REQUIRE(w1.has_value());
  BOOST_TEST(w1->own.is_signed_by(*x->own()));
  BOOST_TEST(w1->who.name == "w1");
  BOOST_TEST(w1->who.role == "worker");
  BOOST_TEST((x->check(made.text).what == used_up));
  BOOST_TEST((join(*x, made.token.id).error().why == refusal::reason::conflict));
  x.reset();
  x = open();
  BOOST_TEST((x->check(made.text).what == used_up));
  BOOST_TEST(x->nodes().size() == 1u);
  now += hour_ms;
  BOOST_TEST((x->check(token(*x).text).what == good));
  BOOST_TEST((x->check(made.text).what == expired));
  // The store has the hash of the secret, and not the secret.
  auto secret = core::read_join_text(made.text)->secret;
  x.reset();
  for (auto& entry : std::filesystem::directory_iterator{folder.path()})
    BOOST_TEST(text_in(entry.path()).find(secret) == std::string::npos, entry.path().string());
}

BOOST_AUTO_TEST_CASE(a_revoked_token_admits_nobody) {
  auto x = open();
  auto made = token(*x, 5);
  std::promise<bool> done;
  x->revoke_token(made.token.id, [&](answer<void> a) { done.set_value(a.has_value()); });
  BOOST_TEST(done.get_future().get());
  BOOST_TEST((x->check(made.text).what == core::proof::kind::revoked));
  BOOST_TEST(!join(*x, made.token.id).has_value());
  std::promise<bool> unknown;
  x->revoke_token("nobody", [&](answer<void> a) { unknown.set_value(a.has_value()); });
  BOOST_TEST(!unknown.get_future().get());
}

BOOST_AUTO_TEST_CASE(a_node_renews_by_its_present_key_and_not_too_early) {
  auto x = open();
  auto w1 = join(*x, token(*x).token.id).value();
  auto early = renew(*x, w1.own, w1.own);
  BOOST_REQUIRE(!early.has_value());
  BOOST_TEST(early.error().text.find("too new") != std::string::npos);
  now += 20 * day_ms;
  auto w2 = join(*x, token(*x).token.id, "w2").value();
  auto stolen = renew(*x, w1.own, w2.own);
  BOOST_REQUIRE(!stolen.has_value());
  BOOST_TEST(stolen.error().text.find("not signed") != std::string::npos);
  auto fresh = renew(*x, w1.own, w1.own);
  BOOST_REQUIRE(fresh.has_value());
  BOOST_TEST(fresh->who.name == "w1");
  BOOST_TEST(fresh->who.role == "worker");
  BOOST_TEST(fresh->who.life.ends_s == now / 1000 + 30 * 24 * 3600);
  now += 10 * day_ms;
  auto late = renew(*x, w1.own, w1.own);
  BOOST_REQUIRE(!late.has_value());
  BOOST_TEST(late.error().text.find("join again") != std::string::npos, late.error().text);
  auto foreign = make_authority("Another", now / 1000, 3600).value();
  BOOST_TEST(renew(*x, foreign, foreign).error().text.find("no certificate of a node") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_revoked_node_is_told_listed_and_renews_nothing) {
  auto x = open();
  auto many = token(*x, 5).token.id;
  auto first = join(*x, many).value();
  BOOST_REQUIRE(join(*x, many).has_value());
  auto other = join(*x, many, "w2").value();
  std::string told;
  x->on_revocation([&](const std::string& node) { told = x->has(node) ? "still a member" : node; });
  BOOST_TEST(x->has("w1"));
  BOOST_TEST(!x->has("w3"));
  auto list = text_in(file(node_authority_file));
  BOOST_TEST(revoke(*x, "w1").value() == 2u);
  BOOST_TEST(told == "w1");
  BOOST_TEST(x->has("w2"));
  BOOST_TEST(text_in(file(node_authority_file)) != list);
  BOOST_TEST((revoke(*x, "w1").error().why == refusal::reason::unknown));
  now += 20 * day_ms;
  BOOST_TEST(renew(*x, first.own, first.own).error().text.find("revoked") != std::string::npos);
  BOOST_TEST(renew(*x, other.own, other.own).has_value());
  // A new token admits it again.
  BOOST_TEST(join(*x, token(*x).token.id).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
