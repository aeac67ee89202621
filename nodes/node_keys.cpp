#include "nodes/node_keys.hpp"

#include "config/token.hpp"
#include "telemetry/log.hpp"

#include <utility>

namespace troupe::nodes {

tl::expected<std::shared_ptr<trust::key_ring>, std::string> open_keys(const config::configuration& x) {
  auto secret = config::kept_secret(x.node.state_dir + "/" + session_key_file);
  if (!secret)
    return tl::unexpected(std::move(secret.error()));
  auto store = store::key_store::open({x.jobs.store});
  if (!store)
    return tl::unexpected(std::move(store.error().text));
  auto first = [file = x.node.state_dir + "/" + first_key_file] {
    telemetry::log::info("the first API key is in a file that only this user can read", {{"file", file}});
    return config::kept_secret(file, trust::key_ring::fresh_text());
  };
  return trust::key_ring::open(std::move(*store), {.secret = std::move(*secret)}, first);
}

tl::expected<std::shared_ptr<trust::audit_log>, std::string> open_audit(const config::configuration& x) {
  auto store = store::audit_store::open({x.jobs.store});
  if (!store)
    return tl::unexpected(std::move(store.error().text));
  trust::audit_config settings;
  settings.keep = std::chrono::days{x.audit.keep_days};
  settings.entries_max = x.audit.entries_max;
  settings.warn = [](const std::string& what) { telemetry::log::warning(what); };
  return trust::audit_log::open(std::move(*store), std::move(settings));
}

} // namespace troupe::nodes
