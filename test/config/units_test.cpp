// Goal: values are read in the usual notations, refused if ambiguous, and written so that they read back. Method:
// tables of texts with their values, and a round trip over many values of each kind.
#include "config/units.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <random>

using namespace troupe;
using namespace troupe::config;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(units_test)

BOOST_AUTO_TEST_CASE(a_duration_has_its_unit) {
  BOOST_TEST(parse_duration("250ms").value().count() == 250);
  BOOST_TEST(parse_duration("5s").value().count() == 5000);
  BOOST_TEST(parse_duration("1.5s").value().count() == 1500);
  BOOST_TEST(parse_duration("0.1s").value().count() == 100);
  BOOST_TEST(parse_duration("1m30s").value().count() == 90'000);
  BOOST_TEST(parse_duration("1h1m1s1ms").value().count() == 3'661'001);
  BOOST_TEST(parse_duration("0").value().count() == 0);
}

BOOST_AUTO_TEST_CASE(a_duration_that_may_mean_anything_is_refused) {
  for (auto text : {"", "5", "s", "-5s", "5 days", "5s5s", "5s1m", "1e3s", "0.0001s", "5S", "99999999999999999h", "5s ",
                    " 5s", "1..5s", "ms5", "nan", "inf"})
    BOOST_TEST(!parse_duration(text), text);
}

BOOST_AUTO_TEST_CASE(a_size_may_have_a_binary_or_decimal_unit) {
  BOOST_TEST(parse_size("65536").value() == 65536);
  BOOST_TEST(parse_size("64KiB").value() == 65536);
  BOOST_TEST(parse_size("64 KiB").value() == 65536);
  BOOST_TEST(parse_size("0.5MiB").value() == 524288);
  BOOST_TEST(parse_size("2GiB").value() == 2147483648);
  BOOST_TEST(parse_size("1MB").value() == 1'000'000);
  for (auto text : {"", "MiB", "64Ki", "-1", "1.5", "0.3KiB", "64MiBs", "999999999999GiB"})
    BOOST_TEST(!parse_size(text), text);
}

BOOST_AUTO_TEST_CASE(a_rate_is_in_bits_a_second) {
  BOOST_TEST(parse_rate("2500k").value() == 2'500'000);
  BOOST_TEST(parse_rate("2.5M").value() == 2'500'000);
  BOOST_TEST(parse_rate("128000").value() == 128'000);
  BOOST_TEST(parse_rate("2500kbit/s").value() == 2'500'000);
  for (auto text : {"", "k", "2500kb", "2500KiB", "-1k", "2500 k b"})
    BOOST_TEST(!parse_rate(text), text);
}

BOOST_AUTO_TEST_CASE(an_address_has_a_port) {
  BOOST_TEST((parse_endpoint("127.0.0.1:9090").value() == endpoint{"127.0.0.1", 9090}));
  BOOST_TEST((parse_endpoint("[::1]:80").value() == endpoint{"::1", 80}));
  BOOST_TEST((parse_endpoint(":8080").value() == endpoint{"0.0.0.0", 8080}));
  BOOST_TEST((parse_endpoint("node-1.example:0").value() == endpoint{"node-1.example", 0}));
  for (auto text :
       {"", "localhost", "localhost:", "localhost:65536", "localhost:-1", "::1:80", "http://a:80", "a b:80", "a:80x"})
    BOOST_TEST(!parse_endpoint(text), text);
}

BOOST_AUTO_TEST_CASE(only_addresses_of_this_machine_are_loopback) {
  for (auto host : {"127.0.0.1", "127.1.2.3", "localhost", "::1"})
    BOOST_TEST((endpoint{host, 1}.is_loopback()), host);
  for (auto host : {"0.0.0.0", "::", "10.0.0.1", "127.evil.example", "localhost.example", "128.0.0.1"})
    BOOST_TEST((!endpoint{host, 1}.is_loopback()), host);
}

BOOST_AUTO_TEST_CASE(the_ntsc_rates_become_exact_fractions) {
  BOOST_TEST((parse_frame_rate("29.97").value() == rational{30000, 1001}));
  BOOST_TEST((parse_frame_rate("23.976").value() == rational{24000, 1001}));
  BOOST_TEST((parse_frame_rate("59.94").value() == rational{60000, 1001}));
  BOOST_TEST((parse_frame_rate("25").value() == rational{25, 1}));
  BOOST_TEST((parse_frame_rate("12.5").value() == rational{12500, 1000}));
  BOOST_TEST((parse_frame_rate("30000/1001").value() == rational{30000, 1001}));
  for (auto text : {"", "0/0", "25/0", "-25", "25fps", "1/", "/1", "99999999/1", "nan"})
    BOOST_TEST(!parse_frame_rate(text), text);
}

BOOST_AUTO_TEST_CASE(whatever_is_written_reads_back_as_the_same_value) {
  std::mt19937_64 random{20240601};
  for (int i = 0; i < 2000; ++i) {
    const auto value = static_cast<int64_t>(random() >> (15 + random() % 49));
    BOOST_TEST(parse_duration(format_duration(std::chrono::milliseconds{value})).value().count() == value);
    BOOST_TEST(parse_size(format_size(value)).value() == value);
    BOOST_TEST(parse_rate(format_rate(value)).value() == value);
    const auto number = static_cast<double>(value) / 1024;
    BOOST_TEST(parse_number(format_number(number)).value() == number);
  }
}

BOOST_AUTO_TEST_SUITE_END()
