#include "actors/link.hpp"

#include <caf/io/middleman.hpp>
#include <caf/openssl/manager.hpp>
#include <caf/openssl/publish.hpp>
#include <caf/openssl/remote_actor.hpp>

namespace troupe {

namespace {

/// A peer that is silent this long on the transport is taken for lost. The clocks that decide about work are ours and faster;
/// this one clears away what they have given up.
constexpr auto transport_heartbeat = std::chrono::seconds{1};
constexpr auto transport_timeout = std::chrono::seconds{10};

} // namespace

node_system_config::node_system_config(const link_config& x) {
  load<caf::io::middleman>();
  load<caf::openssl::manager>();
  openssl_cafile = x.ca;
  openssl_certificate = x.certificate;
  openssl_key = x.key;
  set("caf.middleman.heartbeat-interval", caf::timespan{transport_heartbeat});
  set("caf.middleman.connection-timeout", caf::timespan{transport_timeout});
  // Idle workers of the default policy poll; with this one they sleep until there is work, and wake at once.
  set("caf.scheduler.policy", "sharing");
  // CAF's own log stays off: what matters is said through ours.
  set("caf.logger.file.verbosity", "quiet");
  set("caf.logger.console.verbosity", "quiet");
}

caf::expected<uint16_t> publish(caf::actor_system& system, const coordinator_actor& x, const link_config& at) {
  constexpr bool reuse_address = true;
  if (at.secure())
    return caf::openssl::publish(x, at.port, at.host.c_str(), reuse_address);
  return system.middleman().publish(x, at.port, at.host.c_str(), reuse_address);
}

caf::expected<coordinator_actor> connect(caf::actor_system& system, const link_config& to) {
  if (to.secure())
    return caf::openssl::remote_actor<coordinator_actor>(system, to.host, to.port);
  return system.middleman().remote_actor<coordinator_actor>(to.host, to.port);
}

} // namespace troupe
