// The proof that opens each connection to the cluster port. It comes before any other byte, also inside of TLS.
//
//   gate   "troupe-link 1 CHALLENGE"
//   node   "worker CHALLENGE PROOF NAME", or "task ..." with the name of a pass
//   gate   "welcome PROOF", or "refused REASON"
//
// Each line ends with "\n". A challenge is 32 random bytes, and a proof is an HMAC-SHA256, both as hexadecimal digits.
// The secret itself never travels. A proof covers both challenges, the role, the name, and the TLS connection, if there
// is one, so it is worth nothing on another connection. The gate proves the secret, too: nodes talk to no other
// coordinator.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

namespace troupe::core {

/// The most bytes of a line, its end included.
inline constexpr size_t link_line_bytes_max = 512;

enum class link_role { worker, task };

std::string_view to_string(link_role x) noexcept;

/// What a node says about itself.
struct link_claim {
  link_role role = link_role::worker;
  std::string name;      ///< the name of a worker, or of a task's pass
  std::string challenge; ///< for the gate
  std::string proof;

  bool operator==(const link_claim&) const = default;
};

enum class link_side { gate, node };

/// What `side` sends to prove that it knows `secret`. `binding` names the TLS connection; empty without TLS. The
/// claim's own proof does not count.
std::string link_proof(link_side side, std::string_view secret, const link_claim& x, std::string_view gate_challenge,
                       std::string_view binding);

std::string greeting_line(std::string_view challenge);
std::string claim_line(const link_claim& x);
std::string welcome_line(std::string_view proof);
std::string refusal_line(std::string_view reason);

/// The gate's challenge; empty if the line is no greeting. Lines are given without their end.
std::optional<std::string> read_greeting(std::string_view line);
std::optional<link_claim> read_claim(std::string_view line);
/// False if no claim begins with these bytes.
bool may_become_claim(std::string_view begin) noexcept;
/// The gate's proof, or the reason of its refusal.
tl::expected<std::string, std::string> read_welcome(std::string_view line);

/// The secret of the node of that name, which does not tell the cluster's. Without a name: of the coordinator's own
/// tasks.
std::string node_secret(std::string_view cluster_secret, std::string_view node);

/// A task's right to connect. Its worker makes it from its node's secret, which the task never learns.
struct task_pass {
  uint64_t task = 0;
  uint64_t host = 0;     ///< the life of the worker that started the task
  int64_t made_s = 0;    ///< Unix time
  std::string node = {}; ///< the name of the worker's node; empty: the coordinator's

  bool operator==(const task_pass&) const = default;
};

/// "TASK.HOST.TIME.NODE", which the task claims as its name.
std::string name_of(const task_pass& x);
std::optional<task_pass> read_pass(std::string_view name);

/// The secret that belongs to the pass.
std::string secret_of(const task_pass& x, std::string_view node_secret);

/// False if the pass is older than any task may become, or if the clocks of its worker and of this machine differ by as
/// much.
bool is_current(const task_pass& x, int64_t now_s) noexcept;

} // namespace troupe::core
