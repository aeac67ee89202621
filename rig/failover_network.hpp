// Networks of one's own, to be cut: this thread and all that it starts later move into a network namespace that nobody else is in, and each
// worker gets another one, joined to the first by a pair of virtual links and a bridge. Nothing of the machine's own network is touched, and all
// of it goes when its last process does.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <sys/types.h>

namespace troupe::bench {

class failover_network {
public:
  /// Why it cannot be made here; empty where it can. Takes root and iproute2.
  static std::string obstacle();

  /// Moves the calling thread, and makes `count` further networks. Threads that run already stay where they are. Throws `std::runtime_error`.
  explicit failover_network(size_t count);
  failover_network(const failover_network&) = delete;
  failover_network& operator=(const failover_network&) = delete;

  /// Moves the calling thread, which must be the same, back.
  ~failover_network();

  /// This process's address, which all the others reach.
  std::string address() const;

  /// The file that names a network.
  std::string file(size_t network) const;

  /// Cuts a network off, or joins it again.
  void cut(size_t network);
  void join(size_t network);

private:
  void add(size_t network);
  void end();

  int machine_ = -1;           ///< the machine's own network
  std::vector<pid_t> holders_; ///< a process in each network keeps it there
};

} // namespace troupe::bench
