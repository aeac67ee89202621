#include "ctl/http.hpp"

#include "base/utf8.hpp"
#include "transfer/curl.hpp"

#include <boost/url/encode.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/rfc/unreserved_chars.hpp>
#include <boost/url/url_view.hpp>

namespace troupe::ctl {

namespace {

namespace curl = transfer::curl;

constexpr long connect_timeout_ms = 3'000;
constexpr long timeout_ms = 15'000;
constexpr size_t body_bytes_max = 64 * 1024 * 1024;

size_t append(const char* data, size_t one, size_t size, void* to) {
  auto& body = *static_cast<std::string*>(to);
  if (body.size() + one * size > body_bytes_max)
    return 0;
  body.append(data, one * size);
  return one * size;
}

} // namespace

std::string no_coordinator(const std::string& url, const std::string& why) {
  return "no coordinator answers at " + base::plain_text(url) + ": " + base::plain_text(why)
         + "; is it running, and is --url (or TROUPE_URL) its address?";
}

tl::expected<answer, std::string> send(const std::string& method, const std::string& url, const std::string& body,
                                       const std::vector<std::string>& lines) {
  auto handle = curl::make_easy();
  if (!handle)
    return tl::unexpected(std::string{"libcurl cannot be set up"});
  answer result;
  curl::error_buffer detail{};
  curl::fields fields;
  curl::options set{handle.get(), detail};
  set(CURLOPT_URL, url.c_str());
  set(CURLOPT_CUSTOMREQUEST, method.c_str());
  if (method == "POST") {
    set(CURLOPT_POSTFIELDSIZE, static_cast<long>(body.size()));
    set(CURLOPT_POSTFIELDS, body.c_str());
    if (!body.empty())
      fields.add("Content-Type: application/json");
  }
  for (auto& line : lines)
    fields.add(line);
  set(CURLOPT_HTTPHEADER, fields.get());
  set(CURLOPT_CONNECTTIMEOUT_MS, connect_timeout_ms);
  set(CURLOPT_TIMEOUT_MS, timeout_ms);
  set(CURLOPT_USERAGENT, "caf-ctl/" TROUPE_VERSION);
  set(CURLOPT_WRITEFUNCTION, &append);
  set(CURLOPT_WRITEDATA, static_cast<void*>(&result.body));
  if (auto code = set.perform(); code != CURLE_OK)
    return tl::unexpected(no_coordinator(url, curl::words(code, detail)));
  result.status = curl::status_of(handle.get());
  return result;
}

bool is_this_machine(const std::string& url) {
  auto parsed = boost::urls::parse_uri(url);
  if (!parsed)
    return false;
  if (parsed->host_type() == boost::urls::host_type::ipv4)
    return parsed->host_ipv4_address().is_loopback();
  if (parsed->host_type() == boost::urls::host_type::ipv6)
    return parsed->host_ipv6_address().is_loopback();
  return parsed->host() == "localhost";
}

std::string encoded(const std::string& text) {
  auto result = boost::urls::encode(text, boost::urls::unreserved_chars);
  // A segment of one or two dots would mean this folder or its parent.
  return result == "." || result == ".." ? "%2E" + std::string(result.size() == 2 ? "%2E" : "") : result;
}

std::string encoded_path(const std::string& text) {
  return boost::urls::encode(text, boost::urls::unreserved_chars + '/');
}

} // namespace troupe::ctl
