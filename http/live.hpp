// A client that watches: it asks for the stream, then gets its chunks as they come until either side ends.
//
// The chunks are shared by all clients and written without a copy, together with those of the client's group. One write
// is in flight, of at most 256 KiB or one chunk. The stream moves a slow client ahead. A client that takes nothing for
// `write_timeout` is dropped.
#pragma once

#include "http/live_group.hpp"
#include "http/stream_client.hpp"
#include "packaging/rendition_ptr.hpp"
#include "packaging/variant_stream.hpp"

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/buffer.hpp>
#include <caf/expected.hpp>

namespace troupe::http {

/// What "/live/{channel}/{profile}.ts" names.
struct live_target {
  std::string channel;
  std::string profile;

  static std::optional<live_target> of(const std::vector<std::string>& path);
};

class live_client final : public stream_client {
public:
  live_client(loop& in, client_socket socket, service_ptr shared, request of, live_target target, unsigned version,
              share place);

  void start();

  // -- for its group ------------------------------------------------------------

  /// Writes what is new, if it waits for that.
  void take();

  bool waits() const noexcept {
    return phase_ == phase::waiting;
  }

  /// Calls `wake`, from any thread, when there is something to read for it.
  void listen(std::function<void()> wake);

private:
  void opened(caf::expected<rendition_ptr> stream);
  void pump() override;
  /// Writes what the stream has, or waits.
  void serve();
  void await_data();
  void write();
  void written(size_t bytes) override;
  /// Ends the response if the stream has ended.
  void finish(std::string note);
  void describe(access_record& line) const override;
  void leave() override;

  live_target target_;
  std::optional<variant_stream::reader> reader_;
  viewer_ptr viewer_;
  std::shared_ptr<live_group> group_;
  uint64_t turn_ = 0;   ///< of the group, when it last read
  bool behind_ = false; ///< the last read may not have got all that there is
  std::string header_;  ///< of the response, until it is written
  std::vector<shared_bytes> chunks_;
  std::vector<boost::asio::const_buffer> buffers_;
  std::array<char, 24> frame_; ///< the head of one HTTP chunk
};

} // namespace troupe::http
