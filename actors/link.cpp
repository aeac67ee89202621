#include "actors/link.hpp"

#include <caf/io/middleman.hpp>
#include <caf/openssl/manager.hpp>
#include <caf/openssl/publish.hpp>
#include <caf/openssl/remote_actor.hpp>

#include <malloc.h>
#include <openssl/bio.h>
#include <openssl/err.h>

namespace troupe {

namespace {

/// A peer that is silent this long on the transport is taken for lost. The clocks that decide about work are ours and
/// faster; this one clears away what they have given up.
constexpr auto transport_heartbeat = std::chrono::seconds{1};
constexpr auto transport_timeout = std::chrono::seconds{10};

long forget_old_errors(BIO* socket, int operation, const char*, size_t, int, long, int result, size_t*) {
  if ((operation == BIO_CB_READ || operation == BIO_CB_WRITE) && BIO_method_type(socket) == BIO_TYPE_SOCKET)
    ERR_clear_error();
  return result;
}

void watch_socket(void* made, void*, CRYPTO_EX_DATA*, int, long, void*) {
  BIO_set_callback_ex(static_cast<BIO*>(made), forget_old_errors);
}

/// OpenSSL keeps errors in a queue per thread, and `SSL_get_error` takes any that it finds for one of the call
/// before. CAF serves all connections in one thread and leaves the queue as it is, so a stranger's failed handshake
/// would break the next connection that only has to wait. This empties the queue before each use of a socket.
void keep_errors_apart() {
  static const auto index = BIO_get_ex_new_index(0, nullptr, watch_socket, nullptr, nullptr);
  (void)index;
}

/// Blocks of media come and go all the time, many of them above the sizes that glibc gives back to the kernel when they are freed; the kernel then
/// clears pages for the next ones, which took a third of a busy coordinator's time. So freed memory is kept, up to these sizes.
void keep_freed_memory() {
#ifdef __GLIBC__
  mallopt(M_TRIM_THRESHOLD, 64 * 1024 * 1024); // an arena's unused end
  mallopt(M_MMAP_THRESHOLD, 32 * 1024 * 1024); // the greatest that glibc allows
#endif
}

} // namespace

node_system_config::node_system_config(const link_config& x, size_t threads) {
  keep_errors_apart();
  keep_freed_memory();
  load<caf::io::middleman>();
  load<caf::openssl::manager>();
  openssl_cafile = x.ca;
  openssl_certificate = x.certificate;
  openssl_key = x.key;
  set("caf.middleman.heartbeat-interval", caf::timespan{transport_heartbeat});
  set("caf.middleman.connection-timeout", caf::timespan{transport_timeout});
  // Idle workers of the default policy poll; with this one they sleep until there is work, and wake at once.
  set("caf.scheduler.policy", "sharing");
  if (threads != 0)
    set("caf.scheduler.max-threads", threads);
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
