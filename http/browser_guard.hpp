// Which requests a browser may not send on behalf of a foreign page.
//
// The API has no cookies, but browsers on the same machine can reach it. Two tricks would let any web page use it: a
// name of the attacker that resolves to this address (DNS rebinding), and a form or script that posts across sites.
// Therefore a server on loopback answers only to the names of loopback and to configured names. A server on another
// address answers to addresses and to configured names. If no names are configured, it answers to any name, but accepts
// changes from browsers only under an address. No server accepts a change from another site.
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

private:
  bool knows(std::string_view host) const;
};

/// The host of "host", "host:port" or "[v6]:port", without brackets; empty if malformed.
std::string_view host_of(std::string_view authority);

} // namespace troupe::http
