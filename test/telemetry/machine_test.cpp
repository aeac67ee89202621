// Goal: the machine's figures match the kernel's files, and nonsense in these files is harmless.
// Method: a folder replaces /proc and a made-up clock the time, so each expected figure can be computed by hand. Then
// the real /proc is read for plausibility, and files are cut and garbled at random places from a fixed seed.
#include "telemetry/machine.hpp"

#include "test/telemetry/fed_proc.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include <sys/stat.h>

using namespace troupe;
using namespace troupe::telemetry;
using namespace std::chrono_literals;
using test::fed_proc;
namespace utf = boost::unit_test;

BOOST_AUTO_TEST_SUITE(machine_test)

namespace {

constexpr auto start = machine_probe::time_point{} + 1h;
constexpr double tolerance = 1e-9;

constexpr std::string_view stat_before = "cpu  100 10 50 800 40 0 0 0 0 0\n"
                                         "cpu0 50 5 25 400 20 0 0 0 0 0\n"
                                         "cpu1 50 5 25 400 20 0 0 0 0 0\n"
                                         "intr 12345 0 9\nctxt 1\nbtime 1\n";

// 200 ticks later: core 0 was busy for 80 of its 100, core 1 for 20.
constexpr std::string_view stat_after = "cpu  180 10 60 880 60 5 5 0 0 0\n"
                                        "cpu0 120 5 30 410 30 3 2 0 0 0\n"
                                        "cpu1 60 5 30 470 30 2 3 0 0 0\n";

constexpr std::string_view meminfo = "MemTotal:        8000000 kB\n"
                                     "MemFree:          500000 kB\n"
                                     "MemAvailable:    6000000 kB\n"
                                     "Buffers:          100000 kB\n"
                                     "Cached:          3000000 kB\n"
                                     "SwapCached:            0 kB\n"
                                     "SwapTotal:       1000000 kB\n"
                                     "SwapFree:         750000 kB\n";

std::string network(uint64_t received, uint64_t sent) {
  return "Inter-|   Receive                                                |  Transmit\n"
         " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls\n"
         "    lo: 9999999 1 0 0 0 0 0 0 9999999 1 0 0 0 0 0 0\n"
         "  eth0: "
         + std::to_string(received) + " 7 0 0 0 0 0 0 " + std::to_string(sent)
         + " 7 0 0 0 0 0 0\n"
           "wlan0:1000 1 0 0 0 0 0 0 2000 1 0 0 0 0 0 0\n";
}

void feed_all(const fed_proc& proc) {
  proc.write("stat", stat_before);
  proc.write("meminfo", meminfo);
  proc.write("loadavg", "0.52 1.25 2.75 3/812 4711\n");
  proc.write("uptime", "93784.51 100000.00\n");
  proc.write("net/dev", network(10'000, 20'000));
  proc.write("pressure/cpu", "some avg10=1.50 avg60=2.25 avg300=3.75 total=123456\n"
                             "full avg10=9 avg60=9 avg300=9 total=9\n");
  proc.write("pressure/memory", "some avg10=0.10 avg60=0.20 avg300=0.30 total=42\n");
  proc.write("pressure/io", "some avg10=100.00 avg60=50.00 avg300=25.00 total=18446744073709551615\n");
}

/// Every number of the snapshot is finite, no percentage leaves 0..100 and no part exceeds its whole.
void require_sane(const machine_statistics& x) {
  auto percent = [](double value) { return std::isfinite(value) && value >= 0 && value <= 100; };
  auto amount = [](double value) { return std::isfinite(value) && value >= 0; };
  BOOST_TEST(percent(x.cpu_percent));
  BOOST_TEST(std::ranges::all_of(x.cpu_per_core, percent));
  BOOST_TEST(x.cpu_per_core.size() == x.cpu_cores);
  BOOST_TEST(percent(x.memory_percent));
  BOOST_TEST(percent(x.disk_percent));
  for (auto value : {x.load_1m, x.load_5m, x.load_15m, x.network_send_rate, x.network_receive_rate})
    BOOST_TEST(amount(value));
  for (auto* value : {&x.cpu_pressure, &x.memory_pressure, &x.io_pressure}) {
    BOOST_TEST(percent(value->avg10));
    BOOST_TEST(percent(value->avg60));
    BOOST_TEST(percent(value->avg300));
  }
  BOOST_TEST(x.memory_used_bytes <= x.memory_total_bytes);
  BOOST_TEST(x.memory_available_bytes <= x.memory_total_bytes);
  BOOST_TEST(x.swap_used_bytes <= x.swap_total_bytes);
  BOOST_TEST(x.disk_used_bytes <= x.disk_total_bytes);
}

} // namespace

BOOST_AUTO_TEST_CASE(files_become_the_figures_that_they_state, *utf::tolerance(tolerance)) {
  fed_proc proc;
  feed_all(proc);
  machine_probe probe{proc.root(), proc.root()};
  auto x = probe.measure(start);
  BOOST_TEST(x.load_1m == 0.52);
  BOOST_TEST(x.load_5m == 1.25);
  BOOST_TEST(x.load_15m == 2.75);
  BOOST_TEST(x.uptime_s == 93784u);
  BOOST_TEST(x.memory_total_bytes == 8'000'000u * 1024ull);
  BOOST_TEST(x.memory_available_bytes == 6'000'000u * 1024ull);
  BOOST_TEST(x.memory_used_bytes == 2'000'000u * 1024ull);
  BOOST_TEST(x.memory_percent == 25.0);
  BOOST_TEST(x.swap_total_bytes == 1'000'000u * 1024ull);
  BOOST_TEST(x.swap_used_bytes == 250'000u * 1024ull);
  BOOST_TEST(x.cpu_pressure.avg10 == 1.5);
  BOOST_TEST(x.cpu_pressure.avg60 == 2.25);
  BOOST_TEST(x.cpu_pressure.avg300 == 3.75);
  BOOST_TEST(x.cpu_pressure.total_us == 123456u);
  BOOST_TEST(x.memory_pressure.avg60 == 0.2);
  BOOST_TEST(x.io_pressure.avg10 == 100.0);
  BOOST_TEST(x.io_pressure.total_us == std::numeric_limits<uint64_t>::max());
  BOOST_TEST(x.disk_total_bytes > 0u);
  BOOST_TEST(!x.hostname.empty());
  BOOST_TEST(x.os.starts_with("Linux"));
  BOOST_TEST(!x.arch.empty());
}

BOOST_AUTO_TEST_CASE(cpu_load_is_that_of_the_time_between_two_calls, *utf::tolerance(tolerance)) {
  fed_proc proc;
  feed_all(proc);
  machine_probe probe{proc.root(), proc.root()};
  auto since_boot = probe.measure(start);
  BOOST_TEST(since_boot.cpu_percent == 16.0);
  BOOST_TEST(since_boot.cpu_cores == 2u);
  proc.write("stat", stat_after);
  auto x = probe.measure(start + 1s);
  BOOST_TEST(x.cpu_percent == 50.0);
  BOOST_TEST(x.cpu_per_core == (std::vector<double>{80.0, 20.0}), boost::test_tools::per_element());
  auto again = probe.measure(start + 1s + 1ms);
  BOOST_TEST(again.cpu_percent == 50.0);
  BOOST_TEST(again.cpu_per_core == x.cpu_per_core, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_core_that_appears_is_compared_with_itself_only, *utf::tolerance(tolerance)) {
  fed_proc proc;
  proc.write("stat", "cpu 0 0 0 200\ncpu0 0 0 0 100\ncpu2 0 0 0 100\n");
  machine_probe probe{proc.root(), proc.root()};
  probe.measure(start);
  proc.write("stat", "cpu 1000 0 0 300\ncpu0 100 0 0 100\ncpu1 900 0 0 0\ncpu2 0 0 0 200\n");
  auto x = probe.measure(start + 1s);
  BOOST_TEST(x.cpu_per_core == (std::vector<double>{100.0, 0.0, 0.0}), boost::test_tools::per_element());
  proc.write("stat", "cpu 1100 0 0 500\ncpu0 100 0 0 200\ncpu1 950 0 0 50\ncpu2 100 0 0 200\n");
  x = probe.measure(start + 2s);
  BOOST_TEST(x.cpu_per_core == (std::vector<double>{0.0, 50.0, 100.0}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(network_rates_leave_loopback_and_new_interfaces_out, *utf::tolerance(tolerance)) {
  fed_proc proc;
  proc.write("net/dev", network(10'000, 20'000));
  machine_probe probe{proc.root(), proc.root()};
  auto x = probe.measure(start);
  BOOST_TEST(x.network_received_bytes == 11'000u);
  BOOST_TEST(x.network_sent_bytes == 22'000u);
  BOOST_TEST(x.network_receive_rate == 0.0);
  proc.write("net/dev", "  tun0: 5000000 0 0 0 0 0 0 0 7000000 0\n" + network(15'000, 40'000));
  x = probe.measure(start + 2s);
  BOOST_TEST(x.network_receive_rate == 2'500.0);
  BOOST_TEST(x.network_send_rate == 10'000.0);
  BOOST_TEST(x.network_received_bytes == 5'016'000u);
  proc.write("net/dev", network(0, 40'100));
  x = probe.measure(start + 3s);
  BOOST_TEST(x.network_receive_rate == 0.0);
  BOOST_TEST(x.network_send_rate == 100.0);
}

BOOST_AUTO_TEST_CASE(a_clock_that_stands_still_keeps_the_last_rate, *utf::tolerance(tolerance)) {
  fed_proc proc;
  proc.write("net/dev", network(0, 0));
  machine_probe probe{proc.root(), proc.root()};
  probe.measure(start);
  proc.write("net/dev", network(1'000, 0));
  probe.measure(start + 1s);
  proc.write("net/dev", network(2'000, 0));
  BOOST_TEST(probe.measure(start + 1s).network_receive_rate == 1'000.0);
  BOOST_TEST(probe.measure(start).network_receive_rate == 1'000.0);
  BOOST_TEST(probe.measure(start + 2s).network_receive_rate == 1'000.0);
}

BOOST_AUTO_TEST_CASE(memory_is_estimated_where_the_kernel_does_not_tell_what_is_available, *utf::tolerance(tolerance)) {
  fed_proc proc;
  proc.write("meminfo", "MemTotal: 1000 kB\nMemFree: 100 kB\nBuffers: 50 kB\nCached: 350 kB\n");
  machine_probe probe{proc.root(), proc.root()};
  auto x = probe.measure(start);
  BOOST_TEST(x.memory_available_bytes == 500u * 1024u);
  BOOST_TEST(x.memory_percent == 50.0);
}

BOOST_AUTO_TEST_CASE(nothing_to_read_is_zero_everywhere) {
  machine_probe probe{"/nonexistent/work", "/nonexistent/proc"};
  for (auto now : {start, start + 1s}) {
    auto x = probe.measure(now);
    machine_statistics expected;
    expected.hostname = x.hostname;
    expected.os = x.os;
    expected.arch = x.arch;
    BOOST_TEST((x == expected));
  }
}

BOOST_AUTO_TEST_CASE(numbers_that_are_none_are_zero) {
  fed_proc proc;
  proc.write("stat", "cpu x y -5 99999999999999999999\ncpu0 nan inf 1e5 0x10\ncpuX 1 2 3 4\ncpu4294967296 1 1 1 1\n");
  proc.write("meminfo", "MemTotal: 18446744073709551615 kB\nMemAvailable: -1 kB\nSwapTotal: 10 kB\nSwapFree: 20 kB\n");
  proc.write("loadavg", "nan inf -3\n");
  proc.write("uptime", "1e400");
  proc.write("net/dev", ":::\neth0: -1 2 3\neth1:\n: 5 5\n");
  proc.write("pressure/cpu", "some avg10=nan avg60=1e9 avg300=-2 total=x = == avg10\n");
  proc.write("pressure/io", "full avg10=5\n");
  machine_probe probe{proc.root(), proc.root()};
  auto x = probe.measure(start);
  require_sane(x);
  BOOST_TEST(x.cpu_percent == 0.0);
  BOOST_TEST(x.cpu_cores == 1u);
  BOOST_TEST(x.memory_total_bytes == 0u);
  BOOST_TEST(x.load_1m == 0.0);
  BOOST_TEST(x.load_5m == 0.0);
  BOOST_TEST(x.load_15m == 0.0);
  BOOST_TEST(x.uptime_s == 0u);
  BOOST_TEST(x.swap_used_bytes == 0u);
  BOOST_TEST(x.network_received_bytes == 0u);
  BOOST_TEST(x.cpu_pressure.avg10 == 0.0);
  BOOST_TEST(x.cpu_pressure.avg60 == 100.0);
  BOOST_TEST(x.io_pressure.avg10 == 0.0);
}

BOOST_AUTO_TEST_CASE(a_folder_or_a_fifo_in_place_of_a_file_neither_blocks_nor_throws) {
  fed_proc proc;
  proc.write("stat/inside", "cpu 1 2 3 4");
  BOOST_REQUIRE_EQUAL(::mkfifo((proc.root() + "/meminfo").c_str(), 0600), 0);
  machine_probe probe{proc.root(), proc.root()};
  auto x = probe.measure(start);
  BOOST_TEST(x.cpu_cores == 0u);
  BOOST_TEST(x.memory_total_bytes == 0u);
}

BOOST_AUTO_TEST_CASE(an_endless_file_is_read_up_to_its_limit) {
  BOOST_TEST(procfs::read_file("/dev/zero", 10'000).size() == 10'000u);
  fed_proc proc;
  std::string cores = "cpu 1 1 1 1\n";
  for (int i = 0; i < 20'000; ++i)
    cores += "cpu" + std::to_string(i) + " 1 1 1 1\n";
  proc.write("stat", cores);
  machine_probe probe{proc.root(), proc.root()};
  BOOST_TEST(probe.measure(start).cpu_per_core.size() <= procfs::cores_max);
}

BOOST_AUTO_TEST_CASE(files_cut_or_garbled_anywhere_give_sane_figures) {
  constexpr unsigned seed = 7;
  BOOST_TEST_MESSAGE("seed " << seed);
  std::mt19937 random{seed};
  const std::pair<std::string, std::string> files[] = {
    {"stat", std::string{stat_after}},  {"meminfo", std::string{meminfo}},
    {"net/dev", network(123, 456)},     {"loadavg", "0.52 1.25 2.75 3/812 4\n"},
    {"uptime", "93784.51 100000.00\n"}, {"pressure/cpu", "some avg10=1.50 avg60=2.25 total=9\n"},
  };
  for (auto& [name, text] : files) {
    fed_proc proc;
    feed_all(proc);
    machine_probe probe{proc.root(), proc.root()};
    auto now = start;
    for (size_t i = 0; i <= 60; ++i) {
      auto bad = text.substr(0, random() % (text.size() + 1));
      for (int flips = static_cast<int>(random() % 6); flips > 0 && !bad.empty(); --flips)
        bad[random() % bad.size()] = static_cast<char>(random());
      proc.write(name, bad);
      require_sane(probe.measure(now += 1s));
    }
  }
}

BOOST_AUTO_TEST_CASE(this_machine_looks_like_a_machine) {
  machine_probe probe{"/tmp"};
  probe.measure(std::chrono::steady_clock::now());
  auto x = probe.measure(std::chrono::steady_clock::now());
  require_sane(x);
  BOOST_TEST(x.cpu_cores >= 1u);
  BOOST_TEST(x.memory_total_bytes > 64u << 20);
  BOOST_TEST(x.memory_available_bytes > 0u);
  BOOST_TEST(x.disk_total_bytes > 0u);
  BOOST_TEST(x.uptime_s > 0u);
}

BOOST_AUTO_TEST_CASE(measuring_costs_little) {
  machine_probe probe{"/tmp"};
  auto cpu_time = [] {
    timespec value{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &value);
    return std::chrono::seconds{value.tv_sec} + std::chrono::nanoseconds{value.tv_nsec};
  };
  constexpr int rounds = 100;
  auto before = cpu_time();
  for (int i = 0; i < rounds; ++i)
    probe.measure(start + i * 1s);
  auto each = (cpu_time() - before) / rounds;
  BOOST_TEST_MESSAGE("one measurement: " << each.count() / 1000 << " us of CPU time");
  BOOST_TEST((each < 10ms));
}

BOOST_AUTO_TEST_SUITE_END()
