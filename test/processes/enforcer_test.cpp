// Goal: limits hold, with or without control groups on the machine. Foreign groups are left alone, and our own are
// removed.
// Method: version 2 of control groups is replaced by a folder of plain files, which shows each write. All other limits
// are set on real processes of the test, which try to exceed them.
#include "processes/enforcer.hpp"

#include "processes/process_limits.hpp"
#include "test/processes/folder.hpp"

#include <boost/test/unit_test.hpp>

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <filesystem>
#include <functional>

using namespace troupe;
using namespace troupe::limits;
namespace fs = std::filesystem;

BOOST_AUTO_TEST_SUITE(enforcer_test)

namespace {

constexpr uint64_t mebibyte = 1024 * 1024;

/// A process in a group of its own that waits until `result` is called, then calls `work` and exits with its return
/// value.
class child {
public:
  explicit child(const std::function<int()>& work) {
    int ends[2];
    BOOST_REQUIRE((::pipe2(ends, O_CLOEXEC) == 0));
    pid_ = ::fork();
    BOOST_REQUIRE(pid_ >= 0);
    if (pid_ == 0) {
      char word = 0;
      auto got = ::read(ends[0], &word, 1);
      ::_exit(got == 1 ? work() : 99);
    }
    ::setpgid(pid_, pid_);
    ::close(ends[0]);
    word_ = ends[1];
  }
  child(const child&) = delete;
  child& operator=(const child&) = delete;
  ~child() {
    ::close(word_);
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
  }

  pid_t pid() const noexcept {
    return pid_;
  }

  /// Lets the process work, and returns its exit status as from `waitpid`.
  int result() {
    (void)!::write(word_, "x", 1);
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = 0;
    return status;
  }

private:
  pid_t pid_ = 0;
  int word_ = -1;
};

/// Allocates and uses that much memory; returns 0 if that succeeds.
int take_memory(uint64_t bytes) {
  auto* at = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (at == MAP_FAILED)
    return 1;
  std::memset(at, 1, bytes);
  return 0;
}

double cpu_seconds() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  return static_cast<double>(used.ru_utime.tv_sec) + static_cast<double>(used.ru_utime.tv_usec) / 1e6;
}

/// A control group of version 2 that contains only this process.
struct unified_fixture {
  folder root;
  own_groups own;

  unified_fixture() {
    own.unified = root.path("service");
    root.write("service/cgroup.type", "domain\n");
    root.write("service/cgroup.controllers", "cpu io memory pids\n");
    root.write("service/cgroup.subtree_control", "");
    root.write("service/cgroup.procs", std::to_string(::getpid()) + "\n");
    root.write("service/daemon/cgroup.procs", "");
  }

  /// Makes a group's files, which the kernel would make together with the group.
  std::string task_group(const std::string& name) {
    auto group = "service/troupe." + std::to_string(::getpid()) + "." + name;
    for (auto file : {"cpu.max", "memory.max", "memory.swap.max", "memory.oom.group", "cgroup.procs"})
      root.write(group + "/" + file, "");
    return group;
  }
};

work_limits cores_and_memory() {
  work_limits x;
  x.cpu_millis = 1500;
  x.memory_bytes = 512 * mebibyte;
  return x;
}

bool v1_works(const char* controller) {
  auto own = find_own_groups();
  auto folder = own.v1.find(controller);
  return folder != own.v1.end() && ::access(folder->second.c_str(), W_OK) == 0;
}

} // namespace

BOOST_FIXTURE_TEST_CASE(the_daemon_moves_into_a_leaf_and_passes_controllers_down, unified_fixture) {
  control_groups groups{own};
  auto group = task_group("7");
  auto made = groups.limit(::getpid(), "7", cores_and_memory());
  BOOST_TEST(made.cpu.enforced);
  BOOST_TEST(made.memory.enforced);
  BOOST_TEST(made.cpu.how == "cgroup v2");
  BOOST_TEST(root.read("service/daemon/cgroup.procs") == std::to_string(::getpid()));
  BOOST_TEST(root.read("service/cgroup.subtree_control") == "+memory"); // the last of two writes
  BOOST_TEST(root.read(group + "/cpu.max") == "150000 100000");
  BOOST_TEST(root.read(group + "/memory.max") == std::to_string(512 * mebibyte));
  BOOST_TEST(root.read(group + "/memory.swap.max") == "0");
  BOOST_TEST(root.read(group + "/cgroup.procs") == std::to_string(::getpid()));
}

BOOST_FIXTURE_TEST_CASE(a_group_that_others_live_in_is_left_as_it_is, unified_fixture) {
  root.write("service/cgroup.procs", std::to_string(::getpid()) + "\n1\n");
  control_groups groups{own};
  auto made = groups.limit(::getpid(), "7", cores_and_memory());
  BOOST_TEST(!made.cpu.enforced);
  BOOST_TEST(made.cpu.how.find("not this worker's own") != std::string::npos);
  BOOST_TEST(root.read("service/cgroup.subtree_control").empty());
  BOOST_TEST(root.read("service/daemon/cgroup.procs").empty());
}

BOOST_FIXTURE_TEST_CASE(the_root_of_the_hierarchy_is_nobodys, unified_fixture) {
  fs::remove(root.path("service/cgroup.type"));
  control_groups groups{own};
  BOOST_TEST(!groups.limit(::getpid(), "7", cores_and_memory()).memory.enforced);
  BOOST_TEST(root.read("service/cgroup.subtree_control").empty());
}

BOOST_FIXTURE_TEST_CASE(a_death_for_memory_is_told_from_others, unified_fixture) {
  control_groups groups{own};
  auto group = task_group("7");
  root.write(group + "/memory.events", "low 0\nhigh 0\nmax 3\noom 1\noom_kill 0\n");
  BOOST_TEST(!groups.out_of_memory("7"));
  root.write(group + "/memory.events", "low 0\nhigh 0\nmax 3\noom 1\noom_kill 1\n");
  BOOST_TEST(groups.out_of_memory("7"));
}

BOOST_AUTO_TEST_CASE(groups_of_a_daemon_that_was_killed_are_removed_and_others_are_not) {
  folder root;
  child gone{[] { return 0; }};
  auto dead = gone.pid();
  gone.result();
  child alive{[] { return 0; }};
  for (const auto& name : {"troupe." + std::to_string(dead) + ".1", "troupe." + std::to_string(alive.pid()) + ".1",
                           std::string{"somebody"}, std::string{"troupe.x"}})
    fs::create_directories(root.path(name));
  own_groups own;
  own.v1["cpu"] = root.path();
  control_groups groups{own};
  BOOST_TEST(!fs::exists(root.path("troupe." + std::to_string(dead) + ".1")));
  BOOST_TEST(fs::exists(root.path("troupe." + std::to_string(alive.pid()) + ".1")));
  BOOST_TEST(fs::exists(root.path("somebody")));
  BOOST_TEST(fs::exists(root.path("troupe.x")));
}

BOOST_AUTO_TEST_CASE(memory_is_limited_by_a_group_and_its_end_is_told) {
  if (!v1_works("memory")) {
    BOOST_TEST_MESSAGE("skipped: no memory controller of version 1 is writable here");
    return;
  }
  enforcer limits;
  work_limits x;
  x.memory_bytes = 128 * mebibyte; // sanitizers need some for themselves
  child modest{[] { return take_memory(16 * mebibyte); }};
  BOOST_TEST(limits.limit(modest.pid(), "1", x) == "memory 128 MiB by cgroup v1");
  BOOST_TEST(modest.result() == 0);
  BOOST_TEST(!limits.ended("1"));
  child greedy{[] { return take_memory(256 * mebibyte); }};
  limits.limit(greedy.pid(), "2", x);
  auto status = greedy.result();
  BOOST_TEST(WIFSIGNALED(status));
  BOOST_TEST(limits.ended("2"));
  for (auto& entry : fs::directory_iterator{find_own_groups().v1.at("memory")})
    BOOST_TEST(!entry.path().filename().string().starts_with("troupe." + std::to_string(::getpid())));
}

BOOST_AUTO_TEST_CASE(cores_are_limited_by_a_group) {
  if (!v1_works("cpu")) {
    BOOST_TEST_MESSAGE("skipped: no cpu controller of version 1 is writable here");
    return;
  }
  enforcer limits;
  work_limits x;
  x.cpu_millis = 200;
  auto work = [] {
    auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds{1'500};
    while (std::chrono::steady_clock::now() < end) {
      // uses all the processor time that it gets
    }
    return static_cast<int>(cpu_seconds() * 100);
  };
  child busy{work};
  BOOST_TEST(limits.limit(busy.pid(), "3", x) == "cpu 0.2 by cgroup v1");
  auto status = busy.result();
  limits.ended("3");
  BOOST_REQUIRE(WIFEXITED(status));
  BOOST_TEST_MESSAGE("hundredths of a second of 150: " << WEXITSTATUS(status));
  BOOST_TEST(WEXITSTATUS(status) < 60);
}

BOOST_AUTO_TEST_CASE(without_groups_a_process_is_limited_all_the_same) {
  enforcer limits{control_groups{own_groups{}}};
  auto x = cores_and_memory();
  x.cpu_millis = 1000;
  x.memory_bytes = 64 * mebibyte;
  x.disk_bytes = mebibyte;
  x.nice = 7;
  x.io_priority = work_limits::io_idle;
  auto work = [] {
    ::signal(SIGXFSZ, SIG_IGN);
    cpu_set_t processors;
    ::sched_getaffinity(0, sizeof processors, &processors);
    auto file = ::memfd_create("x", 0);
    auto wrong = 0;
    wrong |= CPU_COUNT(&processors) == 1 ? 0 : 1;
    wrong |= take_memory(16 * mebibyte) == 0 ? 0 : 2;
    wrong |= take_memory(256 * mebibyte) == 1 ? 0 : 4;
    wrong |= ::ftruncate(file, 2 * mebibyte) != 0 && errno == EFBIG ? 0 : 8;
    wrong |= ::getpriority(PRIO_PROCESS, 0) == 7 ? 0 : 16;
    return wrong;
  };
  child process{work};
  auto said = limits.limit(process.pid(), "4", x);
  BOOST_TEST_MESSAGE(said);
  BOOST_TEST(said.starts_with("cpu 1 by affinity to 1 of "));
  BOOST_TEST(
    said.find(
      "memory 64 MiB by rlimit of data, disk 1 MiB by rlimit of file size, nice 7 by nice, ionice idle by ioprio")
    != std::string::npos);
  auto status = process.result();
  BOOST_REQUIRE(WIFEXITED(status));
  BOOST_TEST(WEXITSTATUS(status) == 0);
  BOOST_TEST(!limits.ended("4"));
}

BOOST_AUTO_TEST_CASE(a_process_that_is_gone_is_said_not_to_be_limited) {
  child gone{[] { return 0; }};
  auto pid = gone.pid();
  gone.result();
  enforcer limits{control_groups{own_groups{}}};
  auto said = limits.limit(pid, "5", cores_and_memory());
  BOOST_TEST(said.find("cpu 1.5 not enforced") != std::string::npos);
  BOOST_TEST(said.find("memory 512 MiB not enforced") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(sizes_are_written_for_people) {
  BOOST_TEST(size_text(512) == "512 B");
  BOOST_TEST(size_text(512 * mebibyte) == "512 MiB");
  BOOST_TEST(size_text(1536 * mebibyte) == "1.5 GiB");
}

BOOST_AUTO_TEST_SUITE_END()
