// When a callback is sent again: by the answer, the number of tries and the time since the job ended.
#include "core/jobs/callback_order.hpp"

#include <boost/test/unit_test.hpp>

using namespace troupe::core;

BOOST_AUTO_TEST_SUITE(callback_order_test)

namespace {

callback_try a_try(uint32_t tries, unsigned status, int64_t now_ms = 1'000'000) {
  return {1'000'000, now_ms, tries, status, status == 0 ? "connection refused" : ""};
}

} // namespace

BOOST_AUTO_TEST_CASE(an_answer_that_says_yes_is_the_end) {
  for (auto status : {200u, 202u, 204u, 299u}) {
    auto x = judge(a_try(1, status));
    BOOST_TEST(x.done);
    BOOST_TEST(x.note == "answered " + std::to_string(status));
  }
  BOOST_TEST(judge(a_try(1, 410)).done);
}

BOOST_AUTO_TEST_CASE(anything_else_is_tried_again_later_and_later) {
  int64_t before = 0;
  for (uint32_t tries = 1; tries <= 40; ++tries) {
    auto x = judge(a_try(tries, tries % 2 == 0 ? 500 : 0));
    BOOST_TEST(!x.done);
    auto pause = x.not_before_ms - 1'000'000;
    BOOST_TEST(pause >= before);
    BOOST_TEST(pause <= callback_longest_pause_ms);
    before = pause;
  }
  BOOST_TEST(judge(a_try(1, 0)).not_before_ms == 1'000'000 + callback_pause_ms);
  BOOST_TEST(judge(a_try(4, 302)).not_before_ms == 1'000'000 + 8 * callback_pause_ms);
  BOOST_TEST(before == callback_longest_pause_ms);
  BOOST_TEST(judge(a_try(1, 0)).note == "no answer: connection refused");
}

BOOST_AUTO_TEST_CASE(after_a_day_nobody_tries_any_more) {
  auto late = judge(a_try(30, 500, 1'000'000 + callback_span_ms - callback_longest_pause_ms + 1));
  BOOST_TEST(late.done);
  BOOST_TEST(late.note.find("given up") != std::string::npos);
  BOOST_TEST(!judge(a_try(30, 500, 1'000'000 + callback_span_ms - callback_longest_pause_ms)).done);
}

BOOST_AUTO_TEST_SUITE_END()
