#include "core/jobs/callback_order.hpp"

#include <algorithm>

namespace troupe::core {

namespace {

constexpr unsigned gone = 410;

} // namespace

callback_verdict judge(const callback_try& x) {
  callback_verdict result;
  result.note = x.status != 0 ? "answered " + std::to_string(x.status) : "no answer: " + x.error;
  auto told = x.status >= 200 && x.status < 300;
  if (told || x.status == gone) {
    result.done = true;
    return result;
  }
  auto doublings = std::min(x.tries > 0 ? x.tries - 1 : 0, 20u);
  auto pause = std::min(callback_pause_ms << doublings, callback_longest_pause_ms);
  result.not_before_ms = x.now_ms + pause;
  if (result.not_before_ms > x.ended_ms + callback_span_ms) {
    result.done = true;
    result.not_before_ms = 0;
    result.note += "; given up after a day";
  }
  return result;
}

} // namespace troupe::core
