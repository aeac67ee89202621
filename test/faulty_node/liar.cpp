#include "test/faulty_node/liar.hpp"

#include <caf/typed_event_based_actor.hpp>

#include <variant>

namespace troupe::test {

namespace {

file_client_actor::behavior_type liar(file_client_actor::pointer self, attempt_id attempt, file_client_actor client,
                                      const std::string& lie) {
  self->monitor(client);
  self->set_down_handler([self](const caf::down_msg&) { self->quit(); });
  return {
    [self, client](file_progress& x) { return self->delegate(client, std::move(x)); },
    [self, client, attempt, lie](file_result& x) {
      if (auto* chunk = std::get_if<chunk_done>(&x.outcome)) {
        if (lie == "frames") {
          ++chunk->frames;
        } else if (lie == "checksum") {
          chunk->sha256.front() = chunk->sha256.front() == '0' ? '1' : '0';
        } else if (lie == "attempt") {
          auto stale = x;
          stale.attempt = attempt_id{attempt.value - 1};
          std::get<chunk_done>(stale.outcome).frames = 1;
          self->send(client, std::move(stale));
        }
      }
      return self->delegate(client, std::move(x));
    },
  };
}

} // namespace

file_client_actor spawn_liar(caf::actor_system& system, attempt_id attempt, file_client_actor client, std::string lie) {
  return system.spawn(liar, attempt, std::move(client), std::move(lie));
}

} // namespace troupe::test
