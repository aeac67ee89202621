// The audit log at work: it survives a restart, a store that is away, and more entries than it can hold.
#include "test/support/temporary_folder.hpp"
#include "trust/audit_log.hpp"

#include <boost/test/unit_test.hpp>

#include <sqlite3.h>

#include <algorithm>
#include <future>
#include <mutex>
#include <thread>

using namespace troupe;
using namespace troupe::trust;
using namespace std::chrono_literals;

namespace audit_log_test {
namespace {

constexpr int64_t start_ms = 1'700'000'000'000;

/// Another program that holds the write lock of a database of SQLite.
class other_writer {
public:
  explicit other_writer(const std::string& file) {
    BOOST_REQUIRE(::sqlite3_open(file.c_str(), &database_) == SQLITE_OK);
    ::sqlite3_busy_timeout(database_, 10'000);
    BOOST_REQUIRE(::sqlite3_exec(database_, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr) == SQLITE_OK);
  }

  ~other_writer() {
    ::sqlite3_close(database_);
  }

private:
  sqlite3* database_ = nullptr;
};

struct fixture {
  std::shared_ptr<audit_log> open() {
    auto store = store::audit_store::open({.url = file, .busy_timeout = 20ms});
    BOOST_REQUIRE_MESSAGE(store.has_value(), store.error().text);
    config.now_ms = [] { return start_ms; };
    config.warn = [this](const std::string& what) {
      std::lock_guard guard{mutex};
      warnings.push_back(what);
    };
    auto result = audit_log::open(std::move(*store), config);
    BOOST_REQUIRE_MESSAGE(result.has_value(), result.error());
    return std::move(*result);
  }

  static void add(audit_log& to, int n, const std::string& role = "admin") {
    for (int i = 0; i < n; ++i) {
      audit_entry x;
      x.at_ms = start_ms;
      x.role = role;
      x.target = "/api/v1/keys";
      to.add(std::move(x));
    }
  }

  static answer<store::audit_page> ask(audit_log& of, audit_question what = {{}, {}, 1000}) {
    std::promise<answer<store::audit_page>> result;
    of.list(std::move(what), [&](answer<store::audit_page> x) { result.set_value(std::move(x)); });
    return result.get_future().get();
  }

  static size_t count(audit_log& of) {
    auto page = ask(of);
    BOOST_REQUIRE_MESSAGE(page.has_value(), page.error().text);
    return page->rows.size();
  }

  bool warned(const std::string& of) {
    std::lock_guard guard{mutex};
    for (auto& x : warnings)
      if (x.find(of) != std::string::npos)
        return true;
    return false;
  }

  test::temporary_folder folder;
  std::string file = folder.path() + "/jobs.db";
  audit_config config{.waiting_max = 50, .retry = 1ms};
  std::mutex mutex;
  std::vector<std::string> warnings;
};

} // namespace
} // namespace audit_log_test

BOOST_FIXTURE_TEST_SUITE(audit_log_test, fixture)

BOOST_AUTO_TEST_CASE(an_answer_has_all_that_was_added_before) {
  auto log = open();
  for (int i = 1; i <= 20; ++i) {
    add(*log, 1);
    BOOST_TEST(count(*log) == static_cast<size_t>(i));
  }
  BOOST_TEST(log->totals().written == 20u);
  BOOST_TEST(log->totals().waiting == 0u);
}

BOOST_AUTO_TEST_CASE(a_stop_loses_nothing_and_numbers_go_on) {
  {
    auto log = open();
    add(*log, 40);
    log->stop();
    BOOST_TEST(log->totals().written == 40u);
    add(*log, 1);
    BOOST_TEST(log->totals().lost == 1u);
    BOOST_TEST(!ask(*log).has_value());
  }
  auto log = open();
  add(*log, 1);
  auto page = ask(*log);
  BOOST_REQUIRE(page->rows.size() == 41u);
  BOOST_TEST(page->rows.front().number == 41);
  BOOST_TEST(page->rows.back().number == 1);
}

BOOST_AUTO_TEST_CASE(while_the_store_is_away_entries_wait_and_then_some_are_lost_and_counted) {
  auto log = open();
  {
    other_writer blocks{file};
    add(*log, 60);
    auto totals = log->totals();
    BOOST_TEST(totals.waiting + totals.written == 50u);
    BOOST_TEST(totals.lost == 10u);
    // Nobody is told that nothing happened.
    auto refused = ask(*log);
    BOOST_REQUIRE(!refused.has_value());
    BOOST_TEST((refused.error().why == refusal::reason::failed));
    BOOST_TEST(warned("cannot be written now"));
  }
  // The other program is gone; a busy lock is tried again.
  while (log->totals().waiting > 0)
    std::this_thread::yield();
  auto page = ask(*log);
  BOOST_REQUIRE_MESSAGE(page.has_value(), page.error().text);
  BOOST_TEST(page->rows.size() == 50u);
  BOOST_TEST(warned("is written again"));
  BOOST_TEST(warned("10 entries of the audit log are lost"));
  // The numbers show the gap.
  add(*log, 1);
  BOOST_TEST(ask(*log)->rows.front().number == 61);
}

BOOST_AUTO_TEST_CASE(what_cannot_be_written_at_the_end_is_counted) {
  auto log = open();
  other_writer blocks{file};
  add(*log, 7);
  log->stop();
  BOOST_TEST(log->totals().lost == 7u);
  BOOST_TEST(warned("7 entries of the audit log are lost"));
}

BOOST_AUTO_TEST_CASE(the_log_is_bounded) {
  config.entries_max = 100;
  config.waiting_max = 10'000;
  auto log = open();
  for (int i = 0; i < 50; ++i) {
    add(*log, 10);
    BOOST_TEST(count(*log) <= 100u + 100u / 16 + 256u);
  }
  add(*log, 1000, "");
  BOOST_TEST(count(*log) > 0u);
  // Strangers have not pushed out the others.
  log->stop();
  log.reset();
  log = open();
  auto page = ask(*log);
  auto known = std::count_if(page->rows.begin(), page->rows.end(), [](auto& x) { return x.role == "admin"; });
  BOOST_TEST(known > 0);
}

BOOST_AUTO_TEST_CASE(texts_are_cut_and_made_printable) {
  auto log = open();
  audit_entry x;
  x.at_ms = start_ms;
  x.role = "admin";
  x.target = "/\xff\n\x1b" + std::string(100'000, 'a');
  log->add(std::move(x));
  auto page = ask(*log);
  BOOST_REQUIRE(page->rows.size() == 1u);
  auto& target = page->rows.front().target;
  BOOST_TEST(target.size() == 1024u);
  BOOST_TEST(target.starts_with("/???aaa"));
}

BOOST_AUTO_TEST_CASE(many_threads_write_at_once) {
  config.waiting_max = 10'000;
  auto log = open();
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&log] { add(*log, 100); });
  for (auto& x : threads)
    x.join();
  BOOST_TEST(count(*log) == 400u);
}

BOOST_AUTO_TEST_SUITE_END()
