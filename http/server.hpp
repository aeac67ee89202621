// The HTTP server of a coordinator: REST API, metrics and live streams on threads of its own.
//
// It owns its threads and connections and nothing else. It asks the gateway for everything that it serves; if the
// gateway is gone, requests are answered with a 503. Nothing on an I/O thread waits.
#pragma once

#include "actors/gateway.hpp"
#include "http/config.hpp"

#include <caf/fwd.hpp>

#include <cstdint>
#include <memory>
#include <string>

#include <tl/expected.hpp>

namespace troupe::http {

class server {
public:
  /// Binds, listens and serves. The error says which address failed and why. The actor system must outlive the server.
  static tl::expected<std::unique_ptr<server>, std::string> start(server_config config, caf::actor_system& system,
                                                                  gateway_actor gateway);

  ~server();

  server(const server&) = delete;
  server& operator=(const server&) = delete;

  /// The port; if the configuration says 0, the one that the system chose.
  uint16_t port() const noexcept;

  /// The same for HTTPS; 0 if there is none.
  uint16_t https_port() const noexcept;

  /// Stops accepting, finishes current answers, ends all streams and joins the threads. This takes at most
  /// `stop_timeout` and one sweep of the clock. A second call does nothing.
  void stop();

private:
  class impl;

  explicit server(std::unique_ptr<impl> x);

  std::unique_ptr<impl> impl_;
};

} // namespace troupe::http
