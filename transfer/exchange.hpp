// One HTTP request and its answer, through libcurl: common to uploads and downloads.
#pragma once

#include "transfer/remote.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>

namespace troupe::transfer {

struct exchange {
  std::string method = "GET";
  /// Body of the request: fills the span and returns the number of bytes, -1 on failure. Empty: no body.
  std::function<int64_t(std::span<std::byte>)> read = {};
  uint64_t body_bytes = 0; ///< of the request
  /// Body of a 2xx answer; false ends the exchange.
  std::function<bool(std::span<const std::byte>, const answer_head&)> write = {};
};

/// Fails only if the connection fails, which is a passing failure; an answer of any status is a success.
expected<answer_head> perform(const exchange& x, const remote& at, const control& with);

/// The failure for an answer other than 2xx, in the other side's words.
failure refused(const answer_head& x, const remote& at);

/// Counts tries in a row, with growing pauses.
class patience {
public:
  explicit patience(const control& with) : with_(with) {}

  /// Data got through: all tries are available again.
  void reset() noexcept {
    tries_ = 0;
  }

  /// Waits before the next try. False if the tries are used up, or if the work must stop.
  bool wait();

  bool stopped() const noexcept {
    return with_.stop != nullptr && with_.stop->load(std::memory_order_relaxed);
  }

private:
  const control& with_;
  uint32_t tries_ = 0;
};

} // namespace troupe::transfer
