// One connection of a client that speaks HTTP/2 over TLS. nghttp2 knows the protocol; each request becomes an
// `http2_exchange`, which a connection of this server answers as it answers everyone.
//
// Flow control goes through: what the server writes is read as the client takes it, and what the client sends is
// acknowledged as the server takes it. A request that its client gives up loses its local socket at once. A client that
// gives up very many requests, or sends very many frames of no use, loses its connection.
#pragma once

#include "core/trust/sliding_limit.hpp"
#include "http/guest.hpp"
#include "http/http2_exchange.hpp"
#include "http/loop.hpp"
#include "http/service.hpp"
#include "http/tls_stream.hpp"

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

struct nghttp2_session;

namespace troupe::http {

class http2_session final : public peer, private http2_exchange::listener {
public:
  /// Serves the other end of a local socket.
  using server_end = std::function<void(base::descriptor, guest)>;

  http2_session(loop& in, service_ptr shared, tls_stream_ptr client, guest who, server_end serve);
  ~http2_session() override;

  void start();

  void deadline_passed() override;

  void shut_down() override;

  bool is_idle() const noexcept override {
    return exchanges_.empty() && !ending_;
  }

  std::string_view client() const noexcept override {
    return *guest_.place;
  }

private:
  /// What nghttp2 calls.
  struct hooks;

  /// Null if there is no memory.
  nghttp2_session* open_native();
  /// Hands the head of a response to nghttp2, which will ask for the body. False if the stream cannot have it.
  bool respond(const http2_exchange& x, const field_list& head, bool ends);

  using error_code = boost::system::error_code;
  using exchange_ptr = std::shared_ptr<http2_exchange>;

  // -- of the client --------------------------------------------------------------

  void read_client();
  void receive(size_t bytes);
  /// Writes what nghttp2 wants to send; ends the connection if it wants nothing more.
  void flush();
  exchange_ptr find(int32_t id) const;
  exchange_ptr make_exchange(int32_t id);
  void dispatch(http2_exchange& x, bool has_body);
  /// Answers without asking the server.
  void refuse(http2_exchange& x, status code);
  void reset(http2_exchange& x, uint32_t why);
  /// The stream is closed.
  void forget(int32_t id);
  /// Counts what a client may do only so often; beyond that, ends the connection.
  void count(core::sliding_limit& what);
  /// Tells the client that the connection ends, and by which error of HTTP/2.
  void terminate(uint32_t why);

  // -- of the server --------------------------------------------------------------

  /// Passes the request on; refuses it if there is no room for it.
  void begin(http2_exchange& x, bool has_body);
  /// Closes those of `used_` whose other end was closed.
  void drop_ended();
  /// A socket over which a request was sent before; empty if there is none.
  std::optional<local_pair::socket> used_socket();
  void answers(http2_exchange& x, field_list head, bool ends) override;
  void has_more(http2_exchange& x) override;
  void consumed(http2_exchange& x, size_t bytes) override;
  void broke(http2_exchange& x) override;

  // -- ends -----------------------------------------------------------------------

  void watch_time();
  /// Nothing follows: with the end of TLS.
  void end();
  void close();
  void drop_all();

  loop& loop_;
  service_ptr shared_;
  tls_stream_ptr client_;
  guest guest_;
  server_end serve_;
  std::unique_ptr<nghttp2_session, void (*)(nghttp2_session*)> session_;
  std::unordered_map<int32_t, exchange_ptr> exchanges_; ///< by stream
  std::vector<local_pair::socket> used_;                ///< whose requests are complete
  core::sliding_limit given_up_;
  core::sliding_limit useless_;
  bool asked_ = false;     ///< the client has sent a request
  bool receiving_ = false; ///< nghttp2 is at work on what came
  bool ending_ = false;    ///< the client is told so
  bool closed_ = false;
  bool reading_ = false;
  bool writing_ = false;
  clock::time_point wrote_; ///< when the present write began
  std::array<uint8_t, 16 * 1024> from_client_;
  std::string to_client_;
};

} // namespace troupe::http
