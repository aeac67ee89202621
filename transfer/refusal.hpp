// Why a request about a file is refused, with a text for the client. The HTTP server turns each reason into a status.
#pragma once

#include <tl/expected.hpp>

#include <cstdint>
#include <string>

namespace troupe::transfer {

enum class reason : uint8_t {
  malformed,    ///< the request is invalid
  unauthorized, ///< no ticket
  forbidden,    ///< a wrong ticket
  unknown,      ///< no such job, file or upload
  stale,        ///< the attempt is over, or the offset is not the end of the file
  changed,      ///< the file is not the requested one
  too_large,
  damaged, ///< the checksum is wrong
  exists,  ///< something in the way must not be replaced, or the place cannot hold a file: a retry would not help
  full,    ///< the disk is full
  busy,    ///< too many at a time
  away,    ///< the job does not run here, or not yet: after a restart its workers may be back before it
  failed   ///< a disk error, or a bug
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
