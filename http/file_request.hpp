// A request for a file, or with a file: what it names and what its fields say.
#pragma once

#include "base/descriptor.hpp"
#include "http/loop.hpp"
#include "http/message.hpp"
#include "transfer/refusal.hpp"

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

/// The file that a path below /api/v1/jobs or /api/v1/uploads names.
struct file_target {
  enum class kind : uint8_t { source, chunk, result, upload, uploads };

  kind what = kind::source;
  std::string id;      ///< of the job or the upload
  uint32_t number = 0; ///< of the chunk

  static std::optional<file_target> of(const std::vector<std::string>& path);
};

/// Everything that a connection hands over with its socket.
struct file_request {
  file_target target;
  request of;
  base::descriptor socket;
  boost::beast::flat_buffer buffer;
  std::unique_ptr<boost::beast::http::request_parser<boost::beast::http::buffer_body>> parser; ///< has read the header
  clock::time_point began;
  share place; ///< among the streams and file transfers

  // -- fields of the request; empty if absent ----------------------------------

  std::string field_of(std::string_view name) const;
  std::optional<uint64_t> number_of(std::string_view name) const;
  /// A query parameter, as sent.
  std::string parameter(std::string_view name) const;
  /// The text after "Bearer" in Authorization.
  std::string ticket() const;
};

/// A refusal as clients see it.
reply problem(const transfer::refusal& why, std::string_view request_id);

} // namespace troupe::http
