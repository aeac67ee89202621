// Goal: a task learns that its host is gone, and the thread that waits for that never touches an actor system that no
// longer exists. Method: the test owns the watch's pipe, and closes it before or after the end of a stand-in for the
// task and of its actor system.
#include "actors/cluster/link.hpp"
#include "actors/host_watch.hpp"
#include "registered_types.hpp"

#include <boost/test/unit_test.hpp>
#include <caf/actor_system.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <poll.h>
#include <unistd.h>

#include <filesystem>

using namespace troupe;

namespace host_watch_test {
namespace {

task_state::interface::behavior_type stand_in(task_state::interface::pointer self) {
  return {
    [](const ingest_work&, const sample_sink_actor&) -> caf::result<ingest_actor> { return caf::sec::runtime_error; },
    [](const transcode_work&, const sample_sink_actor&) -> caf::result<transcoder_actor> {
      return caf::sec::runtime_error;
    },
    [](const file_work&, const file_client_actor&) -> caf::result<file_worker_actor> {
      return caf::sec::runtime_error;
    },
    [](attempt_id, const file_client_actor&) -> caf::result<file_worker_actor> { return caf::sec::runtime_error; },
    [self](end_atom) { self->quit(); },
    [](const coordinator_actor&) {},
    [](register_atom) {},
    [](tick_atom, uint64_t) {},
  };
}

struct host : registered_types {
  int ends[2] = {-1, -1};
  node_system_config cfg{1};

  host() {
    BOOST_REQUIRE(::pipe(ends) == 0);
  }

  ~host() {
    ::close(ends[0]);
  }

  void leave() const {
    ::close(ends[1]);
  }

  static auto threads() {
    return std::distance(std::filesystem::directory_iterator{"/proc/self/task"}, {});
  }
};

} // namespace
} // namespace host_watch_test

BOOST_FIXTURE_TEST_SUITE(host_watch_test, host)

BOOST_AUTO_TEST_CASE(the_task_is_told_that_its_host_is_gone) {
  caf::actor_system system{cfg};
  host_watch watch{ends[0]};
  auto task = system.spawn(stand_in);
  watch.joined(task);
  leave();
  caf::scoped_actor self{system};
  self->wait_for(task); // the task quits when the watch tells it to
  watch.left();
}

BOOST_AUTO_TEST_CASE(nothing_is_sent_to_a_system_that_is_gone) {
  auto before = threads();
  host_watch watch{ends[0]};
  {
    caf::actor_system system{cfg};
    auto task = system.spawn(stand_in);
    watch.joined(task);
    caf::anon_send_exit(task, caf::exit_reason::user_shutdown);
    caf::scoped_actor self{system};
    self->wait_for(task);
    watch.left();
  }
  leave();
  while (threads() > before)
    ::poll(nullptr, 0, 1);
}

BOOST_AUTO_TEST_SUITE_END()
