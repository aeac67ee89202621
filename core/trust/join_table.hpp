// All join tokens that the cluster remembers: which of them still admit a node, and which may be made.
#pragma once

#include "core/trust/access.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::core {

/// Times are Unix times in milliseconds; 0 means never.
struct join_token {
  std::string id;
  std::string sha256;  ///< of its secret, in hexadecimal digits
  std::string role;    ///< of the nodes that it admits: "worker"
  std::string made_by; ///< the id of the API key that made it; empty: made without a key
  int64_t created_ms = 0;
  int64_t expires_ms = 0;
  int64_t uses_max = 1;
  int64_t uses = 0;
  int64_t revoked_ms = 0;

  bool operator==(const join_token&) const = default;
};

class join_table {
public:
  static constexpr size_t tokens_max = 1000;
  static constexpr int64_t uses_limit = 10'000;
  static constexpr int64_t life_ms_max = int64_t{366} * 24 * 3600 * 1000;

  /// A token that has ended is remembered this long, so that whoever uses it learns why it ended.
  static constexpr int64_t remembered_ms = int64_t{30} * 24 * 3600 * 1000;

  /// Whether the token with this id and secret's hash admits a node. A wrong secret does not learn whether the id
  /// exists; the comparison takes equally long for a wrong hash and the right one.
  proof::kind check(const std::string& id, std::string_view sha256, int64_t now_ms) const;

  /// Why this token may not be made; empty if it may.
  std::string fault_of(const join_token& fresh, int64_t now_ms) const;

  void add(join_token x);

  void count_use(const std::string& id);

  void revoke(const std::string& id, int64_t now_ms);

  /// Drops the tokens that have ended long ago.
  void forget(int64_t now_ms);

  const join_token* find(const std::string& id) const;

  /// In order of their making.
  std::vector<join_token> all() const;

private:
  std::map<std::string, join_token> tokens_; ///< by id
};

} // namespace troupe::core
