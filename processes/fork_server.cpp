#include "processes/fork_server.hpp"

#include "processes/child_environment.hpp"
#include "processes/child_process.hpp"
#include "telemetry/log.hpp"

#include <bsd/unistd.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <string_view>

namespace troupe {

namespace {

/// A fork takes milliseconds; a server that is silent for this long is stopped, or stuck.
constexpr timeval answer_timeout{2, 0};

constexpr size_t arguments_bytes_max = 64 * 1024;

/// The only descriptor of the server besides the standard streams.
constexpr int server_socket = STDERR_FILENO + 1;

// -- a request: the arguments, each with its terminator, and the two descriptors -----

/// A message that the kernel sends or receives as a whole; it points into itself and into `text`.
struct parcel {
  explicit parcel(std::string& text) : data{text.data(), text.size()} {
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = streams.data();
    message.msg_controllen = streams.size();
  }

  parcel(const parcel&) = delete;
  parcel& operator=(const parcel&) = delete;

  iovec data;
  alignas(cmsghdr) std::array<char, CMSG_SPACE(2 * sizeof(int))> streams{};
  msghdr message{};
};

std::string text_of(const std::vector<std::string>& arguments) {
  std::string result;
  for (auto& x : arguments)
    result.append(x).push_back('\0');
  return result;
}

bool send_request(int socket, std::string text, const birth& x) {
  parcel sent{text};
  auto& header = *CMSG_FIRSTHDR(&sent.message);
  header.cmsg_level = SOL_SOCKET;
  header.cmsg_type = SCM_RIGHTS;
  header.cmsg_len = CMSG_LEN(2 * sizeof(int));
  int streams[] = {x.input, x.output};
  std::memcpy(CMSG_DATA(&header), streams, sizeof streams);
  return ::sendmsg(socket, &sent.message, MSG_NOSIGNAL) == static_cast<ssize_t>(text.size());
}

/// Empty if the other end is closed.
std::optional<birth> receive_request(int socket) {
  std::string text(arguments_bytes_max, '\0');
  parcel received{text};
  ssize_t got = 0;
  do
    got = ::recvmsg(socket, &received.message, MSG_CMSG_CLOEXEC);
  while (got < 0 && errno == EINTR);
  auto* header = CMSG_FIRSTHDR(&received.message);
  if (got <= 0 || header == nullptr || header->cmsg_len != CMSG_LEN(2 * sizeof(int)))
    return std::nullopt;
  birth result;
  int streams[2];
  std::memcpy(streams, CMSG_DATA(header), sizeof streams);
  result.input = streams[0];
  result.output = streams[1];
  std::string_view rest{text.data(), static_cast<size_t>(got)};
  for (size_t end = 0; (end = rest.find('\0')) != std::string_view::npos; rest.remove_prefix(end + 1))
    result.arguments.emplace_back(rest.substr(0, end));
  return result;
}

// -- the server's side -------------------------------------------------------------

/// Returns the child's process id, or a negative error number; 0 in the child. `number` is memory shared by forked
/// processes.
pid_t fork_for_parent(volatile pid_t* number) {
  *number = -ECHILD;
  auto between = ::fork();
  if (between < 0)
    return -errno;
  if (between == 0) {
    auto child = ::fork();
    if (child == 0)
      return 0;
    *number = child < 0 ? -errno : child;
    ::_exit(0);
  }
  (void)wait_for(between);
  return *number;
}

/// Sets signals as a fresh program expects them, and a process group of its own. So a Ctrl-C at the terminal reaches
/// only the node, which then ends its children in order.
void stand_alone() {
  for (int i = 1; i < NSIG; ++i)
    (void)::signal(i, SIG_DFL); // some cannot be changed
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::setpgid(0, 0);
}

void take_streams(const birth& x) {
  ::dup2(x.input, STDIN_FILENO);
  ::dup2(x.output, STDOUT_FILENO);
  ::closefrom(STDERR_FILENO + 1);
}

/// Moves the environment, so that `setproctitle` can write titles into its memory. Wipes the variables that configure
/// the node: they may be secret, and tasks read media from any source.
void keep_environment_of_children(int argc, char** argv) {
  std::vector<char*> all;
  auto add_all = [&all] {
    for (auto i = environ; i != nullptr && *i != nullptr; ++i)
      all.push_back(*i);
  };
  add_all();
  ::setproctitle_init(argc, argv, environ);
  add_all();
  // Never destroyed: code that runs at a child's exit after the destruction of static objects may still ask for a
  // variable.
  static auto& kept = *new std::vector<char*>{child_environment()};
  environ = kept.data();
  for (auto* x : all)
    if (!is_inherited(x))
      ::explicit_bzero(x, std::strlen(x));
}

/// Sets the title shown by `ps`.
void show(const std::vector<std::string>& arguments) {
  std::string line;
  for (auto& x : arguments)
    line += (line.empty() ? "" : " ") + x;
  ::setproctitle("-%s", line.c_str());
}

/// Returns in children, and never in the server.
std::vector<std::string> serve() {
  auto* memory = ::mmap(nullptr, sizeof(pid_t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED)
    ::_exit(1);
  auto* number = static_cast<volatile pid_t*>(memory);
  while (auto x = receive_request(server_socket)) {
    auto pid = fork_for_parent(number);
    if (pid == 0) {
      ::munmap(memory, sizeof(pid_t));
      ::setpgid(0, 0);
      take_streams(*x);
      show(x->arguments);
      return std::move(x->arguments);
    }
    ::close(x->input);
    ::close(x->output);
    if (::send(server_socket, &pid, sizeof pid, MSG_NOSIGNAL) != sizeof pid)
      break;
  }
  ::_exit(0);
}

// -- this program's side -----------------------------------------------------------

struct server {
  std::mutex mutex;
  pid_t pid = 0; ///< 0: no server
  int socket = -1;
};

server& the_server() {
  static server result;
  return result;
}

/// If the server forked a task without reporting it, that task sees the end of its input and ends.
void give_up(server& x) {
  ::close(x.socket);
  ::kill(x.pid, SIGKILL);
  (void)wait_for(x.pid);
  x.pid = 0;
}

/// Opens /dev/null for each closed standard stream, so that no other descriptor gets its number.
void hold_standard_streams() {
  auto nothing = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  while (nothing >= 0 && nothing <= STDERR_FILENO) {
    ::fcntl(nothing, F_SETFD, 0);
    nothing = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  }
  ::close(nothing);
}

size_t threads() {
  std::error_code failed;
  std::filesystem::directory_iterator entries{"/proc/self/task", failed};
  return static_cast<size_t>(std::distance(begin(entries), end(entries)));
}

} // namespace

std::optional<std::vector<std::string>> open_fork_server(int argc, char** argv) {
  hold_standard_streams();
  int ends[2];
  if (threads() != 1 || ::prctl(PR_SET_CHILD_SUBREAPER, 1) != 0
      || ::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
    return std::nullopt;
  auto pid = ::fork();
  if (pid == 0) {
    stand_alone();
    ::dup2(ends[1], server_socket);
    ::closefrom(server_socket + 1);
    keep_environment_of_children(argc, argv);
    ::setproctitle("fork server");
    return serve();
  }
  ::close(ends[1]);
  if (pid < 0) {
    ::close(ends[0]);
    return std::nullopt;
  }
  ::setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &answer_timeout, sizeof answer_timeout);
  auto& x = the_server();
  x.pid = pid;
  x.socket = ends[0];
  return std::nullopt;
}

bool has_fork_server() {
  auto& x = the_server();
  std::lock_guard guard{x.mutex};
  return x.pid != 0;
}

tl::expected<pid_t, std::string> fork_child(const birth& x) {
  auto& server = the_server();
  std::lock_guard guard{server.mutex};
  if (server.pid == 0)
    return tl::unexpected(std::string{"the fork server is gone"});
  auto text = text_of(x.arguments);
  if (text.size() > arguments_bytes_max)
    return tl::unexpected(std::string{std::strerror(E2BIG)});
  auto sent = send_request(server.socket, std::move(text), x);
  if (!sent && errno != EPIPE && errno != ECONNRESET)
    return tl::unexpected(std::string{std::strerror(errno)});
  pid_t result = 0;
  ssize_t got = 0;
  do
    got = sent ? ::recv(server.socket, &result, sizeof result, 0) : 0;
  while (got < 0 && errno == EINTR);
  if (got != sizeof result) {
    give_up(server);
    telemetry::log::warning("the fork server is gone; tasks start from the program's file from now on");
    return tl::unexpected(std::string{"the fork server does not answer"});
  }
  if (result < 0)
    return tl::unexpected(std::string{std::strerror(-result)});
  return result;
}

} // namespace troupe
