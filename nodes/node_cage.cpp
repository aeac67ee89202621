#include "nodes/node_cage.hpp"

#include "actors/common/task_folder.hpp"
#include "base/private_folder.hpp"
#include "config/print.hpp"
#include "processes/cage.hpp"
#include "processes/child_process.hpp"
#include "store/connection.hpp"

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <set>

namespace troupe::nodes {

namespace {

/// How long a process may take to start and to tell its cage.
constexpr int answer_timeout_ms = 10'000;

std::string own_folder(const config::configuration& x, pid_t task) {
  return task_folder(x.node.state_dir + "/work", task);
}

} // namespace

config::configuration with_hidden_secrets(const config::loaded& x) {
  auto result = x.config;
  auto& https = x.config.http.tls;
  std::set<std::string> files{x.config.cluster.tls.key, x.config.cluster.token_file,
                              x.config.cluster.authority_key_file, https.certificate, https.key};
  // SQLite keeps what was written last in two more files.
  if (auto at = store::parse_target({.url = x.config.jobs.store}); at && at->kind == store::backend::sqlite)
    for (auto* suffix : {"", "-wal", "-shm"})
      files.insert(at->shown + suffix);
  for (auto& [key, from] : x.origins)
    if (from.line > 0)
      files.insert(from.file);
  std::error_code ignored;
  for (auto& file : files)
    if (!file.empty())
      result.task.hidden.push_back(std::filesystem::absolute(file, ignored).string());
  return result;
}

std::vector<std::string> cage_arguments(const config::configuration& x) {
  std::vector<std::string> result{"--task.hidden=" + config::print_list(x.task.hidden),
                                  std::string{"--task.cage="} + (x.task.cage ? "true" : "false")};
  if (!x.task.user.empty())
    result.push_back("--task.user=" + x.task.user);
  return result;
}

tl::expected<std::string, std::string> enter_cage(const config::configuration& x, bool has_folder) {
  if (!x.task.cage)
    return "off";
  cage::plan plan;
  plan.files = {x.paths.read, x.paths.write};
  plan.hidden = x.task.hidden;
  plan.hidden.push_back(x.node.state_dir);
  plan.user = x.task.user;
  if (has_folder) {
    auto own = own_folder(x, ::getpid());
    if (auto failed = base::make_private_folder(own))
      return tl::unexpected(own + " cannot be made: " + failed.message());
    if (!plan.user.empty())
      if (auto given = cage::give_folder(own, plan.user); !given)
        return tl::unexpected(given.error());
    plan.kept = {own, x.jobs.work_dir};
    plan.files.write.insert(plan.files.write.end(), plan.kept.begin(), plan.kept.end());
  }
  return cage::enter(plan);
}

std::string ask_for_cage(const std::vector<std::string>& arguments) {
  auto child = start_child(arguments, true);
  if (!child)
    return child.error();
  (void)write_line(*child, cage_question);
  std::string said;
  std::array<char, 4096> bytes;
  pollfd answer{child->output, POLLIN, 0};
  while (::poll(&answer, 1, answer_timeout_ms) > 0) {
    auto got = ::read(child->output, bytes.data(), bytes.size());
    if (got <= 0)
      break;
    said.append(bytes.data(), static_cast<size_t>(got));
  }
  ::close(child->output);
  close_input(*child);
  ::kill(child->pid, SIGKILL);
  (void)wait_for(child->pid);
  while (said.ends_with('\n'))
    said.pop_back();
  return said.empty() ? "not known: a task does not start" : said;
}

} // namespace troupe::nodes
