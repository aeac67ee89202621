// The root actor of a task: one unit of work, and what it does when its host, its coordinator or its work is gone. File
// work fails at once, because its source does not exist. Its client confirms the result only when the test says so;
// until then the result counts as not delivered.
#include "actors/task.hpp"
#include "dummies.hpp"

#include <boost/test/unit_test.hpp>

using namespace troupe;

namespace task_test {
namespace {

/// A job, as the task sees it.
struct dummy_client {
  file_client_actor actor;
  std::vector<file_result> results;
  std::vector<caf::typed_response_promise<void>> taken; ///< the pending answers to `results`
};

struct fixture : virtual_time {
  ~fixture() {
    search->in_reach(true);
    end();
  }

  task_config configured() {
    task_config x;
    x.who = {task_id{1}, worker_id{2}, "1"};
    x.orphan_timeout = 60s;
    x.find_coordinator = [search = search] { return search->find(); };
    x.close_networks = [this] { ++closed; };
    return x;
  }

  coordinator_actor start_coordinator() {
    auto made = keep(system.spawn([this](caf::event_based_actor* self) -> caf::behavior {
      self->attach_functor([this] { offers.clear(); });
      return {
        [this, self](const task_join&, const file_work& work, const orphan_actor&) -> caf::result<void> {
          offered.push_back(work);
          return offers.emplace_back(self->make_response_promise<void>());
        },
      };
    }));
    return caf::actor_cast<coordinator_actor>(made);
  }

  std::shared_ptr<dummy_client> start_client() {
    auto me = std::make_shared<dummy_client>();
    auto made = keep(system.spawn([me](caf::event_based_actor* self) -> caf::behavior {
      self->attach_functor([me] { me->taken.clear(); });
      return {
        [](const file_progress&) {},
        [me, self](const file_result& x) -> caf::result<void> {
          me->results.push_back(x);
          return me->taken.emplace_back(self->make_response_promise<void>());
        },
      };
    }));
    me->actor = caf::actor_cast<file_client_actor>(made);
    return me;
  }

  static file_work chunk() {
    chunk_work x;
    x.source = "/no/such/source";
    x.destination = "/no/such/folder/chunk";
    return {attempt_id{5}, x, {}, {}, 0};
  }

  /// Gives the task that work for the present client. The worker ends with the test: it may outlive its task.
  void give(const task_state::interface& to, file_work work) {
    keep(**ask<file_worker_actor>(*this, to, std::move(work), client->actor));
  }

  /// Ends the task's chunk, and kills its job and its coordinator before the job has confirmed the result.
  void orphan_it() {
    client = start_client();
    give(task, chunk());
    BOOST_REQUIRE(comes([&] { return !client->results.empty(); }));
    next_coordinator();
  }

  /// Kills the coordinator and its job, after a new coordinator has started.
  void next_coordinator() {
    auto before = search->present();
    search->becomes(start_coordinator());
    kill(client->actor);
    kill(before);
    settle();
  }

  bool offers_itself(size_t times) {
    return comes([&] { return offered.size() >= times; }) && offered.size() == times;
  }

  void answer_offer(caf::error why = {}) {
    BOOST_REQUIRE(!offers.empty());
    within(search->present(), [offer = offers.back(), why]() mutable { why ? offer.deliver(why) : offer.deliver(); });
    settle();
  }

  int closed = 0; ///< how often a task gave up networks
  std::vector<file_work> offered;
  std::vector<caf::typed_response_promise<void>> offers;
  std::shared_ptr<dummy_search> search = std::make_shared<dummy_search>(start_coordinator());
  std::shared_ptr<dummy_client> client;
  task_state::interface task = keep(spawn_task(system, search->present(), configured()));
};

} // namespace
} // namespace task_test

BOOST_FIXTURE_TEST_SUITE(task_test, fixture)

BOOST_AUTO_TEST_CASE(a_task_takes_one_unit_of_work_in_its_life) {
  client = start_client();
  give(task, chunk());
  BOOST_TEST((ask<file_worker_actor>(*this, task, chunk(), client->actor)->error == ec::refused));
  auto sink = caf::actor_cast<sample_sink_actor>(client->actor);
  BOOST_TEST((ask<transcoder_actor>(*this, task, transcode_work{}, sink)->error == ec::refused));
  BOOST_TEST((ask<ingest_actor>(*this, task, ingest_work{}, sink)->error == ec::refused));
}

BOOST_AUTO_TEST_CASE(only_a_live_transcoder_gives_up_networks) {
  client = start_client();
  give(task, chunk());
  BOOST_TEST(closed == 0);
  auto other = keep(spawn_task(system, search->present(), configured()));
  auto sink = caf::actor_cast<sample_sink_actor>(client->actor);
  transcode_work work;
  work.source.tracks.resize(1);
  work.source.tracks[0].codec = "h264";
  keep(**ask<transcoder_actor>(*this, other, work, sink));
  BOOST_TEST(closed == 1);
}

BOOST_AUTO_TEST_CASE(a_task_that_transcodes_takes_more_work_for_the_same_source) {
  client = start_client();
  auto sink = caf::actor_cast<sample_sink_actor>(client->actor);
  transcode_work work;
  work.attempt = attempt_id{1};
  work.source.tracks.resize(1);
  work.source.tracks[0].codec = "h264";
  auto first = keep(**ask<transcoder_actor>(*this, task, work, sink));
  work.attempt = attempt_id{2};
  work.beside = attempt_id{1};
  auto added = ask<transcoder_actor>(*this, task, work, sink);
  BOOST_REQUIRE(comes([&] { return added->came(); }));
  BOOST_TEST((**added == first));
}

BOOST_AUTO_TEST_CASE(a_task_ends_with_its_work) {
  client = start_client();
  give(task, chunk());
  BOOST_REQUIRE(comes([&] { return !client->results.empty(); }));
  BOOST_TEST(!is_over(task)); // the client has not confirmed the result
  within(client->actor, [answer = client->taken.back()]() mutable { answer.deliver(); });
  BOOST_TEST(is_over(task));
}

BOOST_AUTO_TEST_CASE(the_end_of_its_host_ends_a_task_that_waits_and_none_that_works) {
  client = start_client();
  auto busy = keep(spawn_task(system, search->present(), configured()));
  give(busy, chunk());
  caf::anon_send(task, end_atom_v);
  caf::anon_send(busy, end_atom_v);
  BOOST_TEST(is_over(task));
  BOOST_TEST(!is_over(busy));
}

BOOST_AUTO_TEST_CASE(a_task_without_a_chunk_ends_with_its_coordinator) {
  client = start_client();
  file_work probe{attempt_id{5}, probe_work{}, {}, {}, 0};
  auto probes = keep(spawn_task(system, search->present(), configured()));
  give(probes, probe);
  kill(search->present());
  BOOST_TEST(is_over(task));
  BOOST_TEST(is_over(probes));
  BOOST_TEST(search->searches() == 0);
}

BOOST_AUTO_TEST_CASE(a_chunk_outlives_its_coordinator_and_goes_to_the_job_that_takes_it) {
  orphan_it();
  BOOST_REQUIRE(offers_itself(1));
  BOOST_TEST((offered[0] == chunk()));
  client = start_client();
  BOOST_REQUIRE(ask<file_worker_actor>(*this, task, attempt_id{9}, client->actor)->value);
  answer_offer();
  BOOST_REQUIRE(client->results.size() == 1u);
  BOOST_TEST(client->results[0].attempt.value == 9u);
  within(client->actor, [answer = client->taken.back()]() mutable { answer.deliver(); });
  BOOST_TEST(is_over(task));
}

BOOST_AUTO_TEST_CASE(an_orphan_that_no_job_wants_ends) {
  orphan_it();
  BOOST_REQUIRE(offers_itself(1));
  BOOST_TEST(!is_over(task));
  answer_offer(caf::make_error(ec::refused, "no job has this chunk"));
  BOOST_TEST(is_over(task));
}

BOOST_AUTO_TEST_CASE(an_orphan_whose_search_hangs_ends_when_its_time_is_over) {
  search->in_reach(false);
  orphan_it();
  pass(59s);
  BOOST_TEST(!is_over(task));
  pass(2s);
  BOOST_TEST(is_over(task));
}

BOOST_AUTO_TEST_CASE(the_deadline_of_an_earlier_coordinators_death_does_not_end_a_later_orphan) {
  orphan_it();
  BOOST_REQUIRE(offers_itself(1));
  client = start_client();
  BOOST_REQUIRE(ask<file_worker_actor>(*this, task, attempt_id{9}, client->actor)->value);
  answer_offer();
  pass(50s);
  next_coordinator();
  BOOST_REQUIRE(offers_itself(2));
  pass(20s);
  BOOST_TEST(!is_over(task)); // 70 s after the first death
  pass(41s);
  BOOST_TEST(is_over(task));
}

BOOST_AUTO_TEST_SUITE_END()
