#include "actors/cluster/link_prove.hpp"

#include "base/secret.hpp"
#include "base/sha256.hpp"
#include "core/trust/link_proof.hpp"

#include <poll.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <string_view>

namespace troupe {

namespace {

using clock = std::chrono::steady_clock;

constexpr size_t challenge_bytes = 32;

/// Waits for the socket. False if the time is over.
bool wait_for(int socket, short events, clock::time_point deadline) {
  pollfd polled{socket, events, 0};
  auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - clock::now()).count();
  return left > 0 && ::poll(&polled, 1, static_cast<int>(left)) > 0;
}

bool send_line(int socket, link_transport& over, std::string_view line, clock::time_point deadline) {
  while (!line.empty()) {
    size_t sent = 0;
    if (over.write_some(sent, socket, line.data(), line.size()) == link_transport::state::failure)
      return false;
    line.remove_prefix(sent);
    if (sent == 0 && !wait_for(socket, POLLOUT, deadline))
      return false;
  }
  return true;
}

/// Reads byte by byte, because the bytes after the line are CAF's. Empty if the other side ends or says nothing more.
std::string hear_line(int socket, link_transport& over, clock::time_point deadline) {
  std::string line;
  while (line.size() < core::link_line_bytes_max) {
    char next = 0;
    size_t came = 0;
    if (!over.must_read_more(socket, 1) && !wait_for(socket, POLLIN, deadline))
      return {};
    if (over.read_some(came, socket, &next, 1) == link_transport::state::failure)
      return {};
    if (came == 0)
      continue;
    if (next == '\n')
      return line;
    line += next;
  }
  return {};
}

} // namespace

std::string binding_of(SSL* tls) {
  constexpr std::string_view label = "EXPORTER-troupe-link";
  std::array<unsigned char, challenge_bytes> result{};
  if (tls == nullptr)
    return {};
  if (SSL_export_keying_material(tls, result.data(), result.size(), label.data(), label.size(), nullptr, 0, 0) != 1)
    return base::random_digits(challenge_bytes); // agrees with nobody
  return base::to_hex(result);
}

tl::expected<void, std::string> prove_membership(int socket, link_transport& over, const link_config& to) {
  auto deadline = clock::now() + to.handshake_timeout;
  auto challenge = core::read_greeting(hear_line(socket, over, deadline));
  if (!challenge)
    return tl::unexpected(std::string{"the other side does not greet as a coordinator of this version does"});
  auto binding = binding_of(over.tls.get());
  core::link_claim me{to.role, to.name, base::random_digits(challenge_bytes), {}};
  me.proof = core::link_proof(core::link_side::node, to.secret, me, *challenge, binding);
  if (!send_line(socket, over, core::claim_line(me), deadline))
    return tl::unexpected(std::string{"the coordinator ends the connection"});
  auto answer = hear_line(socket, over, deadline);
  if (answer.empty())
    return tl::unexpected(std::string{"the coordinator ends the connection; its log says why"});
  auto proof = core::read_welcome(answer);
  if (!proof)
    return tl::unexpected("the coordinator refuses: " + proof.error());
  if (!base::same_secret(*proof, core::link_proof(core::link_side::gate, to.secret, me, *challenge, binding)))
    return tl::unexpected(std::string{"the other side is not this cluster's coordinator: its proof is wrong"});
  return {};
}

} // namespace troupe
