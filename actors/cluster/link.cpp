#include "actors/cluster/link.hpp"

#include "actors/cluster/link_connection.hpp"
#include "actors/cluster/link_gate.hpp"
#include "actors/cluster/link_prove.hpp"

#include <caf/actor_cast.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/io/basp_broker.hpp>
#include <caf/io/middleman.hpp>
#include <caf/make_counted.hpp>
#include <caf/node_id.hpp>
#include <caf/sec.hpp>

#include <malloc.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <csignal>
#include <future>
#include <optional>
#include <set>
#include <tuple>
#include <utility>

namespace troupe {

namespace {

/// A peer that is silent on the transport for this long counts as lost. Our own, faster timeouts decide about work;
/// this one only cleans up connections that they have given up.
constexpr auto transport_heartbeat = std::chrono::seconds{1};
constexpr auto transport_timeout = std::chrono::seconds{10};

/// Media blocks are allocated and freed all the time. Many are larger than the size above which glibc returns freed
/// memory to the kernel. The kernel then clears pages for the next blocks, which took a third of a busy coordinator's
/// time. So freed memory is kept, up to these sizes.
void keep_freed_memory() {
#ifdef __GLIBC__
  mallopt(M_TRIM_THRESHOLD, 64 * 1024 * 1024); // an arena's unused end
  mallopt(M_MMAP_THRESHOLD, 32 * 1024 * 1024); // the largest value that glibc allows
#endif
}

/// Limits the wait for each part of a blocking handshake.
void limit_waiting(int socket, std::chrono::milliseconds span) {
  timeval limit{};
  limit.tv_sec = span.count() / 1000;
  limit.tv_usec = span.count() % 1000 * 1000;
  ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  ::setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
}

caf::error no_connection(std::string why) {
  return caf::make_error(caf::sec::cannot_connect_to_node, std::move(why));
}

/// Does the TLS handshake of a connection. Blocks.
tl::expected<tls_session, std::string> secure(int socket, const link_config& to) {
  auto ready = to.certificates ? tl::expected<link_config, std::string>{to} : with_certificates(to);
  if (!ready)
    return tl::unexpected(ready.error());
  auto tls = connect_session(*ready->certificates, socket);
  if (!tls)
    return tl::unexpected(std::string{"no memory for a TLS session"});
  std::string why;
  switch (shake_hands(*tls, why)) {
  case handshake::done:
    break;
  case handshake::failed:
    return tl::unexpected("TLS: " + (why.empty() ? "the other side ends the connection" : why));
  default:
    return tl::unexpected(std::string{"the other side's handshake took too long"});
  }
  if (!shows_role(*tls, tls_role::server))
    return tl::unexpected(
      std::string{"the certificate of the other side is not that of a coordinator: it is not for servers"});
  return tls;
}

/// Connects, and proves that this node belongs to the cluster. Blocks.
caf::expected<caf::io::scribe_ptr> connect_and_prove(caf::actor_system& system, const link_config& to) {
  auto connected = caf::io::network::new_tcp_connection(to.host, to.port);
  if (!connected)
    return connected.error();
  base::descriptor socket{*connected};
  limit_waiting(socket.get(), to.handshake_timeout);
  link_transport over;
  if (to.secure()) {
    auto tls = secure(socket.get(), to);
    if (!tls)
      return no_connection(tls.error());
    over.tls = std::move(*tls);
  }
  if (auto proved = prove_membership(socket.get(), over, to); !proved)
    return no_connection(proved.error());
  limit_waiting(socket.get(), {});
  auto& backend = static_cast<caf::io::network::default_multiplexer&>(system.middleman().backend());
  return caf::make_counted<link_connection>(backend, socket.release(), std::move(over.tls), nullptr, std::nullopt);
}

/// What CAF learns about the other side: its node, the actor that it published, and that actor's interface.
using greeting = std::tuple<caf::node_id, caf::strong_actor_ptr, std::set<std::string>>;

/// Makes CAF talk to the other side. Blocks until that side has said what it publishes.
caf::expected<greeting> greet(caf::actor_system& system, const caf::io::scribe_ptr& scribe, uint16_t port) {
  auto said = std::make_shared<std::promise<caf::expected<greeting>>>();
  auto heard = said->get_future();
  auto broker = system.middleman().named_broker<caf::io::basp_broker>("BASP");
  system.spawn<caf::detached>([=](caf::event_based_actor* self) {
    self->request(broker, config::defaults::link_handshake_timeout, caf::connect_atom_v, scribe, port)
      .then(
        [said](caf::node_id& node, caf::strong_actor_ptr& actor, std::set<std::string>& interface) {
          said->set_value(greeting{node, actor, interface});
        },
        [said](caf::error& why) { said->set_value(std::move(why)); });
  });
  try {
    return heard.get();
  } catch (const std::future_error&) {
    return no_connection("the node stops");
  }
}

} // namespace

node_system_config::node_system_config(size_t threads) {
  keep_freed_memory();
  // OpenSSL may write to a connection that its peer has closed; this must not end the process.
  std::signal(SIGPIPE, SIG_IGN);
  load<caf::io::middleman>();
  set("caf.middleman.heartbeat-interval", caf::timespan{transport_heartbeat});
  set("caf.middleman.connection-timeout", caf::timespan{transport_timeout});
  // With the default policy idle CAF threads poll; with this one they sleep until there is work, and wake at once.
  set("caf.scheduler.policy", "sharing");
  if (threads != 0)
    set("caf.scheduler.max-threads", threads);
  // CAF's own log stays off: important events are in our log.
  set("caf.logger.file.verbosity", "quiet");
  set("caf.logger.console.verbosity", "quiet");
}

tl::expected<link_config, std::string> with_certificates(link_config x) {
  if (!x.secure())
    return x;
  auto read = load_certificates(x);
  if (!read)
    return tl::unexpected(read.error());
  x.certificates = std::move(*read);
  return x;
}

tl::expected<published_link, std::string> publish(caf::actor_system& system, const coordinator_actor& x,
                                                  const link_config& at) {
  auto gate = link_gate::open(system, at, {caf::actor_cast<caf::strong_actor_ptr>(x), system.message_types(x)});
  if (!gate)
    return tl::unexpected(gate.error());
  auto port = (*gate)->port();
  return published_link{port, std::move(*gate)};
}

caf::expected<coordinator_actor> connect(caf::actor_system& system, const link_config& to) {
  auto scribe = connect_and_prove(system, to);
  if (!scribe)
    return scribe.error();
  auto found = greet(system, *scribe, to.port);
  if (!found)
    return found.error();
  auto& [node, actor, interface] = *found;
  if (!actor)
    return caf::sec::no_actor_published_at_port;
  if (!system.assignable(interface, system.message_types<coordinator_actor>()))
    return caf::sec::unexpected_actor_messaging_interface;
  return caf::actor_cast<coordinator_actor>(std::move(actor));
}

} // namespace troupe
