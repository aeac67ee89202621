#include "actors/cluster/link_rules.hpp"

#include "config/defaults.hpp"
#include "messages/actors.hpp"

#include <caf/binary_serializer.hpp>
#include <caf/byte_buffer.hpp>
#include <caf/detail/type_list.hpp>
#include <caf/error.hpp>
#include <caf/node_id.hpp>
#include <caf/result.hpp>
#include <caf/type_id.hpp>

#include <set>
#include <type_traits>

namespace troupe {

namespace {

using core::type_list;

template <class... Values>
type_list types() {
  return {static_cast<uint16_t>(caf::type_id_v<Values>)...};
}

/// The messages that an actor takes, and its answers.
template <class Signatures>
struct messages_of;

template <class... Answers, class... Values>
struct messages_of<caf::result<Answers...>(Values...)> {
  static type_list request() {
    return types<Values...>();
  }
  static type_list answer() {
    if constexpr ((std::is_void_v<Answers> && ...))
      return {};
    else
      return types<Answers...>();
  }
};

template <class... Signatures>
struct messages_of<caf::detail::type_list<Signatures...>> {
  static std::set<type_list> requests() {
    return {messages_of<Signatures>::request()...};
  }
  static std::set<type_list> answers() {
    return {messages_of<Signatures>::answer()...};
  }
};

template <class Handle>
std::set<type_list> requests_to() {
  return messages_of<typename Handle::signatures>::requests();
}

template <class Handle>
std::set<type_list> answers_of() {
  return messages_of<typename Handle::signatures>::answers();
}

core::link_rules common_rules() {
  core::link_rules result;
  auto handles = types<sample_sink_actor, ingest_actor, transcoder_actor, task_actor, task_host_actor,
                       daemon_registry_actor, coordinator_actor, file_client_actor, file_worker_actor, orphan_actor>();
  result.handles.insert(handles.begin(), handles.end());
  result.error = caf::type_id_v<caf::error>;
  result.text = caf::type_id_v<std::string>;
  result.join = caf::type_id_v<task_join>;
  result.answers = {{result.error}};
  result.control_bytes_max = config::defaults::link_control_bytes_max;
  result.message_bytes_max = config::defaults::link_message_bytes_max;
  return result;
}

template <class T>
std::string wire_form(const T& x) {
  caf::byte_buffer bytes;
  caf::binary_serializer sink{nullptr, bytes};
  (void)sink.apply(x);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

} // namespace

core::link_rules link_rules_of(core::link_role role) {
  auto result = common_rules();
  if (role == core::link_role::worker) {
    result.requests = {types<registration, task_host_actor>(), types<heartbeat>(), types<drain_atom, std::string>()};
    result.answers.merge(answers_of<task_host_actor>());
    return result;
  }
  result.requests = {types<task_join, task_actor>(), types<task_join, file_work, orphan_actor>(), types<batch_ack>()};
  result.requests.merge(requests_to<sample_sink_actor>());
  result.requests.merge(requests_to<file_client_actor>());
  result.answers.merge(answers_of<ingest_actor>());
  result.answers.merge(answers_of<transcoder_actor>());
  result.answers.merge(answers_of<orphan_actor>());
  result.answers.merge(answers_of<file_worker_actor>());
  result.large = {types<sample_batch>()};
  return result;
}

std::string wire_name(caf::actor_system& system) {
  return wire_form(system.node());
}

std::string wire_join(const core::task_pass& x) {
  return wire_form(x.task) + wire_form(x.host);
}

} // namespace troupe
