// The keys of the HTTP interface, in the same database as the jobs. One thread owns a key store; its calls block, as
// those of `job_store` do.
#pragma once

#include "store/error.hpp"
#include "store/store.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace troupe::store {

/// A row. Times are milliseconds since 1970 (UTC), 0 for "never".
struct key_record {
  std::string id;
  std::string sha256; ///< of the key's text: 64 lower-case hexadecimal digits
  std::string name;
  std::string role;
  std::vector<std::string> channels;
  std::string made_by; ///< id of a key, or empty
  int64_t created_ms = 0;
  int64_t expires_ms = 0;
  int64_t used_ms = 0;
  int64_t revoked_ms = 0;

  bool operator==(const key_record&) const = default;
};

class key_store {
public:
  /// Opens the database as `job_store::open` does.
  static expected<key_store> open(settings from);

  key_store(key_store&&) noexcept;
  key_store& operator=(key_store&&) noexcept;
  ~key_store();

  /// In order of their making.
  expected<std::vector<key_record>> all();

  /// `constraint` if there is a key with that id.
  expected<void> add(const key_record& x);

  /// Sets when a key was last used, and when it was revoked. `not_found` if there is no such key.
  expected<void> update(const std::string& id, int64_t used_ms, int64_t revoked_ms);

private:
  class impl;

  explicit key_store(std::unique_ptr<impl> x);

  std::unique_ptr<impl> impl_;
};

} // namespace troupe::store
