// How the server speaks TLS: protocol, ciphers, and the certificate that it has at present.
#pragma once

#include "trust/server_certificate.hpp"

#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include <boost/asio/ssl/context.hpp>
#include <tl/expected.hpp>

namespace troupe::http {

class tls_settings {
public:
  using context = boost::asio::ssl::context;

  /// The error says why the certificate cannot be used.
  static tl::expected<std::shared_ptr<tls_settings>, std::string>
  open(std::shared_ptr<trust::server_certificate> certificate);

  /// For a new connection, which keeps it. Usable from any thread.
  std::shared_ptr<context> current() const;

  /// Takes a new certificate, if there is one. If it cannot be used, the old one stays and the log says why. Called by
  /// one thread.
  void refresh();

private:
  explicit tls_settings(std::shared_ptr<trust::server_certificate> certificate)
    : certificate_(std::move(certificate)) {}

  std::shared_ptr<trust::server_certificate> certificate_;
  mutable std::mutex mutex_; ///< guards what follows
  std::shared_ptr<context> current_;
};

} // namespace troupe::http
