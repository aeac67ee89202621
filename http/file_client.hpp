// A client that downloads or uploads a file: one request, then the connection ends.
//
// The connection runs on a loop for files only: a slow disk delays other transfers, but never a live stream. At most
// 256 KiB of a file are in memory. The `transfer::upload_registry` decides what may be read and written. A client
// without permission is refused before it sends a body.
#pragma once

#include "http/file_request.hpp"
#include "http/loop.hpp"
#include "http/service.hpp"

#include "base/descriptor.hpp"
#include "base/sha256.hpp"
#include "transfer/upload_registry.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>

namespace troupe::http {

class file_client final : public peer {
public:
  file_client(loop& in, service_ptr shared, std::shared_ptr<file_request> x);

  void start();

  void deadline_passed() override;

  void shut_down() override;

private:
  enum class phase { open, asking, hashing, sending, receiving, replying, closed };

  using error_code = boost::system::error_code;

  void dispatch();
  /// GET and HEAD of a file that exists.
  void download();
  void download_result();
  /// Serves the file if it has this `identity`; if that is empty, any file.
  void serve(base::descriptor file, const std::string& identity = {});
  bool still_wanted(const std::string& etag);
  void send_head(status code, uint64_t length, const std::string& etag, std::string content_range);
  void send_slice();
  void hash_slice();

  /// HEAD, PATCH and PUT for an upload.
  void upload(transfer::answer<std::shared_ptr<transfer::incoming>> to);
  void create_upload();
  void finish_upload();
  void append();
  void go_on();
  void receive();
  void on_received(const error_code& failure);
  /// False if the upload is slower than the slowest usable connection. Such an upload could hold its connection for
  /// ever.
  bool keeps_pace(size_t got);
  void drop_result();

  template <class Then>
  void with_job(Then then);

  void refuse(const transfer::refusal& why);
  void refuse(status code, std::string_view word, std::string_view detail);
  void answer(reply x);
  void hang_up(std::string note, bool politely);

  loop& loop_;
  service_ptr shared_;
  std::shared_ptr<file_request> request_;
  client_socket socket_;
  phase phase_ = phase::open;
  unsigned status_ = 0;
  uint64_t sent_bytes_ = 0;
  std::optional<response> response_;
  std::string head_;

  base::descriptor file_;
  uint64_t at_ = 0;
  uint64_t end_ = 0;
  std::string etag_;
  base::sha256 hash_;

  std::shared_ptr<transfer::incoming> incoming_;
  uint64_t writer_ = 0;
  clock::time_point window_end_; ///< by then, `window_bytes_` of the upload must have arrived
  uint64_t window_bytes_ = 0;
  uint64_t received_bytes_ = 0;
  std::vector<char> slice_;
};

} // namespace troupe::http
