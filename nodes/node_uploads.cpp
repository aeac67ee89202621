#include "nodes/node_uploads.hpp"

#include "actors/jobs/disk_space.hpp"
#include "config/token.hpp"
#include "nodes/node_access.hpp"

#include <utility>

namespace troupe::nodes {

tl::expected<std::shared_ptr<transfer::upload_registry>, std::string> open_uploads(const config::configuration& x) {
  auto secret = config::kept_secret(x.node.state_dir + "/transfer.key");
  if (!secret)
    return tl::unexpected(secret.error());
  transfer::upload_registry_config result;
  result.secret = std::move(*secret);
  result.work_folder = x.jobs.work_dir;
  result.direct = x.jobs.transfer == "auto";
  result.bytes_max = x.jobs.upload_bytes_max;
  result.keep = x.jobs.keep;
  result.shortage = [percent = x.file_job.disk_refuse](const std::string& path, uint64_t bytes) {
    return disk_shortage(path, percent, bytes);
  };
  result.sources = source_files(x);
  result.results = result_files(x);
  return std::make_shared<transfer::upload_registry>(std::move(result));
}

} // namespace troupe::nodes
