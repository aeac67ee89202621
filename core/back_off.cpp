#include "core/back_off.hpp"

#include <algorithm>
#include <cassert>

namespace troupe::core {

using std::chrono::milliseconds;

back_off::back_off(milliseconds first, milliseconds longest, uint64_t seed)
  : first_(std::clamp(first, milliseconds{1}, std::max(longest, milliseconds{1}))),
    longest_(std::max(longest, first_)),
    whole_(first_),
    random_(seed) {}

milliseconds back_off::next() {
  assert(first_ <= whole_ && whole_ <= longest_);
  auto whole = whole_.count();
  // Not <random>'s distribution, whose numbers differ between libraries: a seed must give the same pauses everywhere.
  auto spread = static_cast<uint64_t>(whole - whole / 2) + 1;
  auto result = milliseconds{whole / 2 + static_cast<int64_t>(random_() % spread)};
  whole_ = whole > longest_.count() / 2 ? longest_ : whole_ * 2;
  return std::max(result, milliseconds{1});
}

} // namespace troupe::core
