// How often a browser may try to trade a key for a session. Such tries are rare, so their limit is far lower than that
// of requests. There is one for each client, and one for each key that failed tries name.
#pragma once

#include "core/trust/sliding_limit.hpp"

#include <string>

namespace troupe::core {

class login_limit {
public:
  using state = sliding_limit::state;
  using time_point = sliding_limit::time_point;

  /// `most` tries of a client in `window`, and as many failed ones with one key.
  login_limit(uint32_t most, std::chrono::milliseconds window) : clients_{most, window}, keys_{most, window} {}

  /// Counts a try of the client. `key` is the id in the text that it shows; empty if it shows none. While the limit of
  /// the key is reached, nobody can log in with it; requests with the key itself are not affected.
  state begin(const std::string& client, const std::string& key, time_point now);

  /// The try failed: the text that it showed is no key.
  void failed(const std::string& key, time_point now);

  uint32_t most() const noexcept {
    return clients_.most();
  }

  std::chrono::milliseconds window() const noexcept {
    return clients_.window();
  }

private:
  sliding_limit clients_;
  sliding_limit keys_;
};

} // namespace troupe::core
