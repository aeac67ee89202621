// What all connections of a server share, and the helpers that all of them use for responses, logging and closing.
#pragma once

#include "actors/gateway.hpp"
#include "http/browser_guard.hpp"
#include "http/config.hpp"
#include "http/connections_per_client.hpp"
#include "http/delivery.hpp"
#include "http/door.hpp"
#include "http/guest.hpp"
#include "http/job_events.hpp"
#include "http/loop.hpp"
#include "http/routes.hpp"
#include "http/viewers.hpp"

#include <caf/fwd.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>

namespace troupe::http {

struct service {
  server_config config;
  caf::actor_system& system;
  gateway_actor gateway;
  std::shared_ptr<const routes> api;
  std::shared_ptr<http::delivery> delivery;
  std::shared_ptr<viewer_list> viewers;
  http::browser_guard guard;
  http::browser_guard https_guard; ///< of clients that speak TLS with us
  std::shared_ptr<http::door> door;
  std::shared_ptr<statistics> counters;
  std::vector<loop*> file_loops; ///< only for files; they outlive all connections
  std::shared_ptr<event_hub> events;
  std::shared_ptr<connections_per_client> clients = std::make_shared<connections_per_client>();
  std::shared_ptr<connections_per_client> http2_requests = std::make_shared<connections_per_client>();
  std::shared_ptr<connections_per_client> event_clients = std::make_shared<connections_per_client>();
};

using service_ptr = std::shared_ptr<const service>;

/// How many connections a client may have, and how many requests by HTTP/2. Through a proxy come many clients.
uint32_t places_of(const service& in, const core::ip_address& client);

/// Connections beyond the server's limit that still get an error reply; further ones are closed without one.
uint64_t crowd_of(uint64_t connections_max);

using response = boost::beast::http::response<boost::beast::http::string_body>;

/// The message for a reply, with the fields that all our responses have. A reply to HEAD keeps its length but loses its
/// body. A request that is written down gets its result.
response make_response(reply x, const request& to, unsigned version, bool keep_alive);

/// The head of a response, as sent on the wire.
std::string head_of(const response& x);

/// Writes a line to the log, without secrets and cut to a reasonable length: streams and changes at level info, our own
/// failures as warnings, the rest for debugging.
void write_log(const service& of, access_record record);

/// A client that reads slowly gets no more unsent bytes into its kernel's buffer than one write has. Without this limit
/// the buffer grows to megabytes of old pictures.
void limit_unsent(int socket);

/// "address:port" of the other side; empty if it is gone.
std::string remote_of(const boost::asio::ip::tcp::socket& socket);

/// Sends what is written, then waits a moment for the client to close. An immediate close, while the client still
/// sends, would make its kernel discard our last response.
void linger(loop& in, client_socket socket);

} // namespace troupe::http
