// TLS between nodes: a node's certificates, and the handshake.
//
// Certificates are read at the start and again when their files change, never per connection. So no connection fails
// because files are missing for a moment, or because the process has no descriptor left to read them.
#pragma once

#include "actors/cluster/link.hpp"

#include <memory>
#include <string>

#include <openssl/ssl.h>
#include <tl/expected.hpp>

namespace troupe {

using tls_context = std::shared_ptr<SSL_CTX>;

struct tls_deleter {
  void operator()(SSL* x) const noexcept {
    SSL_free(x);
  }
};

/// One connection.
using tls_session = std::unique_ptr<SSL, tls_deleter>;

/// Reads the configured files. If the authority's has a list of revoked certificates, these are refused, and when the
/// list has ended, all are. The error says which file is invalid, and why.
tl::expected<tls_context, std::string> load_certificates(const link_config& x);

/// The certificates of a long-lived node.
class certificate_store {
public:
  /// Reads the certificates for the first time.
  static tl::expected<certificate_store, std::string> open(link_config x);

  /// The present files; or, if they can no longer be read, the last good ones, with a line in the log.
  const tls_context& current();

private:
  certificate_store(link_config x, tls_context first);

  /// Changes when a file changes.
  std::string stamp() const;

  link_config files_;
  tls_context context_;
  std::string stamp_;
};

enum class handshake { done, wants_read, wants_write, failed };

/// Continues a handshake. If it failed, `why` says what ended it; `why` is empty if the other side left silently.
handshake shake_hands(SSL& session, std::string& why);

enum class tls_role { client, server };

/// True if the other side has shown a certificate that says that it is for this role. Without this, a worker's
/// certificate could pose as the coordinator's.
bool shows_role(const SSL& session, tls_role as);

/// A session on `socket`, which stays the caller's; null if out of memory.
tls_session accept_session(SSL_CTX& context, int socket);
tls_session connect_session(SSL_CTX& context, int socket);

} // namespace troupe
