// One connection to the database, and the translation of its errors. SOCI throws; no exception of it leaves this
// folder.
#pragma once

#include "base/secret.hpp"
#include "store/error.hpp"
#include "store/store.hpp"

#include <memory>
#include <string>
#include <string_view>

#include <soci/session.h>

namespace troupe::store {

enum class backend : uint8_t { sqlite, postgresql };

/// The database that a URL means, and its address as SOCI wants it.
struct target {
  backend kind = backend::sqlite;
  base::secret_text address; ///< with the password
  std::string shown;         ///< for messages: without the password
  base::secret_text secret;  ///< the password, as written in the address
};

expected<target> parse_target(const settings& from);

/// Translates what SOCI threw into our errors. `doing` completes "cannot ...".
error translate(const std::exception& thrown, std::string_view doing, const target& on);

/// A session with its settings applied. Throws what SOCI throws.
std::unique_ptr<soci::session> connect(const target& to, const settings& from);

/// Fails if an existing file cannot be used as a database; the error says why. SQLite only.
expected<void> check_file(soci::session& session, const target& on);

/// Brings the schema up to date.
expected<void> migrate(soci::session& session, const target& on, std::span<const migration> steps);

/// Fails if a newer program has changed the schema.
expected<void> check_version(soci::session& session, const target& on, long long newest);

inline long long newest_of(std::span<const migration> steps) {
  return steps.empty() ? 0 : steps.back().version;
}

/// A transaction that is rolled back unless it is committed. It takes SQLite's write lock at once, so that no statement
/// in it can meet another writer.
class transaction {
public:
  transaction(soci::session& session, backend kind);
  transaction(const transaction&) = delete;
  transaction& operator=(const transaction&) = delete;
  ~transaction();

  void commit();

private:
  soci::session* session_; // null when it has ended
};

} // namespace troupe::store
