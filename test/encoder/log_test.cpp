// libav*'s messages during a piece of work: kept once, cleaned, counted and cut, from any thread. Lines are logged as
// libav* does it.
#include "encoder/log.hpp"

extern "C" {
#include <libavutil/log.h>
}

#include <boost/test/unit_test.hpp>

#include <string>
#include <thread>
#include <vector>

using namespace troupe::av;

BOOST_AUTO_TEST_SUITE(log_test)

BOOST_AUTO_TEST_CASE(warnings_and_errors_of_any_thread_are_kept) {
  work_log log;
  av_log(nullptr, AV_LOG_INFO, "nobody needs this\n");
  av_log(nullptr, AV_LOG_WARNING, "odd \x1b[2J w\xc3\xa4rt\xff %d\n", 7);
  std::thread{[] { av_log(nullptr, AV_LOG_ERROR, "broken\n"); }}.join();
  auto said = log.take(true);
  BOOST_REQUIRE(said.size() == 2u);
  BOOST_TEST(said[0].text == "odd ?[2J w\xc3\xa4rt? 7");
  BOOST_TEST(!said[0].error);
  BOOST_TEST(said[1].text == "broken");
  BOOST_TEST(said[1].error);
  BOOST_TEST(said[0].at_ms > 1'600'000'000'000);
  BOOST_TEST(log.take(true).empty());
}

BOOST_AUTO_TEST_CASE(what_no_work_collects_goes_where_it_is_told_to) {
  std::vector<std::string> lines;
  log_to([&](bool error, const std::string& text) { lines.push_back((error ? "error: " : "warning: ") + text); });
  av_log(nullptr, AV_LOG_WARNING, "frame size not set\n");
  for (int i = 0; i < 100; ++i)
    av_log(nullptr, AV_LOG_ERROR, "packet %d broken\n", i);
  {
    work_log log;
    av_log(nullptr, AV_LOG_ERROR, "of the work\n");
  }
  log_to([](bool, const std::string&) {});
  BOOST_REQUIRE(lines.size() == 1 + work_log::alike_max);
  BOOST_TEST(lines[0] == "warning: frame size not set");
  BOOST_TEST(lines[1] == "error: packet 0 broken");
}

BOOST_AUTO_TEST_CASE(what_is_alike_is_counted) {
  work_log log;
  for (int i = 0; i < 1'000; ++i) {
    av_log(nullptr, AV_LOG_WARNING, "packet %d corrupt", i);
    av_log(nullptr, AV_LOG_WARNING, ".\n"); // lines come in parts, too
    av_log(nullptr, AV_LOG_ERROR, "no frame\n");
  }
  auto said = log.take(false);
  BOOST_REQUIRE(said.size() == 2 * work_log::alike_max);
  BOOST_TEST(said[0].text == "packet 0 corrupt.");
  BOOST_TEST(said[2].text == "packet 1 corrupt.");
  said = log.take(true);
  BOOST_REQUIRE(said.size() == 2u);
  BOOST_TEST(said[0].text == "997 more such as: no frame");
  BOOST_TEST(said[1].text == "997 more such as: packet 999 corrupt.");
  BOOST_TEST(log.take(true).empty());
}

BOOST_AUTO_TEST_CASE(a_flood_is_cut_and_says_so) {
  work_log log;
  for (size_t i = 0; i < 3 * work_log::lines_max; ++i)
    av_log(nullptr, AV_LOG_ERROR, "%s %s\n", std::string(i + 1, 'y').c_str(), std::string(2'000, 'x').c_str());
  auto said = log.take(false);
  BOOST_REQUIRE(said.size() == work_log::lines_max + 1);
  BOOST_TEST(said.back().text.find("not kept") != std::string::npos);
  for (auto& x : said)
    BOOST_TEST(x.text.size() <= work_log::line_bytes_max);
}

BOOST_AUTO_TEST_CASE(an_errors_own_words_still_reach_its_capture) {
  work_log log;
  log_capture capture;
  av_log(nullptr, AV_LOG_ERROR, "why\n");
  BOOST_TEST(capture.text() == "why");
  BOOST_TEST(log.take(true).at(0).text == "why");
}

BOOST_AUTO_TEST_CASE(without_work_nothing_is_kept) {
  { work_log log; }
  av_log(nullptr, AV_LOG_ERROR, "nobody listens\n");
  work_log log;
  work_log second;
  av_log(nullptr, AV_LOG_ERROR, "one listens\n");
  BOOST_TEST(second.take(true).empty());
  BOOST_TEST(log.take(true).size() == 1u);
}

BOOST_AUTO_TEST_SUITE_END()
