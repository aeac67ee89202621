// Why something about a file is refused, in words for whoever asked.
#pragma once

#include <tl/expected.hpp>

#include <cstdint>
#include <string>

namespace troupe::transfer {

enum class reason : uint8_t {
  malformed,    ///< the request makes no sense
  unauthorized, ///< no ticket
  forbidden,    ///< a wrong ticket
  unknown,      ///< no such job, file or upload
  stale,        ///< of an attempt that is over, or at another place than where the file ends
  changed,      ///< the file is not the one that was asked for
  too_large,
  damaged, ///< the checksum is another
  exists,  ///< something is in the way that may not be replaced, or the place is none: trying again would not help
  full,    ///< the disk is full
  busy,    ///< more than is taken at a time
  away,    ///< the job is not at work here, or not yet: after a restart its workers may be back before it
  failed   ///< the disk, or a bug
};

struct refusal {
  transfer::reason reason = reason::failed;
  std::string text;
};

template <class T>
using answer = tl::expected<T, refusal>;

inline tl::unexpected<refusal> refuse(reason why, std::string text) {
  return tl::unexpected(refusal{why, std::move(text)});
}

} // namespace troupe::transfer
