// Private networks that a test can cut. This thread, and everything that it starts later, moves into a new network
// namespace. Each worker gets another one, joined to the first by a pair of virtual links and a bridge. The machine's
// own network is not touched, and all namespaces disappear with their last process.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <sys/types.h>

namespace troupe::bench {

class failover_network {
public:
  /// Why it is impossible here; empty if it is possible. Needs root and iproute2.
  static std::string obstacle();

  /// Moves the calling thread into a new network namespace, and makes `count` more for the workers. Other threads that
  /// already run stay in their network. Throws `std::runtime_error`.
  explicit failover_network(size_t count);
  failover_network(const failover_network&) = delete;
  failover_network& operator=(const failover_network&) = delete;

  /// Moves the calling thread back into the machine's own network. It must be the thread that called the constructor.
  ~failover_network();

  /// This process's address, which all networks reach.
  std::string address() const;

  /// The file that names a network.
  std::string file(size_t network) const;

  /// Cuts a network off, or reconnects it.
  void cut(size_t network);
  void join(size_t network);

private:
  void add(size_t network);
  void end();

  int machine_ = -1;           ///< the machine's own network
  std::vector<pid_t> holders_; ///< a process in each network keeps it there
};

} // namespace troupe::bench
