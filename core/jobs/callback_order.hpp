// When to tell the end of a job to its callback URL again, and when to give up.
//
// A receiver that answers with 2xx has been told. Anything else may be mended by waiting: the pause doubles from one second to an hour, and ends a day
// after the job did. "410 Gone" says by its definition (RFC 9110, section 15.5.11) that waiting is of no use.
#pragma once

#include <cstdint>
#include <string>

namespace troupe::core {

struct callback_try {
  int64_t ended_ms = 0; ///< when the job ended
  int64_t now_ms = 0;
  uint32_t tries = 0;  ///< this one included
  unsigned status = 0; ///< HTTP; 0 where no answer came
  std::string error;   ///< why none came
};

struct callback_verdict {
  bool done = false; ///< told, or given up
  int64_t not_before_ms = 0;
  std::string note; ///< for people

  bool operator==(const callback_verdict&) const = default;
};

inline constexpr int64_t callback_pause_ms = 1'000;
inline constexpr int64_t callback_longest_pause_ms = 3'600'000;
inline constexpr int64_t callback_span_ms = 24 * callback_longest_pause_ms;

callback_verdict judge(const callback_try& x);

} // namespace troupe::core
