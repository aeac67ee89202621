// Goal: a process's CPU share, memory and age match the kernel's files, whatever name the process has.
// Method: a folder replaces /proc, a made-up clock the time; then this process itself is measured.
#include "telemetry/process.hpp"

#include "test/telemetry/fed_proc.hpp"

#include <boost/test/unit_test.hpp>

#include <array>

#include <unistd.h>

using namespace troupe;
using namespace troupe::telemetry;
using namespace std::chrono_literals;
using test::fed_proc;

BOOST_AUTO_TEST_SUITE(process_test)

namespace {

constexpr auto start = process_probe::time_point{} + 1h;
const auto tick_rate = static_cast<uint64_t>(::sysconf(_SC_CLK_TCK));
const auto page_bytes = static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));

std::string stat_line(const std::string& name, uint64_t user, uint64_t system, uint64_t started,
                      const std::string& pages) {
  return "42 (" + name + ") S 1 42 42 0 -1 4194304 100 0 0 0 " + std::to_string(user) + ' ' + std::to_string(system)
         + " 7 7 20 0 3 0 " + std::to_string(started) + " 123456789 " + pages + " 18446744073709551615 1 1 0\n";
}

process_statistics measure_one(process_probe& probe, int64_t pid, process_probe::time_point now) {
  std::array pids{pid};
  auto result = probe.measure(pids, now);
  BOOST_REQUIRE_EQUAL(result.size(), 1u);
  BOOST_TEST(result.front().pid == pid);
  return result.front();
}

} // namespace

BOOST_AUTO_TEST_CASE(cpu_share_covers_the_time_between_two_calls, *boost::unit_test::tolerance(1e-6)) {
  fed_proc proc;
  process_probe probe{proc.root()};
  proc.write("uptime", "1010.00 1.00\n");
  proc.write("42/stat", stat_line("caf-node", tick_rate, tick_rate, 1000 * tick_rate, "500"));
  auto x = measure_one(probe, 42, start);
  BOOST_TEST(x.running_ms == 10'000u);
  BOOST_TEST(x.memory_bytes == 500 * page_bytes);
  BOOST_TEST(x.cpu_percent == 20.0);
  proc.write("uptime", "1012.00 1.00\n");
  proc.write("42/stat", stat_line("caf-node", 3 * tick_rate, 2 * tick_rate, 1000 * tick_rate, "600"));
  x = measure_one(probe, 42, start + 2s);
  BOOST_TEST(x.running_ms == 12'000u);
  BOOST_TEST(x.cpu_percent == 150.0);
  BOOST_TEST(x.memory_bytes == 600 * page_bytes);
  BOOST_TEST(measure_one(probe, 42, start + 2s).cpu_percent == 150.0);
}

BOOST_AUTO_TEST_CASE(a_name_full_of_parentheses_and_blanks_shifts_no_column) {
  fed_proc proc;
  proc.write("uptime", "20.00 1.00\n");
  proc.write("42/stat", stat_line("a) S 1 (b )", 1, 1, 10 * tick_rate, "77"));
  process_probe probe{proc.root()};
  auto x = measure_one(probe, 42, start);
  BOOST_TEST(x.memory_bytes == 77 * page_bytes);
  BOOST_TEST(x.running_ms == 10'000u);
}

BOOST_AUTO_TEST_CASE(a_pid_with_a_new_holder_starts_anew, *boost::unit_test::tolerance(1e-6)) {
  fed_proc proc;
  process_probe probe{proc.root()};
  proc.write("uptime", "100.00 1.00\n");
  proc.write("42/stat", stat_line("old", 0, 0, 0, "1"));
  measure_one(probe, 42, start);
  proc.write("uptime", "101.00 1.00\n");
  proc.write("42/stat", stat_line("new", tick_rate / 4, tick_rate / 4, 100 * tick_rate, "1"));
  auto x = measure_one(probe, 42, start + 1s);
  BOOST_TEST(x.running_ms == 1'000u);
  BOOST_TEST(x.cpu_percent == 50.0);
}

BOOST_AUTO_TEST_CASE(several_are_measured_in_the_order_asked_for) {
  fed_proc proc;
  proc.write("uptime", "20.00 1.00\n");
  proc.write("7/stat", stat_line("seven", 0, 0, 0, "7"));
  proc.write("3/stat", stat_line("three", 0, 0, 0, "3"));
  process_probe probe{proc.root()};
  std::array<int64_t, 4> pids{7, 5, 3, 7};
  auto all = probe.measure(pids, start);
  BOOST_REQUIRE_EQUAL(all.size(), 4u);
  BOOST_TEST(all[0].memory_bytes == 7 * page_bytes);
  BOOST_TEST(all[1].memory_bytes == 0u);
  BOOST_TEST(all[1].pid == 5);
  BOOST_TEST(all[2].memory_bytes == 3 * page_bytes);
  BOOST_TEST(all[3].memory_bytes == 7 * page_bytes);
}

BOOST_AUTO_TEST_CASE(absent_and_garbled_files_are_zero) {
  fed_proc proc;
  process_probe probe{proc.root()};
  auto whole = stat_line("x", 5, 5, 5, "9");
  for (const std::string& bad : {std::string{}, std::string{"42 (x"}, std::string{")"}, std::string(100'000, ')'),
                                 whole.substr(0, whole.find(" 9 ")), std::string{"42 (x) S\0\0\0", 11}}) {
    proc.write("42/stat", bad);
    auto x = measure_one(probe, 42, start);
    BOOST_TEST((x == process_statistics{42, 0, 0, 0}));
  }
  proc.write("uptime", "-inf");
  proc.write("42/stat", stat_line("x", UINT64_MAX, UINT64_MAX, UINT64_MAX, "18446744073709551615"));
  auto x = measure_one(probe, 42, start);
  BOOST_TEST(x.running_ms == 0u);
  BOOST_TEST(x.memory_bytes == 0u);
  for (int64_t pid : {int64_t{0}, int64_t{-1}, INT64_MIN, INT64_MAX})
    BOOST_TEST((measure_one(probe, pid, start) == process_statistics{pid, 0, 0, 0}));
}

BOOST_AUTO_TEST_CASE(this_process_is_found) {
  process_probe probe;
  auto now = std::chrono::steady_clock::now();
  measure_one(probe, ::getpid(), now);
  auto until = now + 100ms;
  while (std::chrono::steady_clock::now() < until) {
  }
  auto x = measure_one(probe, ::getpid(), std::chrono::steady_clock::now());
  BOOST_TEST(x.memory_bytes > 1u << 20);
  BOOST_TEST(x.cpu_percent > 0.0);
  BOOST_TEST(x.cpu_percent < 150.0);
  BOOST_TEST(measure_one(probe, 1, now).running_ms >= x.running_ms);
}

BOOST_AUTO_TEST_SUITE_END()
