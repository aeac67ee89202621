// A client that watches: asks for the stream, then writes its chunks as they come until either side ends.
//
// The chunks are shared by all clients and written from where they lie. One write is in flight, of at most 256 KiB or one
// chunk; a client that takes longer finds itself moved ahead by the stream, one that takes nothing for `write_timeout` is dropped.
#pragma once

#include "actors/variant_stream.hpp"
#include "http/loop.hpp"
#include "http/service.hpp"

#include <array>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <caf/expected.hpp>

namespace troupe::http {

/// What "/live/{channel}/{profile}.ts" names.
struct live_target {
  std::string channel;
  std::string profile;

  static std::optional<live_target> of(const std::vector<std::string>& path);
};

class live_client final : public peer {
public:
  using tcp = boost::asio::ip::tcp;

  live_client(loop& in, tcp::socket socket, service_ptr shared, request of, live_target target, unsigned version);

  void start();

  void deadline_passed() override;

  void shut_down() override;

private:
  enum class phase { opening, refusing, waiting, writing, closed };

  using error_code = boost::system::error_code;

  void opened(caf::expected<variant_stream_ptr> stream);
  void refuse(reply x);
  /// Writes what the stream has, or waits for more.
  void pump();
  void await_data();
  void write();
  void on_written(const error_code& failure, size_t bytes);
  /// Ends the response where the stream has ended.
  void finish(std::string note);
  /// Notices that the client is gone: it has nothing to say, so all that can be read is the end.
  void watch_client();
  void on_readable(const error_code& failure);
  void hang_up(std::string note);
  void log_end(std::string note);

  loop& loop_;
  tcp::socket socket_;
  service_ptr shared_;
  request request_;
  live_target target_;
  unsigned version_;
  std::string remote_;
  phase phase_ = phase::opening;
  bool stopping_ = false;
  bool last_ = false; ///< the write in flight is the response's last
  clock::time_point began_ = clock::now();
  std::optional<variant_stream::reader> reader_;
  std::optional<response> refusal_;
  std::string note_;
  std::string header_; ///< of the response, until it is written
  std::vector<shared_bytes> chunks_;
  std::vector<boost::asio::const_buffer> buffers_;
  std::array<char, 24> frame_; ///< the head of one HTTP chunk
  uint64_t sent_bytes_ = 0;
  uint64_t ignored_bytes_ = 0; ///< that the client sent meanwhile
};

} // namespace troupe::http
