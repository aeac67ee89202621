// Clients' files in orders: "upload:ID" is an input that the client has uploaded, "kept:NAME" a result that is kept
// for download.
#pragma once

#include "actors/jobs/job_views.hpp"
#include "transfer/upload_registry.hpp"

#include <memory>
#include <string_view>

namespace troupe::http {

inline constexpr std::string_view upload_prefix = "upload:";
inline constexpr std::string_view kept_prefix = "kept:";

/// Replaces such names with the coordinator's paths. Equal idempotency keys give equal paths. Touches the disk.
transfer::answer<void> place_files(job_submission& x, const std::shared_ptr<transfer::upload_registry>& uploads);

} // namespace troupe::http
