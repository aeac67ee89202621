// Orders whose files are the client's: "upload:ID" is an input that the client has brought, "kept:NAME" a result that waits for it.
#pragma once

#include "actors/jobs/job_views.hpp"
#include "transfer/desk.hpp"

#include <memory>
#include <string_view>

namespace troupe::http {

inline constexpr std::string_view upload_prefix = "upload:";
inline constexpr std::string_view kept_prefix = "kept:";

/// Puts the paths in, by which the coordinator has them. Equal idempotency keys lead to equal paths. Touches the disk.
transfer::answer<void> place_files(job_submission& x, const std::shared_ptr<transfer::desk>& desk);

} // namespace troupe::http
