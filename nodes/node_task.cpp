#include "nodes/node_task.hpp"

#include "actors/cluster/link.hpp"
#include "actors/host_watch.hpp"
#include "actors/task.hpp"
#include "config/waits.hpp"
#include "core/trust/link_proof.hpp"
#include "encoder/window/scheduling.hpp"
#include "nodes/node_access.hpp"
#include "nodes/node_cage.hpp"
#include "nodes/node_link.hpp"
#include "processes/system_calls.hpp"
#include "telemetry/log.hpp"

#include <caf/actor_system.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>

#include <unistd.h>

#include <iostream>
#include <string>

namespace troupe::nodes {

namespace {

namespace log = telemetry::log;

bool join(caf::actor_system& system, const coordinator_actor& coordinator, const task_join& x, const task_actor& task) {
  caf::scoped_actor self{system};
  auto joined = false;
  self->request(coordinator, config::defaults::coordinator_wait, x, task)
    .receive([&] { joined = true; },
             [](const caf::error& why) {
               log::debug("the coordinator refused this task", {{"reason", to_string(why)}});
             });
  return joined;
}

} // namespace

int run_task(const config::configuration& x, std::shared_ptr<const work_factory> factory) {
  av::forgo_real_time();
  std::string line;
  std::getline(std::cin, line);
  const auto asked = line == cage_question;
  auto blank = line.find(' ');
  auto pass = core::read_pass(line.substr(0, blank));
  if (!asked && (!pass || blank == std::string::npos)) {
    log::error("a task is started by a task host, not by hand");
    return 2;
  }
  // What the cage keeps away is read before.
  auto to = with_certificates(coordinator_link(x.cluster, x.cluster.coordinator));
  auto cage = enter_cage(x, !asked);
  if (asked) {
    std::cout << (cage ? *cage : cage.error()) << std::endl;
    return 0;
  }
  if (!to || !cage) {
    log::error("a task does not start", {{"reason", to ? cage.error() : to.error()}});
    return 1;
  }
  log::debug("a task is in its cage", {{"enforced", *cage}});
  to->role = core::link_role::task;
  to->name = line.substr(0, blank);
  to->secret = line.substr(blank + 1);
  const task_join who{task_id{pass->task}, worker_id{pass->host}, TROUPE_VERSION};
  host_watch host{STDIN_FILENO};
  node_system_config cfg{1};
  caf::actor_system system{cfg};
  auto coordinator = connect(system, *to);
  if (!coordinator) {
    log::debug("a task cannot reach the coordinator", {{"reason", to_string(coordinator.error())}});
    return 1;
  }
  task_config with;
  with.who = who;
  with.find_coordinator = [&system, to = *to] { return connect(system, to); };
  with.orphan_timeout = x.jobs.orphan_timeout;
  with.factory = std::move(factory);
  with.place = {x.node.state_dir + "/work", x.cluster.coordinator.host, source_access_of(x), result_files(x)};
  if (x.task.cage)
    with.close_networks = [] {
      if (auto done = cage::refuse_networks(); !done.enforced)
        log::debug("this task can still open connections", {{"reason", done.how}});
    };
  auto task = spawn_task(system, *coordinator, std::move(with));
  if (!join(system, *coordinator, who, task_actor{task})) {
    host.left();
    caf::anon_send_exit(task, caf::exit_reason::user_shutdown);
    return 1;
  }
  host.joined(task);
  {
    caf::scoped_actor self{system};
    self->wait_for(task);
  }
  host.left();
  // A thread that still works inside a codec has this long to return; then the kernel ends the process.
  ::alarm(static_cast<unsigned>(std::chrono::ceil<std::chrono::seconds>(x.task.orphan_timeout).count()));
  return 0;
}

} // namespace troupe::nodes
