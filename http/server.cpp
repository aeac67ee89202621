#include "http/server.hpp"

#include "http/connection.hpp"
#include "http/loop.hpp"
#include "http/service.hpp"
#include "telemetry/log.hpp"
#include "telemetry/log_budget.hpp"

#include <algorithm>
#include <cstring>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <pthread.h>

namespace troupe::http {

namespace {

using boost::asio::ip::tcp;
using error_code = boost::system::error_code;

/// Connections beyond the limit that still get an error reply; further ones are closed without one.
uint64_t crowd_of(uint64_t connections_max) {
  return std::clamp<uint64_t>(connections_max / 8, 1, 256);
}

/// The same for the connections of one client.
constexpr uint32_t client_crowd_max = 16;

/// How long accepting pauses if the process has no file descriptor left.
constexpr std::chrono::milliseconds accept_pause{100};

constexpr int backlog = 1024;

constexpr uint32_t threads_max = 64;

/// To flush a large file, a thread may need seconds; meanwhile the other thread continues.
constexpr uint32_t file_threads = 2;

/// Asks the system's resolver, which may take a while: call it before any thread serves.
tl::expected<tcp::endpoint, std::string> resolve(const server_config& config) {
  boost::asio::io_context context;
  error_code failure;
  auto found = tcp::resolver{context}.resolve(config.listen.host, std::to_string(config.listen.port),
                                              tcp::resolver::passive, failure);
  if (failure || found.empty())
    return tl::unexpected("cannot listen for HTTP on '" + config.listen.host + "': " + failure.message()
                          + "; write an address or name of this machine, such as 127.0.0.1, ::1 or 0.0.0.0");
  return found.begin()->endpoint();
}

/// Which limit is invalid; empty if all are valid.
std::string validate(const server_config& config) {
  if (config.threads == 0 || config.threads > threads_max)
    return "the HTTP server takes 1 to " + std::to_string(threads_max) + " threads";
  if (config.header_bytes_max < 256 || config.header_bytes_max > 16 * config::defaults::mebibyte)
    return "the limit of an HTTP header must be 256 bytes to 16 MiB";
  if (config.connections_max == 0)
    return "the HTTP server must accept at least one connection";
  return {};
}

} // namespace

class server::impl {
public:
  impl(service_ptr shared, uint32_t threads, std::vector<std::unique_ptr<loop>> file_loops)
    : shared_(std::move(shared)), file_loops_(std::move(file_loops)) {
    for (uint32_t i = 0; i < threads; ++i)
      loops_.push_back(std::make_unique<loop>(shared_->counters));
    acceptor_.emplace(loops_.front()->context());
    pause_.emplace(loops_.front()->context());
  }

  ~impl() {
    stop();
    // Timer and acceptor use the context of the first loop, so they end before it.
    pause_.reset();
    acceptor_.reset();
  }

  /// Returns the error, or nothing.
  std::string listen(const tcp::endpoint& at) {
    error_code failure;
    acceptor_->open(at.protocol(), failure);
    if (!failure)
      acceptor_->set_option(tcp::acceptor::reuse_address(true), failure);
    if (!failure && at.address().is_v6() && at.address().is_unspecified())
      acceptor_->set_option(boost::asio::ip::v6_only(false), failure);
    if (!failure)
      acceptor_->bind(at, failure);
    if (!failure)
      acceptor_->listen(backlog, failure);
    if (!failure)
      port_ = acceptor_->local_endpoint(failure).port();
    return failure ? failure.message() : std::string{};
  }

  void run() {
    accept();
    for (auto& l : loops_)
      run(*l, "http");
    for (auto& l : file_loops_)
      run(*l, "http files");
  }

  void stop() {
    if (threads_.empty())
      return;
    auto timeout = shared_->config.stop_timeout;
    for (auto& l : loops_)
      l->mail()->post([this, x = l.get(), timeout] {
        error_code failure;
        if (x == loops_.front().get())
          acceptor_->close(failure);
        x->stop(timeout);
      });
    for (auto& l : file_loops_)
      l->mail()->post([x = l.get(), timeout] { x->stop(timeout); });
    for (auto& t : threads_)
      t.join();
    threads_.clear();
  }

  uint16_t port() const noexcept {
    return port_;
  }

private:
  void run(loop& x, const char* name) {
    threads_.emplace_back([&x, name] {
      pthread_setname_np(pthread_self(), name);
      x.run();
    });
  }

  /// Logs that a connection is turned away: only once in a while, however many there are.
  void complain(const char* why) {
    if (auto left_out = complaints_.take())
      log::warning("HTTP connections are turned away", {{"reason", why}, {"not_logged_before", *left_out}});
  }

  void accept() {
    auto& next = *loops_[turn_++ % loops_.size()];
    acceptor_->async_accept(next.context(), [this, &next](const error_code& failure, tcp::socket socket) {
      if (failure == boost::asio::error::operation_aborted || !acceptor_->is_open())
        return;
      if (failure) {
        complain(failure.message().c_str());
        return rest();
      }
      welcome(next, std::move(socket));
      accept();
    });
  }

  /// Out of descriptors or memory: an immediate retry would only waste processor time.
  void rest() {
    pause_->expires_after(accept_pause);
    pause_->async_wait([this](const error_code& failure) {
      if (!failure && acceptor_->is_open())
        accept();
    });
  }

  void welcome(loop& in, tcp::socket socket) {
    auto& config = shared_->config;
    uint64_t open = shared_->counters->connections;
    auto peer = address_of(socket);
    // Through a proxy come many clients.
    auto most = shared_->door->is_proxy(peer) ? config.connections_max : config.connections_per_client;
    auto place = shared_->clients->enter(core::client_name(peer), most + client_crowd_max);
    auto crowded = open >= config.connections_max;
    auto client_crowded = place.number > most;
    if (client_crowded)
      complain("one client has reached http.connections_per_client");
    else if (crowded)
      complain("http.connections_max is reached");
    if (open >= config.connections_max + crowd_of(config.connections_max) || !place.held)
      return;
    error_code failure;
    socket.set_option(tcp::no_delay{true}, failure);
    auto start = [this, &in, crowded, client_crowded, held = std::move(place.held), s = std::move(socket)]() mutable {
      if (in.stopping())
        return;
      std::string why;
      if (client_crowded && !in.drop_idle(*held))
        why = "your address has reached its limit of connections to this server";
      else if (!client_crowded && crowded && !in.drop_idle())
        why = "the server has reached its limit of connections";
      std::make_shared<connection>(in, std::move(s), shared_, std::move(held), std::move(why))->start();
    };
    if (loops_.size() == 1)
      start();
    else
      boost::asio::post(in.context(), std::move(start));
  }

  service_ptr shared_;
  std::vector<std::unique_ptr<loop>> file_loops_; ///< connections of `loops_` hand over to these
  std::vector<std::unique_ptr<loop>> loops_;
  std::optional<tcp::acceptor> acceptor_;
  std::optional<boost::asio::steady_timer> pause_;
  std::vector<std::thread> threads_;
  telemetry::log_budget complaints_{1, std::chrono::minutes{1}};
  size_t turn_ = 0;
  uint16_t port_ = 0;
};

tl::expected<std::unique_ptr<server>, std::string> server::start(server_config config, caf::actor_system& system,
                                                                 gateway_actor gateway) {
  if (auto reason = validate(config); !reason.empty())
    return tl::unexpected(std::move(reason));
  auto endpoint = resolve(config);
  if (!endpoint)
    return tl::unexpected(endpoint.error());
  auto where = "'" + config.listen.host + "' port " + std::to_string(config.listen.port);
  auto threads = config.threads;
  auto counters = std::make_shared<statistics>();
  auto viewers = std::make_shared<viewer_list>(viewer_list::limits{config.clients_max, config.viewers_per_client});
  auto api = std::make_shared<const routes>(system, gateway, config, counters, viewers);
  auto entrance = std::make_shared<door>(config);
  browser_guard rules{endpoint->address().is_loopback(), config.hosts};
  std::vector<std::unique_ptr<loop>> file_loops;
  std::vector<loop*> of_files;
  for (uint32_t i = 0; config.files && i < file_threads; ++i)
    of_files.push_back(file_loops.emplace_back(std::make_unique<loop>(counters)).get());
  auto events = std::make_shared<event_hub>(system, gateway, config.event_clients_max,
                                            std::shared_ptr<event_statistics>{counters, &counters->events});
  auto delivering = std::make_shared<delivery>(system, gateway, config.watch_timeout, config.ladders, viewers);
  auto shared = std::make_shared<const service>(
    service{std::move(config), system, std::move(gateway), std::move(api), std::move(delivering), std::move(viewers),
            std::move(rules), std::move(entrance), counters, std::move(of_files), std::move(events)});
  auto result = std::make_unique<impl>(std::move(shared), threads, std::move(file_loops));
  if (auto reason = result->listen(*endpoint); !reason.empty())
    return tl::unexpected("cannot listen for HTTP on " + where + ": " + reason);
  result->run();
  return std::unique_ptr<server>{new server(std::move(result))};
}

server::server(std::unique_ptr<impl> x) : impl_(std::move(x)) {}

server::~server() = default;

uint16_t server::port() const noexcept {
  return impl_->port();
}

void server::stop() {
  impl_->stop();
}

} // namespace troupe::http
