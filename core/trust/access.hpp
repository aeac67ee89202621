// Who may do what. A route of the HTTP interface needs something; a request proves who sends it; one function compares
// the two.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::core {

/// Each role may do what the roles before it may do.
enum class role : uint8_t {
  watch,   ///< watch channels, perhaps only some
  viewer,  ///< read everything but keys
  operate, ///< and submit and change jobs, upload files, drain workers
  admin,   ///< and remove workers, and make and revoke keys
};

/// "watch", "viewer", "operator" or "admin".
std::string_view to_string(role x) noexcept;
std::optional<role> role_of(std::string_view name) noexcept;

/// What a route needs.
enum class need : uint8_t {
  nothing,
  ticket,  ///< of a job; who serves the file checks it
  join,    ///< a join token
  channel, ///< role `watch`, for the channel in the path
  watch,
  viewer,
  operate,
  admin,
};

/// In words, for the list of routes: "nothing", "ticket", "join token" or a role.
std::string_view to_string(need x) noexcept;

/// Who sends a request.
struct caller {
  core::role role = core::role::watch;
  std::vector<std::string> channels; ///< of role `watch`: only these; empty: all
  std::string key;                   ///< the id of the key; empty: this machine's own user, without a key
  int64_t expires_ms = 0;            ///< Unix time; 0: never
  std::string name = {};             ///< of the key

  bool operator==(const caller&) const = default;
};

/// What a request shows.
struct proof {
  enum class kind : uint8_t {
    none,
    wrong, ///< no key of ours, or a text that we did not sign
    expired,
    revoked,
    used_up, ///< a join token that has admitted as many nodes as it may
    good
  };

  kind what = kind::none;
  caller who; ///< if good, expired or revoked; then it may be unknown
};

enum class verdict : uint8_t {
  enter,
  no_key,
  wrong_key,
  expired,
  revoked,
  used_up,
  too_low, ///< the role may not do this
  scope,   ///< the key is for other channels
};

/// `channel` is the one that the request names; empty if it names none.
verdict judge(need what, const proof& shown, std::string_view channel);

/// True if a request for this must not travel where others can read it: it may show a key. A ticket and an address that
/// was made for a player open one file or one channel, and their clients often know no certificate.
bool needs_https(need what, bool by_address) noexcept;

/// True if the caller may watch this channel.
bool may_watch(const caller& who, std::string_view channel);

} // namespace troupe::core
