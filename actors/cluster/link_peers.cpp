#include "actors/cluster/link_peers.hpp"

#include <sys/socket.h>

namespace troupe {

std::shared_ptr<link_peers::entry> link_peers::add(int socket, const std::string& node) {
  std::lock_guard guard{mutex_};
  nodes_[socket] = node;
  return std::make_shared<entry>(shared_from_this(), socket);
}

void link_peers::end(const std::string& node) {
  std::lock_guard guard{mutex_};
  // CAF then finds the connection closed, as if the peer had closed it. The socket itself stays open until its entry is
  // gone, so its number belongs to no other connection.
  for (auto& [socket, its_node] : nodes_)
    if (its_node == node)
      ::shutdown(socket, SHUT_RDWR);
}

void link_peers::remove(int socket) {
  std::lock_guard guard{mutex_};
  nodes_.erase(socket);
}

} // namespace troupe
