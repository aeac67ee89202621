// How often each client is here: what one may hold is bounded, so that nobody alone takes every place.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include <boost/asio/ip/tcp.hpp>

namespace troupe::http {

/// What a client is known by: its IPv4 address, or the first 64 bits of an IPv6 one, which one customer has for himself. Empty where it is gone.
std::string client_of(const boost::asio::ip::tcp::socket& socket);

/// Any thread. Outlives its owner while places are held.
class client_places : public std::enable_shared_from_this<client_places> {
public:
  struct place {
    std::shared_ptr<std::string> held; ///< whose it is; null where there is none left
    uint32_t number = 0;               ///< of the client's places, this one included
  };

  /// One more place for `client`, of at most `most`, until it is let go.
  place enter(const std::string& client, uint32_t most);

private:
  void leave(const std::string& client);

  std::mutex mutex_;
  std::unordered_map<std::string, uint32_t> taken_;
};

} // namespace troupe::http
