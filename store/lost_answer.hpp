// Finds out what happened to a batch whose answer was lost: the server may have committed it just before the connection
// broke.
//
// A transaction is stored as a whole or not at all. Each submission and transition in it leaves a row of history with
// the batch's unique time. So one row proves the whole batch, and the rows together give the results.
#pragma once

#include "store/error.hpp"
#include "store/operation.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace soci {
class session;
} // namespace soci

namespace troupe::store {

/// Empty if there is no trace of the batch. Throws what SOCI throws.
std::optional<std::vector<expected<outcome>>> recall(soci::session& session, std::span<const operation> batch,
                                                     int64_t now_ms);

} // namespace troupe::store
