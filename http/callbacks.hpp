// CALLBACKS: reports the ends of jobs to the callback URLs that asked for it, at least once each.
//
// The store knows which callbacks are due; this actor only does the work. It asks for the list when a job ends, when it
// begins, and when a retry is due. It sends a few at a time, and a callback counts as delivered only when its result is
// stored. So a coordinator that dies between sending and storing sends again: receivers recognise repetitions by the
// delivery's id.
// - The queue dies: its successor is asked.
// - The coordinator dies: so does its node.
#pragma once

#include "actors/gateway.hpp"
#include "base/secret.hpp"
#include "core/trust/url_policy.hpp"

#include <caf/actor.hpp>
#include <caf/actor_system.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>

namespace troupe::http {

struct callback_config {
  base::secret_text secret = {};             ///< signs the bodies; empty: they are not signed
  size_t at_once_max = 4;                    ///< requests under way
  std::optional<core::url_policy> urls = {}; ///< which places may be called; none: all
  std::chrono::milliseconds connect_timeout{5'000};
  std::chrono::milliseconds timeout{15'000};
};

/// "sha256=" and the HMAC-SHA256 (RFC 2104) of `body` under `secret` in hexadecimal digits.
std::string signature_of(const std::string& secret, const std::string& body);

/// Owns the actor and the thread that sends.
class callback_sender {
public:
  callback_sender(caf::actor_system& system, gateway_actor gateway, callback_config config);
  callback_sender(const callback_sender&) = delete;
  callback_sender& operator=(const callback_sender&) = delete;
  ~callback_sender();

private:
  caf::actor actor_;
  caf::actor watcher_;
};

} // namespace troupe::http
