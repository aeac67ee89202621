#include "core/trust/link_filter.hpp"

#include <algorithm>
#include <cstring>

namespace troupe::core {

namespace {

enum class operation : uint8_t {
  client_handshake = 1,
  direct_message = 2,
  monitor_message = 4,
  down_message = 5,
  heartbeat = 6,
};

constexpr uint8_t named_receiver = 1; ///< a flag: the receiver is one of CAF's servers

constexpr uint64_t response_flag = uint64_t{1} << 63;
constexpr uint64_t stream_flag = uint64_t{1} << 61;
constexpr uint64_t request_mask = (uint64_t{1} << 60) - 1;

constexpr size_t id_bytes = 8;
constexpr size_t short_bytes_max = 4096; ///< of messages about actors and nodes
constexpr size_t requests_max = 4096;    ///< that wait for an answer; the oldest are forgotten
constexpr size_t types_max = 16;         ///< values of a message

uint64_t number(byte_view x) {
  uint64_t result = 0;
  for (auto byte : x)
    result = (result << 8) | std::to_integer<uint64_t>(byte);
  return result;
}

bool begins_with(byte_view x, std::string_view with) {
  return x.size() >= with.size() && std::memcmp(x.data(), with.data(), with.size()) == 0;
}

bool equals(byte_view x, std::string_view other) {
  return x.size() == other.size() && begins_with(x, other);
}

struct header_view {
  explicit header_view(byte_view x)
    : kind(static_cast<operation>(x[0])),
      flags(std::to_integer<uint8_t>(x[3])),
      length(number(x.subspan(4, 4))),
      data(number(x.subspan(8, 8))),
      source(number(x.subspan(16, 8))),
      receiver(number(x.subspan(24, 8))) {}

  operation kind;
  uint8_t flags;
  uint64_t length;
  uint64_t data;
  uint64_t source;
  uint64_t receiver;
};

/// Takes the types of a message's values from the front of `x`. Empty if they are malformed or too many.
std::optional<type_list> take_types(byte_view& x) {
  if (x.empty() || std::to_integer<size_t>(x[0]) > types_max)
    return {};
  auto count = std::to_integer<size_t>(x[0]);
  if (x.size() < 1 + 2 * count)
    return {};
  type_list result;
  for (size_t i = 0; i < count; ++i)
    result.push_back(static_cast<uint16_t>(number(x.subspan(1 + 2 * i, 2))));
  x = x.subspan(1 + 2 * count);
  return result;
}

/// The same for the payload of a direct message, which begins with the actors that see an answer first. Ours has none.
std::optional<type_list> take_direct_types(byte_view& payload) {
  if (payload.empty() || payload[0] != std::byte{0})
    return {};
  payload = payload.subspan(1);
  return take_types(payload);
}

/// The actor that the last value names, if it belongs to `node`.
std::optional<uint64_t> last_actor(byte_view values, std::string_view node) {
  if (values.size() < id_bytes + node.size())
    return {};
  auto handle = values.last(id_bytes + node.size());
  if (!equals(handle.subspan(id_bytes), node))
    return {};
  return number(handle.first(id_bytes));
}

link_filter::judgement end(std::string_view why) {
  return {link_filter::fate::end, why};
}

} // namespace

size_t basp_payload_bytes(byte_view header) {
  return header_view{header}.length;
}

link_filter::link_filter(link_rules rules, link_ends ends)
  : rules_(std::move(rules)), ends_(std::move(ends)), reachable_{ends_.published} {}

link_filter::judgement link_filter::header(byte_view header) const {
  header_view h{header};
  if (peer_node_.empty() != (h.kind == operation::client_handshake))
    return end("it does not speak the protocol of this cluster's nodes");
  auto most = short_bytes_max;
  switch (h.kind) {
  case operation::heartbeat:
    most = 0;
    break;
  case operation::client_handshake:
  case operation::monitor_message:
  case operation::down_message:
    break;
  case operation::direct_message:
    most = rules_.large.empty() ? rules_.control_bytes_max : rules_.message_bytes_max;
    break;
  default:
    return end("its role does not allow this operation");
  }
  if (h.length > most)
    return end("a message is longer than the limit");
  // CAF expects a payload of every operation but this one.
  if (h.length == 0 && h.kind != operation::heartbeat)
    return end("a message is incomplete");
  return {};
}

link_filter::judgement link_filter::message(byte_view header, byte_view payload) {
  switch (header_view{header}.kind) {
  case operation::heartbeat:
    return {};
  case operation::client_handshake:
    return greet(payload);
  case operation::direct_message:
    return direct(header, payload);
  case operation::monitor_message:
    return monitor(header, payload);
  default:
    return down(payload);
  }
}

link_filter::judgement link_filter::greet(byte_view payload) {
  std::string node{reinterpret_cast<const char*>(payload.data()), payload.size()};
  // The first byte says how a node is named: by process and machine, as we are.
  if (node.size() != ends_.own_node.size() || node[0] != ends_.own_node[0] || node == ends_.own_node)
    return end("it does not say which node it is");
  // A worker that registers again opens a second connection, and closes it when it sees that it has one. Until then it
  // says nothing more. Whatever else takes the name of a node can say nothing either.
  if (!ends_.claim_node(node))
    return {fate::drop};
  peer_node_ = std::move(node);
  return {};
}

link_filter::judgement link_filter::direct(byte_view header, byte_view payload) {
  header_view h{header};
  if (h.flags == named_receiver)
    return {fate::drop};
  auto whole = payload.size();
  auto types = take_direct_types(payload);
  if (h.flags != 0 || !types || (h.data & stream_flag) != 0)
    return end("a message is malformed");
  if ((h.data & response_flag) != 0) {
    if (asked_.erase({h.receiver, h.data & request_mask}) == 0)
      return {fate::drop}; // late, or never asked for
    if (!rules_.answers.contains(*types))
      return end("its role does not allow this answer");
  } else {
    if (!reachable_.contains(h.receiver))
      return end("a message goes to an actor that it does not know from us");
    if (!rules_.requests.contains(*types))
      return end("its role does not allow this message");
  }
  if (whole > rules_.control_bytes_max && !rules_.large.contains(*types))
    return end("a message is longer than the limit");
  if (types->empty())
    return {};
  if (types->front() == rules_.join && !begins_with(payload, ends_.joins_as))
    return end("it joins as another task");
  if (rules_.handles.contains(types->back()) && last_actor(payload, peer_node_).value_or(0) == 0)
    return end("it names an actor that is not its own");
  if (*types == type_list{rules_.error} && !is_plain_error(payload))
    return end("an error holds more than texts");
  return {};
}

link_filter::judgement link_filter::monitor(byte_view header, byte_view payload) const {
  if (!is_between_us(payload) || payload.size() != 2 * ends_.own_node.size())
    return end("a message is malformed");
  if (!reachable_.contains(header_view{header}.receiver))
    return end("it watches an actor that it does not know from us");
  return {};
}

link_filter::judgement link_filter::down(byte_view payload) const {
  if (!is_between_us(payload))
    return end("it tells of the end of an actor that is not its own");
  if (!is_plain_error(payload.subspan(2 * ends_.own_node.size())))
    return end("an error holds more than texts");
  return {};
}

bool link_filter::is_between_us(byte_view payload) const {
  return begins_with(payload, peer_node_) && begins_with(payload.subspan(peer_node_.size()), ends_.own_node);
}

bool link_filter::is_plain_error(byte_view bytes) const {
  constexpr size_t code_bytes = 3; // and its category
  if (bytes.empty())
    return false;
  auto present = bytes[0] != std::byte{0};
  bytes = bytes.subspan(1);
  if (!present)
    return bytes.empty();
  if (bytes.size() < code_bytes)
    return false;
  bytes = bytes.subspan(code_bytes);
  auto context = take_types(bytes);
  return context && std::ranges::all_of(*context, [this](auto x) { return x == rules_.text; });
}

std::vector<std::pair<size_t, size_t>> link_filter::learn(byte_view messages) {
  std::vector<std::pair<size_t, size_t>> kept_back;
  for (size_t at = 0; messages.size() - at >= basp_header_bytes;) {
    auto header = messages.subspan(at, basp_header_bytes);
    header_view h{header};
    auto length = std::min(messages.size() - at - basp_header_bytes, static_cast<size_t>(h.length));
    if (h.kind == operation::direct_message) {
      if ((h.flags & named_receiver) != 0)
        kept_back.emplace_back(at, basp_header_bytes + length);
      else
        learn_message(header, messages.subspan(at + basp_header_bytes, length));
    }
    at += basp_header_bytes + length;
  }
  return kept_back;
}

void link_filter::learn_message(byte_view header, byte_view payload) {
  header_view h{header};
  if (h.source != 0)
    reachable_.insert(h.source);
  if (auto request = h.data & request_mask; request != 0 && (h.data & response_flag) == 0) {
    asked_.emplace(h.source, request);
    asked_order_.emplace_back(h.source, request);
    if (asked_order_.size() > requests_max) {
      asked_.erase(asked_order_.front());
      asked_order_.pop_front();
    }
  }
  auto types = take_direct_types(payload);
  if (types && !types->empty() && rules_.handles.contains(types->back()))
    if (auto named = last_actor(payload, ends_.own_node))
      reachable_.insert(*named);
}

} // namespace troupe::core
