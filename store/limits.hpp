// Limits of the store. Everything beyond them is refused with an error that names the limit.
#pragma once

#include <cstddef>

namespace troupe::store::limits {

inline constexpr size_t name_bytes = 255;            ///< of a job's name, a worker's or node's
inline constexpr size_t key_bytes = 255;             ///< of an idempotency key
inline constexpr size_t url_bytes = 2048;            ///< of a callback URL
inline constexpr size_t path_bytes = 4096;           ///< of a result file
inline constexpr size_t request_bytes = 1024 * 1024; ///< of a job's request, and of its result
inline constexpr size_t error_bytes = 64 * 1024;     ///< of an error's text
inline constexpr size_t reason_bytes = 1024;         ///< of the reason of a transition
inline constexpr size_t search_bytes = 255;          ///< of a search text
inline constexpr size_t log_line_bytes = 1024;       ///< of one line of a job's log
inline constexpr size_t log_lines_per_job = 2'000;
inline constexpr size_t chunks_per_job = 100'000;
inline constexpr size_t operations_per_batch = 10'000;
inline constexpr size_t page_rows = 1'000; ///< of any list
/// Bytes of a page of complete jobs, chunks included; one job always fits.
inline constexpr size_t page_bytes = 16 * 1024 * 1024;

} // namespace troupe::store::limits
