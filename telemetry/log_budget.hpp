// Limits log lines that outsiders can cause: the first ones of a period are written, the others counted, so that the
// log cannot be flooded.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

namespace troupe::telemetry {

/// For use by one thread, or under a lock.
class log_budget {
public:
  using clock = std::chrono::steady_clock;

  explicit log_budget(uint32_t lines = 20, std::chrono::seconds span = std::chrono::seconds{10})
    : lines_(lines), span_(span) {}

  /// Asks to write a line. Returns how many lines were suppressed since the last one, or nothing if this line is to be
  /// suppressed, too.
  std::optional<uint64_t> take(clock::time_point now = clock::now()) {
    if (now >= until_) {
      until_ = now + span_;
      left_ = lines_;
    }
    if (left_ == 0) {
      ++left_out_;
      return std::nullopt;
    }
    --left_;
    auto result = left_out_;
    left_out_ = 0;
    return result;
  }

private:
  uint32_t lines_;
  std::chrono::seconds span_;
  clock::time_point until_{};
  uint32_t left_ = 0;
  uint64_t left_out_ = 0;
};

} // namespace troupe::telemetry
