#include "rig/process.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

// glibc 2.36 declares its functions without C linkage.
extern "C" {
#include <sys/pidfd.h>
}

namespace troupe::bench {

namespace {

namespace fs = std::filesystem;
using clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

/// How long a process that is no longer wanted may take to end when it is asked to.
constexpr auto destruction_limit = milliseconds{10'000};

/// The status of a program that cannot be run, as a shell gives it.
constexpr int not_run = 127;

/// The children that `process` objects own: only their owner may wait for them.
struct registry {
  std::mutex mutex;
  std::set<pid_t> pids;
};

registry& own() {
  static registry result;
  return result;
}

std::vector<std::string> clean_environment(const std::vector<std::string>& added) {
  auto result = added;
  auto is_set = [&](std::string_view text) {
    return std::any_of(added.begin(), added.end(),
                       [&](const std::string& x) { return text.starts_with(x.substr(0, x.find('=') + 1)); });
  };
  for (auto entry = environ; *entry != nullptr; ++entry) {
    std::string_view text{*entry};
    if (!text.starts_with("TROUPE_") && !text.starts_with("TVARR_") && !text.starts_with("XDG_STATE_HOME=")
        && !is_set(text))
      result.emplace_back(text);
  }
  return result;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> result;
  result.reserve(texts.size() + 1);
  for (auto& x : texts)
    result.push_back(x.data());
  result.push_back(nullptr);
  return result;
}

/// The child between fork and exec: nothing but system calls. A negative `network` is none.
[[noreturn]] void become(char** argv, char** environment, int in, int out, int network, pid_t parent) {
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  signal(SIGPIPE, SIG_DFL);
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  // The parent may have ended before the kernel was asked to kill this process with it.
  if (getppid() != parent || (network >= 0 && setns(network, CLONE_NEWNET) != 0))
    _exit(126);
  dup2(in, STDIN_FILENO);
  dup2(out, STDOUT_FILENO);
  dup2(out, STDERR_FILENO);
  execvpe(argv[0], argv, environment);
  _exit(not_run);
}

double seconds(const timeval& value) {
  return static_cast<double>(value.tv_sec) + static_cast<double>(value.tv_usec) * 1e-6;
}

std::vector<pid_t> all_pids() {
  std::vector<pid_t> result;
  std::error_code ignored;
  for (auto& entry : fs::directory_iterator("/proc", ignored)) {
    auto name = entry.path().filename().string();
    pid_t pid = 0;
    auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (error == std::errc{} && end == name.data() + name.size())
      result.push_back(pid);
  }
  return result;
}

/// Nothing for a process that is gone.
std::optional<process_info> look_at(pid_t pid) {
  auto text = read_file("/proc/" + std::to_string(pid) + "/stat");
  // The name stands in parentheses, and may itself contain blanks and parentheses.
  auto end = text.rfind(')');
  if (end == std::string::npos)
    return std::nullopt;
  process_info result;
  result.pid = pid;
  std::istringstream rest{text.substr(end + 1)};
  rest >> result.state >> result.parent;
  return result;
}

size_t entries(const std::string& folder) {
  std::error_code failed;
  fs::directory_iterator i{folder, failed};
  size_t result = 0;
  for (; !failed && i != fs::directory_iterator{}; i.increment(failed))
    ++result;
  return result;
}

int code_of(int status) {
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

} // namespace

process::process(const std::string& program, const std::vector<std::string>& arguments, std::string log,
                 const std::vector<std::string>& environment, const std::string& network)
  : log_(std::move(log)) {
  std::vector<std::string> words{program};
  words.insert(words.end(), arguments.begin(), arguments.end());
  auto variables = clean_environment(environment);
  auto argv = pointers(words);
  auto envp = pointers(variables);
  base::descriptor in{open("/dev/null", O_RDONLY | O_CLOEXEC)};
  base::descriptor out{open(log_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)};
  base::descriptor space{network.empty() ? -1 : open(network.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!in || !out || (!space && !network.empty()))
    throw std::runtime_error("cannot start " + program + ": cannot open its log " + log_ + " or its network");
  auto parent = getpid();
  {
    std::lock_guard guard{own().mutex};
    pid_ = fork();
    if (pid_ == 0)
      become(argv.data(), envp.data(), in.get(), out.get(), space.get(), parent);
    if (pid_ > 0)
      own().pids.insert(pid_);
  }
  if (pid_ < 0)
    throw std::runtime_error("cannot start " + program);
  handle_ = base::descriptor{pidfd_open(pid_, 0)};
  if (!handle_)
    throw std::runtime_error("cannot watch " + program);
}

process::process(process&& other) noexcept
  : pid_(std::exchange(other.pid_, 0)),
    handle_(std::move(other.handle_)),
    status_(other.status_),
    usage_(other.usage_),
    log_(std::move(other.log_)) {}

process::~process() {
  if (pid_ == 0)
    return;
  signal(SIGCONT);
  (void)stop(destruction_limit);
}

bool process::running() {
  return !wait(milliseconds{0});
}

std::optional<int> process::wait(milliseconds limit) {
  if (status_)
    return status_;
  auto deadline = clock::now() + limit;
  pollfd entry{handle_.get(), POLLIN, 0};
  for (;;) {
    auto left = std::chrono::duration_cast<milliseconds>(deadline - clock::now()).count();
    auto ready = poll(&entry, 1, static_cast<int>(std::max<int64_t>(left, 0)));
    if (ready == 0)
      return std::nullopt;
    if (ready > 0)
      break;
    if (errno != EINTR)
      throw std::runtime_error("cannot wait for a process");
  }
  int status = 0;
  rusage used{};
  while (wait4(pid_, &status, 0, &used) < 0 && errno == EINTR) {
    // interrupted by a signal: wait again
  }
  status_ = code_of(status);
  usage_ = {seconds(used.ru_utime) + seconds(used.ru_stime), static_cast<double>(used.ru_maxrss) / 1024};
  std::lock_guard guard{own().mutex};
  own().pids.erase(pid_);
  return status_;
}

void process::signal(int number) const {
  if (!status_)
    ::kill(pid_, number);
}

void process::kill() {
  signal(SIGKILL);
  (void)wait(destruction_limit);
}

std::optional<int> process::stop(milliseconds limit) {
  signal(SIGTERM);
  if (auto result = wait(limit))
    return result;
  kill();
  return std::nullopt;
}

std::string process::output() const {
  return read_file(log_);
}

process_result run_process(const std::vector<std::string>& arguments, milliseconds limit) {
  constexpr size_t out_bytes_max = 1 << 20;
  process_result result;
  // A file instead of a pipe: no reader is needed while the child runs and is measured.
  base::descriptor out{memfd_create("output", MFD_CLOEXEC)};
  auto start = clock::now();
  process child{
    arguments.at(0), {arguments.begin() + 1, arguments.end()}, "/proc/self/fd/" + std::to_string(out.get())};
  auto status = child.wait(limit);
  result.timed_out = !status;
  if (!status) {
    child.kill();
    status = child.wait(destruction_limit);
  }
  result.wall_s = std::chrono::duration<double>(clock::now() - start).count();
  result.status = status.value_or(-1);
  result.started = result.status != not_run;
  result.cpu_s = child.usage().cpu_s;
  result.rss_mib = child.usage().rss_mib;
  result.out = child.output().substr(0, out_bytes_max);
  return result;
}

std::string own_program() {
  std::error_code ignored;
  return fs::read_symlink("/proc/self/exe", ignored).string();
}

std::vector<process_info> descendants(pid_t root) {
  std::vector<process_info> all;
  for (auto pid : all_pids())
    if (auto x = look_at(pid))
      all.push_back(std::move(*x));
  std::vector<process_info> result;
  std::vector<pid_t> parents{root};
  for (size_t i = 0; i < parents.size(); ++i)
    for (auto& x : all)
      if (x.parent == parents[i]) {
        parents.push_back(x.pid);
        if (x.state != 'Z')
          result.push_back(x);
      }
  for (auto& x : result) {
    x.command = read_file("/proc/" + std::to_string(x.pid) + "/cmdline");
    std::replace(x.command.begin(), x.command.end(), '\0', ' ');
  }
  return result;
}

std::vector<process_info> tasks_of(pid_t root) {
  auto result = descendants(root);
  std::erase_if(result, [](auto& x) { return x.command.find("--role=task") == std::string::npos; });
  return result;
}

void adopt_orphans() {
  prctl(PR_SET_CHILD_SUBREAPER, 1);
}

void reap_orphans() {
  std::lock_guard guard{own().mutex};
  for (auto pid : all_pids()) {
    auto x = look_at(pid);
    if (x && x->parent == getpid() && x->state == 'Z' && !own().pids.contains(pid))
      waitpid(pid, nullptr, WNOHANG);
  }
}

bool no_orphans() {
  reap_orphans();
  auto all = tasks_of(::getpid());
  return std::none_of(all.begin(), all.end(), [](auto& x) { return x.parent == ::getpid(); });
}

std::chrono::nanoseconds cpu_time_of(pid_t pid) {
  int64_t result = 0;
  std::error_code failed;
  for (auto& thread : fs::directory_iterator{"/proc/" + std::to_string(pid) + "/task", failed}) {
    std::ifstream in{thread.path() / "schedstat"};
    if (int64_t spent = 0; in >> spent)
      result += spent;
  }
  return std::chrono::nanoseconds{result};
}

holdings holdings_of(pid_t pid) {
  auto folder = "/proc/" + std::to_string(pid);
  return {entries(folder + "/task"), entries(folder + "/fd")};
}

std::string descriptors_of(pid_t pid) {
  std::string result;
  std::error_code failed;
  auto folder = "/proc/" + std::to_string(pid) + "/fd";
  for (fs::directory_iterator i{folder, failed}; !failed && i != fs::directory_iterator{}; i.increment(failed)) {
    std::error_code gone;
    auto target = fs::read_symlink(i->path(), gone).string();
    if (!gone)
      result += i->path().filename().string() + " " + target + "\n";
  }
  return result;
}

std::string read_file(const std::string& path) {
  std::ifstream in{path, std::ios::binary};
  std::ostringstream text;
  text << in.rdbuf();
  return std::move(text).str();
}

std::string tail_of(const std::string& file) {
  constexpr size_t bytes_max = 3000;
  auto text = read_file(file);
  return text.size() <= bytes_max ? text : text.substr(text.size() - bytes_max);
}

} // namespace troupe::bench
