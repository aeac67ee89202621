// One connection to the database, and the translation of its errors. SOCI throws; nothing of it leaves this folder.
#pragma once

#include "store/error.hpp"
#include "store/store.hpp"

#include <memory>
#include <string>
#include <string_view>

#include <soci/session.h>

namespace troupe::store {

enum class backend : uint8_t { sqlite, postgresql };

/// Which database a URL means, and its address as SOCI wants it.
struct target {
  backend kind = backend::sqlite;
  std::string address;
  std::string shown; ///< for messages: without a password
};

expected<target> parse_target(const settings& from);

/// What SOCI threw, in our words. `doing` completes "cannot ...".
error translate(const std::exception& thrown, std::string_view doing, const target& on);

/// A session with its settings in force. Throws what SOCI throws.
std::unique_ptr<soci::session> connect(const target& to, const settings& from);

/// Nothing, or why a file that is there cannot be used as a database. SQLite only.
expected<void> check_file(soci::session& session, const target& on);

/// Brings the schema up to date.
expected<void> migrate(soci::session& session, const target& on, std::span<const migration> steps);

/// A transaction that is undone unless it is committed. Takes SQLite's lock for writing at once, so that nothing in it can meet another writer.
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
