// Decides to which hosts and addresses libavformat connects.
//
// libavformat has no callback for connections: a redirect, for example, is followed deep inside of its HTTP client. But
// each of its connections begins with getaddrinfo, and goes to an address of that answer. So this program has a
// getaddrinfo of its own, in front of the C library's: while a guard is in scope, names are checked before they are
// looked up, and addresses that are refused are removed from the answer. No second lookup follows, so a name whose
// addresses change gains nothing. Other threads, and calls outside of a guard, are not affected.
#pragma once

#include "core/trust/network.hpp"

#include <functional>
#include <string>
#include <string_view>

namespace troupe::av {

/// Both functions return why a connection is refused; empty if it is not.
struct connection_rules {
  std::function<std::string(std::string_view host, std::string_view port)> host;
  std::function<std::string(const core::ip_address&)> address;
};

class resolver_guard {
public:
  /// `refusal` gets the first reason. Both must outlive the guard, which is used by one thread. Without rules, it
  /// changes nothing.
  resolver_guard(const connection_rules* rules, std::string& refusal) noexcept;
  resolver_guard(const resolver_guard&) = delete;
  resolver_guard& operator=(const resolver_guard&) = delete;
  ~resolver_guard();

  /// Whether libavformat calls the getaddrinfo of this program. If not, because of how the program was linked or
  /// started, no guard has any effect.
  static bool works() noexcept;

private:
  const connection_rules* const outer_rules_;
  std::string* const outer_refusal_;
};

} // namespace troupe::av
