// All API keys, revoked ones too. The table says whom a key stands for, and which keys may be made and revoked. It has
// the hashes of keys, not their texts.
#pragma once

#include "core/trust/access.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::core {

/// Times are Unix times in milliseconds; 0 means never.
struct api_key {
  std::string id;     ///< the digits in its text that name it
  std::string sha256; ///< of its text, in hexadecimal digits
  std::string name;
  core::role role = core::role::watch;
  std::vector<std::string> channels; ///< of role `watch`: only these; empty: all
  std::string made_by;               ///< the id of the key that made it; empty: made without a key
  int64_t created_ms = 0;
  int64_t expires_ms = 0;
  int64_t used_ms = 0;
  int64_t revoked_ms = 0;

  bool operator==(const api_key&) const = default;
};

class key_table {
public:
  static constexpr size_t keys_max = 10'000; ///< revoked keys count
  static constexpr size_t name_bytes_max = 64;
  static constexpr size_t channels_max = 256; ///< of one key

  /// Whether requests from this machine need no key, if the configuration leaves it open: until there is a key besides
  /// the first one. A revoked key counts, so that a revocation never opens anything.
  bool has_only_first() const noexcept {
    return keys_.size() <= 1;
  }

  bool empty() const noexcept {
    return keys_.empty();
  }

  /// Whom the key with this id and hash stands for. The comparison takes equally long for a wrong hash and the right
  /// one. A good key is noted as used.
  proof check(const std::string& id, std::string_view sha256, int64_t now_ms);

  /// The same for something that names the key, and was signed by this cluster.
  proof check(const std::string& id, int64_t now_ms);

  /// Why this key may not be made; empty if it may.
  std::string fault_of(const api_key& fresh, int64_t now_ms) const;

  void add(api_key x);

  /// Why this key may not be revoked; empty if it may. The last key of an administrator that does not expire stays:
  /// without it nobody could make another one.
  std::string why_it_stays(const std::string& id) const;

  void revoke(const std::string& id, int64_t now_ms);

  const api_key* find(const std::string& id) const;

  /// In order of their making.
  std::vector<api_key> all() const;

private:
  std::map<std::string, api_key> keys_; ///< by id
};

} // namespace troupe::core
