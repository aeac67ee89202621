#include "http/http2_head.hpp"

namespace troupe::http {

namespace {

bool is_about_the_connection(boost::beast::http::field name) {
  using enum boost::beast::http::field;
  return name == connection || name == keep_alive || name == proxy_connection || name == transfer_encoding
         || name == upgrade;
}

std::string to_lower(std::string_view text) {
  std::string result{text};
  for (auto& c : result)
    if (c >= 'A' && c <= 'Z')
      c = static_cast<char>(c - 'A' + 'a');
  return result;
}

void add_line(std::string& to, std::string_view name, std::string_view value) {
  to.append(name).append(": ").append(value).append("\r\n");
}

} // namespace

void request_head::add(std::string_view name, std::string_view value) {
  bytes_ += name.size() + value.size() + 4;
  if (is_too_large())
    return;
  if (name == ":method")
    method_ = value;
  else if (name == ":path")
    target_ = value;
  else if (name == ":authority")
    authority_ = value;
  else if (name == "cookie") // HTTP/2 may divide it
    cookies_.append(cookies_.empty() ? "" : "; ").append(value);
  else if (name == "host")
    add_line(host_, "Host", value);
  else if (!name.starts_with(':') && name != "te") // this server sends no trailers
    add_line(fields_, name, value);
  has_length_ = has_length_ || name == "content-length";
}

std::string request_head::text(bool has_body) const {
  // Only CONNECT has no path: then its target is the authority.
  auto result = method_ + ' ' + (target_.empty() ? authority_ : target_) + " HTTP/1.1\r\n";
  std::string host;
  if (!authority_.empty())
    add_line(host, "Host", authority_);
  result += host;
  // If there are two different hosts, the server refuses the request.
  if (host_ != host)
    result += host_;
  if (!cookies_.empty())
    add_line(result, "Cookie", cookies_);
  if (has_body && !has_length_)
    add_line(result, "Transfer-Encoding", "chunked");
  return result + fields_ + "\r\n";
}

field_list response_fields(unsigned status, const boost::beast::http::fields& of) {
  field_list result{{":status", std::to_string(status)}};
  for (auto& field : of)
    if (!is_about_the_connection(field.name()))
      result.emplace_back(to_lower(field.name_string()), field.value());
  return result;
}

} // namespace troupe::http
