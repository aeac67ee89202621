#include "nodes/node_http.hpp"

#include "config/waits.hpp"
#include "telemetry/log.hpp"

#include <algorithm>

namespace troupe::nodes {

namespace {

/// The longest time that a rendition may wait for its encoder.
std::chrono::milliseconds longest_queue(const config::configuration& x) {
  std::chrono::milliseconds result{0};
  for (auto& [name, p] : x.profiles)
    if (p.video.on_busy == exhaustion_policy::queue)
      result = std::max(result, p.video.queue_timeout.count() > 0 ? p.video.queue_timeout : x.leases.queue_timeout);
  return result;
}

} // namespace

uint64_t share_of(uint64_t descriptors, uint64_t parts, uint64_t wanted, const char* what) {
  auto most = std::max<uint64_t>(1, descriptors / parts);
  if (most < wanted)
    log::info(
      "the process may open few files, so fewer connections are accepted; raise the limit (ulimit -Hn, LimitNOFILE)",
      {{"connections", what}, {"taken", most}, {"wanted", wanted}, {"files", descriptors}});
  return std::min(most, wanted);
}

http::server_config http_settings(const config::configuration& x, uint64_t descriptors) {
  http::server_config result;
  static_cast<config::http_options&>(result) = x.http;
  result.clients_max = x.live.clients_max;
  result.viewers_per_client = x.live.viewers_per_client;
  auto parts = http_parts * (x.http.tls.enabled ? https_descriptors : 1);
  result.connections_max = static_cast<uint32_t>(share_of(descriptors, parts, x.http.connections_max, "HTTP"));
  namespace d = config::defaults;
  result.watch_timeout =
    d::gateway_wait(d::first_bytes_wait(x.session.open_timeout, x.leases.selection_timeout) + longest_queue(x));
  for (auto& [name, ladder] : x.ladders)
    for (auto& folder : core::renditions_of(ladder, x.profiles))
      result.ladders[name].push_back({folder, core::rendition_name(name, folder), folder == core::sound_name});
  result.log = [](const http::access_record& r) {
    log::debug("served", {{"request", r.request_id},
                          {"remote", r.remote},
                          {"method", r.method},
                          {"target", r.target},
                          {"channel", r.channel},
                          {"profile", r.profile},
                          {"status", r.status},
                          {"sent_bytes", r.sent_bytes},
                          {"duration_ms", r.duration},
                          {"note", r.note}});
  };
  return result;
}

} // namespace troupe::nodes
