#include "processes/system_calls.hpp"

#include "telemetry/log.hpp"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <set>
#include <string>
#include <thread>

namespace troupe::cage {

namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define TROUPE_SANITIZED
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define TROUPE_SANITIZED
#endif
#endif

/// Names that this libseccomp or this processor does not know are left out.
constexpr const char* refused_calls[] = {
#ifndef TROUPE_SANITIZED // the leak checker starts a process that traces this one
  "ptrace", "tkill",
#endif
  // other programs and processes
  "execve", "execveat", "fork", "vfork", "process_vm_readv", "process_vm_writev", "process_madvise", "pidfd_open",
  "pidfd_getfd", "pidfd_send_signal", "rt_sigqueueinfo", "rt_tgsigqueueinfo",
  // views of the file system, and ways around them
  "mount", "umount", "umount2", "pivot_root", "chroot", "move_mount", "open_tree", "mount_setattr", "fsopen",
  "fsconfig", "fsmount", "fspick", "open_by_handle_at", "fanotify_init", "unshare", "setns", "quotactl", "quotactl_fd",
  "swapon", "swapoff", "acct",
  // the kernel
  "kexec_load", "kexec_file_load", "init_module", "finit_module", "delete_module", "bpf", "userfaultfd",
  "io_uring_enter", "io_uring_register", "reboot", "syslog", "lookup_dcookie", "iopl", "ioperm", "modify_ldt",
  "vhangup", "uselib", "_sysctl", "nfsservctl",
  // keys of other programs
  "keyctl", "add_key", "request_key",
  // the machine's clock and name
  "settimeofday", "clock_settime", "clock_adjtime", "adjtimex", "stime", "sethostname", "setdomainname"};

/// The same, but libraries try them, and go on without them: these are not logged. A thread that blocks all signals, as
/// some drivers' do, does not survive a logged one.
constexpr const char* quietly_refused_calls[] = {"kcmp", "name_to_handle_at", "perf_event_open", "io_uring_setup"};

/// What tasks talk to: graphics drivers, other machines, and the kernel about addresses.
constexpr int usual_families[] = {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK};

struct filter_deleter {
  void operator()(void* x) const noexcept {
    seccomp_release(x);
  }
};

using filter = std::unique_ptr<void, filter_deleter>;

// -- what happens at a refused call ---------------------------------------------

#if defined(__x86_64__)
constexpr auto can_trap = true;
#elif defined(__aarch64__)
constexpr auto can_trap = true;
#else
constexpr auto can_trap = false;
#endif

/// The write end of a pipe to the thread that writes the log.
int refusals = -1;

void set_result(ucontext_t& x, int error) {
#if defined(__x86_64__)
  x.uc_mcontext.gregs[REG_RAX] = -error;
#elif defined(__aarch64__)
  x.uc_mcontext.regs[0] = static_cast<uint64_t>(-static_cast<int64_t>(error));
#else
  (void)x;
  (void)error;
#endif
}

void report(int call) {
  (void)!::write(refusals, &call, sizeof call);
}

/// The kernel sends this signal instead of performing a refused call. Calls only async-signal-safe functions.
void on_refused(int, siginfo_t* what, void* context) {
  auto kept = errno;
  report(what->si_syscall);
  set_result(*static_cast<ucontext_t*>(context), EPERM);
  errno = kept;
}

/// The C library calls this in fork(), whose system call fails without a signal.
void on_fork() {
  report(SYS_clone);
}

std::string name_of(int call) {
  std::unique_ptr<char, decltype(&std::free)> name{seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, call), std::free};
  return name ? std::string{name.get()} : std::to_string(call);
}

void log_refusals(int from) {
  std::set<int> told;
  for (int call = 0; ::read(from, &call, sizeof call) == sizeof call;)
    if (told.insert(call).second)
      telemetry::log::warning("a task tried what tasks may not do, and was refused",
                              {{"pid", ::getpid()}, {"system_call", name_of(call)}});
}

/// The thread ends with the process.
bool log_from_now_on() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0)
    return false;
  // A task that tries the same a million times must not wait for the log.
  ::fcntl(ends[1], F_SETFL, O_NONBLOCK);
  refusals = ends[1];
  struct sigaction action {};
  action.sa_sigaction = on_refused;
  action.sa_flags = SA_SIGINFO | SA_NODEFER | SA_RESTART;
  if (::sigaction(SIGSYS, &action, nullptr) != 0 || ::pthread_atfork(on_fork, nullptr, nullptr) != 0)
    return false;
  std::thread{log_refusals, ends[0]}.detach();
  return true;
}

// -- the filter -------------------------------------------------------------------

filter new_filter() {
  filter result{seccomp_init(SCMP_ACT_ALLOW)};
  if (!result)
    return result;
  seccomp_attr_set(result.get(), SCMP_FLTATR_CTL_TSYNC, 1);
  // A search tree instead of a list, and no slower processor for the sake of the filter.
  seccomp_attr_set(result.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2);
  seccomp_attr_set(result.get(), SCMP_FLTATR_CTL_SSB, 1);
  return result;
}

template <class... Conditions>
void add_rule(const filter& to, uint32_t action, const char* name, Conditions... when) {
  auto call = seccomp_syscall_resolve_name(name);
  if (call >= 0)
    seccomp_rule_add(to.get(), action, call, sizeof...(when), when...);
}

/// The call fails, and the log says so.
template <class... Conditions>
void refuse(const filter& to, const char* name, Conditions... when) {
  add_rule(to, can_trap ? SCMP_ACT_TRAP : SCMP_ACT_ERRNO(EPERM), name, when...);
}

void refuse_processes(const filter& to) {
  // Its flags are in memory, which a filter cannot read. Without it, the C library uses clone.
  add_rule(to, SCMP_ACT_ERRNO(ENOSYS), "clone3");
#ifndef TROUPE_SANITIZED
  // The C library blocks all signals around it.
  add_rule(to, SCMP_ACT_ERRNO(EPERM), "clone", SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0));
#endif
  auto itself = static_cast<uint32_t>(::getpid());
  refuse(to, "kill", SCMP_A0_32(SCMP_CMP_NE, itself));
  refuse(to, "tgkill", SCMP_A0_32(SCMP_CMP_NE, itself));
  refuse(to, "prlimit64", SCMP_A0_32(SCMP_CMP_NE, 0));
}

void refuse_families(const filter& to) {
  auto usual = [](int x) {
    for (auto y : usual_families)
      if (x == y)
        return true;
    return false;
  };
  for (auto x = 0; x < AF_MAX; ++x)
    if (!usual(x))
      refuse(to, "socket", SCMP_A0_32(SCMP_CMP_EQ, static_cast<uint32_t>(x)));
  refuse(to, "socket", SCMP_A0_32(SCMP_CMP_GE, AF_MAX));
}

limits::enforcement load(const filter& x) {
  auto failed = x ? seccomp_load(x.get()) : -ENOMEM;
  if (failed != 0)
    return {false, std::string{"seccomp: "} + std::strerror(-failed)};
  return {true, "seccomp"};
}

} // namespace

limits::enforcement refuse_system_calls() {
  auto x = new_filter();
  if (x) {
    for (auto* name : refused_calls)
      refuse(x, name);
    for (auto* name : quietly_refused_calls)
      add_rule(x, SCMP_ACT_ERRNO(EPERM), name);
    // They write into the terminal's input, as if a person typed it.
    refuse(x, "ioctl", SCMP_A1_32(SCMP_CMP_EQ, TIOCSTI));
    refuse(x, "ioctl", SCMP_A1_32(SCMP_CMP_EQ, TIOCLINUX));
    refuse_processes(x);
    refuse_families(x);
  }
  if (can_trap && !log_from_now_on())
    return {false, std::string{"seccomp: "} + std::strerror(errno)};
  return load(x);
}

limits::enforcement refuse_networks() {
  auto x = new_filter();
  if (x)
    refuse(x, "socket", SCMP_A0_32(SCMP_CMP_NE, AF_UNIX));
  return load(x);
}

} // namespace troupe::cage
