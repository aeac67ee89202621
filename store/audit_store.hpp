// Who changed what, in the same database as the jobs. One thread owns an audit store; its calls block, as those of
// `job_store` do.
#pragma once

#include "store/error.hpp"
#include "store/store.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace troupe::store {

/// A row: one request. Texts are UTF-8 without NUL; an empty one means "none".
struct audit_record {
  int64_t number = 0; ///< counts the entries; set by the writer
  int64_t at_ms = 0;  ///< milliseconds since 1970 (UTC)
  std::string key;    ///< id of the key
  std::string name;   ///< of the key
  std::string role;   ///< empty: the request proved none
  std::string address;
  std::string request; ///< its id
  std::string method;
  std::string route;   ///< pattern of its path
  std::string target;  ///< as sent, without secrets
  std::string made;    ///< path of what was made
  uint32_t status = 0; ///< 0: it was not answered

  bool operator==(const audit_record&) const = default;
};

/// All given conditions must hold.
struct audit_filter {
  std::string key = {};     ///< id
  std::string address = {}; ///< the whole of it
  /// Part of the method and the target, of what was made, of the key's name or of the request's id, ignoring case (in
  /// ASCII).
  std::string text = {};
  std::optional<int64_t> from_ms = {}; ///< inclusive
  std::optional<int64_t> to_ms = {};   ///< exclusive
};

struct audit_page {
  std::vector<audit_record> rows;
  std::optional<int64_t> next; ///< the number of the last row, if more follow
};

/// What is kept.
struct audit_bounds {
  int64_t from_ms = 0;       ///< nothing older
  uint64_t entries_max = 0;  ///< only the latest
  uint64_t nobodies_max = 0; ///< of these, so many that prove no role
};

class audit_store {
public:
  /// Opens the database as `job_store::open` does.
  static expected<audit_store> open(settings from);

  audit_store(audit_store&&) noexcept;
  audit_store& operator=(audit_store&&) noexcept;
  ~audit_store();

  /// The highest number; 0 if there is none.
  expected<int64_t> newest();

  /// Adds all or none. A row whose number is already there changes nothing, so rows can be added again when it is
  /// unknown whether they were stored.
  expected<void> add(std::span<const audit_record> rows);

  /// Those with lower numbers than `before`, newest first.
  expected<audit_page> list(const audit_filter& filter, std::optional<int64_t> before, size_t rows);

  /// Removes what is out of bounds.
  expected<void> trim(const audit_bounds& to);

private:
  class impl;

  explicit audit_store(std::unique_ptr<impl> x);

  std::unique_ptr<impl> impl_;
};

} // namespace troupe::store
