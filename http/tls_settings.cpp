#include "http/tls_settings.hpp"

#include "telemetry/log.hpp"

#include <string_view>
#include <utility>

#include <boost/asio/buffer.hpp>

namespace troupe::http {

namespace {

using ssl_context = boost::asio::ssl::context;

/// Of TLS 1.2: forward secrecy and authenticated encryption, as TLS 1.3 always has.
constexpr const char* ciphers_1_2 = "ECDHE+AESGCM:ECDHE+CHACHA20";

/// "h2" and "http/1.1", as ALPN writes them (RFC 7301). The first one that the client offers is taken.
constexpr unsigned char protocols[] = "\x02h2\x08http/1.1";

/// A client that offers protocols, but not ours, is refused: it would take our answer for something else.
int choose_protocol(SSL*, const unsigned char** chosen, unsigned char* size, const unsigned char* offered,
                    unsigned offered_size, void*) {
  unsigned char* found = nullptr;
  if (SSL_select_next_proto(&found, size, protocols, sizeof protocols - 1, offered, offered_size)
      != OPENSSL_NPN_NEGOTIATED)
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  *chosen = found;
  return SSL_TLSEXT_ERR_OK;
}

tl::expected<std::shared_ptr<ssl_context>, std::string> make_context(const trust::certificate_text& text) {
  boost::system::error_code failure;
  auto result = std::make_shared<ssl_context>(ssl_context::tls_server);
  auto* native = result->native_handle();
  SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION);
  SSL_CTX_set_options(native, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  // Clients resume by tickets, which need no memory here.
  SSL_CTX_set_session_cache_mode(native, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(native, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_alpn_select_cb(native, &choose_protocol, nullptr);
  if (SSL_CTX_set_cipher_list(native, ciphers_1_2) != 1)
    return tl::unexpected(std::string{"OpenSSL has none of the ciphers"});
  result->use_certificate_chain(boost::asio::buffer(text.chain), failure);
  if (!failure)
    result->use_private_key(boost::asio::buffer(text.key), ssl_context::pem, failure);
  if (failure)
    return tl::unexpected("OpenSSL does not take the certificate: " + failure.message());
  return result;
}

} // namespace

tl::expected<std::shared_ptr<tls_settings>, std::string>
tls_settings::open(std::shared_ptr<trust::server_certificate> certificate) {
  auto made = make_context(certificate->current().text());
  if (!made)
    return tl::unexpected(std::move(made.error()));
  std::shared_ptr<tls_settings> result{new tls_settings(std::move(certificate))};
  result->current_ = std::move(*made);
  return result;
}

std::shared_ptr<ssl_context> tls_settings::current() const {
  std::lock_guard guard{mutex_};
  return current_;
}

void tls_settings::refresh() {
  auto changed = certificate_->refresh();
  if (changed && !*changed)
    return;
  auto made = changed ? make_context(certificate_->current().text()) : tl::unexpected(std::move(changed.error()));
  if (!made) {
    log::warning("HTTPS keeps its old certificate", {{"reason", made.error()}});
    return;
  }
  log::info("HTTPS has a new certificate", {{"ends_at_s", certificate_->current().ends_s()}});
  std::lock_guard guard{mutex_};
  current_ = std::move(*made);
}

} // namespace troupe::http
