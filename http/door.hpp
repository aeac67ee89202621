// Who may enter: decides for each request, before its body is read, whether it may do what its route is for.
//
// A request shows who sends it by a key (Authorization: Bearer), by the token in an address that was made for a player,
// by the cookie of a session, or by coming from this machine itself. A machine that joins shows a join token. Roles are
// compared in `core/trust/access.hpp`. The door also limits how many requests a client sends, how many keys and tokens
// it may guess, and how often it may log in. All requests pass here, so here those that must be written down get their
// mark.
#pragma once

#include "core/trust/access.hpp"
#include "core/trust/audit_rules.hpp"
#include "core/trust/login_limit.hpp"
#include "core/trust/network.hpp"
#include "core/trust/sliding_limit.hpp"
#include "http/config.hpp"
#include "http/loop.hpp"
#include "http/message.hpp"
#include "trust/cluster_authority.hpp"
#include "trust/key_ring.hpp"

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/beast/http/fields.hpp>

namespace troupe::http {

/// Usable from any thread.
class door {
public:
  explicit door(const server_config& config);

  /// Sends clients without HTTPS to this port, if they need it. Called before the first request.
  void send_to(uint16_t https_port) {
    https_port_ = https_port;
  }

  /// Sets from where the request comes: `peer` is the other end of the connection. What proxies say counts if they are
  /// trusted.
  void place(request& of, const core::ip_address& peer, const boost::beast::http::fields& header) const;

  /// Why the request may not enter; empty if it may. Then `of.who` is set. `pattern` is the path of its route. If the
  /// request is to be written down, `of.audit` is set.
  std::optional<reply> check(request& of, core::need what, std::string_view pattern,
                             const boost::beast::http::fields& header, clock::time_point now);

  /// Counts a request that has no route, or a wrong ticket. The refusal, if there were too many.
  std::optional<reply> count(const request& of, clock::time_point now);

  /// True for the addresses of proxies, through which many clients come.
  bool is_proxy(const core::ip_address& x) const;

private:
  /// The refusal, or nothing; what the request shows, if that is looked at.
  std::optional<reply> judge(const request& of, core::need what, const boost::beast::http::fields& header,
                             clock::time_point now, core::proof& shown);
  /// The refusal if the client tries to log in too often, with this key or at all.
  std::optional<reply> count_login(const request& of, const std::string& key, clock::time_point now);
  void note(request& of, core::need what, std::string_view pattern, const core::proof& shown, clock::time_point now);
  core::proof proof_of(const request& of, core::need what, const boost::beast::http::fields& header) const;
  core::proof cookie_proof(const request& of, const boost::beast::http::fields& header) const;
  /// The answer to a request that travels in the clear, but must not.
  std::optional<reply> send_away(const request& of, core::need what, const boost::beast::http::fields& header) const;
  /// True if this machine's own user sends the request, and needs no key.
  bool is_own_user(const request& of, const boost::beast::http::fields& header) const;

  std::shared_ptr<trust::key_ring> keys_;               ///< null: there are no keys
  std::shared_ptr<trust::audit_log> audit_;             ///< null: nothing is written down
  std::shared_ptr<trust::cluster_authority> authority_; ///< null: there are no join tokens
  std::string trust_loopback_;
  bool open_channels_;
  uint16_t https_port_ = 0; ///< 0: requests may come without HTTPS
  std::vector<core::network> proxies_;
  std::mutex mutex_; ///< guards what follows
  core::sliding_limit requests_;
  core::sliding_limit wrong_keys_;
  core::login_limit logins_;
  core::audit_rules audit_rules_;
};

/// The cookie of a session. Over HTTPS its name makes browsers refuse one that was set by anyone else.
std::string_view session_cookie(bool secure) noexcept;

} // namespace troupe::http
