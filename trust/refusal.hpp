// Why a question or a change was refused.
#pragma once

#include <cstdint>
#include <string>

#include <tl/expected.hpp>

namespace troupe::trust {

struct refusal {
  enum class reason : uint8_t {
    malformed, ///< the order makes no sense
    unknown,   ///< there is no such thing
    conflict,  ///< what is there stands against it
    busy,      ///< too much waits
    failed,    ///< the store cannot be read or written
  };

  trust::refusal::reason why = reason::failed;
  std::string text;
};

template <class T>
using answer = tl::expected<T, refusal>;

inline tl::unexpected<refusal> refused(refusal::reason why, std::string text) {
  return tl::unexpected{refusal{why, std::move(text)}};
}

} // namespace troupe::trust
