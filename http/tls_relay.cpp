#include "http/tls_relay.hpp"

#include "http/service.hpp"

#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>

namespace troupe::http {

tls_relay::tls_relay(loop& in, tls_stream_ptr client, local_pair::socket server, std::chrono::milliseconds write)
  : loop_(in), client_(std::move(client)), server_(std::move(server)), write_(write) {}

void tls_relay::start() {
  loop_.add(shared_from_this());
  limit_unsent(client_->client.next_layer().native_handle());
  read_client();
  read_server();
}

void tls_relay::read_client() {
  auto to = boost::asio::buffer(from_client_);
  client_->client.async_read_some(to, [me = self(this)](const error_code& failure, size_t n) {
    if (me->closed_)
      return;
    if (failure) {
      // Whether the client closed TLS or only TCP makes no difference: a request has a length.
      error_code ignored;
      me->server_.shutdown(local_pair::socket::shutdown_send, ignored);
      return;
    }
    boost::asio::async_write(me->server_, boost::asio::buffer(me->from_client_.data(), n),
                             [me](const error_code& failed, size_t) {
                               if (!failed && !me->closed_)
                                 me->read_client();
                             });
  });
}

void tls_relay::read_server() {
  server_.async_read_some(boost::asio::buffer(from_server_), [me = self(this)](const error_code& failure, size_t n) {
    if (me->closed_)
      return;
    if (failure) {
      farewell(me->loop_, me->client_);
      return me->close();
    }
    me->expire_after(me->write_);
    boost::asio::async_write(me->client_->client, boost::asio::buffer(me->from_server_.data(), n),
                             [me](const error_code& failed, size_t) {
                               if (me->closed_)
                                 return;
                               if (failed)
                                 return me->deadline_passed();
                               me->expire_never();
                               me->read_server();
                             });
  });
}

void tls_relay::deadline_passed() {
  error_code ignored;
  client_->client.next_layer().close(ignored);
  close();
}

void tls_relay::close() {
  closed_ = true;
  error_code ignored;
  server_.close(ignored);
  loop_.remove(shared_from_this());
}

} // namespace troupe::http
