#include "nodes/node_task.hpp"

#include "actors/link.hpp"
#include "actors/task.hpp"
#include "encoder/scheduling.hpp"
#include "nodes/node_link.hpp"
#include "telemetry/log.hpp"

#include <caf/actor_system.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>

#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <iostream>
#include <memory>
#include <mutex>
#include <sstream>
#include <string>
#include <thread>
#include <utility>

namespace troupe::nodes {

namespace {

namespace log = telemetry::log;

constexpr auto join_timeout = std::chrono::seconds{5};

/// Waits on a thread of its own until the other end of standard input is closed: the host is gone, or wants this process to end. Then the task is told; one that
/// has not joined yet has nothing to leave behind, and just ends: what it asks a coordinator that went away is never answered.
class host_watch {
public:
  /// The thread ends with the process: a read on a pipe that stays open cannot be called back.
  host_watch() {
    std::thread{[shared = shared_] { shared->run(); }}.detach();
  }

  void joined(const task_state::interface& x) {
    std::lock_guard guard{shared_->mutex};
    shared_->task = x;
  }

private:
  struct state {
    void run() {
      char ignored[64];
      for (;;) {
        auto n = ::read(STDIN_FILENO, ignored, sizeof(ignored));
        if (n == 0 || (n < 0 && errno != EINTR))
          break;
      }
      std::lock_guard guard{mutex};
      // Nothing of this process is to run any more, not even what a sanitizer does at an exit.
      if (!task)
        ::kill(::getpid(), SIGKILL);
      caf::anon_send(std::exchange(task, nullptr), end_atom_v);
    }

    std::mutex mutex;
    task_state::interface task;
  };

  std::shared_ptr<state> shared_ = std::make_shared<state>();
};

bool join(caf::actor_system& system, const coordinator_actor& coordinator, const task_join& x, const task_actor& task) {
  caf::scoped_actor self{system};
  auto joined = false;
  self->request(coordinator, join_timeout, x, task)
    .receive([&] { joined = true; },
             [](const caf::error& why) {
               log::debug("the coordinator did not take this task", {{"reason", to_string(why)}});
             });
  return joined;
}

} // namespace

int run_task(const config::configuration& x, task_faults faults) {
  av::forgo_real_time();
  std::string line;
  task_join who;
  std::getline(std::cin, line);
  std::istringstream words{line};
  words >> who.task.value >> who.host.value >> who.token;
  who.version = TROUPE_VERSION;
  if (!who.task || !who.host) {
    log::error("a task is started by a task host, not by hand");
    return 2;
  }
  host_watch host;
  auto to = coordinator_link(x.cluster, x.cluster.coordinator);
  node_system_config cfg{to, 1};
  caf::actor_system system{cfg};
  auto coordinator = connect(system, to);
  if (!coordinator) {
    log::debug("a task cannot reach the coordinator", {{"reason", to_string(coordinator.error())}});
    return 1;
  }
  task_config with;
  with.who = who;
  with.find_coordinator = [&system, to] { return connect(system, to); };
  with.orphan_timeout = x.jobs.orphan_timeout;
  with.faults = std::move(faults);
  with.place = {x.node.state_dir + "/work", x.cluster.coordinator.host};
  auto task = spawn_task(system, *coordinator, std::move(with));
  if (!join(system, *coordinator, who, task_actor{task})) {
    caf::anon_send_exit(task, caf::exit_reason::user_shutdown);
    return 1;
  }
  host.joined(task);
  {
    caf::scoped_actor self{system};
    self->wait_for(task);
  }
  // What still works inside a codec gets this long to come back; then the kernel ends the process.
  ::alarm(static_cast<unsigned>(std::chrono::ceil<std::chrono::seconds>(x.task.orphan_timeout).count()));
  return 0;
}

} // namespace troupe::nodes
