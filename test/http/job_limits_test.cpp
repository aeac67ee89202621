// Limits of a job as JSON: how values are read, and with which texts invalid values are refused.
#include "http/job_limits.hpp"

#include <boost/json/parse.hpp>
#include <boost/test/unit_test.hpp>

using namespace troupe;
using namespace troupe::http;

BOOST_AUTO_TEST_SUITE(job_limits_test)

namespace {

tl::expected<work_limits, std::string> read(const char* text) {
  return read_limits(boost::json::parse(text));
}

} // namespace

BOOST_AUTO_TEST_CASE(every_limit_is_read_as_people_write_it) {
  auto x =
    read(R"({"cpu": 1.5, "memory": "2GiB", "disk": 1000000, "time": "1m30s", "nice": 10, "ionice": "best-effort/6"})");
  BOOST_REQUIRE_MESSAGE(x, x.error());
  BOOST_TEST(x->cpu_millis == 1500u);
  BOOST_TEST(x->memory_bytes == uint64_t{2} << 30);
  BOOST_TEST(x->disk_bytes == 1'000'000u);
  BOOST_TEST(x->time.count() == 90'000);
  BOOST_TEST(x->nice == 10);
  BOOST_TEST(x->io_priority == 6);
}

BOOST_AUTO_TEST_CASE(texts_from_a_command_line_are_the_same) {
  auto x = read(R"({"cpu": "0.5", "nice": "19", "ionice": "idle"})");
  BOOST_REQUIRE_MESSAGE(x, x.error());
  BOOST_TEST(x->cpu_millis == 500u);
  BOOST_TEST(x->nice == 19);
  BOOST_TEST(x->io_priority == work_limits::io_idle);
  BOOST_TEST(!read("{}")->any());
}

BOOST_AUTO_TEST_CASE(what_makes_no_sense_is_refused_with_what_is_allowed) {
  for (auto text :
       {R"([])", R"({"cpu": 0})", R"({"cpu": 0.001})", R"({"cpu": 5000})", R"({"cpu": "many"})", R"({"cpu": null})",
        R"({"memory": "1MiB"})", R"({"memory": -5})", R"({"disk": "0"})", R"({"time": 5})", R"({"time": "0s"})",
        R"({"nice": -5})", R"({"nice": 20})", R"({"nice": 1.5})", R"({"ionice": "realtime"})",
        R"({"ionice": "best-effort/9"})", R"({"ionice": "best-effort6"})", R"({"watts": 5})"}) {
    auto x = read(text);
    BOOST_TEST(!x.has_value(), text);
    if (!x)
      BOOST_TEST(x.error().find("allowed") != std::string::npos, x.error());
  }
}

BOOST_AUTO_TEST_SUITE_END()
