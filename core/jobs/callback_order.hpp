// When to retry a job's completion callback, and when to give up.
//
// An answer of 2xx means success. After "410 Gone" there is no retry: by definition (RFC 9110, section 15.5.11) the
// target is gone for good. After any other answer there are retries: the pause doubles from one second to an hour,
// until a day after the job's end.
#pragma once

#include <cstdint>
#include <string>

namespace troupe::core {

struct callback_try {
  int64_t ended_ms = 0; ///< when the job ended
  int64_t now_ms = 0;
  uint32_t tries = 0;  ///< including this one
  unsigned status = 0; ///< HTTP status; 0 if no answer came
  std::string error;   ///< why no answer came
};

struct callback_verdict {
  bool done = false; ///< delivered, or given up
  int64_t not_before_ms = 0;
  std::string note; ///< human-readable

  bool operator==(const callback_verdict&) const = default;
};

inline constexpr int64_t callback_pause_ms = 1'000;
inline constexpr int64_t callback_longest_pause_ms = 3'600'000;
inline constexpr int64_t callback_span_ms = 24 * callback_longest_pause_ms;

callback_verdict judge(const callback_try& x);

} // namespace troupe::core
