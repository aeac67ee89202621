#include "http/proxy_greeting.hpp"

#include <utility>

#include <boost/asio/buffer.hpp>

namespace troupe::http {

proxy_greeting::proxy_greeting(loop& in, tcp::socket socket, std::shared_ptr<std::string> place,
                               std::chrono::milliseconds timeout, taker take)
  : loop_(in), socket_(std::move(socket)), place_(std::move(place)), timeout_(timeout), take_(std::move(take)) {}

void proxy_greeting::start() {
  loop_.add(shared_from_this());
  expire_after(timeout_);
  error_code failure;
  socket_.non_blocking(true, failure);
  if (failure)
    return close();
  await_bytes();
}

void proxy_greeting::await_bytes() {
  socket_.async_wait(tcp::socket::wait_read, [me = self(this)](const error_code& failure) {
    if (!me->socket_.is_open())
      return;
    if (failure)
      return me->close();
    if (me->read_on())
      me->await_bytes();
  });
}

bool proxy_greeting::read_on() {
  std::array<uint8_t, core::proxy_header_bytes_max> next;
  error_code failure;
  auto before = header_.size();
  auto n = socket_.receive(boost::asio::buffer(next), tcp::socket::message_peek, failure);
  if (failure == boost::asio::error::would_block || failure == boost::asio::error::try_again)
    return true;
  if (failure) {
    close();
    return false;
  }
  header_.insert(header_.end(), next.begin(), next.begin() + static_cast<std::ptrdiff_t>(n));
  auto read = core::read_proxy_header(header_);
  if (read.what == core::proxy_header::state::bad) {
    close();
    return false;
  }
  auto done = read.what == core::proxy_header::state::done;
  if (done)
    header_.resize(read.size);
  // These bytes are there, so the kernel gives all of them.
  if (socket_.receive(boost::asio::buffer(next.data(), header_.size() - before), 0, failure) != header_.size() - before
      || failure) {
    close();
    return false;
  }
  if (!done)
    return true;
  auto me = shared_from_this();
  place_.reset();
  loop_.remove(me);
  std::exchange(take_, nullptr)(std::move(socket_), read);
  return false;
}

void proxy_greeting::deadline_passed() {
  close();
}

void proxy_greeting::shut_down() {
  close();
}

void proxy_greeting::close() {
  error_code ignored;
  socket_.close(ignored);
  loop_.remove(shared_from_this());
}

} // namespace troupe::http
