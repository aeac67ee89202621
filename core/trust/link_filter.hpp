// What a node may send to the coordinator: bytes of BASP, CAF's protocol between nodes, are passed, dropped, or end the
// connection.
//
// CAF lets any node address any actor of this process with any message. The filter allows less:
// - A node sends only messages of its role, of a bounded size, and only to actors that it knows from us: the published
//   one, those that have sent it a message, and those that a message to it names.
// - An answer needs a request that went out on the same connection. It is passed once.
// - The actors that a node names are its own, so nobody has us talk to actors of others.
// - Messages that CAF handles by itself are refused: exits, links, streams, routes to other nodes, its servers.
//
// The filter knows just enough of BASP (version 4): headers, the types of a message's values, and where handles stand.
// The layout is that of `caf::io::basp::header` and of CAF's binary serializer; numbers are in network byte order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

namespace troupe::core {

/// Bytes of BASP's header.
inline constexpr size_t basp_header_bytes = 32;

using byte_view = std::span<const std::byte>;

/// The length of the payload that follows a header.
size_t basp_payload_bytes(byte_view header);

/// CAF's numbers for the types of a message's values.
using type_list = std::vector<uint16_t>;

/// What one role may send.
struct link_rules {
  std::set<type_list> requests; ///< messages that the node sends unasked
  std::set<type_list> answers;  ///< to messages of ours
  std::set<type_list> large;    ///< may have `message_bytes_max` bytes, others `control_bytes_max`
  std::set<uint16_t> handles;   ///< types that name an actor; one stands only at the end of a message
  uint16_t error = 0;           ///< the type of an error
  uint16_t text = 0;            ///< the type of a string; an error holds nothing else
  uint16_t join = 0;            ///< the type with which a task introduces itself
  size_t control_bytes_max = 0;
  size_t message_bytes_max = 0;
};

/// One connection and its two ends.
struct link_ends {
  std::string own_node;   ///< this process, as CAF writes it
  uint64_t published = 0; ///< the actor that every node may address
  std::string joins_as{}; ///< how a `join` must begin; empty if the node sends none
  /// Told the other node's name; false if another connection has the same.
  std::function<bool(const std::string&)> claim_node;
};

class link_filter {
public:
  enum class fate { pass, drop, end };

  struct judgement {
    fate what = fate::pass;
    std::string_view why{}; ///< of an end
  };

  link_filter(link_rules rules, link_ends ends);

  /// Judges a header as soon as it is there, so that no memory is spent on a payload that is refused anyway.
  judgement header(byte_view header) const;

  /// Judges a whole message whose header was not refused.
  judgement message(byte_view header, byte_view payload);

  /// Learns from whole messages that go out. Returns the ranges that must not be sent: CAF's questions to the other
  /// side's servers.
  std::vector<std::pair<size_t, size_t>> learn(byte_view messages);

private:
  judgement greet(byte_view payload);
  judgement direct(byte_view header, byte_view payload);
  judgement monitor(byte_view header, byte_view payload) const;
  judgement down(byte_view payload) const;
  /// True if the bytes are an error whose context is nothing but texts.
  bool is_plain_error(byte_view bytes) const;
  /// True if the bytes begin with both nodes' names, the sender's first.
  bool is_between_us(byte_view payload) const;
  void learn_message(byte_view header, byte_view payload);

  link_rules rules_;
  link_ends ends_;
  std::string peer_node_; ///< empty until it has said it
  std::unordered_set<uint64_t> reachable_;
  std::set<std::pair<uint64_t, uint64_t>> asked_; ///< actor and request
  std::deque<std::pair<uint64_t, uint64_t>> asked_order_;
};

} // namespace troupe::core
