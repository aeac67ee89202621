#include "http/server.hpp"

#include "base/descriptor.hpp"
#include "http/connection.hpp"
#include "http/http2_session.hpp"
#include "http/listener.hpp"
#include "http/loop.hpp"
#include "http/service.hpp"
#include "http/tls_relay.hpp"
#include "http/tls_settings.hpp"
#include "http/tls_stream.hpp"

#include <atomic>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <pthread.h>

namespace troupe::http {

namespace {

using boost::asio::ip::tcp;
using error_code = boost::system::error_code;

constexpr uint32_t threads_max = 64;

/// To flush a large file, a thread may need seconds; meanwhile the other thread continues.
constexpr uint32_t file_threads = 2;

/// Asks the system's resolver, which may take a while: call it before any thread serves.
tl::expected<tcp::endpoint, std::string> resolve(const config::endpoint& at) {
  boost::asio::io_context context;
  error_code failure;
  auto found = tcp::resolver{context}.resolve(at.host, std::to_string(at.port), tcp::resolver::passive, failure);
  if (failure || found.empty())
    return tl::unexpected("cannot listen for HTTP on '" + at.host + "': " + failure.message()
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
  impl(service_ptr shared, uint32_t threads, std::vector<std::unique_ptr<loop>> file_loops,
       std::shared_ptr<tls_settings> tls)
    : shared_(std::move(shared)), tls_(std::move(tls)), file_loops_(std::move(file_loops)) {
    for (uint32_t i = 0; i < threads; ++i)
      loops_.push_back(std::make_unique<loop>(shared_->counters));
    http_.emplace(shared_, pointers(loops_), shared_->counters, false,
                  [this](loop& in, tcp::socket socket, guest who) { welcome(in, std::move(socket), std::move(who)); });
    if (!tls_)
      return;
    auto relays = std::make_shared<statistics>();
    for (uint32_t i = 0; i < threads; ++i)
      tls_loops_.push_back(std::make_unique<loop>(relays));
    https_.emplace(shared_, pointers(tls_loops_), relays, true,
                   [this](loop& in, tcp::socket socket, guest who) { admit(in, std::move(socket), std::move(who)); });
    refresh_.emplace(tls_loops_.front()->context());
  }

  ~impl() {
    stop();
    // These use the contexts of loops, so they end before them.
    refresh_.reset();
    https_.reset();
    http_.reset();
  }

  /// Returns the error, or nothing.
  std::string listen(const tcp::endpoint& at) {
    return http_->listen(at);
  }

  std::string listen_https(const tcp::endpoint& at) {
    return https_->listen(at);
  }

  void run() {
    http_->start();
    if (https_) {
      https_->start();
      await_refresh();
    }
    for (auto& l : loops_)
      run(*l, "http");
    for (auto& l : tls_loops_)
      run(*l, "https");
    for (auto& l : file_loops_)
      run(*l, "http files");
  }

  void stop() {
    if (threads_.empty())
      return;
    auto timeout = shared_->config.stop_timeout;
    for (auto* loops : {&loops_, &tls_loops_, &file_loops_})
      for (auto& l : *loops)
        l->mail()->post([this, x = l.get(), timeout] {
          if (x == loops_.front().get())
            http_->close();
          if (https_ && x == tls_loops_.front().get())
            https_->close();
          x->stop(timeout);
        });
    for (auto& t : threads_)
      t.join();
    threads_.clear();
  }

  uint16_t port() const noexcept {
    return http_->port();
  }

  uint16_t https_port() const noexcept {
    return https_ ? https_->port() : 0;
  }

private:
  using loop_list = std::vector<std::unique_ptr<loop>>;

  static std::vector<loop*> pointers(const loop_list& of) {
    std::vector<loop*> result;
    for (auto& l : of)
      result.push_back(l.get());
    return result;
  }

  void run(loop& x, const char* name) {
    threads_.emplace_back([&x, name] {
      pthread_setname_np(pthread_self(), name);
      x.run();
    });
  }

  void await_refresh() {
    refresh_->expires_after(shared_->config.certificate_interval);
    refresh_->async_wait([this](const error_code& failure) {
      if (failure)
        return;
      tls_->refresh();
      await_refresh();
    });
  }

  void welcome(loop& in, tcp::socket socket, guest who) {
    auto start = [this, &in, s = client_socket{std::move(socket)}, x = std::move(who)]() mutable {
      serve(in, std::move(s), std::move(x));
    };
    if (loops_.size() == 1)
      start();
    else
      boost::asio::post(in.context(), std::move(start));
  }

  /// A client that will speak TLS.
  void admit(loop& in, tcp::socket socket, guest who) {
    auto begin = [this, &in, s = std::move(socket), x = std::move(who)]() mutable {
      if (in.stopping())
        return;
      auto take = [this, &in, y = std::move(x)](tls_stream_ptr client, bool http2) mutable {
        talk(in, std::move(client), http2, std::move(y));
      };
      greet(in, std::move(s), tls_->current(), shared_->config.header_timeout, std::move(take));
    };
    if (tls_loops_.size() == 1)
      begin();
    else
      boost::asio::post(in.context(), std::move(begin));
  }

  /// A client that speaks TLS.
  void talk(loop& in, tls_stream_ptr client, bool http2, guest who) {
    if (http2) {
      auto to_server = [this](base::descriptor end, guest x) { pass(std::move(end), std::move(x)); };
      std::make_shared<http2_session>(in, shared_, std::move(client), std::move(who), std::move(to_server))->start();
    } else if (auto ends = local_pair::make(in.context())) {
      std::make_shared<tls_relay>(in, std::move(client), std::move(ends->mine), shared_->config.write_timeout)->start();
      pass(std::move(ends->other), std::move(who));
    }
  }

  /// What a client says over TLS is served by one of `loops_`.
  void pass(base::descriptor end, guest who) {
    auto& to = *loops_[turn_++ % loops_.size()];
    auto held = std::make_shared<std::pair<base::descriptor, guest>>(std::move(end), std::move(who));
    to.mail()->post([this, &to, held] {
      client_socket s{to.context()};
      error_code failure;
      s.assign({AF_UNIX, 0}, held->first.get(), failure);
      if (failure)
        return;
      held->first.release();
      serve(to, std::move(s), std::move(held->second));
    });
  }

  void serve(loop& in, client_socket socket, guest who) {
    if (in.stopping())
      return;
    std::string why;
    if (who.client_crowded && !in.drop_idle(*who.place))
      why = "your address has reached its limit of connections to this server";
    else if (!who.client_crowded && who.crowded && !in.drop_idle())
      why = "the server has reached its limit of connections";
    std::make_shared<connection>(in, std::move(socket), shared_, std::move(who), std::move(why))->start();
  }

  service_ptr shared_;
  std::shared_ptr<tls_settings> tls_; ///< null: no HTTPS
  loop_list file_loops_;              ///< connections of `loops_` hand over to these
  loop_list loops_;
  loop_list tls_loops_; ///< threads of their own, so that no handshake delays a stream
  std::optional<listener> http_;
  std::optional<listener> https_;
  std::optional<boost::asio::steady_timer> refresh_; ///< of the certificate
  std::atomic<size_t> turn_{0};                      ///< of `loops_`, for clients that speak TLS
  std::vector<std::thread> threads_;
};

tl::expected<std::unique_ptr<server>, std::string> server::start(server_config config, caf::actor_system& system,
                                                                 gateway_actor gateway) {
  if (auto reason = validate(config); !reason.empty())
    return tl::unexpected(std::move(reason));
  auto endpoint = resolve(config.listen);
  if (!endpoint)
    return tl::unexpected(endpoint.error());
  std::shared_ptr<tls_settings> tls;
  auto https_endpoint = endpoint;
  if (config.certificate) {
    auto opened = tls_settings::open(config.certificate);
    https_endpoint = resolve(config.tls.listen);
    if (!opened || !https_endpoint)
      return tl::unexpected(opened ? https_endpoint.error() : opened.error());
    tls = std::move(*opened);
  }
  auto where = to_string(config.listen);
  auto https_where = to_string(config.tls.listen);
  auto redirect = config.tls.redirect;
  auto threads = config.threads;
  auto counters = std::make_shared<statistics>();
  auto viewers = std::make_shared<viewer_list>(viewer_list::limits{config.clients_max, config.viewers_per_client});
  auto api = std::make_shared<const routes>(system, gateway, config, counters, viewers);
  auto entrance = std::make_shared<door>(config);
  browser_guard rules{endpoint->address().is_loopback(), config.hosts};
  browser_guard https_rules{https_endpoint->address().is_loopback(), config.hosts};
  std::vector<std::unique_ptr<loop>> file_loops;
  std::vector<loop*> of_files;
  for (uint32_t i = 0; config.files && i < file_threads; ++i)
    of_files.push_back(file_loops.emplace_back(std::make_unique<loop>(counters)).get());
  auto events = std::make_shared<event_hub>(system, gateway, config.event_clients_max,
                                            std::shared_ptr<event_statistics>{counters, &counters->events});
  auto delivering = std::make_shared<delivery>(system, gateway, config.watch_timeout, config.ladders, viewers);
  auto shared = std::make_shared<const service>(
    service{std::move(config), system, std::move(gateway), std::move(api), std::move(delivering), std::move(viewers),
            std::move(rules), std::move(https_rules), entrance, counters, std::move(of_files), std::move(events)});
  auto result = std::make_unique<impl>(std::move(shared), threads, std::move(file_loops), tls);
  if (auto reason = result->listen(*endpoint); !reason.empty())
    return tl::unexpected("cannot listen for HTTP on " + where + ": " + reason);
  if (tls) {
    if (auto reason = result->listen_https(*https_endpoint); !reason.empty())
      return tl::unexpected("cannot listen for HTTPS on " + https_where + ": " + reason);
    if (redirect)
      entrance->send_to(result->https_port());
  }
  result->run();
  return std::unique_ptr<server>{new server(std::move(result))};
}

server::server(std::unique_ptr<impl> x) : impl_(std::move(x)) {}

server::~server() = default;

uint16_t server::port() const noexcept {
  return impl_->port();
}

uint16_t server::https_port() const noexcept {
  return impl_->https_port();
}

void server::stop() {
  impl_->stop();
}

} // namespace troupe::http
