#include "http/browser_guard.hpp"

#include <algorithm>

#include <boost/asio/ip/address.hpp>
#include <boost/beast/core/string.hpp>

namespace troupe::http {

namespace {

using boost::beast::iequals;
using boost::beast::http::field;

bool is_safe(verb method) {
  return method == verb::get || method == verb::head || method == verb::options;
}

/// The authority of an origin "scheme://authority"; empty for "null" and everything else.
std::string_view authority_of(std::string_view origin) {
  auto at = origin.find("://");
  return at == std::string_view::npos ? std::string_view{} : origin.substr(at + 3);
}

} // namespace

std::string_view host_of(std::string_view authority) {
  if (authority.starts_with('[')) {
    auto end = authority.find(']');
    return end == std::string_view::npos ? std::string_view{} : authority.substr(1, end - 1);
  }
  return authority.substr(0, authority.find(':'));
}

bool names_loopback(std::string_view host) {
  boost::system::error_code failure;
  auto address = boost::asio::ip::make_address(std::string{host}, failure);
  return iequals(host, "localhost") || (!failure && address.is_loopback());
}

bool browser_guard::is_foreign(const boost::beast::http::fields& header) {
  auto site = header["Sec-Fetch-Site"];
  if (!site.empty() && site != "same-origin" && site != "none")
    return true;
  if (header.count(field::origin) == 0)
    return false;
  auto origin = authority_of(header[field::origin]);
  return header.count(field::origin) > 1 || origin.empty() || !iequals(origin, header[field::host]);
}

bool browser_guard::is_own(const boost::beast::http::fields& header) {
  return !is_foreign(header) && (header.count(field::origin) > 0 || header["Sec-Fetch-Site"] == "same-origin");
}

bool browser_guard::knows(std::string_view host) const {
  boost::system::error_code failure;
  boost::asio::ip::make_address(std::string{host}, failure);
  if (names_loopback(host) || (!failure && !loopback))
    return true; // an address, which DNS rebinding cannot use
  return std::any_of(hosts.begin(), hosts.end(), [host](auto& known) { return iequals(known, host); });
}

std::optional<browser_guard::refusal> browser_guard::check(unsigned version, verb method,
                                                           const boost::beast::http::fields& header) const {
  auto count = header.count(field::host);
  if (count > 1 || (count == 0 && version >= 11))
    return refusal{status::bad_request, "invalid_argument", "a request must name its host once, in a Host header"};
  std::string_view authority = header[field::host];
  auto known = count == 1 && knows(host_of(authority));
  if (count == 1 && !known && (loopback || !hosts.empty()))
    return refusal{
      status::misdirected_request, "unknown_host",
      loopback
        ? "this server listens on loopback and does not answer to that Host; use localhost or 127.0.0.1, or name it in "
          "http.hosts"
        : "this server does not answer to that Host; use its address, or name it in http.hosts"};
  if (is_safe(method))
    return std::nullopt;
  if (is_foreign(header))
    return refusal{status::forbidden, "cross_site", "changes are not taken from pages of another origin"};
  auto is_browser = header.count(field::origin) > 0 || header.count("Sec-Fetch-Site") > 0;
  if (!known && is_browser)
    return refusal{status::forbidden, "unknown_host",
                   "changes are taken from browsers only under an address, or a name that http.hosts has"};
  return std::nullopt; // not a browser: browsers send an Origin with every request that changes something
}

} // namespace troupe::http
