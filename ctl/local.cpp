#include "ctl/local.hpp"

#include "base/sha256.hpp"

#include "base/utf8.hpp"
#include "ctl/jobs.hpp"
#include "ctl/run.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <ostream>
#include <span>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

// glibc 2.36 declares its functions without C linkage.
extern "C" {
#include <sys/pidfd.h>
}

namespace troupe::ctl {

namespace {

namespace fs = std::filesystem;
using clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

/// A node starts in a tenth of a second, but a machine that swaps may need much longer.
constexpr milliseconds start_timeout{30'000};

constexpr milliseconds stop_timeout{5'000};

constexpr const char* port_name = "http.port";
constexpr const char* log_name = "node.log";
constexpr size_t log_bytes_shown = 4096;

int milliseconds_left(clock::time_point end) {
  auto left = std::chrono::duration_cast<milliseconds>(end - clock::now());
  return static_cast<int>(std::max<int64_t>(left.count(), 0));
}

/// The number of processors that this program may use.
int processors() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  return ::sched_getaffinity(0, sizeof allowed, &allowed) == 0 ? std::max(CPU_COUNT(&allowed), 1) : 1;
}

/// The node has two more slots than processors. One is for the sound, which would otherwise keep a chunk of pictures
/// waiting. The other is for a chunk that is left over when the others are shared out evenly. Its tasks reach all
/// files, because those of the order may be anywhere.
std::vector<std::string> arguments_of(const std::string& own_folder) {
  // A configuration is text. If the folder's name is not valid text, /proc/self/cwd stands for it, because the node and
  // its tasks run in this folder.
  auto folder = base::is_plain_text(own_folder) ? own_folder : std::string{"/proc/self/cwd"};
  return {"caf-node", "--role=all", "--node.name=local",
          // The node does nothing that its user may not do without it.
          "--paths.read=/", "--paths.write=/", "--urls.loopback=true", "--node.state_dir=" + folder,
          "--http.listen=127.0.0.1:0", "--http.port_file=" + folder + "/" + port_name, "--cluster.listen=127.0.0.1:0",
          "--worker.trust_codecs=true", "--worker.slots=" + std::to_string(processors() + 2),
          "--jobs.orphan_timeout=100ms", "--coordinator.warm_tasks=0", "--log.level=warning"};
}

/// The environment without the variables that configure other nodes of this machine.
std::vector<char*> environment_of_node() {
  std::vector<char*> result;
  for (auto i = environ; i != nullptr && *i != nullptr; ++i)
    if (std::string_view x{*i}; !x.starts_with("TROUPE_") && !x.starts_with("TVARR_"))
      result.push_back(*i);
  result.push_back(nullptr);
  return result;
}

std::vector<char*> pointers(std::vector<std::string>& xs) {
  std::vector<char*> result;
  result.reserve(xs.size() + 1);
  for (auto& x : xs)
    result.push_back(x.data());
  result.push_back(nullptr);
  return result;
}

/// Returns 0 if no process can be made. Between fork and exec it calls only async-signal-safe functions.
pid_t start_child(const std::string& program, const std::string& folder, int log) {
  auto arguments = arguments_of(folder);
  auto argv = pointers(arguments);
  auto variables = environment_of_node();
  auto parent = ::getpid();
  auto pid = ::fork();
  if (pid != 0)
    return std::max(pid, 0);
  // The kernel kills the child when this program dies. The program may have died already, hence the check.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent)
    ::_exit(127);
  // Ctrl-C must reach only this program, which then ends its child in order.
  ::setpgid(0, 0);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  auto nothing = ::open("/dev/null", O_RDONLY);
  ::dup2(nothing, STDIN_FILENO);
  ::dup2(log, STDOUT_FILENO);
  ::dup2(log, STDERR_FILENO);
  ::close_range(STDERR_FILENO + 1, ~0U, 0);
  if (::chdir(folder.c_str()) != 0)
    ::_exit(127);
  ::execve(program.c_str(), argv.data(), variables.data());
  ::_exit(127);
}

std::string end_of_log(const std::string& folder) {
  std::ifstream in{folder + "/" + log_name, std::ios::binary | std::ios::ate};
  auto size = in ? static_cast<size_t>(in.tellg()) : 0;
  std::string result(std::min(size, log_bytes_shown), '\0');
  in.seekg(static_cast<std::streamoff>(size - result.size()));
  in.read(result.data(), static_cast<std::streamsize>(result.size()));
  return result;
}

/// The port, once the file exists; empty if the process ends first or takes too long.
std::string wait_for_port(const std::string& folder, int folder_events, int process) {
  auto end = clock::now() + start_timeout;
  for (;;) {
    std::string port;
    if (std::ifstream in{folder + "/" + port_name}; in >> port)
      return port;
    pollfd sources[] = {{folder_events, POLLIN, 0}, {process, POLLIN, 0}};
    auto ready = ::poll(sources, 2, milliseconds_left(end));
    if (ready == 0 || (ready < 0 && errno != EINTR) || sources[1].revents != 0)
      return {};
    char events[4096];
    if (sources[0].revents != 0 && ::read(folder_events, events, sizeof events) <= 0)
      return {};
  }
}

/// The caf-node that was installed or built with this program, in the same folder.
std::string node_program() {
  std::error_code failed;
  auto self = fs::read_symlink("/proc/self/exe", failed);
  return failed ? std::string{} : (self.parent_path() / "caf-node").string();
}

/// The folder, locked; none if another program holds the lock, or if the folder cannot be locked.
base::descriptor lock_of(const std::string& folder) {
  base::descriptor result{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
  if (result && ::flock(result.get(), LOCK_EX | LOCK_NB) != 0)
    return {};
  return result;
}

constexpr std::string_view folder_pattern = "XXXXXX"; ///< of mkdtemp

/// The common prefix of a file's private folders: the file's name, or a hash if the name is too long or is not text.
std::string prefix_of(const std::string& name) {
  constexpr size_t name_bytes_max = 200;
  constexpr size_t digits = 32;
  if (name.size() <= name_bytes_max && base::is_plain_text(name))
    return "." + name + ".troupe-";
  base::sha256 hash;
  hash.add(std::as_bytes(std::span{name}));
  return "." + hash.digest().substr(0, digits) + ".troupe-";
}

/// Removes unlocked folders with this prefix. Folders younger than a minute stay, because they may be about to be
/// locked.
void remove_abandoned(const fs::path& folder, const std::string& prefix) {
  constexpr auto young = std::chrono::minutes{1};
  std::error_code failed;
  std::vector<fs::path> found;
  for (fs::directory_iterator i{folder, failed}, end; !failed && i != end; i.increment(failed))
    if (auto name = i->path().filename().string();
        name.starts_with(prefix) && name.size() == prefix.size() + folder_pattern.size())
      found.push_back(i->path());
  for (auto& x : found) {
    auto written = fs::last_write_time(x, failed);
    if (!failed && fs::file_time_type::clock::now() - written > young && lock_of(x.string()))
      fs::remove_all(x, failed);
  }
}

} // namespace

// -- private_folder -----------------------------------------------------------

tl::expected<private_folder, std::string> private_folder::beside(const std::string& file) {
  fs::path at{file};
  auto prefix = prefix_of(at.filename().string());
  remove_abandoned(at.has_parent_path() ? at.parent_path() : ".", prefix);
  auto pattern = (at.parent_path() / (prefix + std::string{folder_pattern})).string();
  if (::mkdtemp(pattern.data()) == nullptr)
    return tl::unexpected("no folder for chunks can be made next to " + file + ": " + std::strerror(errno));
  // If the file system supports no locks, no program gets one, and nothing is removed.
  return private_folder{pattern, lock_of(pattern)};
}

private_folder::~private_folder() {
  std::error_code ignored;
  if (!path_.empty())
    fs::remove_all(path_, ignored);
}

// -- local_node ---------------------------------------------------------------

tl::expected<local_node, std::string> local_node::start(const std::string& program, const std::string& folder) {
  if (::access(program.c_str(), X_OK) != 0)
    return tl::unexpected("--local needs caf-node in the folder of this program, but " + program + " cannot be run");
  base::descriptor events{::inotify_init1(IN_CLOEXEC)};
  if (!events || ::inotify_add_watch(events.get(), folder.c_str(), IN_MOVED_TO) < 0)
    return tl::unexpected("cannot watch the folder " + folder + ": " + std::strerror(errno));
  base::descriptor log{::open((folder + "/" + log_name).c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)};
  local_node result;
  result.pid_ = start_child(program, folder, log.get());
  if (result.pid_ == 0)
    return tl::unexpected(std::string{"cannot start caf-node: "} + std::strerror(errno));
  result.handle_ = base::descriptor{pidfd_open(result.pid_, 0)};
  auto port = wait_for_port(folder, events.get(), result.handle_.get());
  if (port.empty())
    return tl::unexpected("caf-node does not start; its log ends with: " + base::plain_text(end_of_log(folder)));
  result.url_ = "http://127.0.0.1:" + port;
  return result;
}

local_node::~local_node() {
  if (pid_ == 0)
    return;
  ::kill(pid_, SIGTERM);
  auto end = clock::now() + stop_timeout;
  pollfd process{handle_.get(), POLLIN, 0};
  int ready = 0;
  do
    ready = ::poll(&process, 1, milliseconds_left(end));
  while (ready < 0 && errno == EINTR);
  if (ready <= 0)
    ::kill(pid_, SIGKILL);
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    // interrupted by an unrelated signal
  }
}

// -- end_signals --------------------------------------------------------------

end_signals::end_signals() {
  sigemptyset(&ends_);
  for (auto x : {SIGINT, SIGTERM, SIGHUP})
    sigaddset(&ends_, x);
  ::pthread_sigmask(SIG_BLOCK, &ends_, &before_);
}

end_signals::~end_signals() {
  ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

bool end_signals::pending() {
  timespec none{};
  auto x = ::sigtimedwait(&ends_, nullptr, &none);
  if (x > 0)
    received_ = x;
  return x > 0;
}

// -- transcode ----------------------------------------------------------------

int transcode_here(options with, std::ostream& out, std::ostream& err, bool terminal) {
  auto fail = [&err](const std::string& why) {
    err << "caf-ctl: " << why << '\n';
    return static_cast<int>(refused);
  };
  end_signals signals;
  auto folder = private_folder::beside(with.output);
  if (!folder)
    return fail(folder.error());
  auto node = local_node::start(node_program(), folder->path());
  if (!node)
    return fail(node.error());
  with.url = node->url();
  auto result = transcode(with, out, err, terminal, [&signals] { return signals.pending(); });
  return signals.received() != 0 ? 128 + signals.received() : result;
}

} // namespace troupe::ctl
