#include "http/job_files.hpp"

namespace troupe::http {

transfer::answer<void> place_files(job_submission& x, const std::shared_ptr<transfer::upload_registry>& uploads) {
  auto brought = x.order.input.starts_with(upload_prefix);
  auto kept = x.order.output.starts_with(kept_prefix);
  if ((brought || kept) && !uploads)
    return transfer::refuse(transfer::reason::unknown, "this server keeps no files of clients");
  if (brought) {
    auto path = uploads->uploaded(x.order.input.substr(upload_prefix.size()));
    if (!path)
      return tl::unexpected(path.error());
    x.order.input = std::move(*path);
  }
  if (kept) {
    auto path = uploads->kept_result(x.idempotency_key, x.order.output.substr(kept_prefix.size()));
    if (!path)
      return tl::unexpected(path.error());
    x.order.output = std::move(*path);
  }
  return {};
}

} // namespace troupe::http
