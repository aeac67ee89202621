// One client connection between requests: reads, checks, dispatches and answers, one request at a time.
//
// For a live stream, events or a file, the socket is handed over to a `live_client`, an `event_client` or a
// `file_client`. Everything here runs on the loop's thread.
#pragma once

#include "http/loop.hpp"
#include "http/service.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/asio/buffer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

namespace troupe::http {

class connection final : public peer {
public:
  /// If `crowded` is set, it says why there are too many connections, and every request is answered with a 503.
  connection(loop& in, client_socket socket, service_ptr shared, guest who, std::string crowded);

  void start();

  void deadline_passed() override;

  void shut_down() override;

  bool is_idle() const noexcept override {
    return phase_ == phase::idle;
  }

  std::string_view client() const noexcept override {
    return guest_.shares_connection ? std::string_view{} : *guest_.place;
  }

private:
  enum class phase { idle, reading, asking, writing, awaiting, closed };

  using error_code = boost::system::error_code;
  using parser = boost::beast::http::request_parser<boost::beast::http::string_body>;

  /// Waits for the first byte of a request.
  void await_request(std::chrono::milliseconds timeout);
  void await_bytes();
  /// Skips empty lines: before a request they mean nothing (RFC 9112, section 2.2). False if nothing else was read.
  bool skip_empty_lines();
  void read_header();
  void on_header(const error_code& failure);
  /// If the request's body has no unambiguous end, answers with an error and ends the connection. True if it did.
  bool refuse_framing();
  /// Answers a request that has no route, or may not enter, before its body is read. True if it did.
  bool refuse_request();
  /// Reserves memory for the body; refuses the request if all bodies together would take too much.
  bool make_room();
  void read_body();
  void on_body(const error_code& failure);
  /// Answers a request that could not be read, or drops the connection if there is no client to answer to.
  void read_failed(const error_code& failure);

  void dispatch();
  /// Passes the socket to a `file_client` if the request is for a file; its body is still unread then.
  bool hand_over();
  /// Takes a place among the streams and file transfers; if none is left, refuses the request.
  std::optional<share> enter_streams();
  /// Passes the socket to a client of another kind.
  template <class Client, class... Args>
  void become(Args&&... args) {
    phase_ = phase::closed;
    auto client = std::make_shared<Client>(loop_, std::move(socket_), shared_, std::forward<Args>(args)...);
    loop_.remove(shared_from_this());
    client->start();
  }
  void ask_api();
  /// Answers a request below "/live/", or passes its socket on.
  void dispatch_live();
  /// Answers a request for a playlist, manifest, segment or part.
  void deliver(const delivery_target& target);
  /// Notices that the client leaves while it waits for its answer, or for the rest of it.
  void watch_client();
  /// Writes the response with `media_` as its body, and `rest_` as it comes.
  void write_media();
  void write_chunks(bool last);
  void pump();
  void await_rest();
  /// Ends the connection in the middle of a body.
  void abandon(const error_code& why);
  void client_left();
  void refuse(status code, std::string_view word, std::string_view detail);
  void answer(reply x);
  void on_written(const error_code& failure, size_t bytes);

  /// Fills `request_` from the header; false if the target is invalid.
  bool parse_target();
  void close();

  loop& loop_;
  client_socket socket_;
  service_ptr shared_;
  guest guest_;
  std::string crowded_;
  phase phase_ = phase::idle;
  bool first_ = true;       ///< no request has been read yet
  bool timed_out_ = false;  ///< the pending read was cancelled by its deadline
  bool keep_alive_ = false; ///< after the current response
  bool stopping_ = false;
  uint64_t turn_ = 0;         ///< number of the current request: late replies to earlier ones are dropped
  uint64_t watched_turn_ = 0; ///< in which the end of the client would be noticed
  clock::time_point began_;
  boost::beast::flat_buffer buffer_;
  std::optional<parser> parser_;
  request request_;
  const routes::route* route_ = nullptr; ///< of the request
  share body_;                           ///< of the current request, until it is answered
  std::optional<response> response_;
  std::shared_ptr<void> delivery_; ///< the request, while it waits for media
  viewer_ptr viewer_;              ///< who gets the response
  std::vector<shared_bytes> media_;
  std::optional<byte_range> part_; ///< of `media_`
  std::shared_ptr<media_source> rest_;
  size_t sent_bytes_ = 0; ///< of the response with `rest_`
  std::string head_;
  std::vector<std::string> frames_; ///< the sizes of chunks, as sent
  std::vector<boost::asio::const_buffer> buffers_;
};

} // namespace troupe::http
