// TLS between nodes: what a node proves itself with, and the shaking of hands.
//
// Certificates are read at the start and again when their files change, never for a connection: files that are away for a moment, or a process that has
// no descriptor left to read them, cost nobody anything.
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

/// Reads the three files. The error says which is no good, and why.
tl::expected<tls_context, std::string> load_certificates(const link_config& x);

/// The certificates of a node that lives long.
class certificate_store {
public:
  /// Reads them for the first time.
  static tl::expected<certificate_store, std::string> open(link_config x);

  /// The files as they are now, or the last good ones, with a line in the log, where they cannot be read any more.
  const tls_context& current();

private:
  certificate_store(link_config x, tls_context first);

  /// What tells that a file is another one.
  std::string stamp() const;

  link_config files_;
  tls_context context_;
  std::string stamp_;
};

enum class handshake { done, wants_read, wants_write, failed };

/// Goes on with a handshake; `why` says what ended it where it failed, and nothing where the other side left without a word.
handshake shake_hands(SSL& session, std::string& why);

/// A session on `socket`, which stays the caller's; null where memory is short.
tls_session accept_session(SSL_CTX& context, int socket);
tls_session connect_session(SSL_CTX& context, int socket);

} // namespace troupe
