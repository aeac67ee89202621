// What became of a batch whose answer was lost: the server may have committed it just before the connection broke.
//
// A transaction is stored whole or not at all, and each submission and transition in it leaves a row of history with the batch's own time. So one
// row tells of all, and the rows together tell the results.
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

/// Nothing where there is no trace of the batch. Throws what SOCI throws.
std::optional<std::vector<expected<outcome>>> recall(soci::session& session, std::span<const operation> batch,
                                                     int64_t now_ms);

} // namespace troupe::store
