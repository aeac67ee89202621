// The coordinator with a real registry and dummies of all other actors that it starts. Which channel session gets a
// client? What happens when one of these actors dies, even just before a client's request reaches it?
#include "actors/coordinator.hpp"
#include "dummies.hpp"

#include "packaging/rendition.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>

using namespace troupe;

namespace coordinator_test {
namespace {

/// A channel session. Its clients' requests wait until the test answers them, or until it dies.
struct dummy_session {
  session_actor actor;
  std::vector<caf::typed_response_promise<rendition_ptr>> clients;
  std::vector<profile> wanted; ///< by them
  bool silent = false;         ///< questions for its status wait for ever
  std::vector<caf::typed_response_promise<session_status>> questions;
};

struct fixture : virtual_time {
  ~fixture() {
    end();
  }

  coordinator_config configured() {
    coordinator_config x;
    x.registry.workers.version = "1";
    x.ingest_host.host = worker_id{99};
    x.session.quarantine_for = 60s;
    for (auto name : {"news", "sport"})
      x.channels[name] = {name, {}, {"http://user:secret@one/a.ts"}, false};
    x.profiles["hd"].name = "hd";
    x.profiles["hd"].video.codec = "h264";
    x.ladders["main"] = {"main", {"hd"}};
    x.sessions_max = 2;
    x.start.registry = [this](caf::actor_system& in, daemon_registry_config with) {
      first_leases.push_back(with.leases.first_lease);
      return registries.emplace_back(keep(spawn_daemon_registry(in, std::move(with))));
    };
    x.start.ingest_host = [this](caf::actor_system&, task_host_config with) {
      arguments = with.arguments;
      return hosts.emplace_back(make_dummy_host(*this))->actor;
    };
    x.start.jobs = [this](caf::actor_system&, job_queue_config, leases_actor) { return start_jobs(); };
    x.start.session = [this](caf::actor_system&, session_actor_config, session_id, channel of, leases_actor) {
      return start_session(of.name);
    };
    return x;
  }

  job_queue_actor start_jobs() {
    auto made = system.spawn([this](caf::event_based_actor* self) -> caf::behavior {
      return {
        [this](const task_join&, const file_work&, const orphan_actor&) { ++offers; },
        [self](cancel_atom, job_id) { self->quit(caf::sec::runtime_error); },
      };
    });
    return queues.emplace_back(keep(caf::actor_cast<job_queue_actor>(made)));
  }

  session_actor start_session(const std::string& channel) {
    auto me = std::make_shared<dummy_session>();
    auto made = system.spawn([me](caf::event_based_actor* self) -> caf::behavior {
      self->attach_functor([me] {
        me->clients.clear();
        me->questions.clear();
      });
      return {
        [me, self](watch_atom, const profile& x) -> caf::result<rendition_ptr> {
          me->wanted.push_back(x);
          return me->clients.emplace_back(self->make_response_promise<rendition_ptr>());
        },
        [me, self](status_atom) -> caf::result<session_status> {
          if (me->silent)
            return me->questions.emplace_back(self->make_response_promise<session_status>());
          return session_status{};
        },
      };
    });
    me->actor = keep(caf::actor_cast<session_actor>(made));
    if (stillborn)
      kill(me->actor);
    sessions.push_back(me);
    channels.push_back(channel);
    return me->actor;
  }

  std::shared_ptr<answer<rendition_ptr>> watch(const std::string& channel) {
    return ask<rendition_ptr>(*this, coordinator, watch_atom_v, channel, std::string{"hd"});
  }

  /// Gives all clients of the session their stream.
  void serve(const dummy_session& x) {
    within(x.actor, [stream = stream, clients = x.clients]() mutable {
      for (auto& client : clients)
        client.deliver(stream);
    });
    settle();
  }

  std::vector<uint64_t> first_leases;
  std::vector<local_registry_actor> registries;
  std::vector<dummy_host_ptr> hosts;
  std::vector<std::string> arguments;
  std::vector<job_queue_actor> queues;
  int offers = 0;
  std::vector<std::shared_ptr<dummy_session>> sessions;
  std::vector<std::string> channels; ///< of the sessions, in order
  bool stillborn = false;            ///< sessions die before they get a message
  rendition_ptr stream = std::make_shared<rendition>(core::client_ring::limits{}, "hd");
  gateway_actor coordinator = keep(spawn_coordinator(system, configured()));
};

} // namespace
} // namespace coordinator_test

BOOST_FIXTURE_TEST_SUITE(coordinator_test, fixture)

BOOST_AUTO_TEST_CASE(two_clients_of_a_channel_share_one_session) {
  auto a = watch("news");
  auto b = watch("news");
  auto c = watch("sport");
  BOOST_TEST(channels == (std::vector<std::string>{"news", "sport"}), boost::test_tools::per_element());
  BOOST_REQUIRE(sessions[0]->clients.size() == 2u);
  serve(*sessions[0]);
  BOOST_TEST(**a == stream);
  BOOST_TEST(**b == stream);
  BOOST_TEST(!c->came());
}

BOOST_AUTO_TEST_CASE(names_that_are_not_configured_start_nothing) {
  BOOST_TEST((watch("films")->error == ec::unknown_channel));
  auto other = ask<rendition_ptr>(*this, coordinator, watch_atom_v, std::string{"news"}, std::string{"8k"});
  BOOST_TEST((other->error == ec::unknown_profile));
  BOOST_TEST(sessions.empty());
}

BOOST_AUTO_TEST_CASE(the_renditions_of_a_ladder_can_be_watched_each_by_itself) {
  for (auto* name : {"main/hd", "main/sound"})
    ask<rendition_ptr>(*this, coordinator, watch_atom_v, std::string{"news"}, std::string{name});
  BOOST_REQUIRE(sessions.size() == 1u);
  auto& wanted = sessions[0]->wanted;
  BOOST_REQUIRE(wanted.size() == 2u);
  BOOST_TEST((wanted[0].video.codec == "h264" && wanted[0].audio.codec == "none"));
  BOOST_TEST((wanted[1].video.codec == "none" && wanted[1].audio.codec == "copy"));
  auto whole = ask<rendition_ptr>(*this, coordinator, watch_atom_v, std::string{"news"}, std::string{"main"});
  BOOST_TEST((whole->error == ec::unknown_profile));
}

BOOST_AUTO_TEST_CASE(a_session_that_ends_frees_its_place) {
  watch("news");
  watch("sport");
  kill(sessions[0]->actor);
  settle();
  watch("news");
  BOOST_TEST(sessions.size() == 3u);
}

BOOST_AUTO_TEST_CASE(a_client_whose_request_meets_a_session_that_just_ended_is_served_by_the_next) {
  watch("news");
  auto late = ask_later<rendition_ptr>(*this, coordinator, watch_atom_v, std::string{"news"}, std::string{"hd"});
  scheduler.run_once();     // the client asks
  kill(sessions[0]->actor); // before the coordinator passes the request on
  settle();
  BOOST_REQUIRE(sessions.size() == 2u);
  serve(*sessions[1]);
  BOOST_TEST(**late == stream);
}

BOOST_AUTO_TEST_CASE(a_session_that_dies_at_once_is_started_once_more_and_not_for_ever) {
  stillborn = true;
  auto client = watch("news");
  BOOST_TEST(client->came());
  BOOST_TEST(!client->value);
  BOOST_TEST(sessions.size() == 2u);
}

BOOST_AUTO_TEST_CASE(a_client_whose_session_dies_hears_it_at_once) {
  auto client = watch("news");
  kill(sessions[0]->actor);
  settle();
  BOOST_TEST(client->came());
  BOOST_TEST(!client->value);
  BOOST_TEST(sessions.size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_quarantined_rendition_is_refused_for_a_while_even_after_its_session) {
  watch("news");
  ask(*this, coordinator, quarantine_atom_v, std::string{"news"}, std::string{"hd"}, std::string{"it kills tasks"});
  kill(sessions[0]->actor);
  settle();
  BOOST_TEST((watch("news")->error == ec::encode_failed));
  auto told = **ask<std::vector<channel_status>>(*this, coordinator, channels_atom_v);
  BOOST_TEST(told.at(0).quarantined.size() == 1u);
  BOOST_TEST(told.at(0).urls.at(0).find("secret") == std::string::npos);
  pass(61s);
  BOOST_TEST(!watch("news")->came());
  BOOST_TEST(sessions.size() == 2u);
}

BOOST_AUTO_TEST_CASE(a_session_that_says_nothing_does_not_hold_the_others_status_back) {
  watch("news");
  watch("sport");
  sessions[0]->silent = true;
  auto status = ask<std::vector<session_status>>(*this, coordinator, sessions_atom_v);
  BOOST_TEST(!status->came());
  pass(1100ms);
  BOOST_TEST((**status).size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_new_registry_knows_the_ingest_host_and_repeats_no_lease) {
  ask(*this, coordinator, register_atom_v, std::string{"127.0.0.1:9090"});
  BOOST_REQUIRE(hosts.size() == 1u);
  BOOST_TEST((arguments == std::vector<std::string>{"--cluster.coordinator=127.0.0.1:9090"}));
  auto warmed = hosts[0]->warm.size();
  watch("news");
  kill(registries[0]);
  settle();
  BOOST_REQUIRE(registries.size() == 2u);
  BOOST_TEST(first_leases[0] != first_leases[1]);
  BOOST_TEST(hosts[0]->warm.size() > warmed);
  BOOST_TEST(!is_over(sessions[0]->actor));
}

BOOST_AUTO_TEST_CASE(the_ingest_host_and_the_job_queue_are_started_again) {
  ask(*this, coordinator, register_atom_v, std::string{"127.0.0.1:9090"});
  kill(hosts[0]->actor);
  kill(queues[0]);
  settle();
  BOOST_REQUIRE(hosts.size() == 2u);
  BOOST_TEST(!hosts[1]->warm.empty());
  BOOST_TEST(queues.size() == 2u);
}

BOOST_AUTO_TEST_CASE(parts_that_die_too_often_end_the_node_with_all_that_it_started) {
  watch("news");
  for (size_t i = 0; i < 5; ++i) {
    kill(registries.at(i));
    settle();
  }
  BOOST_TEST(!is_over(coordinator));
  pass(61s); // the deaths so far are too old to count
  kill(registries.back());
  BOOST_TEST(!is_over(coordinator));
  for (int i = 0; i < 5; ++i) {
    kill(queues.back());
    settle();
  }
  BOOST_TEST(is_over(coordinator));
  BOOST_TEST(is_over(registries.back()));
  BOOST_TEST(is_over(sessions[0]->actor));
}

BOOST_AUTO_TEST_CASE(an_orphan_of_another_version_does_not_reach_the_jobs) {
  auto orphan = caf::actor_cast<orphan_actor>(make_dummy_task(*this)->task);
  auto offer = [&](const char* version) {
    return ask(*this, coordinator, task_join{task_id{1}, worker_id{1}, version}, file_work{}, orphan)->error;
  };
  BOOST_TEST((offer("2") == ec::refused));
  BOOST_TEST(offers == 0);
  BOOST_TEST(!offer("1"));
  BOOST_TEST(offers == 1);
}

BOOST_AUTO_TEST_SUITE_END()
