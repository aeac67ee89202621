// A coordinator whose answers are set by the test.
#pragma once

#include "actors/gateway.hpp"
#include "messages/register.hpp"
#include "packaging/rendition.hpp"

#include <caf/actor_cast.hpp>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/init_global_meta_objects.hpp>

#include <any>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace troupe::http {

/// The dummy's answers. Shared between test and actor; hold the mutex to change them while the server runs.
struct dummy_cluster {
  std::mutex mutex;
  std::vector<daemon_status> daemons;
  std::vector<session_status> sessions;
  std::vector<channel_status> channels;
  std::vector<profile> profiles;
  rendition_ptr running;            ///< what anyone may watch as demo / h264; null: the coordinator stops
  variant_stream_ptr stream;        ///< of `running`
  caf::error failure;               ///< the answer to `watch_atom`, if set
  bool silent = false;              ///< answers nothing at all
  std::vector<std::any> unanswered; ///< promises, until the actor ends; a promise that is dropped answers with an error
  uint32_t watches = 0;
  std::vector<std::string> commands; ///< "drain NAME"

  /// Makes the rendition run.
  void run(core::client_ring::limits limits = {}) {
    running = std::make_shared<rendition>(limits, "h264");
    stream = running->stream();
  }
};

using dummy_cluster_ptr = std::shared_ptr<dummy_cluster>;

/// An answer that never comes.
template <class T>
caf::result<T> no_answer(caf::event_based_actor* self, dummy_cluster& cluster) {
  auto promise = self->make_response_promise<T>();
  cluster.unanswered.push_back(promise);
  return promise;
}

/// Untyped, because it answers only what the HTTP server asks.
inline caf::behavior dummy_gateway_behavior(caf::event_based_actor* self, dummy_cluster_ptr cluster) {
  // The promises must be dropped while the actor system lives, and the test may keep `cluster` for longer.
  self->attach_functor([cluster] {
    std::lock_guard guard{cluster->mutex};
    cluster->unanswered.clear();
  });
  auto command = [cluster](const char* what, const std::string& name) -> caf::result<void> {
    std::lock_guard guard{cluster->mutex};
    for (auto& d : cluster->daemons) {
      if (d.name == name || to_string(d.id) == name) {
        cluster->commands.push_back(what + (" " + name));
        return caf::unit;
      }
    }
    return caf::make_error(ec::unknown_daemon, "no worker is called that");
  };
  auto snapshot = [self, cluster]<class T>(std::vector<T> dummy_cluster::*member) -> caf::result<std::vector<T>> {
    std::lock_guard guard{cluster->mutex};
    if (cluster->silent)
      return no_answer<std::vector<T>>(self, *cluster);
    return (*cluster).*member;
  };
  return {
    [self, cluster](watch_atom, const std::string& of, const std::string& in) -> caf::result<rendition_ptr> {
      std::lock_guard guard{cluster->mutex};
      ++cluster->watches;
      if (cluster->silent)
        return no_answer<rendition_ptr>(self, *cluster);
      if (cluster->failure)
        return cluster->failure;
      if (of != "demo")
        return caf::make_error(ec::unknown_channel, "no channel is called that");
      if (in != "h264")
        return caf::make_error(ec::unknown_profile, "no profile is called that");
      return cluster->running;
    },
    [=](daemons_atom) { return snapshot(&dummy_cluster::daemons); },
    [=](drain_atom, const std::string& name) { return command("drain", name); },
    [=](resume_atom, const std::string& name) { return command("resume", name); },
    [=](remove_atom, const std::string& name) { return command("remove", name); },
    [=](sessions_atom) { return snapshot(&dummy_cluster::sessions); },
    [=](channels_atom) { return snapshot(&dummy_cluster::channels); },
    [=](profiles_atom) { return snapshot(&dummy_cluster::profiles); },
  };
}

inline gateway_actor spawn_dummy_gateway(caf::actor_system& system, dummy_cluster_ptr cluster) {
  return caf::actor_cast<gateway_actor>(system.spawn(dummy_gateway_behavior, std::move(cluster)));
}

inline daemon_status dummy_daemon(std::string name, uint64_t number) {
  daemon_status result;
  result.id = worker_id{number};
  result.name = std::move(name);
  result.slots = 2;
  result.can.encoders.push_back({"libx264", "h264", "video", "", true, "", 100});
  return result;
}

/// Registers the message types once per program.
struct type_registration {
  type_registration() {
    static bool done = [] {
      register_message_types();
      caf::init_global_meta_objects<caf::id_block::troupe_local>();
      caf::init_global_meta_objects<caf::id_block::troupe_jobs>();
      return true;
    }();
    static_cast<void>(done);
  }
};

} // namespace troupe::http
