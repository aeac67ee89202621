// The cluster's authority, its join tokens and the certificates of its nodes, in the same database as the jobs. One
// thread owns such a store; its calls block, as those of `job_store` do.
#pragma once

#include "store/error.hpp"
#include "store/store.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace troupe::store {

struct authority_record {
  std::string certificate; ///< PEM
  std::string sealed_key;  ///< PEM, encrypted

  bool operator==(const authority_record&) const = default;
};

/// Times here are milliseconds since 1970 (UTC), 0 for "never".
struct join_token_record {
  std::string id;
  std::string sha256; ///< of the token's secret: 64 lower-case hexadecimal digits
  std::string role;
  std::string made_by; ///< id of an API key, or empty
  int64_t created_ms = 0;
  int64_t expires_ms = 0;
  int64_t uses_max = 0;
  int64_t uses = 0;
  int64_t revoked_ms = 0;

  bool operator==(const join_token_record&) const = default;
};

struct node_certificate_record {
  std::string serial;
  std::string node;
  std::string role;
  std::string token; ///< id of the join token that admitted the node
  int64_t begins_ms = 0;
  int64_t ends_ms = 0;
  int64_t revoked_ms = 0;

  bool operator==(const node_certificate_record&) const = default;
};

class authority_store {
public:
  /// Opens the database as `job_store::open` does.
  static expected<authority_store> open(settings from);

  authority_store(authority_store&&) noexcept;
  authority_store& operator=(authority_store&&) noexcept;
  ~authority_store();

  /// Empty if the cluster has none yet.
  expected<std::optional<authority_record>> authority();

  /// `constraint` if the cluster has one.
  expected<void> add(const authority_record& x);

  /// In order of their making.
  expected<std::vector<join_token_record>> tokens();

  /// `constraint` if there is a token with that id.
  expected<void> add(const join_token_record& x);

  /// `not_found` if there is no such token.
  expected<void> revoke_token(const std::string& id, int64_t at_ms);

  /// In order of their serial numbers.
  expected<std::vector<node_certificate_record>> certificates();

  /// `constraint` if there is a certificate with that serial number.
  expected<void> add(const node_certificate_record& x);

  /// Adds the certificate and counts a use of its token, both or neither. `not_found` if the token has no use left.
  expected<void> admit(const node_certificate_record& x);

  /// Revokes all certificates of a node.
  expected<void> revoke_node(const std::string& node, int64_t at_ms);

  /// Drops the tokens and certificates that had ended at these times.
  expected<void> forget(int64_t tokens_ms, int64_t certificates_ms);

private:
  class impl;

  explicit authority_store(std::unique_ptr<impl> x);

  std::unique_ptr<impl> impl_;
};

} // namespace troupe::store
