#include "http/listener.hpp"

#include "http/proxy_greeting.hpp"
#include "telemetry/log.hpp"

#include <algorithm>
#include <utility>

#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>

namespace troupe::http {

namespace {

/// As `crowd_of`, for the connections of one client.
constexpr uint32_t client_crowd_max = 16;

/// How long accepting pauses if the process has no file descriptor left.
constexpr std::chrono::milliseconds accept_pause{100};

constexpr int backlog = 1024;

/// "address:port", as `remote_of` says it of a socket.
std::string remote_text(const core::ip_address& x, uint16_t port) {
  auto host = core::to_text(x);
  if (host.find(':') != std::string::npos)
    host = "[" + host + "]";
  return host + ":" + std::to_string(port);
}

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
    guest who;
    who.from = address_of(socket);
    who.remote = remote_of(socket);
    who.secure = secure_;
    if (shared_->config.proxy_protocol == "required" && shared_->door->is_proxy(who.from))
      greet(next, std::move(socket), std::move(who));
    else
      take(next, std::move(socket), std::move(who));
    accept();
  });
}

void listener::take(loop& next, tcp::socket socket, guest who) {
  if (!admit(who))
    return;
  error_code ignored;
  socket.set_option(tcp::no_delay{true}, ignored);
  take_(next, std::move(socket), std::move(who));
}

void listener::greet(loop& next, tcp::socket socket, guest proxy) {
  auto place = shared_->clients->enter(core::client_name(proxy.from), shared_->config.connections_max).held;
  if (!place)
    return complain("http.connections_max is reached");
  // Clients are admitted on the listener's own thread.
  auto done = [this, &next, proxy, home = loops_.front()->mail()](tcp::socket s, const core::proxy_header& read) {
    auto who = proxy;
    who.proxied = true;
    if (read.from) {
      who.from = *read.from;
      who.remote = remote_text(*read.from, read.port);
    }
    auto held = std::make_shared<std::pair<tcp::socket, guest>>(std::move(s), std::move(who));
    home->post([this, &next, held] { take(next, std::move(held->first), std::move(held->second)); });
  };
  auto start = [&next, s = std::move(socket), p = std::move(place), done,
                timeout = shared_->config.header_timeout]() mutable {
    if (!next.stopping())
      std::make_shared<proxy_greeting>(next, std::move(s), std::move(p), timeout, std::move(done))->start();
  };
  boost::asio::post(next.context(), std::move(start));
}

void listener::rest() {
  pause_.expires_after(accept_pause);
  pause_.async_wait([this](const error_code& failure) {
    if (!failure && acceptor_.is_open())
      accept();
  });
}

bool listener::admit(guest& who) {
  auto& config = shared_->config;
  auto open = std::max<uint64_t>(shared_->counters->connections, own_->connections);
  auto most = places_of(*shared_, who.from);
  auto place = shared_->clients->enter(core::client_name(who.from), most + client_crowd_max);
  who.crowded = open >= config.connections_max;
  who.client_crowded = place.number > most;
  if (who.client_crowded)
    complain("one client has reached http.connections_per_client");
  else if (who.crowded)
    complain("http.connections_max is reached");
  if (open >= config.connections_max + crowd_of(config.connections_max) || !place.held)
    return false;
  who.place = std::move(place.held);
  return true;
}

void listener::complain(const char* why) {
  if (auto left_out = complaints_.take())
    log::warning("HTTP connections are turned away", {{"reason", why}, {"not_logged_before", *left_out}});
}

} // namespace troupe::http
