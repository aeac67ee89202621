// Errors that cross actors and nodes. Each error carries a sentence: what was tried, on what, and what to do.
#pragma once

#include "messages/inspect.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace troupe {

enum class ec : uint8_t {
  none,             ///< no error; CAF reserves 0
  unknown_channel,  ///< no channel of that name is configured
  unknown_profile,  ///< no profile of that name is configured
  unknown_daemon,   ///< no worker of that name or id is registered
  no_worker,        ///< no worker can take the work within the time that it may wait
  refused,          ///< the other side does not accept us: wrong version, duplicate name
  source_failed,    ///< the source cannot be read, or is not media
  encode_failed,    ///< the rendition cannot be made
  limit,            ///< a limit on a size, count or time was reached
  timeout,          ///< no answer in time
  invalid_argument, ///< the request makes no sense
  stopping,         ///< the node is shutting down
  unknown_job,      ///< no job of that id is stored
  conflict,         ///< the state of the object does not allow the request
};

inline std::string_view to_string_view(ec x) {
  constexpr std::string_view names[] = {"none",        "unknown_channel", "unknown_profile",  "unknown_daemon",
                                        "no_worker",   "refused",         "source_failed",    "encode_failed",
                                        "limit",       "timeout",         "invalid_argument", "stopping",
                                        "unknown_job", "conflict"};
  return names[static_cast<size_t>(x)];
}

inline std::string to_string(ec x) {
  return std::string{to_string_view(x)};
}

template <class Inspector>
bool inspect(Inspector& f, ec& x) {
  return inspect_enum(f, x, ec::conflict);
}

} // namespace troupe
