// Dummy neighbours of an actor under test. Each records its messages, and answers as the test wants. If it
// dies, requests that it has not answered fail, as with any actor.
#pragma once

#include "actors/cluster/task_host.hpp"
#include "actors/common/leases.hpp"
#include "messages/actors.hpp"
#include "virtual_time.hpp"

#include <caf/event_based_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace troupe {

/// A task process. It accepts each unit of work, and lives until the test ends it.
struct dummy_task {
  task_actor task;
  caf::actor worker; ///< an ingest or a transcoder
  sample_sink_actor sink;
  std::optional<ingest_work> ingest;
  std::optional<transcode_work> transcode; ///< the first
  std::vector<transcode_work> others;      ///< what it makes as well
  bool answers = true;                     ///< if false, it takes those, and never says so
  std::vector<sample_batch> input;
  std::vector<batch_ack> acknowledged;
  std::vector<int64_t> ends; ///< the end times that its window was given
  bool finished = false;
  bool stopped = false;
  std::vector<attempt_id> closed; ///< attempts that it was told to stop
  std::vector<caf::typed_response_promise<transcoder_actor>> unanswered;
  uint64_t sent = 0;

  attempt_id attempt() const {
    return ingest ? ingest->attempt : transcode ? transcode->attempt : attempt_id{};
  }

  /// Sends the sink a block of output.
  void send(sample_block block) {
    caf::anon_send(sink, sample_batch{attempt(), ++sent, std::move(block)});
  }
};

using dummy_task_ptr = std::shared_ptr<dummy_task>;

/// The actor that works in a dummy task: it accepts the messages of an ingest and those of a transcoder.
using dummy_worker_actor = transcoder_actor::extend<caf::result<void>(stop_atom)>;

inline dummy_task_ptr make_dummy_task(virtual_time& world) {
  auto me = std::make_shared<dummy_task>();
  auto worker = world.keep(world.system.spawn([me]() -> dummy_worker_actor::behavior_type {
    return {
      [me](const sample_batch& x) { me->input.push_back(x); },
      [](const format_change&) {},
      [me](const batch_ack& x) { me->acknowledged.push_back(x); },
      [me](finish_atom, attempt_id) { me->finished = true; },
      [me](finish_atom, attempt_id, int64_t at) { me->ends.push_back(at); },
      [me](stop_atom, attempt_id x) {
        me->stopped = true;
        me->closed.push_back(x);
      },
      [me](stop_atom) { me->stopped = true; },
    };
  }));
  me->worker = caf::actor_cast<caf::actor>(worker);
  me->task = world.keep(world.system.spawn([me, worker](task_actor::pointer self) -> task_actor::behavior_type {
    self->attach_functor([me] { me->unanswered.clear(); });
    return {
      [me, worker](const ingest_work& x, const sample_sink_actor& sink) {
        me->ingest = x;
        me->sink = sink;
        return caf::actor_cast<ingest_actor>(worker);
      },
      [me, self, worker](const transcode_work& x, const sample_sink_actor& sink) -> caf::result<transcoder_actor> {
        me->sink = sink;
        if (!me->transcode) {
          me->transcode = x;
          return transcoder_actor{worker};
        }
        me->others.push_back(x);
        if (me->answers)
          return transcoder_actor{worker};
        return me->unanswered.emplace_back(self->make_response_promise<transcoder_actor>());
      },
      [](const file_work&, const file_client_actor&) -> caf::result<file_worker_actor> {
        return caf::sec::runtime_error;
      },
    };
  }));
  return me;
}

/// A dummy host of task processes, which starts none.
struct dummy_host {
  local_task_host_actor actor;
  std::vector<uint32_t> warm; ///< for each request: the number of warm processes wanted
  std::vector<task_id> assigned;
  std::vector<task_id> ended;
  std::vector<task_statistics> tasks; ///< the tasks that it lists
  caf::error refuses;                 ///< if set: the answer to every assignment
  bool holds = false;                 ///< if true, answers wait in these maps until the test delivers them
  std::map<task_id, caf::typed_response_promise<std::string>> assigning;
  std::map<task_id, caf::typed_response_promise<task_exit>> asked;
};

using dummy_host_ptr = std::shared_ptr<dummy_host>;

inline dummy_host_ptr make_dummy_host(virtual_time& world) {
  auto me = std::make_shared<dummy_host>();
  me->actor =
    world.keep(world.system.spawn([me](local_task_host_actor::pointer self) -> local_task_host_actor::behavior_type {
      return {
        [me](warm_atom, uint32_t processes) { me->warm.push_back(processes); },
        [me, self](assign_atom, task_id task, const work_label&) -> caf::result<std::string> {
          if (me->refuses)
            return me->refuses;
          me->assigned.push_back(task);
          if (!me->holds)
            return std::string{};
          return me->assigning[task] = self->make_response_promise<std::string>();
        },
        [me, self](status_atom, task_id task) -> caf::result<task_exit> {
          if (!me->holds)
            return task_exit{};
          return me->asked[task] = self->make_response_promise<task_exit>();
        },
        [me](end_atom, task_id task) { me->ended.push_back(task); },
        [me](status_atom) { return me->tasks; },
        [](task_id, int32_t) {},
        [](stop_atom, task_id) {},
        [](tick_atom) {},
      };
    }));
  return me;
}

/// The coordinator as sessions see it. Requests for leases wait until the test answers them.
struct dummy_coordinator {
  struct asked {
    lease_request what;
    caf::typed_response_promise<lease, task_actor> answer;
  };

  leases_actor actor;
  std::vector<asked> requests;
  std::map<lease_id, lease_end> released;
  std::optional<std::vector<caf::typed_response_promise<void>>> unanswered; ///< if set, releases wait here
  std::vector<lease_id> confirmed;
  std::map<std::string, std::string> quarantined; ///< reasons by profile
  bool lease_holds = true;                        ///< the answer to sessions that confirm a lease
};

using dummy_coordinator_ptr = std::shared_ptr<dummy_coordinator>;

inline dummy_coordinator_ptr make_dummy_coordinator(virtual_time& world) {
  auto me = std::make_shared<dummy_coordinator>();
  me->actor = world.keep(world.system.spawn([me](leases_actor::pointer self) -> leases_actor::behavior_type {
    self->attach_functor([me] {
      me->requests.clear();
      me->unanswered.reset();
    });
    return {
      [me, self](const lease_request& x) -> caf::result<lease, task_actor> {
        me->requests.push_back({x, self->make_response_promise<lease, task_actor>()});
        return me->requests.back().answer;
      },
      [me, self](release_atom, lease_id id, const lease_end& how) -> caf::result<void> {
        me->released[id] = how;
        if (!me->unanswered)
          return caf::unit;
        return me->unanswered->emplace_back(self->make_response_promise<void>());
      },
      [](lease_id, const work_statistics&) {},
      [me](confirm_atom, lease_id id) {
        me->confirmed.push_back(id);
        return me->lease_holds;
      },
      [](quarantine_atom, lease_id, const std::string&) {},
      [](status_atom, worker_id, task_id) { return task_exit{}; },
      [](daemons_atom) { return std::vector<daemon_status>{}; },
      [](status_atom) { return queue_places{}; },
      [](const task_join&, const lease_request&, const orphan_actor&) -> caf::result<lease, task_actor> {
        return caf::sec::runtime_error;
      },
      [me](quarantine_atom, const std::string&, const std::string& profile, const std::string& why) {
        me->quarantined[profile] = why;
      },
    };
  }));
  return me;
}

/// The search for the coordinator. Workers and tasks call it on their own threads, which may outlive the fixture.
class dummy_search {
public:
  explicit dummy_search(coordinator_actor x) : there_(std::move(x)) {}

  caf::expected<coordinator_actor> find() {
    std::unique_lock lock{mutex_};
    ++searches_;
    changed_.wait(lock, [this] { return in_reach_; });
    return there_;
  }

  /// Sets the coordinator that later searches find.
  void becomes(coordinator_actor x) {
    std::lock_guard guard{mutex_};
    there_ = std::move(x);
  }

  coordinator_actor present() {
    std::lock_guard guard{mutex_};
    return there_;
  }

  /// Sets whether the coordinator is in reach; if not, a search waits until it is.
  void in_reach(bool x) {
    std::lock_guard guard{mutex_};
    in_reach_ = x;
    changed_.notify_all();
  }

  int searches() {
    std::lock_guard guard{mutex_};
    return searches_;
  }

private:
  std::mutex mutex_;
  std::condition_variable changed_;
  coordinator_actor there_;
  bool in_reach_ = true;
  int searches_ = 0;
};

/// What became of a request.
template <class... Ts>
struct answer {
  caf::actor asker; ///< lives until the test ends it
  std::optional<std::tuple<Ts...>> value;
  caf::error error;

  bool came() const {
    return value.has_value() || error;
  }

  /// The first value of a good answer.
  auto& operator*() {
    BOOST_REQUIRE(value);
    return std::get<0>(*value);
  }
};

/// A time limit that no test reaches on its virtual clock.
inline constexpr auto patience = std::chrono::hours{24};

/// Asks an actor as soon as the test lets actors run. `Ts` are the types of a good answer.
template <class... Ts, class Handle, class... Question>
std::shared_ptr<answer<Ts...>> ask_later(virtual_time& world, const Handle& whom, Question... question) {
  auto result = std::make_shared<answer<Ts...>>();
  result->asker = world.keep(world.system.spawn([=](caf::event_based_actor* self) -> caf::behavior {
    self->set_default_handler(caf::drop);
    self->request(whom, patience, question...)
      .then([result](Ts&... xs) { result->value.emplace(std::move(xs)...); },
            [result](caf::error& x) { result->error = std::move(x); });
    return {[](tick_atom) {}};
  }));
  return result;
}

/// Asks an actor, and does not wait for the answer.
template <class... Ts, class Handle, class... Question>
std::shared_ptr<answer<Ts...>> ask(virtual_time& world, const Handle& whom, Question... question) {
  auto result = ask_later<Ts...>(world, whom, std::move(question)...);
  world.settle();
  return result;
}

} // namespace troupe
