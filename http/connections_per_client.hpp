// How many places each client holds: their number is limited, so that a single client cannot take all of them.
#pragma once

#include "core/trust/network.hpp"

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include <boost/asio/ip/tcp.hpp>

namespace troupe::http {

/// The address of the other side; zeros if it is gone.
core::ip_address address_of(const boost::asio::ip::tcp::socket& socket);

/// Usable from any thread. Outlives its owner while places are held.
class connections_per_client : public std::enable_shared_from_this<connections_per_client> {
public:
  struct place {
    std::shared_ptr<std::string> held; ///< the client's address; null if no place was left
    uint32_t number = 0;               ///< of the client's places, including this one
  };

  /// One more place for `client`, out of at most `most`, until it is released.
  place enter(const std::string& client, uint32_t most);

private:
  void leave(const std::string& client);

  std::mutex mutex_;
  std::unordered_map<std::string, uint32_t> taken_;
};

} // namespace troupe::http
