// A machine: its daemon, which registers, sends heartbeats and starts processes, and these processes. It is a worker's
// machine, or the coordinator's own, which runs the ingests and needs no registration.
#pragma once

#include "test/sim/process.hpp"

#include "messages/daemon.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string>

namespace troupe::sim {

class host;
using host_ptr = std::shared_ptr<host>;

/// The messages of hosts and new processes to the coordinator; each call is a message that has arrived.
class front_door {
public:
  virtual ~front_door() = default;

  /// Empty if the worker is accepted.
  virtual std::string on_registration(const registration& x, const host_ptr& from) = 0;

  /// False if the worker must register again.
  virtual bool on_heartbeat(const heartbeat& x) = 0;

  /// False if the process must end.
  virtual bool on_join(task_id task, worker_id of, const process_ptr& who) = 0;
};

/// One life of a daemon, and the processes that it started.
class host : public std::enable_shared_from_this<host> {
public:
  host(world& w, worker_id life, std::string name, uint32_t slots, front_door& door, task_sink& sink,
       std::shared_ptr<machine_mood> mood);

  /// Connects and registers; tries again for as long as it lives.
  void start();

  // -- by the coordinator, as messages that have arrived ---------------------

  void on_want(uint32_t processes);
  void on_assign(task_id task, std::function<void(std::string)> answer);
  void on_end(task_id task);

  // -- faults ----------------------------------------------------------------

  /// The machine is gone, with everything that ran on it. `silently`: for a while, no other machine notices.
  void crash(bool silently);

  /// Only the daemon dies; its processes continue.
  void daemon_dies();

  void partition(duration patience);
  void heal();

  bool alive() const noexcept {
    return alive_;
  }

  bool partitioned() const noexcept {
    return partitioned_;
  }

  /// Processes that live, in the order of their numbers.
  std::vector<process_ptr> processes() const;

  const worker_id life;
  const std::string name;
  const uint32_t slots;
  const std::shared_ptr<machine_mood> mood;
  connection_ptr link; ///< to the coordinator; a new one at each attempt to register
  bool draining = false;

private:
  struct entry {
    process_ptr it;
    bool assigned = false;
    bool ending = false;
  };

  void connect();
  void disconnected(uint64_t of);
  void beat(uint64_t of);
  void start_missing();
  void start_one();
  void terminate(entry& e);

  world& world_;
  front_door& door_;
  task_sink& sink_;
  bool alive_ = true;
  bool partitioned_ = false;
  duration patience_{};
  bool registered_ = false;
  uint64_t connection_ = 0;
  uint64_t sequence_ = 0;
  uint32_t wanted_ = 0;
  uint32_t starting_ = 0;
  duration delay_;
  std::map<task_id, entry> processes_;
};

} // namespace troupe::sim
