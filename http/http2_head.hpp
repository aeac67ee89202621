// Heads between HTTP/2 and HTTP/1.1 (RFC 9113, 8.2 and 8.3): a request's becomes text, a response's a list of fields.
//
// The fields of a request come from nghttp2. It refuses line breaks, names that are no tokens, and fields about the
// connection, so no field can pose as another one.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/beast/http/fields.hpp>

namespace troupe::http {

class request_head {
public:
  /// Takes fields of at most this many bytes together.
  explicit request_head(size_t bytes_max) : bytes_max_(bytes_max) {}

  void add(std::string_view name, std::string_view value);

  /// There were more bytes.
  bool is_too_large() const noexcept {
    return bytes_ > bytes_max_;
  }

  /// A request that may be sent twice: it changes nothing.
  bool only_reads() const noexcept {
    return method_ == "GET" || method_ == "HEAD";
  }

  /// The response will have no body, whatever its head says.
  bool is_head() const noexcept {
    return method_ == "HEAD";
  }

  bool has_length() const noexcept {
    return has_length_;
  }

  /// As HTTP/1.1 has it. A body of unknown length, if there is one, will be chunked.
  std::string text(bool has_body) const;

private:
  size_t bytes_max_;
  size_t bytes_ = 0;
  bool has_length_ = false;
  std::string method_;
  std::string target_;
  std::string authority_;
  std::string host_;
  std::string cookies_;
  std::string fields_; ///< the others, as text
};

using field_list = std::vector<std::pair<std::string, std::string>>;

/// The head of a response, the status first. Without the fields about the connection, which HTTP/2 forbids.
field_list response_fields(unsigned status, const boost::beast::http::fields& of);

} // namespace troupe::http
