// The open connections of peers that showed a certificate, so that a revocation ends them.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <span>
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

  /// Notes a connection whose peer showed the certificate with this serial number. Null if that was revoked meanwhile.
  std::shared_ptr<entry> add(int socket, const std::string& serial);

  /// Ends all connections of these certificates, now and if they are added later.
  void end(std::span<const std::string> serials);

private:
  void remove(int socket);

  std::mutex mutex_;
  std::map<int, std::string> serials_; ///< by socket
  std::set<std::string> ended_;
};

} // namespace troupe
