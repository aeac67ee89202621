#include "http/listener.hpp"

#include "telemetry/log.hpp"

#include <algorithm>
#include <utility>

#include <boost/asio/ip/v6_only.hpp>

namespace troupe::http {

namespace {

/// As `crowd_of`, for the connections of one client.
constexpr uint32_t client_crowd_max = 16;

/// How long accepting pauses if the process has no file descriptor left.
constexpr std::chrono::milliseconds accept_pause{100};

constexpr int backlog = 1024;

} // namespace

listener::listener(service_ptr shared, std::vector<loop*> loops, std::shared_ptr<statistics> own, bool secure,
                   taker take)
  : shared_(std::move(shared)),
    loops_(std::move(loops)),
    own_(std::move(own)),
    secure_(secure),
    take_(std::move(take)),
    acceptor_(loops_.front()->context()),
    pause_(loops_.front()->context()) {}

std::string listener::listen(const tcp::endpoint& at) {
  error_code failure;
  acceptor_.open(at.protocol(), failure);
  if (!failure)
    acceptor_.set_option(tcp::acceptor::reuse_address(true), failure);
  if (!failure && at.address().is_v6() && at.address().is_unspecified())
    acceptor_.set_option(boost::asio::ip::v6_only(false), failure);
  if (!failure)
    acceptor_.bind(at, failure);
  if (!failure)
    acceptor_.listen(backlog, failure);
  if (!failure)
    port_ = acceptor_.local_endpoint(failure).port();
  return failure ? failure.message() : std::string{};
}

void listener::start() {
  accept();
}

void listener::close() {
  error_code failure;
  acceptor_.close(failure);
}

void listener::accept() {
  auto& next = *loops_[turn_++ % loops_.size()];
  acceptor_.async_accept(next.context(), [this, &next](const error_code& failure, tcp::socket socket) {
    if (failure == boost::asio::error::operation_aborted || !acceptor_.is_open())
      return;
    if (failure) {
      complain(failure.message().c_str());
      return rest();
    }
    if (auto who = admit(socket)) {
      error_code ignored;
      socket.set_option(tcp::no_delay{true}, ignored);
      take_(next, std::move(socket), std::move(*who));
    }
    accept();
  });
}

void listener::rest() {
  pause_.expires_after(accept_pause);
  pause_.async_wait([this](const error_code& failure) {
    if (!failure && acceptor_.is_open())
      accept();
  });
}

std::optional<guest> listener::admit(const tcp::socket& socket) {
  auto& config = shared_->config;
  auto open = std::max<uint64_t>(shared_->counters->connections, own_->connections);
  guest result;
  result.from = address_of(socket);
  result.remote = remote_of(socket);
  result.secure = secure_;
  auto most = places_of(*shared_, result.from);
  auto place = shared_->clients->enter(core::client_name(result.from), most + client_crowd_max);
  result.crowded = open >= config.connections_max;
  result.client_crowded = place.number > most;
  if (result.client_crowded)
    complain("one client has reached http.connections_per_client");
  else if (result.crowded)
    complain("http.connections_max is reached");
  if (open >= config.connections_max + crowd_of(config.connections_max) || !place.held)
    return {};
  result.place = std::move(place.held);
  return result;
}

void listener::complain(const char* why) {
  if (auto left_out = complaints_.take())
    log::warning("HTTP connections are turned away", {{"reason", why}, {"not_logged_before", *left_out}});
}

} // namespace troupe::http
