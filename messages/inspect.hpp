// Helpers for the `inspect` overloads of plain types. They work with every inspector, CAF's or ours.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <type_traits>

namespace troupe {

/// Inspects an enumeration as its underlying integer. Refuses a value beyond `last`, so that a peer can never send an
/// enumerator that does not exist.
template <class Inspector, class Enum>
bool inspect_enum(Inspector& f, Enum& x, Enum last) {
  using integer = std::underlying_type_t<Enum>;
  static_assert(std::is_unsigned_v<integer>);
  auto get = [&x] { return static_cast<integer>(x); };
  auto set = [&x, last](integer value) {
    if (value > static_cast<integer>(last))
      return false;
    x = static_cast<Enum>(value);
    return true;
  };
  return f.apply(get, set);
}

/// Whether a duration sent by a peer can be added to a clock: not negative, and no longer than a day.
template <class Duration>
bool is_bounded(Duration x) {
  return x >= Duration::zero() && x <= std::chrono::hours{24};
}

} // namespace troupe
