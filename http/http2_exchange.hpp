// One request of an HTTP/2 client and its response: as HTTP/1.1 over a local socket, on whose other end a `connection`
// of this server answers.
//
// The `http2_session` passes in what the client sends, and takes out what it may send to the client. Of the response at
// most one record waits here, so a slow client slows its source. Of the request's body, only what the client's window
// allows waits here.
#pragma once

#include "http/http2_head.hpp"
#include "http/local_pair.hpp"
#include "http/loop.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>

namespace troupe::http {

class http2_exchange final : public std::enable_shared_from_this<http2_exchange> {
public:
  /// What it tells its session, until it is closed.
  class listener {
  public:
    /// The response begins, or announces itself by a status below 200. `ends`: it has no body.
    virtual void answers(http2_exchange& x, field_list head, bool ends) = 0;
    /// There is more to `take`, or the end.
    virtual void has_more(http2_exchange& x) = 0;
    /// The server has taken this much of the request's body.
    virtual void consumed(http2_exchange& x, size_t bytes) = 0;
    /// The server's end was closed too early.
    virtual void broke(http2_exchange& x) = 0;

  protected:
    ~listener() = default;
  };

  /// The id is that of the stream. The listener must close it before it ends.
  http2_exchange(int32_t id, listener& to, size_t head_bytes_max);

  const int32_t id;
  request_head head;
  const clock::time_point began = clock::now();
  std::shared_ptr<std::string> place; ///< among the client's requests
  bool has_head = false;              ///< the head is complete
  bool is_excused = false;            ///< the client is not to blame if there is no complete response

  bool has_begun() const noexcept {
    return socket_.has_value();
  }

  /// Sends the request, once. `used`: others were sent over the socket before.
  void begin(local_pair::socket over, bool used, bool has_body);

  /// A server may close a socket just as it is used again. True if this may have happened: the request was not answered
  /// and only reads, so another exchange may repeat it.
  bool may_be_repeated() const noexcept;

  /// A piece of the request's body.
  void send(std::string_view piece);

  /// The request's body is complete.
  void finish();

  /// Copies what there is of the response's body, at most `most` bytes.
  size_t take(uint8_t* to, size_t most);

  /// Everything was taken.
  bool is_at_end() const noexcept {
    return complete_ && first_ == last_;
  }

  /// Something waits to be taken since before `then`.
  bool waits_since(clock::time_point then) const noexcept {
    return first_ < last_ && filled_ < then;
  }

  /// How much of the request's body was not `consumed`.
  size_t unconsumed_bytes() const noexcept {
    return sending_payload_ + unsent_.size();
  }

  /// Ends it. The socket can be used for another request if this one and its response are complete.
  std::optional<local_pair::socket> close();

private:
  using error_code = boost::system::error_code;
  using parser = boost::beast::http::response_parser<boost::beast::http::buffer_body>;

  /// Passes on what there is of the request's body: as one chunk, however small its pieces are.
  void write();
  void transmit();
  void on_written(const error_code& failure);
  void read_head();
  void on_head(const error_code& failure);
  void read_body();
  void on_body(const error_code& failure);

  listener* listener_;
  std::optional<local_pair::socket> socket_;
  bool closed_ = false;
  bool used_ = false;
  bool chunked_ = false;  ///< the request's body
  bool sent_ = false;     ///< the request is complete
  bool answered_ = false; ///< the response has begun
  bool complete_ = false; ///< the response was read

  std::string unsent_; ///< of the request's body
  bool last_chunk_is_due_ = false;
  std::string sending_;
  size_t sending_payload_ = 0; ///< bytes of the request's body among them
  bool deaf_ = false;          ///< the server takes nothing more of the request

  boost::beast::flat_buffer buffer_;
  std::optional<parser> parser_;
  bool reading_ = false;
  std::vector<uint8_t> body_;
  size_t first_ = 0; ///< where what is not taken yet begins in `body_`, and ends
  size_t last_ = 0;
  clock::time_point filled_; ///< when something was last taken from `body_` or put into it
};

} // namespace troupe::http
