// The schema, as numbered steps. A released step is never changed; a later change is a new step.
//
// The same text serves SQLite and PostgreSQL, except for one word: SERIAL_KEY stands for a 64-bit key that the database
// assigns.
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
