// Goal: a process in the cage keeps what media work needs, and nothing that an attack needs. Each escape fails.
// Method: each attempt is made by a real process in a real cage, which tells by its exit status what succeeded.
#include "processes/cage.hpp"

#include "processes/system_calls.hpp"
#include "test/processes/folder.hpp"
#include "test/support/build_kind.hpp"

#include <boost/test/unit_test.hpp>

#include <dlfcn.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>

using namespace troupe;
namespace fs = std::filesystem;

BOOST_AUTO_TEST_SUITE(cage_test)

namespace {

constexpr int escaped = 1;
constexpr int no_cage = 98;
constexpr int not_enforced = 99;

/// Runs `attempt` in a process of its own, in the cage. Returns its exit status: `escaped` if the attempt returns true.
/// `needed` is a measure without which the attempt says nothing.
int try_in(const cage::plan& x, const std::string& needed, const std::function<bool()>& attempt) {
  auto pid = ::fork();
  BOOST_REQUIRE(pid >= 0);
  if (pid == 0) {
    auto said = cage::enter(x);
    if (!said)
      ::_exit(no_cage);
    if (said->find(needed + " by ") == std::string::npos)
      ::_exit(not_enforced);
    ::_exit(attempt() ? escaped : 0);
  }
  int status = 0;
  BOOST_REQUIRE(::waitpid(pid, &status, 0) == pid);
  BOOST_REQUIRE_MESSAGE(WIFEXITED(status), "killed by signal " << WTERMSIG(status));
  return WEXITSTATUS(status);
}

bool opens(const std::string& path, int flags = O_RDONLY) {
  auto fd = ::open(path.c_str(), flags, 0600);
  return fd >= 0 && ::close(fd) == 0;
}

/// The attempt must fail; where this machine cannot enforce the measure, that is said and nothing is checked.
void must_fail(const cage::plan& x, const std::string& needed, const char* what, const std::function<bool()>& attempt) {
  auto status = try_in(x, needed, attempt);
  if (status == not_enforced)
    BOOST_TEST_MESSAGE("this machine cannot enforce: " << needed);
  else
    BOOST_TEST(status == 0, what << " gives " << status);
}

void must_work(const cage::plan& x, const char* what, const std::function<bool()>& attempt) {
  BOOST_TEST(try_in(x, "privileges", attempt) == escaped, what);
}

/// A folder with media, one for results, and the node's own.
struct fixture {
  folder all;
  cage::plan x;

  fixture() {
    all.write("media/film.ts", "film");
    all.write("results/old.mp4", "old");
    all.write("node/token", "secret");
    all.write("node/work/task-1/part", "part");
    all.write("key.pem", "secret");
    all.write("letter", "private");
    x.files.read = {all.path("media")};
    x.files.write = {all.path("results"), all.path("node/work/task-1")};
    x.hidden = {all.path("node"), all.path("key.pem")};
    x.kept = {all.path("node/work/task-1")};
  }
};

} // namespace

// -- files ----------------------------------------------------------------------

BOOST_FIXTURE_TEST_CASE(a_task_reads_its_source_and_writes_its_result, fixture) {
  must_work(x, "reading the source", [&] { return opens(all.path("media/film.ts")); });
  must_work(x, "writing a result", [&] { return opens(all.path("results/new.mp4"), O_WRONLY | O_CREAT); });
  must_work(x, "replacing a result",
            [&] { return ::rename(all.path("results/new.mp4").c_str(), all.path("results/old.mp4").c_str()) == 0; });
  must_work(x, "a folder of its own", [&] { return ::mkdir(all.path("node/work/task-1/chunks").c_str(), 0700) == 0; });
  BOOST_TEST(fs::exists(all.path("node/work/task-1/chunks")));
}

BOOST_FIXTURE_TEST_CASE(a_task_reaches_no_other_file, fixture) {
  must_fail(x, "files", "reading elsewhere", [&] { return opens(all.path("letter")); });
  must_fail(x, "files", "reading the list of passwords", [] { return opens("/etc/shadow"); });
  must_fail(x, "files", "reading a home folder", [] { return opens("/root"); });
  must_fail(x, "files", "writing elsewhere", [&] { return opens(all.path("escaped"), O_WRONLY | O_CREAT); });
  must_fail(x, "files", "writing to a source", [&] { return opens(all.path("media/film.ts"), O_WRONLY); });
  must_fail(x, "files", "writing to a library", [] { return opens("/usr/escaped", O_WRONLY | O_CREAT); });
  must_fail(x, "files", "removing a source", [&] { return ::unlink(all.path("media/film.ts").c_str()) == 0; });
  must_fail(x, "files", "making a device",
            [&] { return ::mknod(all.path("results/null").c_str(), S_IFCHR | 0600, makedev(1, 3)) == 0; });
  must_fail(x, "files", "a link to a secret",
            [&] { return ::link(all.path("letter").c_str(), all.path("results/letter").c_str()) == 0; });
  BOOST_TEST(!fs::exists(all.path("escaped")));
}

BOOST_FIXTURE_TEST_CASE(what_is_hidden_stays_so_where_everything_may_be_read, fixture) {
  x.files.read = {"/"};
  x.files.write.push_back(all.path(""));
  must_work(x, "reading the source", [&] { return opens(all.path("media/film.ts")); });
  must_work(x, "its own folder", [&] { return opens(all.path("node/work/task-1/part")); });
  must_fail(x, "secrets", "reading the token", [&] { return opens(all.path("node/token")); });
  must_fail(x, "secrets", "reading the key", [&] {
    char byte = 0;
    auto fd = ::open(all.path("key.pem").c_str(), O_RDONLY);
    return fd >= 0 && ::read(fd, &byte, 1) > 0;
  });
  must_fail(x, "secrets", "uncovering the token", [&] {
    (void)::umount2(all.path("node").c_str(), MNT_DETACH);
    return opens(all.path("node/token"));
  });
  must_fail(x, "secrets", "writing where it is hidden",
            [&] { return opens(all.path("node/escaped"), O_WRONLY | O_CREAT); });
  // The node itself still has all of it.
  BOOST_TEST(opens(all.path("node/token")));
}

BOOST_FIXTURE_TEST_CASE(the_current_folder_leads_to_nothing_hidden, fixture) {
  x.files.read = {"/"};
  auto before = fs::current_path();
  fs::current_path(all.path("node"));
  must_fail(x, "secrets", "reading by a relative path", [] { return opens("token"); });
  fs::current_path(before);
}

BOOST_AUTO_TEST_CASE(libraries_still_load) {
  must_work({}, "a library that comes late", [] { return ::dlopen("libz.so.1", RTLD_NOW) != nullptr; });
  must_work({}, "the table of users", [] { return ::getpwnam("root") != nullptr; });
  must_work({}, "random numbers", [] { return opens("/dev/urandom"); });
  must_work({}, "its own figures", [] { return opens("/proc/self/status"); });
}

// -- processes --------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_task_starts_no_program_and_no_process) {
  auto runs = [](auto start) {
    return [start] {
      auto pid = start();
      if (pid == 0)
        ::_exit(0);
      return pid > 0;
    };
  };
  if (!test::instrumented) { // the leak checker needs processes
    must_fail({}, "system calls", "fork", runs([] { return ::fork(); }));
    must_fail({}, "system calls", "fork by number",
              runs([] { return static_cast<pid_t>(::syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0)); }));
    must_fail({}, "system calls", "system()", [] { return std::system("true") == 0; });
  }
  must_fail({}, "system calls", "exec", [] {
    ::execl("/bin/sh", "sh", "-c", "exit 1", nullptr);
    return false;
  });
  must_fail({}, "files", "exec without a filter of calls", [] {
    ::execl("/bin/sh", "sh", "-c", "exit 1", nullptr);
    return false;
  });
}

BOOST_AUTO_TEST_CASE(threads_still_start) {
  must_work({}, "a thread", [] {
    std::atomic<bool> ran{false};
    std::thread{[&] { ran = true; }}.join();
    return ran.load();
  });
}

BOOST_AUTO_TEST_CASE(a_task_touches_no_other_process) {
  auto node = ::getpid();
  auto name = [node](const char* file) { return "/proc/" + std::to_string(node) + "/" + file; };
  must_fail({}, "system calls", "tracing", [node] { return ::ptrace(PTRACE_SEIZE, node, nullptr, nullptr) == 0; });
  must_fail({}, "system calls", "a signal", [node] { return ::kill(node, 0) == 0; });
  must_fail({}, "system calls", "a signal to everybody", [] { return ::kill(-1, 0) == 0; });
  must_fail({}, "system calls", "its limits", [node] {
    rlimit x{};
    return ::prlimit(node, RLIMIT_NOFILE, nullptr, &x) == 0;
  });
  must_fail({}, "files", "reading its memory", [&] { return opens(name("mem")); });
  must_fail({}, "files", "reading its environment", [&] { return opens(name("environ")); });
  must_work({}, "a signal to itself", [] { return ::raise(0) == 0 && ::kill(::getpid(), 0) == 0; });
}

// -- the kernel -------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(the_kernels_dangerous_calls_are_refused) {
  auto refused = [](const char* what, long number) {
    must_fail({}, "system calls", what,
              [number] { return ::syscall(number, 0, 0, 0, 0, 0, 0) != -1 || errno != EPERM; });
  };
  refused("mount", SYS_mount);
  refused("umount2", SYS_umount2);
  refused("unshare", SYS_unshare);
  refused("setns", SYS_setns);
  refused("bpf", SYS_bpf);
  refused("perf_event_open", SYS_perf_event_open);
  refused("userfaultfd", SYS_userfaultfd);
  refused("io_uring_setup", SYS_io_uring_setup);
  refused("keyctl", SYS_keyctl);
  refused("init_module", SYS_init_module);
  refused("kexec_load", SYS_kexec_load);
  refused("process_vm_readv", SYS_process_vm_readv);
  refused("open_by_handle_at", SYS_open_by_handle_at);
}

BOOST_AUTO_TEST_CASE(privileges_are_gone_for_good) {
  must_fail({}, "privileges", "new privileges", [] { return ::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1; });
  must_fail({}, "capabilities", "a host name", [] { return ::sethostname("x", 1) == 0; });
  must_fail({}, "capabilities", "a niceness below its own", [] { return ::setpriority(PRIO_PROCESS, 0, -5) == 0; });
}

// -- networks ---------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(only_usual_sockets_can_be_opened) {
  auto socket = [](int family, int type = SOCK_STREAM) { return ::socket(family, type, 0) >= 0; };
  must_work({}, "a connection", [&] { return socket(AF_INET) && socket(AF_INET6, SOCK_DGRAM); });
  must_fail({}, "system calls", "packets", [&] { return socket(AF_PACKET, SOCK_DGRAM); });
  must_fail({}, "system calls", "the kernel's ciphers", [&] { return socket(AF_ALG, SOCK_SEQPACKET); });
  must_fail({}, "system calls", "a host of this machine", [&] { return socket(AF_VSOCK); });
}

BOOST_AUTO_TEST_CASE(a_task_that_needs_no_network_opens_no_socket) {
  auto closes = [](auto attempt) {
    return [attempt] {
      auto done = cage::refuse_networks();
      return !done.enforced || attempt();
    };
  };
  must_fail({}, "system calls", "a connection", closes([] { return ::socket(AF_INET, SOCK_STREAM, 0) >= 0; }));
  must_fail({}, "system calls", "a datagram", closes([] { return ::socket(AF_INET6, SOCK_DGRAM, 0) >= 0; }));
  must_fail({}, "system calls", "a connection of another thread", closes([] {
              std::atomic<bool> opened{false};
              std::thread{[&] { opened = ::socket(AF_INET, SOCK_STREAM, 0) >= 0; }}.join();
              return opened.load();
            }));
}

// -- what is said -----------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_refused_call_is_in_the_log_once) {
  int ends[2];
  BOOST_REQUIRE(::pipe(ends) == 0);
  auto status = try_in({}, "system calls", [&] {
    ::dup2(ends[1], STDERR_FILENO);
    for (int i = 0; i < 3; ++i)
      (void)::syscall(SYS_bpf, 0, nullptr, 0);
    if (::fork() == 0)
      ::_exit(0);
    (void)::syscall(SYS_keyctl, 0, 0, 0, 0, 0);
    // The log's thread has written both lines when it has written the second one.
    std::string text;
    char bytes[1024];
    while (text.find("keyctl") == std::string::npos)
      text.append(bytes, static_cast<size_t>(std::max<ssize_t>(::read(ends[0], bytes, sizeof bytes), 0)));
    return text.find("system_call=bpf") == std::string::npos || text.find("bpf") != text.rfind("bpf")
           || text.find("system_call=clone") == std::string::npos;
  });
  ::close(ends[0]);
  ::close(ends[1]);
  if (status != not_enforced)
    BOOST_TEST(status == 0);
}

BOOST_AUTO_TEST_CASE(each_measure_is_named_with_what_enforces_it) {
  int ends[2];
  BOOST_REQUIRE(::pipe(ends) == 0);
  auto pid = ::fork();
  if (pid == 0) {
    auto said = cage::enter({}).value_or("no cage");
    ::_exit(::write(ends[1], said.data(), said.size()) == static_cast<ssize_t>(said.size()) ? 0 : 1);
  }
  ::close(ends[1]);
  std::string said(1024, '\0');
  said.resize(static_cast<size_t>(std::max<ssize_t>(::read(ends[0], said.data(), said.size()), 0)));
  ::close(ends[0]);
  ::waitpid(pid, nullptr, 0);
  BOOST_TEST_MESSAGE(said);
  for (auto measure : {"secrets", "capabilities", "privileges", "files", "system calls"}) {
    auto at = said.find(measure);
    BOOST_TEST_REQUIRE(at != std::string::npos, measure << " is missing in: " << said);
    auto rest = said.substr(at + std::string{measure}.size());
    BOOST_TEST((rest.starts_with(" by ") || rest.starts_with(" not enforced (")), said);
  }
}

// -- the user ---------------------------------------------------------------------

BOOST_FIXTURE_TEST_CASE(a_task_of_root_becomes_another_user, fixture) {
  if (::geteuid() != 0)
    return;
  fs::permissions(all.path(""), fs::perms::owner_all | fs::perms::others_exec);
  BOOST_REQUIRE(cage::give_folder(all.path("node/work/task-1"), "nobody").has_value());
  x.user = "nobody";
  x.hidden.clear();
  x.files.read = {"/"};
  must_work(x, "the user", [] { return ::getuid() == ::getpwnam("nobody")->pw_uid && ::geteuid() == ::getuid(); });
  must_fail(x, "user nobody", "becoming root again", [] { return ::setuid(0) == 0; });
  must_fail(x, "user nobody", "reading root's files", [] { return opens("/etc/shadow"); });
}

BOOST_AUTO_TEST_CASE(a_user_that_does_not_exist_is_named) {
  auto checked = cage::check_user("nosuchuser");
  BOOST_TEST_REQUIRE(!checked.has_value());
  BOOST_TEST(checked.error().find("'nosuchuser'") != std::string::npos, checked.error());
  BOOST_TEST(
    (cage::check_user("nobody").has_value() == (::geteuid() == 0 || ::geteuid() == ::getpwnam("nobody")->pw_uid)));
  cage::plan x;
  x.user = "nosuchuser";
  BOOST_TEST(try_in(x, "privileges", [] { return false; }) == no_cage);
}

BOOST_AUTO_TEST_SUITE_END()
