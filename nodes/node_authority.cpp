#include "nodes/node_authority.hpp"

#include "config/token.hpp"
#include "telemetry/log.hpp"

#include <chrono>
#include <utility>

namespace troupe::nodes {

tl::expected<std::shared_ptr<trust::cluster_authority>, std::string> open_authority(const config::configuration& x) {
  auto password = config::kept_secret(x.cluster.authority_key_file);
  if (!password)
    return tl::unexpected(std::move(password.error()));
  auto store = store::authority_store::open({x.jobs.store});
  if (!store)
    return tl::unexpected(std::move(store.error().text));
  trust::cluster_authority_config result;
  result.password = std::move(*password);
  result.folder = x.node.state_dir;
  result.node = x.node.name;
  result.life = std::chrono::duration_cast<std::chrono::seconds>(x.cluster.certificate_life);
  result.warn = [](const std::string& why) {
    telemetry::log::warning("the coordinator's certificates cannot be kept up to date", {{"reason", why}});
  };
  return trust::cluster_authority::open(std::move(*store), std::move(result));
}

bool uses_own_authority(const config::configuration& x) {
  auto& cluster = x.cluster;
  return !cluster.tls.enabled() && (cluster.tls.always || (!cluster.listen.is_loopback() && !cluster.insecure));
}

std::string join_fault(const config::configuration& x) {
  if (!x.http.tls.enabled)
    return "machines join over HTTPS, and this coordinator serves none: set http.tls.enabled and http.tls.listen";
  if (!x.http.tls.certificate.empty())
    return "machines that join check HTTPS by the cluster's own authority: leave http.tls.certificate empty";
  if (!uses_own_authority(x))
    return "the cluster port does not use the cluster's own authority: set cluster.listen to an address that other "
           "machines reach, or cluster.tls.always, and leave cluster.tls.ca empty and cluster.insecure false";
  return {};
}

config::tls_options node_certificates(const std::string& state_dir) {
  const trust::node_files files{state_dir};
  return {files.authority_path(), files.certificate_path(), files.certificate_path()};
}

} // namespace troupe::nodes
