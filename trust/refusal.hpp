// Why a question or a change was refused.
#pragma once

#include <cstdint>
#include <string>

#include <tl/expected.hpp>

namespace troupe::trust {

struct refusal {
  enum class reason : uint8_t {
    malformed, ///< the order makes no sense
    unknown,   ///< no such key
    conflict,  ///< the key must stay
    busy,      ///< too much waits
    failed,    ///< the store cannot be read or written
  };

  trust::refusal::reason why = reason::failed;
  std::string text;
};

template <class T>
using answer = tl::expected<T, refusal>;

} // namespace troupe::trust
