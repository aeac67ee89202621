// A node's certificate: how long it is valid, when it is renewed, what its request may be, and whether it still counts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::core {

/// A worker proves itself to the coordinator. Only a coordinator's certificate proves the coordinator.
enum class node_role : uint8_t { worker, coordinator };

std::string_view to_string(node_role x) noexcept;

/// Certificates begin this much before they are made, for machines whose clock is slow.
inline constexpr int64_t clock_error_s = 3600;

/// Unix times.
struct lifetime {
  int64_t begins_s = 0;
  int64_t ends_s = 0;

  bool operator==(const lifetime&) const = default;
};

/// Of a certificate that is made now. Nobody trusts it longer than its authority.
lifetime lifetime_of(int64_t now_s, int64_t life_s, const lifetime& authority);

/// When a certificate is renewed: after 50 to 80 % of its life, so that a cluster's nodes do not come all at once.
/// `random` decides; any number.
int64_t renewal_s(const lifetime& x, uint64_t random);

/// Why it may not be renewed; empty if it may. Too early is refused: each renewal is kept until its end.
std::string renewal_fault(const lifetime& x, int64_t now_s);

/// If the clocks of two machines differ so much that certificates fail, a sentence that says by how much; else empty.
std::string clock_fault(int64_t own_s, int64_t other_s);

/// What a request for a certificate turned out to be.
struct request_facts {
  size_t bytes = 0;
  bool readable = false;
  bool signed_by_its_key = false;
  bool has_usual_key = false; ///< on the curve P-256
};

inline constexpr size_t request_bytes_max = 4096;

/// Why it gets no certificate; empty if it does. Names and purposes in a request are not looked at: the coordinator
/// writes its own.
std::string request_fault(const request_facts& x);

/// A certificate that was given to a node. Times are Unix times in milliseconds; 0 means never.
struct node_certificate {
  std::string serial; ///< hexadecimal
  std::string node;   ///< the node's name
  std::string role;
  std::string token; ///< the id of the join token that admitted it
  int64_t begins_ms = 0;
  int64_t ends_ms = 0;
  int64_t revoked_ms = 0;

  bool operator==(const node_certificate&) const = default;
};

/// All certificates of nodes that have not ended.
class member_table {
public:
  static constexpr size_t certificates_max = 100'000;

  bool is_full() const noexcept {
    return certificates_.size() >= certificates_max;
  }

  void add(node_certificate x);

  /// The serial numbers of a node's certificates that still count.
  std::vector<std::string> serials_of(std::string_view node, int64_t now_ms) const;

  void revoke(std::string_view node, int64_t now_ms);

  /// Drops what has ended. It needs no revocation any more.
  void forget(int64_t now_ms);

  const node_certificate* find(const std::string& serial) const;

  /// By name, then in order of their making.
  std::vector<node_certificate> all() const;

private:
  std::map<std::string, node_certificate> certificates_; ///< by serial number
};

} // namespace troupe::core
