// Why a store operation failed, and whether a retry may help. Each error has a kind and a text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

namespace troupe::store {

enum class error_kind : uint8_t {
  // Causes outside; the same call may work later.
  busy,            ///< another process blocks the database for too long
  disk_full,       ///< there is no room to write
  io_failed,       ///< the disk or file system reports an error
  connection_lost, ///< no connection to the server; the next call opens a new one
  // Causes in the call or the database; the same call fails again.
  not_found,          ///< no job or chunk with that name
  invalid_transition, ///< the state does not allow it
  stale_attempt,      ///< the attempt is no longer the current one
  constraint,         ///< contradicts the stored data
  invalid_argument,   ///< too large, or not text
  not_a_store,        ///< the file is damaged, or is not a database of ours
  too_new,            ///< a newer program has changed the database
  in_use,             ///< another coordinator works with the store
  failed,             ///< any other cause, for instance a missing permission
};

std::string_view to_string_view(error_kind kind);

struct error {
  error_kind kind = error_kind::failed;
  std::string text; ///< what was tried, on what, and what to do

  /// The same call may work later, without any intervention.
  bool transient() const noexcept {
    return kind <= error_kind::connection_lost;
  }

  bool operator==(const error&) const = default;
};

template <class T>
using expected = tl::expected<T, error>;

} // namespace troupe::store
