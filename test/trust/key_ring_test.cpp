// Keys at work: the first one, a restart, many threads at once.
#include "base/secret.hpp"
#include "test/support/temporary_folder.hpp"
#include "trust/key_ring.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <future>
#include <iterator>
#include <thread>

using namespace troupe;
using namespace troupe::trust;

namespace key_ring_test {
namespace {

constexpr int64_t start_ms = 1'700'000'000'000;

struct fixture {
  std::shared_ptr<key_ring> open() {
    auto store = store::key_store::open({file});
    BOOST_REQUIRE_MESSAGE(store.has_value(), store.error().text);
    auto result =
      key_ring::open(std::move(*store),
                     {.secret = "s", .write_interval = std::chrono::hours{1}, .now_ms = [this] { return now.load(); }},
                     [this]() -> tl::expected<std::string, std::string> {
                       ++firsts;
                       return first;
                     });
    BOOST_REQUIRE_MESSAGE(result.has_value(), result.error());
    return std::move(*result);
  }

  static answer<made_key> make(key_ring& on, core::role role) {
    std::promise<answer<made_key>> result;
    on.make({"a key", role, {}, 0}, {}, [&](answer<made_key> x) { result.set_value(std::move(x)); });
    return result.get_future().get();
  }

  static answer<void> revoke(key_ring& on, const std::string& id) {
    std::promise<answer<void>> result;
    on.revoke(id, [&](answer<void> x) { result.set_value(std::move(x)); });
    return result.get_future().get();
  }

  test::temporary_folder folder;
  std::string file = folder.path() + "/jobs.db";
  std::string first = key_ring::fresh_text();
  std::atomic<int64_t> now{start_ms};
  int firsts = 0;
};

bool is_good(const core::proof& x) {
  return x.what == core::proof::kind::good;
}

} // namespace
} // namespace key_ring_test

BOOST_FIXTURE_TEST_SUITE(key_ring_test, fixture)

BOOST_AUTO_TEST_CASE(the_first_key_is_an_administrators_and_is_made_once) {
  for (int i = 0; i < 2; ++i) {
    auto ring = open();
    auto shown = ring->check(first);
    BOOST_TEST(is_good(shown));
    BOOST_TEST((shown.who.role == core::role::admin));
    BOOST_TEST(ring->has_only_first());
  }
  BOOST_TEST(firsts == 1);
}

BOOST_AUTO_TEST_CASE(a_file_that_holds_no_key_is_an_error) {
  first = "trp_0";
  auto store = store::key_store::open({file}).value();
  BOOST_TEST(!key_ring::open(std::move(store), {.secret = "s"}, [this]() -> tl::expected<std::string, std::string> {
                return first;
              }).has_value());
}

BOOST_AUTO_TEST_CASE(keys_revocations_and_times_of_use_outlive_the_process) {
  std::string kept;
  std::string ended;
  {
    auto ring = open();
    kept = make(*ring, core::role::viewer)->text.reveal();
    ended = make(*ring, core::role::operate)->text.reveal();
    BOOST_TEST(revoke(*ring, ended.substr(4, 12)).has_value());
    now += 500;
    BOOST_TEST(is_good(ring->check(kept)));
  }
  auto ring = open();
  BOOST_TEST((ring->check(ended).what == core::proof::kind::revoked));
  auto all = ring->all();
  BOOST_REQUIRE(all.size() == 3u);
  auto found = std::find_if(all.begin(), all.end(), [&](auto& x) { return x.id == kept.substr(4, 12); });
  BOOST_REQUIRE(found != all.end());
  BOOST_TEST(found->used_ms == start_ms + 500);
  BOOST_TEST(is_good(ring->check(kept)));
  BOOST_TEST(!ring->has_only_first());
}

BOOST_AUTO_TEST_CASE(no_text_of_a_key_is_in_the_store) {
  std::string made;
  {
    auto ring = open();
    made = make(*ring, core::role::viewer)->text.reveal();
  }
  std::string bytes;
  for (auto& x : std::filesystem::directory_iterator{folder.path()}) {
    std::ifstream in{x.path(), std::ios::binary};
    bytes.append(std::istreambuf_iterator<char>{in}, {});
  }
  BOOST_TEST(bytes.find(base::sha256_of(made)) != std::string::npos);
  for (auto& text : {made, first})
    BOOST_TEST(bytes.find(text.substr(16)) == std::string::npos);
}

BOOST_AUTO_TEST_CASE(many_threads_check_while_keys_come_and_go) {
  auto ring = open();
  std::atomic<bool> stop{false};
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i)
    threads.emplace_back([&] {
      while (!stop)
        if (!is_good(ring->check(first)) || is_good(ring->check(key_ring::fresh_text())))
          ++wrong;
    });
  for (int i = 0; i < 20; ++i) {
    auto made = make(*ring, core::role::viewer);
    BOOST_TEST(is_good(ring->check(made->text.reveal())));
    BOOST_TEST(revoke(*ring, made->key.id).has_value());
    BOOST_TEST(!is_good(ring->check(made->text.reveal())));
  }
  stop = true;
  for (auto& x : threads)
    x.join();
  BOOST_TEST(wrong == 0);
}

BOOST_AUTO_TEST_SUITE_END()
