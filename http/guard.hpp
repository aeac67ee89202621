// Which requests a browser may not send on behalf of a foreign page.
//
// The API has no cookies, but it listens where browsers of the same machine reach it. Two tricks would let any web page use it:
// a name of the attacker that resolves to this address (DNS rebinding), and a form or script that posts across sites. A
// server on loopback therefore answers only to the names of loopback and those that it is told; one beyond this machine to those that it is told, where it is,
// and takes changes from browsers under no other. No server takes a change from another site.
#pragma once

#include "http/message.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/beast/http/fields.hpp>

namespace troupe::http {

struct guard {
  bool loopback = true; ///< the server listens on loopback
  std::vector<std::string>
    hosts; ///< further names to answer to; a server beyond loopback answers to all where this is empty

  struct refusal {
    status code;
    std::string_view word;
    std::string detail;
  };

  /// Why the request is refused: a Host that is missing (HTTP/1.1), doubled or foreign, or a change that comes from another site or to a
  /// name that the server does not know.
  std::optional<refusal> check(unsigned version, verb method, const boost::beast::http::fields& header) const;

private:
  bool knows(std::string_view host) const;
};

/// The host of "host", "host:port" or "[v6]:port", without brackets; empty where it is malformed.
std::string_view host_of(std::string_view authority);

} // namespace troupe::http
