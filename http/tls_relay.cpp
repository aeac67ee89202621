#include "http/tls_relay.hpp"

#include "http/service.hpp"

#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>
#include <sys/socket.h>

namespace troupe::http {

namespace {

/// How long a client may take to answer the end of TLS, while the server works and while it stops.
constexpr std::chrono::milliseconds farewell{2'000};
constexpr std::chrono::milliseconds short_farewell{500};

} // namespace

tls_relay::tls_relay(loop& in, tcp::socket socket, std::shared_ptr<boost::asio::ssl::context> settings, limits times,
                     taker take)
  : loop_(in),
    settings_(std::move(settings)),
    client_(std::move(socket), *settings_),
    server_(in.context()),
    times_(times),
    take_(std::move(take)) {}

void tls_relay::start() {
  loop_.add(shared_from_this());
  expire_after(times_.handshake);
  client_.async_handshake(boost::asio::ssl::stream_base::server,
                          [me = self(this)](const error_code& failure) { me->greeted(failure); });
}

void tls_relay::greeted(const error_code& failure) {
  if (phase_ == phase::closed)
    return;
  int ends[2];
  if (failure || ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    return close();
  base::descriptor mine{ends[0]};
  base::descriptor other{ends[1]};
  error_code failed;
  server_.assign(boost::asio::local::stream_protocol{}, mine.get(), failed);
  if (failed)
    return close();
  mine.release();
  // As `limit_unsent` does for a client without TLS. The kernel doubles the first number.
  constexpr int unread_bytes = 64 * 1024;
  ::setsockopt(other.get(), SOL_SOCKET, SO_SNDBUF, &unread_bytes, sizeof unread_bytes);
  limit_unsent(client_.next_layer().native_handle());
  phase_ = phase::relaying;
  expire_never();
  std::exchange(take_, nullptr)(std::move(other));
  read_client();
  read_server();
}

void tls_relay::read_client() {
  client_.async_read_some(boost::asio::buffer(from_client_), [me = self(this)](const error_code& failure, size_t n) {
    if (me->phase_ != phase::relaying)
      return;
    if (failure) {
      // Whether the client closed TLS or only TCP makes no difference: a request has a length.
      error_code ignored;
      me->server_.shutdown(tcp::socket::shutdown_send, ignored);
      return;
    }
    boost::asio::async_write(me->server_, boost::asio::buffer(me->from_client_.data(), n),
                             [me](const error_code& failed, size_t) {
                               if (!failed && me->phase_ == phase::relaying)
                                 me->read_client();
                             });
  });
}

void tls_relay::read_server() {
  server_.async_read_some(boost::asio::buffer(from_server_), [me = self(this)](const error_code& failure, size_t n) {
    if (me->phase_ != phase::relaying)
      return;
    if (failure)
      return me->end();
    me->expire_after(me->times_.write);
    boost::asio::async_write(me->client_, boost::asio::buffer(me->from_server_.data(), n),
                             [me](const error_code& failed, size_t) {
                               if (me->phase_ != phase::relaying)
                                 return;
                               if (failed)
                                 return me->close();
                               me->expire_never();
                               me->read_server();
                             });
  });
}

void tls_relay::end() {
  phase_ = phase::ending;
  expire_after(loop_.stopping() ? short_farewell : farewell);
  client_.async_shutdown([me = self(this)](const error_code&) {
    if (me->phase_ != phase::ending)
      return;
    me->phase_ = phase::closed;
    error_code ignored;
    me->client_.next_layer().cancel(ignored);
    linger(me->loop_, std::move(me->client_.next_layer()));
    me->loop_.remove(me);
  });
}

void tls_relay::deadline_passed() {
  close();
}

void tls_relay::shut_down() {
  if (phase_ == phase::handshake)
    close();
  else if (phase_ == phase::ending)
    expire_after(short_farewell);
}

void tls_relay::close() {
  phase_ = phase::closed;
  error_code ignored;
  client_.next_layer().close(ignored);
  server_.close(ignored);
  loop_.remove(shared_from_this());
}

} // namespace troupe::http
