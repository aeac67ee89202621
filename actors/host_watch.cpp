#include "actors/host_watch.hpp"

#include <caf/send.hpp>

#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <mutex>
#include <thread>
#include <utility>

namespace troupe {

struct host_watch::state {
  enum class phase { joining, joined, left };

  void run() {
    char ignored[64];
    for (;;) {
      auto n = ::read(input, ignored, sizeof(ignored));
      if (n == 0 || (n < 0 && errno != EINTR))
        break;
    }
    std::lock_guard guard{mutex};
    // Nothing of this process may run any more, not even what a sanitizer does at exit.
    if (now == phase::joining)
      ::kill(::getpid(), SIGKILL);
    if (task)
      caf::anon_send(std::exchange(task, nullptr), end_atom_v);
  }

  int input;
  std::mutex mutex; ///< guards the following members
  phase now = phase::joining;
  task_state::interface task;
};

host_watch::host_watch(int input) : shared_(std::make_shared<state>()) {
  shared_->input = input;
  std::thread{[shared = shared_] { shared->run(); }}.detach();
}

void host_watch::joined(const task_state::interface& x) {
  std::lock_guard guard{shared_->mutex};
  shared_->now = state::phase::joined;
  shared_->task = x;
}

void host_watch::left() {
  std::lock_guard guard{shared_->mutex};
  shared_->now = state::phase::left;
  shared_->task = nullptr;
}

} // namespace troupe
