// The open connections of each node and its tasks, so that a revocation ends them.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

namespace troupe {

/// Usable from any thread. Held by a shared pointer, because connections outlive the gate.
class link_peers : public std::enable_shared_from_this<link_peers> {
public:
  /// One open connection. It must end before the socket is closed.
  class entry {
  public:
    entry(std::shared_ptr<link_peers> in, int socket) : in_(std::move(in)), socket_(socket) {}

    entry(const entry&) = delete;
    entry& operator=(const entry&) = delete;

    ~entry() {
      in_->remove(socket_);
    }

  private:
    std::shared_ptr<link_peers> in_;
    int socket_;
  };

  /// Notes a connection of that node, or of a task of it.
  std::shared_ptr<entry> add(int socket, const std::string& node);

  /// Ends all connections of that node.
  void end(const std::string& node);

private:
  void remove(int socket);

  std::mutex mutex_;
  std::map<int, std::string> nodes_; ///< by socket
};

} // namespace troupe
