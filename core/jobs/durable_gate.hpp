// Whether all that a job has said is durable: only then may it do what nobody can take back.
//
// A coordinator may die at any moment, and the next one knows what the store has. A result that is published before the
// store knows of its chunks would be made, and published, once more by somebody who never heard of it.
#pragma once

#include <cassert>
#include <cstdint>

namespace troupe::core {

class durable_gate {
public:
  /// Something was said that has not been handed to the store yet.
  void said() noexcept {
    held_ = true;
  }

  /// All that was said so far is on its way to the store, as one lot.
  void handed_over() noexcept {
    held_ = false;
    ++on_its_way_;
  }

  /// A lot is durable, or what it says was overtaken by a person's word.
  void stored() noexcept {
    assert(on_its_way_ > 0);
    --on_its_way_;
  }

  bool open() const noexcept {
    return !held_ && on_its_way_ == 0;
  }

private:
  bool held_ = false;
  uint64_t on_its_way_ = 0; ///< lots; one whose fate is not known stays among them for good
};

} // namespace troupe::core
