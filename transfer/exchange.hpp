// One HTTP request and its answer, by libcurl: the part that uploads and downloads share.
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
  /// Body of the request: fills the span and returns how much, -1 where it cannot. Empty: no body.
  std::function<int64_t(std::span<std::byte>)> read = {};
  uint64_t body_bytes = 0; ///< of the request
  /// Body of an answer that is a 2xx; false ends the exchange.
  std::function<bool(std::span<const std::byte>, const answer_head&)> write = {};
};

/// The failure is of the connection, and passing; an answer of any status is none.
expected<answer_head> perform(const exchange& x, const remote& at, const control& with);

/// What an answer that is no 2xx means, in the other side's words.
failure refused(const answer_head& x, const remote& at);

/// Tries in a row, with pauses that grow.
class patience {
public:
  explicit patience(const control& with) : with_(with) {}

  /// Something got through: all tries are there again.
  void reset() noexcept {
    tries_ = 0;
  }

  /// Waits; false where it has been tried often enough, or is to stop.
  bool wait();

  bool stopped() const noexcept {
    return with_.stop != nullptr && with_.stop->load(std::memory_order_relaxed);
  }

private:
  const control& with_;
  uint32_t tries_ = 0;
};

} // namespace troupe::transfer
