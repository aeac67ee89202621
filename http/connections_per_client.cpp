#include "http/connections_per_client.hpp"

namespace troupe::http {

core::ip_address address_of(const boost::asio::ip::tcp::socket& socket) {
  boost::system::error_code failure;
  auto address = socket.remote_endpoint(failure).address();
  if (failure)
    return {};
  if (address.is_v6())
    return address.to_v6().to_bytes();
  return boost::asio::ip::make_address_v6(boost::asio::ip::v4_mapped, address.to_v4()).to_bytes();
}

connections_per_client::place connections_per_client::enter(const std::string& client, uint32_t most) {
  std::lock_guard guard{mutex_};
  auto& taken = taken_[client];
  if (taken >= most)
    return {nullptr, taken + 1};
  ++taken;
  std::shared_ptr<std::string> held{new std::string{client}, [me = shared_from_this()](std::string* of) {
                                      me->leave(*of);
                                      delete of;
                                    }};
  return {std::move(held), taken};
}

void connections_per_client::leave(const std::string& client) {
  std::lock_guard guard{mutex_};
  if (auto i = taken_.find(client); i != taken_.end() && --i->second == 0)
    taken_.erase(i);
}

} // namespace troupe::http
