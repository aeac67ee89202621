// Whether everything that a job reported is durable. Only then may the job do what cannot be undone.
//
// A coordinator may die at any moment, and the next one knows only what is in the store. If a result were published
// before the store knew its chunks, the next coordinator would make and publish the result once more.
#pragma once

#include <cassert>
#include <cstdint>

namespace troupe::core {

class durable_gate {
public:
  /// The job reported something that has not been sent to the store yet.
  void said() noexcept {
    held_ = true;
  }

  /// Everything reported so far was sent to the store, as one lot.
  void handed_over() noexcept {
    held_ = false;
    ++on_its_way_;
  }

  /// A lot is durable, or the store refused it because a user's command came first.
  void stored() noexcept {
    assert(on_its_way_ > 0);
    --on_its_way_;
  }

  bool open() const noexcept {
    return !held_ && on_its_way_ == 0;
  }

private:
  bool held_ = false;
  uint64_t on_its_way_ = 0; ///< lots without an answer; a lot whose answer is lost is counted for ever
};

} // namespace troupe::core
