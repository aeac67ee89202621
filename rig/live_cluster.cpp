#include "rig/live_cluster.hpp"

#include "base/json.hpp"
#include "rig/api.hpp"
#include "rig/live_socket.hpp"
#include "rig/process.hpp"

#include <boost/json/serialize.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string_view>
#include <thread>

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace troupe::bench {

namespace {

using namespace base::reading;
namespace fs = std::filesystem;
using clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds poll_interval{20};
constexpr milliseconds port_limit{30'000};
constexpr milliseconds ready_limit{240'000}; ///< includes the testing of codecs
constexpr milliseconds idle_limit{20'000};
constexpr milliseconds request_limit{2'000};
constexpr milliseconds stop_limit{5'000};

/// After a channel has stopped: time to start idle processes for the next one.
constexpr milliseconds warm_up{800};

std::string node_program() {
  auto result = fs::path{own_program()}.parent_path() / "caf-node";
  if (!fs::exists(result))
    throw std::runtime_error("there is no " + result.string() + "; build caf-node next to caf-bench");
  return result.string();
}

std::string read_file(const std::string& path) {
  std::ifstream in{path};
  std::ostringstream out;
  out << in.rdbuf();
  return std::move(out).str();
}

std::string tail(const std::string& text) {
  constexpr size_t bytes_max = 3000;
  return text.size() <= bytes_max ? text : text.substr(text.size() - bytes_max);
}

/// The environment without variables that configure nodes: a node gets its whole configuration as arguments.
std::vector<char*> node_environment() {
  std::vector<char*> result;
  for (auto i = environ; *i != nullptr; ++i)
    if (std::string_view variable{*i}; !variable.starts_with("TROUPE_") && !variable.starts_with("TVARR_"))
      result.push_back(*i);
  result.push_back(nullptr);
  return result;
}

/// The child between fork and exec: only system calls.
[[noreturn]] void become(char** argv, char** environment, int log, int network, pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getppid() != parent || (network >= 0 && setns(network, CLONE_NEWNET) != 0))
    _exit(126);
  setpgid(0, 0);
  auto nothing = open("/dev/null", O_RDONLY);
  dup2(nothing, STDIN_FILENO);
  dup2(log, STDOUT_FILENO);
  dup2(log, STDERR_FILENO);
  execve(argv[0], argv, environment);
  _exit(127);
}

} // namespace

std::string tail_of(const std::string& file) {
  return tail(read_file(file));
}

std::string capability_cache(const std::string& folder) {
  auto programs = fs::path{own_program()}.parent_path();
  auto build = programs.parent_path();
  if (::access(build.c_str(), W_OK) != 0)
    return folder + "/capabilities.json";
  auto result = build / "bench-capabilities.json";
  std::error_code ignored;
  if (fs::last_write_time(result, ignored) < fs::last_write_time(programs / "caf-node", ignored))
    fs::remove(result, ignored);
  return result.string();
}

node_process::node_process(const std::vector<std::string>& arguments, const std::string& log,
                           const std::string& network, std::string program) {
  if (program.empty())
    program = node_program();
  std::vector<char*> argv{program.data()};
  for (auto& x : arguments)
    argv.push_back(const_cast<char*>(x.c_str()));
  argv.push_back(nullptr);
  auto environment = node_environment();
  auto file = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  auto space = network.empty() ? -1 : ::open(network.c_str(), O_RDONLY | O_CLOEXEC);
  auto parent = ::getpid();
  pid_ = file < 0 || (space < 0 && !network.empty()) ? -1 : ::fork();
  if (pid_ == 0)
    become(argv.data(), environment.data(), file, space, parent);
  for (auto x : {file, space})
    if (x >= 0)
      ::close(x);
  if (pid_ < 0)
    throw std::runtime_error("cannot start " + program);
}

node_process::~node_process() {
  if (!running())
    return;
  ::kill(pid_, SIGTERM);
  auto end = clock::now() + stop_limit;
  while (clock::now() < end) {
    if (!running())
      return;
    std::this_thread::sleep_for(poll_interval);
  }
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

bool node_process::running() {
  if (pid_ > 0 && ::waitpid(pid_, nullptr, WNOHANG) != 0)
    pid_ = 0;
  return pid_ > 0;
}

uint16_t wait_for_port(const std::string& file, node_process& of, const std::string& log) {
  auto end = clock::now() + port_limit;
  for (;;) {
    std::ifstream in{file};
    if (uint16_t port = 0; in >> port)
      return port;
    if (clock::now() > end || !of.running())
      throw std::runtime_error("the node does not listen; its log ends with:\n" + tail_of(log));
    std::this_thread::sleep_for(poll_interval);
  }
}

live_cluster::live_cluster(std::string folder, const std::map<std::string, std::string>& channels,
                           const std::string& capability_cache, const std::vector<std::string>& flags)
  : folder_(std::move(folder)) {
  write_config(channels);
  auto common = [this](const std::string& role) {
    return std::vector<std::string>{"--role=" + role, "--config=" + config_file(), "--node.name=bench-" + role,
                                    "--node.state_dir=" + folder_ + "/" + role};
  };
  auto coordinator = common("coordinator");
  coordinator.insert(coordinator.end(),
                     {"--http.listen=127.0.0.1:0", "--http.port_file=" + folder_ + "/http.port",
                      "--cluster.listen=127.0.0.1:0", "--cluster.port_file=" + folder_ + "/cluster.port"});
  coordinator.insert(coordinator.end(), flags.begin(), flags.end());
  auto log = folder_ + "/coordinator.log";
  coordinator_ = std::make_unique<node_process>(coordinator, log);
  auto cluster_port = wait_for_port(folder_ + "/cluster.port", *coordinator_, log);
  http_port_ = wait_for_port(folder_ + "/http.port", *coordinator_, log);
  auto worker = common("worker");
  worker.insert(worker.end(), {"--cluster.coordinator=127.0.0.1:" + std::to_string(cluster_port),
                               "--worker.capability_cache=" + capability_cache});
  worker.insert(worker.end(), flags.begin(), flags.end());
  worker_ = std::make_unique<node_process>(worker, folder_ + "/worker.log");
  auto end = clock::now() + ready_limit;
  while (http_get(http_port_, "/readyz", request_limit).status != 200) {
    if (clock::now() > end || !worker_->running() || !coordinator_->running())
      throw std::runtime_error("the cluster does not become ready:\n" + logs());
    std::this_thread::sleep_for(poll_interval);
  }
}

void live_cluster::write_config(const std::map<std::string, std::string>& channels) const {
  std::ofstream out{config_file()};
  // Other load on this machine is part of the measurement, not a reason to refuse work.
  out << "cluster:\n  token: a-token-for-one-measurement\n  degraded_pressure: 100\n"
      << "live:\n  idle_timeout: 100ms\nchannels:\n";
  for (auto& [name, url] : channels)
    out << "  " << name << ": {url: \"" << url << "\"}\n";
}

void live_cluster::wait_until_idle() const {
  auto end = clock::now() + idle_limit;
  for (;;) {
    auto all = api_get(http_port_, "/api/v1/sessions", request_limit);
    if (member(all, "sessions") == boost::json::array{})
      break;
    if (clock::now() > end)
      throw std::runtime_error("a channel does not stop without clients: "
                               + boost::json::serialize(all).substr(0, 1000));
    std::this_thread::sleep_for(poll_interval);
  }
  std::this_thread::sleep_for(warm_up);
}

std::string live_cluster::logs() const {
  return "coordinator:\n" + tail(read_file(folder_ + "/coordinator.log")) + "\nworker:\n"
         + tail(read_file(folder_ + "/worker.log"));
}

} // namespace troupe::bench
