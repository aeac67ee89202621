#include "core/trust/access.hpp"

#include <algorithm>
#include <array>

namespace troupe::core {

namespace {

constexpr std::array<std::string_view, 4> roles{"watch", "viewer", "operator", "admin"};

/// The lowest role that is enough. `what` is a role.
role least_role(need what) {
  switch (what) {
  case need::viewer:
    return role::viewer;
  case need::operate:
    return role::operate;
  case need::nothing:
  case need::ticket:
  case need::join:
  case need::channel:
  case need::watch:
    return role::watch;
  case need::admin:
    break;
  }
  return role::admin;
}

} // namespace

std::string_view to_string(role x) noexcept {
  return roles[static_cast<size_t>(x)];
}

std::optional<role> role_of(std::string_view name) noexcept {
  auto found = std::find(roles.begin(), roles.end(), name);
  return found == roles.end() ? std::nullopt : std::optional{static_cast<role>(found - roles.begin())};
}

std::string_view to_string(need x) noexcept {
  switch (x) {
  case need::nothing:
    return "nothing";
  case need::ticket:
    return "ticket";
  case need::join:
    return "join token";
  default:
    return to_string(least_role(x));
  }
}

bool needs_https(need what, bool by_address) noexcept {
  return what != need::nothing && what != need::ticket && !(what == need::channel && by_address);
}

bool may_watch(const caller& who, std::string_view channel) {
  return who.role != role::watch || who.channels.empty()
         || std::find(who.channels.begin(), who.channels.end(), channel) != who.channels.end();
}

verdict judge(need what, const proof& shown, std::string_view channel) {
  if (what == need::nothing || what == need::ticket)
    return verdict::enter;
  switch (shown.what) {
  case proof::kind::none:
    return verdict::no_key;
  case proof::kind::wrong:
    return verdict::wrong_key;
  case proof::kind::expired:
    return verdict::expired;
  case proof::kind::revoked:
    return verdict::revoked;
  case proof::kind::used_up:
    return verdict::used_up;
  case proof::kind::good:
    break;
  }
  if (what == need::join)
    return verdict::enter;
  if (shown.who.role < least_role(what))
    return verdict::too_low;
  return what != need::channel || may_watch(shown.who, channel) ? verdict::enter : verdict::scope;
}

} // namespace troupe::core
