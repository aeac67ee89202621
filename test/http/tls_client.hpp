// A client that speaks TLS over a raw socket, with a deadline for everything.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

namespace troupe::http {

class tls_client {
public:
  struct wishes {
    int version_max = 0;             ///< 0: any
    std::string protocols = {};      ///< as ALPN writes them
    std::string host = "localhost";  ///< that the certificate must prove
    uint32_t from = INADDR_LOOPBACK; ///< its own address
    std::string before = {};         ///< sent in the clear, before TLS
  };

  /// Trusts only the certificates of this authority (PEM).
  tls_client(uint16_t port, const std::string& authority) : tls_client(port, authority, wishes{}) {}

  tls_client(uint16_t port, const std::string& authority, const wishes& x)
    : settings_(SSL_CTX_new(TLS_client_method()), SSL_CTX_free),
      socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    ::signal(SIGPIPE, SIG_IGN); // OpenSSL would raise it if the server has closed
    std::unique_ptr<BIO, decltype(&BIO_free)> text{
      BIO_new_mem_buf(authority.data(), static_cast<int>(authority.size())), BIO_free};
    std::unique_ptr<X509, decltype(&X509_free)> root{PEM_read_bio_X509(text.get(), nullptr, nullptr, nullptr),
                                                     X509_free};
    X509_STORE_add_cert(SSL_CTX_get_cert_store(settings_.get()), root.get());
    SSL_CTX_set_verify(settings_.get(), SSL_VERIFY_PEER, nullptr);
    SSL_CTX_set_max_proto_version(settings_.get(), x.version_max);
    // So that only the server decides how old a protocol may be.
    SSL_CTX_set_security_level(settings_.get(), 0);
    SSL_CTX_set_min_proto_version(settings_.get(), TLS1_VERSION);
    timeval most{10, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof most);
    ::setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &most, sizeof most);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_addr.s_addr = htonl(x.from);
    if (::bind(socket_, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0)
      throw std::runtime_error("cannot take an address of loopback");
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(socket_, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0)
      throw std::runtime_error("cannot connect");
    if (::send(socket_, x.before.data(), x.before.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(x.before.size()))
      throw std::runtime_error("cannot send");
    stream_.reset(SSL_new(settings_.get()));
    SSL_set_fd(stream_.get(), socket_);
    SSL_set1_host(stream_.get(), x.host.c_str());
    if (!x.protocols.empty())
      SSL_set_alpn_protos(stream_.get(), reinterpret_cast<const unsigned char*>(x.protocols.data()),
                          static_cast<unsigned>(x.protocols.size()));
  }

  tls_client(const tls_client&) = delete;
  tls_client& operator=(const tls_client&) = delete;

  ~tls_client() {
    close();
  }

  /// False if there is no common protocol, or the certificate is not trusted.
  bool greet() {
    return SSL_connect(stream_.get()) == 1;
  }

  std::string version() const {
    return SSL_get_version(stream_.get());
  }

  std::string protocol() const {
    const unsigned char* chosen = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(stream_.get(), &chosen, &size);
    return {reinterpret_cast<const char*>(chosen), size};
  }

  bool send(std::string_view text) {
    return SSL_write(stream_.get(), text.data(), static_cast<int>(text.size())) == static_cast<int>(text.size());
  }

  /// The head of the next response, and its body if that has a length.
  std::string response() {
    while (text_.find("\r\n\r\n") == std::string::npos)
      if (!read())
        return std::exchange(text_, {});
    auto end = text_.find("\r\n\r\n") + 4;
    constexpr std::string_view field = "Content-Length: ";
    auto length = text_.substr(0, end).find(field);
    if (length != std::string::npos)
      end += static_cast<size_t>(std::atoll(text_.c_str() + length + field.size()));
    while (text_.size() < end)
      if (!read())
        return std::exchange(text_, {});
    auto result = text_.substr(0, end);
    text_.erase(0, end);
    return result;
  }

  /// One request, and its response.
  std::string ask(const std::string& method, const std::string& path, const std::string& fields = {}) {
    send(method + " " + path + " HTTP/1.1\r\nHost: localhost\r\n" + fields + "\r\n");
    return response();
  }

  /// This many bytes; fewer if the server ends the stream.
  std::string read_bytes(size_t n) {
    while (text_.size() < n && read()) {
    }
    auto result = text_.substr(0, n);
    text_.erase(0, n);
    return result;
  }

  /// What comes next; empty if the server ends the stream, or says nothing for long.
  std::string read_some() {
    if (text_.empty())
      read();
    return std::exchange(text_, {});
  }

  /// The server has ended the stream, or the connection.
  bool has_ended() const noexcept {
    return ended_;
  }

  /// Everything until the server ends the stream. `ended_well` tells whether it did so within TLS, too.
  std::string read_all(bool* ended_well = nullptr) {
    while (read()) {
    }
    if (ended_well != nullptr)
      *ended_well = (SSL_get_shutdown(stream_.get()) & SSL_RECEIVED_SHUTDOWN) != 0;
    return std::exchange(text_, {});
  }

  /// Like a program that was killed: without the end of TLS.
  void close() {
    if (socket_ >= 0)
      ::close(std::exchange(socket_, -1));
  }

private:
  bool read() {
    char some[65536];
    auto n = SSL_read(stream_.get(), some, sizeof some);
    if (n > 0)
      text_.append(some, static_cast<size_t>(n));
    else
      ended_ = SSL_get_error(stream_.get(), n) != SSL_ERROR_WANT_READ;
    return n > 0;
  }

  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> settings_;
  std::unique_ptr<SSL, decltype(&SSL_free)> stream_{nullptr, SSL_free};
  int socket_;
  std::string text_;
  bool ended_ = false;
};

} // namespace troupe::http
