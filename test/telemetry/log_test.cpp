// Goal: a line has all of its fields, is always a single line, stays within its bounds, and keeps secrets.
// Method: lines go to a stream of the test; JSON lines are read back with Boost.JSON.
#include "telemetry/log.hpp"

#include "config/defaults.hpp"
#include "messages/ids.hpp"

#include <boost/json.hpp>
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <limits>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

using namespace troupe;

BOOST_AUTO_TEST_SUITE(log_test)

namespace {

/// Catches what is logged for as long as it lives.
class capture {
public:
  explicit capture(log::format form, log::level least = log::level::info) {
    log::configure(least, form, &stream_);
  }

  capture(const capture&) = delete;
  capture& operator=(const capture&) = delete;

  ~capture() {
    log::configure(log::level::info, log::format::text);
  }

  std::string text() const {
    return stream_.str();
  }

  std::vector<std::string> lines() const {
    std::vector<std::string> result;
    std::istringstream in{stream_.str()};
    for (std::string line; std::getline(in, line);)
      result.push_back(line);
    return result;
  }

  boost::json::object only_object() const {
    const auto all = lines();
    BOOST_REQUIRE(all.size() == 1);
    return boost::json::parse(all.front()).as_object();
  }

private:
  std::ostringstream stream_;
};

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

} // namespace

BOOST_AUTO_TEST_CASE(text_lines_carry_fields_as_key_and_value) {
  capture out{log::format::text};
  log::info("the transcoder stopped", {{"channel", "demo"},
                                       {"attempt", attempt_id{7}},
                                       {"reason", "end of file"},
                                       {"frames", 25U},
                                       {"late", false},
                                       {"speed", 1.5},
                                       {"lag_ms", std::chrono::seconds{2}}});
  BOOST_TEST(
    contains(
      out.text(),
      "Z info    the transcoder stopped channel=demo attempt=7 reason=\"end of file\" frames=25 late=false speed=1.5 lag_ms=2000\n"),
    out.text());
}

BOOST_AUTO_TEST_CASE(json_lines_carry_fields_with_their_types) {
  capture out{log::format::json};
  log::warning("lag", {{"channel", std::string{"demo"}},
                       {"attempt", attempt_id{7}},
                       {"offset", -3},
                       {"ok", true},
                       {"ratio", 0.5},
                       {"task", task_id{std::numeric_limits<uint64_t>::max()}},
                       {"speed", std::numeric_limits<double>::quiet_NaN()}});
  const auto x = out.only_object();
  BOOST_TEST(x.at("level").as_string() == "warning");
  BOOST_TEST(x.at("message").as_string() == "lag");
  BOOST_TEST(x.at("channel").as_string() == "demo");
  BOOST_TEST(x.at("attempt").as_int64() == 7);
  BOOST_TEST(x.at("offset").as_int64() == -3);
  BOOST_TEST(x.at("ok").as_bool());
  BOOST_TEST(x.at("ratio").as_double() == 0.5);
  BOOST_TEST(x.at("task").as_string() == "18446744073709551615");
  BOOST_TEST(x.at("speed").is_null());
  BOOST_TEST(x.at("time").as_string().ends_with("Z"));
}

BOOST_AUTO_TEST_CASE(a_context_puts_its_fields_on_every_line) {
  capture out{log::format::json, log::level::debug};
  const auto about = log::context{{"channel", std::string{"demo"}}, {"session", session_id{3}}}.with({{"attempt", 9}});
  about.debug("one");
  about.error("two", {{"task", 5}});
  for (const auto& line : out.lines()) {
    const auto x = boost::json::parse(line).as_object();
    BOOST_TEST(x.at("channel").as_string() == "demo");
    BOOST_TEST(x.at("session").as_int64() == 3);
    BOOST_TEST(x.at("attempt").as_int64() == 9);
  }
  BOOST_TEST(out.lines().size() == 2);
}

BOOST_AUTO_TEST_CASE(whatever_comes_from_outside_stays_one_valid_line) {
  constexpr char bytes[] = "a\nb\r\t\x1b[31m\"\\\0\xFF\xC3(\xE2\x82\xAC";
  const std::string nasty{bytes, sizeof bytes - 1};
  for (const auto form : {log::format::text, log::format::json}) {
    capture out{form};
    log::info(nasty, {{"channel", nasty}, {nasty, "x"}});
    const auto all = out.lines();
    BOOST_REQUIRE(all.size() == 1);
    for (char c : all.front())
      BOOST_TEST((static_cast<unsigned char>(c) >= 0x20 && c != 0x7F));
    if (form == log::format::json)
      BOOST_TEST(
        contains(boost::json::parse(all.front()).as_object().at("channel").as_string(), "a\nb\r\t\x1b[31m\"\\"));
  }
}

BOOST_AUTO_TEST_CASE(long_values_are_cut) {
  for (const auto form : {log::format::text, log::format::json}) {
    capture out{form};
    const std::string huge(1'000'000, 'x');
    const std::vector<log::field> many(1000, log::field{"k", "v"});
    log::info(huge, {{"value", huge}});
    log::write(log::level::info, "many", many);
    BOOST_TEST(out.text().size() < 8000);
  }
}

BOOST_AUTO_TEST_CASE(secrets_are_never_written) {
  for (const auto form : {log::format::text, log::format::json}) {
    capture out{form};
    log::info("opening rtsp://user:hunter2@cam/1 and http://a:hunter2@b", {{"token", "hunter2"},
                                                                           {"Authorization", "Bearer hunter2"},
                                                                           {"url", "srt://x:hunter2@host:1/a"},
                                                                           {"token_file", "/etc/token"}});
    BOOST_TEST(!contains(out.text(), "hunter2"), out.text());
    BOOST_TEST(contains(out.text(), "rtsp://***@cam/1"));
    BOOST_TEST(contains(out.text(), "/etc/token"));
  }
}

BOOST_AUTO_TEST_CASE(lines_below_the_level_are_not_written) {
  capture out{log::format::text, log::level::warning};
  log::info("no");
  log::warning("yes");
  BOOST_TEST(out.lines().size() == 1);
  BOOST_TEST(!log::is_enabled(log::level::info));
  BOOST_TEST(log::is_enabled(log::level::error));
}

BOOST_AUTO_TEST_CASE(off_writes_nothing) {
  capture out{log::format::text, log::level::off};
  log::error("no");
  BOOST_TEST(out.text().empty());
}

BOOST_AUTO_TEST_CASE(levels_and_formats_have_names) {
  BOOST_TEST((log::level_of("warn") == log::level::warning));
  BOOST_TEST((log::level_of("trace") == log::level::trace));
  BOOST_TEST(!log::level_of("loud"));
  BOOST_TEST((log::format_of("json") == log::format::json));
  BOOST_TEST(!log::format_of("xml"));
}

BOOST_AUTO_TEST_CASE(lines_of_many_threads_do_not_mix) {
  capture out{log::format::json};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([i] {
      for (int n = 0; n < 250; ++n)
        log::info("line", {{"thread", i}, {"n", n}});
    });
  for (auto& x : threads)
    x.join();
  const auto all = out.lines();
  BOOST_TEST(all.size() == 1000);
  for (const auto& line : all)
    BOOST_REQUIRE(boost::json::parse(line).is_object());
}

BOOST_AUTO_TEST_SUITE_END()
