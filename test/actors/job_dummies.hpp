// Dummy neighbours of the actors of file jobs. Each records its messages, and answers when the test says so.
#pragma once

#include "actors/jobs/job.hpp"
#include "actors/jobs/job_store_actors.hpp"
#include "virtual_time.hpp"

#include <caf/event_based_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace troupe {

/// What became of a question.
template <class... Ts>
struct job_answer {
  std::optional<std::tuple<Ts...>> value;
  caf::error error;

  bool came() const {
    return value.has_value() || error;
  }
};

/// Asks an actor in the name of a client that stays alive, and does not wait for the answer.
template <class... Ts, class Handle, class... Question>
std::shared_ptr<job_answer<Ts...>> ask_of(virtual_time& world, const Handle& whom, Question... question) {
  auto result = std::make_shared<job_answer<Ts...>>();
  world.keep(world.system.spawn([=](caf::event_based_actor* self) -> caf::behavior {
    self->set_default_handler(caf::drop);
    self->request(whom, std::chrono::hours{24}, question...)
      .then([result](Ts&... xs) { result->value.emplace(std::move(xs)...); },
            [result](caf::error& x) { result->error = std::move(x); });
    return {[](tick_atom) {}};
  }));
  world.settle();
  return result;
}

/// The coordinator as jobs see it: what is asked for waits until the test answers.
struct dummy_leases {
  struct asked {
    lease_request what;
    caf::typed_response_promise<lease, task_actor> answer;
  };

  leases_actor actor;
  std::vector<asked> requests;
  std::vector<asked> adoptions;
  std::vector<std::pair<lease_id, lease_end>> released;
  std::vector<caf::typed_response_promise<task_exit>> exits; ///< questions how a process ended

  explicit dummy_leases(virtual_time& world);

  bool has_released(lease_id x) const {
    for (auto& [id, how] : released)
      if (id == x)
        return true;
    return false;
  }
};

inline std::shared_ptr<dummy_leases> make_dummy_leases(virtual_time& world) {
  return std::make_shared<dummy_leases>(world);
}

inline dummy_leases::dummy_leases(virtual_time& world) {
  actor = world.keep(world.system.spawn([this](leases_actor::pointer self) -> leases_actor::behavior_type {
    return {
      [this, self](const lease_request& x) -> caf::result<lease, task_actor> {
        requests.push_back({x, self->make_response_promise<lease, task_actor>()});
        return requests.back().answer;
      },
      [this](release_atom, lease_id id, const lease_end& how) { released.emplace_back(id, how); },
      [](lease_id, const work_statistics&) {},
      [](confirm_atom, lease_id) { return true; },
      [](quarantine_atom, lease_id, const std::string&) {},
      [this, self](status_atom, worker_id, task_id) -> caf::result<task_exit> {
        return exits.emplace_back(self->make_response_promise<task_exit>());
      },
      [](daemons_atom) { return std::vector<daemon_status>{}; },
      [](status_atom) { return queue_places{}; },
      [this, self](const task_join&, const lease_request& x, const orphan_actor&) -> caf::result<lease, task_actor> {
        adoptions.push_back({x, self->make_response_promise<lease, task_actor>()});
        return adoptions.back().answer;
      },
      [](quarantine_atom, const std::string&, const std::string&, const std::string&) {},
    };
  }));
}

/// A dummy task process for file work, which does no work.
struct dummy_file_task {
  orphan_actor actor;
  file_worker_actor worker;
  std::vector<file_work> works;
  attempt_id goes_on_as;
  int stopped = 0;

  explicit dummy_file_task(virtual_time& world) {
    worker = world.keep(
      world.system.spawn([this]() -> file_worker_actor::behavior_type { return {[this](stop_atom) { ++stopped; }}; }));
    actor = world.keep(world.system.spawn([this]() -> orphan_actor::behavior_type {
      return {
        [](const ingest_work&, const sample_sink_actor&) -> caf::result<ingest_actor> {
          return caf::sec::runtime_error;
        },
        [](const transcode_work&, const sample_sink_actor&) -> caf::result<transcoder_actor> {
          return caf::sec::runtime_error;
        },
        [this](const file_work& x, const file_client_actor&) {
          works.push_back(x);
          return worker;
        },
        [this](attempt_id x, const file_client_actor&) {
          goes_on_as = x;
          return worker;
        },
      };
    }));
  }
};

/// A queue as its jobs see it: what they want written waits until the test answers.
struct dummy_job_queue {
  struct lot {
    job_writes what;
    caf::typed_response_promise<void> answer;
  };

  job_journal_actor actor;
  std::vector<lot> lots;
  size_t answered = 0;

  explicit dummy_job_queue(virtual_time& world) {
    actor = world.keep(world.system.spawn([this](job_journal_actor::pointer self) -> job_journal_actor::behavior_type {
      return {
        [this, self](const job_writes& x) -> caf::result<void> {
          lots.push_back({x, self->make_response_promise<void>()});
          return lots.back().answer;
        },
        [](const job_report&) {},
      };
    }));
  }

  /// All states that the job has wanted written for itself.
  std::vector<job_state> states() const {
    std::vector<job_state> result;
    for (auto& lot : lots)
      for (auto& x : lot.what.operations)
        if (auto* move = std::get_if<store::move_job>(&x))
          result.push_back(move->to);
    return result;
  }
};

/// A job's actor as its queue sees it.
struct dummy_job {
  job_begin begin;
  job_journal_actor queue;
  job_actor actor;
  int paused = 0;
  int stopped = 0;
  int offers = 0;
};

/// Makes dummy jobs, and remembers them.
class dummy_jobs : public job_factory {
public:
  explicit dummy_jobs(virtual_time& world) : world_(world) {}

  tl::expected<job_actor, std::string> make(caf::actor_system& system, job_begin begin, job_journal_actor queue,
                                            leases_actor) const override {
    auto me = std::make_shared<dummy_job>(dummy_job{std::move(begin), std::move(queue), {}});
    me->actor = world_.keep(system.spawn([me]() -> job_actor::behavior_type {
      return {
        [](const file_progress&) {},
        [](const file_result&) {},
        [me](stop_atom) { ++me->stopped; },
        [me](pause_atom) { ++me->paused; },
        [](give_back_atom, lease_id) {},
        [me](const task_join&, const file_work&, const orphan_actor&) { ++me->offers; },
        [](move_atom, lease_id) {},
        [](tick_atom) {},
      };
    }));
    made.push_back(me);
    return me->actor;
  }

  mutable std::vector<std::shared_ptr<dummy_job>> made;

private:
  virtual_time& world_;
};

/// The actors in front of a store, which is a real one: batches and questions wait until the test lets them through.
struct dummy_storage {
  struct batch {
    store_batch what;
    caf::typed_response_promise<store_results> answer;
  };

  struct question {
    std::vector<job_id> ids;
    caf::typed_response_promise<loaded_jobs> answer;
  };

  std::optional<store::job_store> store;
  job_store_actors actors;
  std::vector<batch> batches;
  std::vector<question> questions;

  job_store_actors open(virtual_time& world, store::job_store from) {
    store.emplace(std::move(from));
    actors.writer =
      world.keep(world.system.spawn([this](job_writer_actor::pointer self) -> job_writer_actor::behavior_type {
        return {
          [this, self](const store_batch& x) -> caf::result<store_results> {
            batches.push_back({x, self->make_response_promise<store_results>()});
            return batches.back().answer;
          },
          [self](stop_atom) { self->quit(); },
        };
      }));
    actors.jobs = actors.pages =
      world.keep(world.system.spawn([this](job_reader_actor::pointer self) -> job_reader_actor::behavior_type {
        return {
          [](jobs_atom, const job_question&) -> caf::result<job_listing> { return job_listing{}; },
          [](job_atom, job_id) -> caf::result<job_details> { return job_details{}; },
          [this, self](const std::vector<job_id>& ids) -> caf::result<loaded_jobs> {
            questions.push_back({ids, self->make_response_promise<loaded_jobs>()});
            return questions.back().answer;
          },
          [](const job_replay_question&) -> caf::result<job_replay> { return job_replay{}; },
          [](const job_log_question&) -> caf::result<job_log> { return job_log{}; },
          [](const callbacks_question&) -> caf::result<callback_list> { return callback_list{}; },
          [self](stop_atom) { self->quit(); },
        };
      }));
    return actors;
  }
};

} // namespace troupe
