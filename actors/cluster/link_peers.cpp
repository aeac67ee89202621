#include "actors/cluster/link_peers.hpp"

#include <sys/socket.h>

namespace troupe {

std::shared_ptr<link_peers::entry> link_peers::add(int socket, const std::string& serial) {
  std::lock_guard guard{mutex_};
  if (ended_.contains(serial))
    return nullptr;
  serials_[socket] = serial;
  return std::make_shared<entry>(shared_from_this(), socket);
}

void link_peers::end(std::span<const std::string> serials) {
  std::lock_guard guard{mutex_};
  ended_.insert(serials.begin(), serials.end());
  // CAF then finds the connection closed, as if the peer had closed it. The socket itself stays open until its entry is
  // gone, so its number belongs to no other connection.
  for (auto& [socket, serial] : serials_)
    if (ended_.contains(serial))
      ::shutdown(socket, SHUT_RDWR);
}

void link_peers::remove(int socket) {
  std::lock_guard guard{mutex_};
  serials_.erase(socket);
}

} // namespace troupe
