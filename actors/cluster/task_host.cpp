#include "actors/cluster/task_host.hpp"

#include "actors/common/actor_of.hpp"
#include "actors/common/task_folder.hpp"
#include "base/random_id.hpp"
#include "core/trust/link_proof.hpp"
#include "telemetry/log.hpp"

#include <caf/event_based_actor.hpp>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

namespace troupe {

namespace {

constexpr auto retry_delay_min = std::chrono::milliseconds{100};
constexpr auto retry_delay_max = std::chrono::milliseconds{10'000};

/// While other processes still wait, a replacement starts this much later: a task that got work needs the processor.
constexpr auto refill_delay = std::chrono::milliseconds{300};

/// Number of ends that are remembered for later questions.
constexpr size_t exits_max = 256;

/// Waits in `waitpid` on a thread of its own and reports to the host.
void watch(caf::event_based_actor* self, pid_t pid, task_id id, const local_task_host_actor& host) {
  auto status = wait_for(pid);
  self->send(host, id, static_cast<int32_t>(status));
}

/// Removes what a task leaves: on a thread of its own if it is not empty, because folders may be large.
void remove_folder(caf::actor_system& system, std::string folder) {
  if (::rmdir(folder.c_str()) == 0 || errno == ENOENT)
    return;
  system.spawn<caf::detached>([folder = std::move(folder)](caf::event_based_actor*) {
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
  });
}

} // namespace

task_host_state::task_host_state(interface::pointer self, task_host_config config)
  : self(self), config(std::move(config)) {
  // Made now, not when the first limit is set: its constructor removes the control groups of an earlier run.
  if (this->config.limits)
    enforcer.emplace();
  if (auto& folder = this->config.work_folder; !folder.empty())
    self->home_system().spawn<caf::detached>([folder](caf::event_based_actor*) { remove_old_task_folders(folder); });
}

task_host_state::~task_host_state() {
  for (auto& [id, p] : processes) {
    close_input(p.child);
    ::kill(p.child.pid, SIGKILL);
  }
}

task_host_state::interface::behavior_type task_host_state::make_behavior() {
  return {
    [this](warm_atom, uint32_t processes) {
      wanted = std::min(processes, config.processes_max);
      start_missing();
    },
    [this](assign_atom, task_id id, work_label& label) -> caf::result<std::string> {
      auto i = processes.find(id);
      if (i == processes.end() || i->second.assigned || i->second.ending)
        return caf::make_error(ec::refused, "the host has no such process to give");
      i->second.assigned = true;
      i->second.label = std::move(label);
      retry_delay = {};
      auto enforced = limit(id, i->second);
      refill();
      return enforced;
    },
    [this](status_atom, task_id id) { return exit_of(id); },
    [this](end_atom, task_id id) { stop(id); },
    [this](status_atom) { return statistics(); },
    [this](task_id id, int32_t status) { on_exit(id, status); },
    [this](stop_atom, task_id id) {
      if (auto i = processes.find(id); i != processes.end())
        ::kill(i->second.child.pid, SIGKILL);
    },
    [this](tick_atom) {
      retry_scheduled = false;
      start_missing();
    },
  };
}

void task_host_state::refill() {
  if (waiting() > 0)
    self->run_delayed(refill_delay, [this] { start_missing(); });
  else
    start_missing();
}

void task_host_state::start_missing() {
  if (retry_scheduled)
    return;
  for (auto n = waiting(); n < wanted && processes.size() < config.processes_max; ++n)
    start_one();
}

size_t task_host_state::waiting() const {
  return static_cast<size_t>(std::count_if(processes.begin(), processes.end(),
                                           [](const auto& kv) { return !kv.second.assigned && !kv.second.ending; }));
}

void task_host_state::start_one() {
  task_id id{base::random_id()};
  auto child = start_child(config.arguments, false);
  if (!child) {
    log::error("a task process does not start", {{"reason", child.error()}});
    retry_scheduled = true;
    retry_delay = std::clamp(retry_delay * 2, retry_delay_min, retry_delay_max);
    self->delayed_send(self, retry_delay, tick_atom_v);
    return;
  }
  // The pass is not in the arguments, because `ps` shows those. The node's secret stays here.
  core::task_pass pass{id.value, config.host.value,
                       std::chrono::system_clock::to_time_t(std::chrono::system_clock::now()), config.node};
  (void)write_line(*child, name_of(pass) + " " + secret_of(pass, config.secret));
  self->spawn<caf::detached>(watch, child->pid, id, interface{self});
  processes[id].child = *child;
}

void task_host_state::stop(task_id id) {
  auto i = processes.find(id);
  if (i == processes.end() || i->second.ending)
    return;
  i->second.ending = true;
  close_input(i->second.child);
  ::kill(i->second.child.pid, SIGTERM);
  auto at_files = i->second.assigned && is_file_work(i->second.label.kind);
  self->delayed_send(self, at_files ? config.file_stop_timeout : config.stop_timeout, stop_atom_v, id);
  refill();
}

std::string task_host_state::limit(task_id id, const process& p) {
  if (!p.label.limits.any())
    return {};
  auto enforced = enforcer ? enforcer->limit(p.child.pid, to_string(id), p.label.limits) : "nothing enforced";
  log::info("a task process is limited", {{"task", id}, {"pid", p.child.pid}, {"limits", enforced}});
  return enforced;
}

caf::result<task_exit> task_host_state::exit_of(task_id id) {
  if (auto i = processes.find(id); i != processes.end())
    return i->second.asked.emplace_back(self->make_response_promise<task_exit>());
  for (auto& [task, x] : exits)
    if (task == id)
      return x;
  return task_exit{};
}

void task_host_state::on_exit(task_id id, int status) {
  auto i = processes.find(id);
  if (i == processes.end())
    return;
  auto& p = i->second;
  if (!config.work_folder.empty())
    remove_folder(self->home_system(), task_folder(config.work_folder, p.child.pid));
  task_exit ended{describe_exit(status), enforcer && p.label.limits.any() && enforcer->ended(to_string(id))};
  auto how = ended.how;
  if (ended.out_of_memory)
    how += "; it had more memory than its limit of " + limits::size_text(p.label.limits.memory_bytes)
           + ": see task.memory, task.encode_memory_percent and the order's limits.memory";
  // A process that was told to end may die from the signal sent for that, and from no other.
  auto told_to = p.ending && (!WIFSIGNALED(status) || WTERMSIG(status) == SIGTERM || WTERMSIG(status) == SIGKILL);
  if (!how.empty() && !told_to)
    log::warning("a task process ended by itself", {{"task", id},
                                                    {"pid", p.child.pid},
                                                    {"channel", p.label.channel},
                                                    {"attempt", p.label.attempt},
                                                    {"reason", how}});
  close_input(p.child);
  for (auto& answer : p.asked)
    answer.deliver(ended);
  if (p.assigned)
    exits.emplace_back(id, std::move(ended));
  if (exits.size() > exits_max)
    exits.pop_front();
  auto unused = !p.assigned && !p.ending;
  processes.erase(i);
  if (!unused) {
    refill();
    return;
  }
  // The process ended before it got work: the coordinator is away, or the program is broken. Try again, but not in a
  // hot loop.
  retry_delay = std::clamp(retry_delay * 2, retry_delay_min, retry_delay_max);
  if (!retry_scheduled) {
    retry_scheduled = true;
    self->delayed_send(self, retry_delay, tick_atom_v);
  }
}

std::vector<task_statistics> task_host_state::statistics() {
  std::vector<int64_t> pids;
  std::vector<task_statistics> result;
  for (auto& [id, p] : processes) {
    task_statistics s;
    s.task = id;
    s.kind = p.assigned ? std::string{to_string(p.label.kind)} : "warm";
    s.channel = p.label.channel;
    s.profile = p.label.profile;
    s.session = p.label.session;
    s.attempt = p.label.attempt;
    s.lease = p.label.lease;
    result.push_back(std::move(s));
    pids.push_back(p.child.pid);
  }
  auto measured = probe.measure(pids, std::chrono::steady_clock::now());
  for (size_t i = 0; i < result.size(); ++i)
    result[i].process = measured[i];
  return result;
}

local_task_host_actor spawn_task_host(caf::actor_system& system, task_host_config config) {
  return system.spawn<actor_of<task_host_state>>(std::move(config));
}

} // namespace troupe
