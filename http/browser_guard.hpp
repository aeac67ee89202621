// Which requests a browser may not send on behalf of a foreign page.
//
// Browsers on the same machine can reach the API, and send the cookie of a session. Two tricks would let any web page
// use it: a name of the attacker that resolves to this address (DNS rebinding), and a form or script that posts across
// sites. Therefore a server on loopback answers only to the names of loopback and to configured names. A server on
// another address answers to addresses and to configured names. If no names are configured, it answers to any name, but
// accepts changes from browsers only under an address. No server accepts a change from another site.
#pragma once

#include "http/message.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/beast/http/fields.hpp>

namespace troupe::http {

struct browser_guard {
  bool loopback = true;           ///< the server listens on loopback
  std::vector<std::string> hosts; ///< further names to answer to; if empty, a server beyond loopback answers to all

  struct refusal {
    status code;
    std::string_view word;
    std::string detail;
  };

  /// Why the request is refused: its Host is missing (HTTP/1.1), repeated or foreign; or it is a change that comes from
  /// another site, or addresses an unknown name.
  std::optional<refusal> check(unsigned version, verb method, const boost::beast::http::fields& header) const;

  /// True if a browser sends the request for a page of another origin.
  static bool is_foreign(const boost::beast::http::fields& header);

  /// True if a browser says that it sends the request for a page of ours.
  static bool is_own(const boost::beast::http::fields& header);

private:
  bool knows(std::string_view host) const;
};

/// True for "localhost" and addresses of loopback: names that no attacker can point elsewhere.
bool names_loopback(std::string_view host);

/// The host of "host", "host:port" or "[v6]:port", without brackets; empty if malformed.
std::string_view host_of(std::string_view authority);

} // namespace troupe::http
