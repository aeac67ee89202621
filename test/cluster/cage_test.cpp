// Goal: hostile media that takes over a task gets no further. The status tells what the cage is made of, and it can be
// switched off.
// Method: a worker's tasks try to escape (test/faulty_node/escape.hpp) before they transcode, and log how that went.
// The channel that they transcode still plays.
#include "test/cluster/media.hpp"
#include "test/faulty_node/escape.hpp"
#include "test/support/build_kind.hpp"
#include "test/support/cluster.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdlib>
#include <filesystem>
#include <string>

using namespace troupe::test;

BOOST_AUTO_TEST_SUITE(cage_test)

namespace {

size_t count_of(const std::string& words, const std::string& text) {
  size_t result = 0;
  for (auto at = text.find(words); at != std::string::npos; at = text.find(words, at + 1))
    ++result;
  return result;
}

struct fixture {
  cluster c{{.channels = {{"a", media("h264.ts")}},
             .flags = {},
             .profiles = {},
             .worker_program = TROUPE_BINARY_DIR "/bin/faulty-node"}};

  explicit fixture(std::vector<std::string> flags = {}) {
    c.start_coordinator();
    ::setenv("FAULTY_ESCAPE", c.folder().path("").c_str(), 1);
    flags.push_back("--paths.write=" + c.folder().path("nothing"));
    c.start_worker("one", 1, flags);
    ::unsetenv("FAULTY_ESCAPE");
    c.wait_until(
      "one is there", [&] { return !c.daemon("one").empty(); }, milliseconds{180'000});
  }

  std::string cage() const {
    return text(object(c.daemon("one"), "can"), "cage");
  }

  std::string log() const {
    return c.node("one").output();
  }
};

} // namespace

BOOST_AUTO_TEST_CASE(a_task_that_is_taken_over_gets_no_further) {
  fixture f;
  BOOST_TEST_MESSAGE(f.cage());
  auto client = f.c.watch("a", "small", 100'000);
  // A thread of its own tells the refusals, in their order.
  std::string log;
  f.c.wait_until("all attempts are made", [&] {
    log = f.log();
    return count_of("an escape ", log) >= size_t{escapes} && log.find("system_call=execve") != std::string::npos;
  });
  // Containers may refuse mount namespaces, and old kernels know no Landlock. The status then says so. The leak checker
  // needs processes, so a build with it lets tasks start them.
  if (!instrumented && f.cage().find("not enforced") == std::string::npos) {
    BOOST_TEST(count_of("an escape SUCCEEDED", log) == 0u, log);
    BOOST_TEST(!std::filesystem::exists(f.c.folder().path("escaped")));
  }
  for (std::string call : {"socket", "ptrace", "kill", "clone"})
    if (!instrumented || call != "ptrace")
      BOOST_TEST(log.find("system_call=" + call) != std::string::npos, call << " is not in the log");
  BOOST_TEST(f.c.daemon_state("one") == "healthy");
}

BOOST_AUTO_TEST_CASE(the_status_says_what_enforces_the_cage) {
  fixture f;
  for (auto measure : {"secrets", "capabilities", "privileges", "files", "system calls"})
    BOOST_TEST(f.cage().find(measure) != std::string::npos, f.cage());
  BOOST_TEST(f.cage().find("system calls by seccomp") != std::string::npos, f.cage());
}

BOOST_AUTO_TEST_CASE(without_a_cage_the_status_says_so) {
  // What codecs do without a cage is not for the file of all clusters.
  fixture f{{"--task.cage=false", "--worker.prove=false"}};
  BOOST_TEST(f.cage() == "off");
}

BOOST_AUTO_TEST_CASE(a_node_whose_tasks_cannot_become_their_user_does_not_start) {
  temporary_folder folder;
  process node{node_program(),
               {"--role=coordinator", "--node.state_dir=" + folder.path("state"), "--http.listen=127.0.0.1:0",
                "--cluster.listen=127.0.0.1:0", "--task.user=nosuchuser"},
               folder.path("node.log")};
  auto status = node.wait(scaled(milliseconds{10'000}));
  BOOST_TEST((status && *status == 1));
  BOOST_TEST(node.output().find("'nosuchuser'") != std::string::npos, node.output());
}

BOOST_AUTO_TEST_SUITE_END()
