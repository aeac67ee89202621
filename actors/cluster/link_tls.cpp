#include "actors/cluster/link_tls.hpp"

#include "telemetry/log.hpp"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <utility>

namespace troupe {

namespace {

/// Returns OpenSSL's latest error reason and empties its queue.
std::string take_reason() {
  std::string result;
  while (auto code = ERR_get_error())
    if (auto* text = ERR_reason_error_string(code))
      result = text;
  return result.empty() ? "no reason given" : result;
}

tl::unexpected<std::string> cannot_read(const char* what, const std::string& file) {
  return tl::unexpected("cannot read the " + std::string{what} + " in '" + file + "': " + take_reason());
}

void refuse_revoked(SSL_CTX* context) {
  auto* all = X509_STORE_get0_objects(SSL_CTX_get_cert_store(context));
  for (int i = 0; i < sk_X509_OBJECT_num(all); ++i)
    if (X509_OBJECT_get_type(sk_X509_OBJECT_value(all, i)) == X509_LU_CRL)
      X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context), X509_V_FLAG_CRL_CHECK);
}

tls_session session_on(SSL_CTX& context, int socket) {
  ERR_clear_error();
  tls_session result{SSL_new(&context)};
  if (result && SSL_set_fd(result.get(), socket) != 1)
    result.reset();
  return result;
}

} // namespace

tl::expected<tls_context, std::string> load_certificates(const link_config& x) {
  ERR_clear_error();
  tls_context result{SSL_CTX_new(TLS_method()), SSL_CTX_free};
  if (!result)
    return tl::unexpected("cannot use TLS: " + take_reason());
  auto* context = result.get();
  if (!x.certificate.empty() && SSL_CTX_use_certificate_chain_file(context, x.certificate.c_str()) != 1)
    return cannot_read("certificate", x.certificate);
  if (!x.key.empty() && SSL_CTX_use_PrivateKey_file(context, x.key.c_str(), SSL_FILETYPE_PEM) != 1)
    return cannot_read("private key", x.key);
  if (SSL_CTX_load_verify_locations(context, x.ca.c_str(), nullptr) != 1)
    return cannot_read("certificate authority", x.ca);
  refuse_revoked(context);
  if (SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1
      || SSL_CTX_set_cipher_list(context, "HIGH:!aNULL:!MD5") != 1)
    return tl::unexpected("cannot use TLS: " + take_reason());
  // Tasks have no certificate. The gate asks workers for theirs when they say that they are workers.
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  // Connections live long, so sessions are not resumed.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
  SSL_CTX_set_mode(context, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  return result;
}

certificate_store::certificate_store(link_config x, tls_context first)
  : files_(std::move(x)), context_(std::move(first)), stamp_(stamp()) {}

tl::expected<certificate_store, std::string> certificate_store::open(link_config x) {
  auto first = load_certificates(x);
  if (!first)
    return tl::unexpected(first.error());
  return certificate_store{std::move(x), std::move(*first)};
}

std::string certificate_store::stamp() const {
  std::string result;
  for (auto* file : {&files_.ca, &files_.certificate, &files_.key}) {
    struct stat found {};
    if (::stat(file->c_str(), &found) == 0)
      result += std::to_string(found.st_ino) + ':' + std::to_string(found.st_mtim.tv_sec) + ':'
                + std::to_string(found.st_mtim.tv_nsec) + ':' + std::to_string(found.st_size);
    result += ' ';
  }
  return result;
}

const tls_context& certificate_store::current() {
  auto now = stamp();
  if (now == stamp_)
    return context_;
  stamp_ = std::move(now);
  if (auto fresh = load_certificates(files_)) {
    context_ = std::move(*fresh);
    log::info("the certificates have changed and are in use");
  } else {
    log::warning("the certificates have changed and cannot be read; the former ones stay in use",
                 {{"reason", fresh.error()}});
  }
  return context_;
}

handshake shake_hands(SSL& session, std::string& why) {
  ERR_clear_error();
  auto done = SSL_do_handshake(&session);
  if (done == 1)
    return handshake::done;
  switch (SSL_get_error(&session, done)) {
  case SSL_ERROR_WANT_READ:
    return handshake::wants_read;
  case SSL_ERROR_WANT_WRITE:
    return handshake::wants_write;
  default:
    if (BIO_number_read(SSL_get_rbio(&session)) > 0)
      why = take_reason();
    if (auto verified = SSL_get_verify_result(&session); verified != X509_V_OK)
      why += std::string{" ("} + X509_verify_cert_error_string(verified) + ")";
    return handshake::failed;
  }
}

bool shows_role(const SSL& session, tls_role as) {
  std::unique_ptr<X509, decltype(&X509_free)> shown{SSL_get1_peer_certificate(&session), X509_free};
  if (!shown || (X509_get_extension_flags(shown.get()) & EXFLAG_XKUSAGE) == 0)
    return false;
  return (X509_get_extended_key_usage(shown.get()) & (as == tls_role::server ? XKU_SSL_SERVER : XKU_SSL_CLIENT)) != 0;
}

tls_session accept_session(SSL_CTX& context, int socket) {
  auto result = session_on(context, socket);
  if (result)
    SSL_set_accept_state(result.get());
  return result;
}

tls_session connect_session(SSL_CTX& context, int socket) {
  auto result = session_on(context, socket);
  if (result)
    SSL_set_connect_state(result.get());
  return result;
}

} // namespace troupe
