// The schema, as numbered steps. A step that has been released is never changed; what comes later is a step of its own.
//
// One text serves SQLite and PostgreSQL. Only one word differs: SERIAL_KEY stands for a 64-bit key that the database gives out.
#pragma once

#include <span>
#include <string_view>

namespace troupe::store {

struct migration {
  int version = 0; ///< 1, 2, 3, ...
  std::span<const std::string_view> statements;
};

/// All steps of this program, in order.
std::span<const migration> migrations();

} // namespace troupe::store
