#include "store/connection.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <chrono>
#include <filesystem>
#include <mutex>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <soci/postgresql/soci-postgresql.h>
#include <soci/soci.h>
#include <soci/sqlite3/soci-sqlite3.h>

namespace troupe::store {

namespace {

namespace fs = std::filesystem;
using namespace std::string_literals;

/// A file up to this size is checked completely when it is opened, which takes well under a second. For a larger file,
/// only the structure at both ends is checked.
constexpr uintmax_t full_check_bytes = 128 * 1024 * 1024;

/// Size of the page cache: enough for the pages that lists and transitions of tens of thousands of jobs touch.
constexpr int sqlite_cache_kib = 16 * 1024;

/// Number of 4 KiB pages that collect in the write-ahead log before they are copied into the file. With more pages,
/// waits are rarer but longer, and a page that is written repeatedly is copied only once. After a crash, the next start
/// reads such a log in about 50 ms.
constexpr int sqlite_log_pages = 8'000;

/// After a burst, the log is truncated to this size.
constexpr int sqlite_log_bytes = 64 * 1024 * 1024;

error_kind kind_of_sqlite(int code) {
  using namespace sqlite_api;
  switch (code & 0xff) {
  case SQLITE_BUSY:
  case SQLITE_LOCKED:
  case SQLITE_PROTOCOL:
    return error_kind::busy;
  case SQLITE_FULL:
    return error_kind::disk_full;
  case SQLITE_IOERR:
  case SQLITE_CANTOPEN:
    return error_kind::io_failed;
  case SQLITE_CORRUPT:
  case SQLITE_NOTADB:
    return error_kind::not_a_store;
  case SQLITE_CONSTRAINT:
  case SQLITE_MISMATCH:
    return error_kind::constraint;
  case SQLITE_TOOBIG:
  case SQLITE_RANGE:
    return error_kind::invalid_argument;
  default:
    return error_kind::failed;
  }
}

/// By the classes of "PostgreSQL Error Codes", an appendix of its manual.
error_kind kind_of_postgresql(std::string_view state) {
  const auto group = state.substr(0, 2);
  // A message of the client library without a server's state: the connection broke.
  if (state.find_first_not_of(' ') == std::string_view::npos)
    return error_kind::connection_lost;
  if (group == "08" || state == "57P01" || state == "57P02" || state == "57P03" || state == "25P03")
    return error_kind::connection_lost;
  if (state == "55P03" || state == "57014" || group == "40" || state == "53300")
    return error_kind::busy;
  if (state == "53100")
    return error_kind::disk_full;
  if (group == "53" || group == "58")
    return error_kind::io_failed;
  if (group == "23")
    return error_kind::constraint;
  if (group == "22" || group == "54")
    return error_kind::invalid_argument;
  if (group == "XX")
    return error_kind::not_a_store;
  return error_kind::failed;
}

std::string_view advice(error_kind kind) {
  switch (kind) {
  case error_kind::busy:
    return "another process is writing; it is tried again";
  case error_kind::disk_full:
    return "make room on the disk; it is tried again";
  case error_kind::io_failed:
    return "look at the disk and its file system; it is tried again";
  case error_kind::connection_lost:
    return "is the server up? The next call connects again";
  case error_kind::not_a_store:
    return "restore the database from a copy, or name another place";
  default:
    return "";
  }
}

/// The integer result of an SQL expression.
long long scalar(soci::session& session, const std::string& query) {
  long long result = 0;
  session << query, soci::into(result);
  return result;
}

std::string text(soci::session& session, const std::string& query) {
  std::string result;
  soci::indicator there = soci::i_ok;
  session << query, soci::into(result, there);
  return result;
}

/// The journal mode after a switch to the write-ahead log; the file keeps the mode. SQLite itself does not
/// wait for other processes that switch at the same time. So this function waits for their locks.
std::string switch_to_log(soci::session& session, std::chrono::milliseconds limit) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  for (;;) {
    try {
      return text(session, "PRAGMA journal_mode = WAL");
    } catch (const soci::sqlite3_soci_error& thrown) {
      if (kind_of_sqlite(thrown.result()) != error_kind::busy || std::chrono::steady_clock::now() > deadline)
        throw;
    }
    session << "BEGIN IMMEDIATE";
    session << "ROLLBACK";
  }
}

/// Keeps the journal of a statement in memory, in chunks of a kilobyte. By default SQLite allocates and frees 64 KiB
/// for each statement that changes several rows, and the C library often gives that back to the kernel each time.
void set_up_sqlite_library() {
  sqlite_api::sqlite3_config(SQLITE_CONFIG_STMTJRNL_SPILL, -1);
}

void set_up_sqlite(soci::session& session, const settings& from) {
  session << "PRAGMA busy_timeout = " + std::to_string(from.busy_timeout.count());
  if (const auto mode = switch_to_log(session, from.busy_timeout); mode != "wal")
    throw soci::soci_error("the file system does not allow a write-ahead log (journal mode is " + mode + ")");
  session << "PRAGMA synchronous = "s + (from.durable == durability::power_loss ? "FULL" : "NORMAL");
  session << "PRAGMA foreign_keys = ON";
  (void)scalar(session, "PRAGMA wal_autocheckpoint = " + std::to_string(sqlite_log_pages));
  session << "PRAGMA cache_size = -" + std::to_string(sqlite_cache_kib);
  (void)scalar(session, "PRAGMA journal_size_limit = " + std::to_string(sqlite_log_bytes));
}

/// Orders contain files, addresses and passwords: only the owner may read them. SQLite gives its log and its index the
/// mode of the database.
void make_private(const std::string& path) {
  // An existing file is not opened: closing any descriptor of a file drops the locks that SQLite's other connections in
  // this process hold on it.
  if (auto made = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600); made >= 0)
    ::close(made);
  for (const auto* suffix : {"", "-wal", "-shm"}) {
    const auto file = path + suffix;
    struct stat found {};
    if (::lstat(file.c_str(), &found) == 0 && S_ISREG(found.st_mode) && (found.st_mode & 077) != 0)
      (void)::chmod(file.c_str(), found.st_mode & 0700);
  }
}

void set_up_postgresql(soci::session& session, const settings& from) {
  session << "SET client_min_messages = warning";
  session << "SET client_encoding = 'UTF8'";
  session << "SET lock_timeout = " + std::to_string(from.busy_timeout.count());
  session << "SET statement_timeout = " + std::to_string(from.statement_timeout.count());
  session << "SET idle_in_transaction_session_timeout = " + std::to_string(from.statement_timeout.count());
}

/// A server's URL in its displayable form, and the password to hide.
target without_password(const std::string& url) {
  target of{backend::postgresql, url, {}, {}};
  const auto query = std::min(url.find('?'), url.size());
  const auto user = url.find("://") + 3;
  const auto at = url.substr(0, query).rfind('@');
  of.shown = url.substr(0, query);
  if (at != std::string::npos) {
    if (const auto colon = url.find(':', user); colon < at) {
      of.secret = url.substr(colon + 1, at - colon - 1);
      of.shown = url.substr(0, colon) + url.substr(at, query - at);
    }
  } else if (const auto key = url.find("password=", query); key != std::string::npos) {
    const auto begin = key + std::string_view{"password="}.size();
    of.secret = url.substr(begin, std::min(url.find('&', begin), url.size()) - begin);
  }
  return of;
}

/// Runs one migration's statements in this backend's dialect.
void run(soci::session& session, backend kind, const migration& step) {
  const std::string key =
    kind == backend::sqlite ? "INTEGER PRIMARY KEY" : "BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY";
  for (auto sql : step.statements) {
    std::string words{sql};
    for (size_t at = 0; (at = words.find("SERIAL_KEY", at)) != std::string::npos; at += key.size())
      words.replace(at, std::string_view{"SERIAL_KEY"}.size(), key);
    session << words;
  }
}

bool has_table(soci::session& session, backend kind, const std::string& name) {
  return scalar(session,
                kind == backend::sqlite
                  ? "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = '" + name + "'"
                  : "SELECT count(*) FROM pg_tables WHERE schemaname = current_schema() AND tablename = '" + name + "'")
         > 0;
}

} // namespace

expected<target> parse_target(const settings& from) {
  const auto& url = from.url;
  if (url.starts_with("postgresql://") || url.starts_with("postgres://")) {
    auto result = without_password(url);
    auto address = url;
    // Limits after which a silently vanished server is noticed; values in the URL take precedence.
    const auto seconds = std::max<long long>(2, std::chrono::ceil<std::chrono::seconds>(from.connect_timeout).count());
    const auto silence = std::to_string(from.statement_timeout.count());
    const std::array<std::pair<std::string, std::string>, 2> defaults{
      {{"connect_timeout", std::to_string(seconds)}, {"tcp_user_timeout", silence}}};
    for (const auto& [key, value] : defaults)
      if (url.find(key + "=") == std::string::npos)
        address.append(address.find('?') == std::string::npos ? "?" : "&").append(key + "=").append(value);
    result.address = std::move(address);
    return result;
  }
  auto path = url.starts_with("sqlite:") ? url.substr(7) : url;
  if (path.empty() || path.find('\0') != std::string::npos || path.starts_with(":memory:") || path.starts_with("file:")
      || path.find("://") != std::string::npos)
    return tl::unexpected{error{error_kind::invalid_argument,
                                "cannot open the store '" + url + "': give a path, sqlite:PATH or postgresql://..."}};
  // SOCI reads space-separated "key=value" pairs if it finds any equals sign.
  const bool pairs = path.find('=') != std::string::npos;
  if (pairs && path.find_first_of(" \"") != std::string::npos)
    return tl::unexpected{error{error_kind::invalid_argument,
                                "cannot open the store '" + path + "': a path with '=' may not have blanks or quotes"}};
  return target{backend::sqlite, pairs ? "dbname=" + path : path, path, {}};
}

error translate(const std::exception& thrown, std::string_view doing, const target& on) {
  auto kind = error_kind::failed;
  std::string said = thrown.what();
  if (auto soci_error = dynamic_cast<const soci::soci_error*>(&thrown)) {
    // The message without SOCI's context, which would repeat statement and parameters.
    said = soci_error->get_error_message();
    if (auto sqlite = dynamic_cast<const soci::sqlite3_soci_error*>(&thrown))
      kind = kind_of_sqlite(sqlite->result());
    else if (auto postgresql = dynamic_cast<const soci::postgresql_soci_error*>(&thrown))
      kind = kind_of_postgresql(postgresql->sqlstate());
    else if (said.starts_with("Cannot establish connection"))
      kind = on.kind == backend::postgresql ? error_kind::connection_lost : error_kind::io_failed;
  }
  // libpq repeats a URL that it cannot read.
  if (const auto& secret = on.secret.reveal(); !secret.empty())
    for (size_t at = 0; (at = said.find(secret, at)) != std::string::npos; at += 3)
      said.replace(at, secret.size(), "***");
  std::ranges::replace(said, '\n', ' ');
  while (!said.empty() && (said.back() == ' ' || said.back() == '.'))
    said.pop_back();
  std::string text = "cannot " + std::string{doing} + " in " + on.shown + ": " + said;
  if (const auto what_to_do = advice(kind); !what_to_do.empty())
    text.append(" (").append(what_to_do).append(")");
  return {kind, std::move(text)};
}

std::unique_ptr<soci::session> connect(const target& to, const settings& from) {
  if (to.kind == backend::sqlite) {
    make_private(to.shown);
    static std::once_flag once;
    std::call_once(once, set_up_sqlite_library);
    auto result = std::make_unique<soci::session>(soci::sqlite3, to.address.reveal());
    set_up_sqlite(*result, from);
    return result;
  }
  auto result = std::make_unique<soci::session>(soci::postgresql, to.address.reveal());
  set_up_postgresql(*result, from);
  return result;
}

expected<void> check_file(soci::session& session, const target& on) {
  if (on.kind != backend::sqlite)
    return {};
  auto damaged = [&on](const std::string& what) {
    return tl::unexpected{error{error_kind::not_a_store, "the store " + on.shown + " is damaged (" + what
                                                           + "): restore it from a copy, or name another place"}};
  };
  std::error_code failed;
  const auto size = fs::file_size(on.shown, failed);
  // Pages that are only in the write-ahead log are not in the file yet.
  const auto log = fs::file_size(on.shown + "-wal", failed);
  const auto pages = static_cast<uintmax_t>(scalar(session, "SELECT page_count FROM pragma_page_count"));
  const auto page_size = static_cast<uintmax_t>(scalar(session, "SELECT page_size FROM pragma_page_size"));
  if ((failed || log == 0) && size < pages * page_size)
    return damaged("its end is missing: " + std::to_string(size) + " of " + std::to_string(pages * page_size)
                   + " bytes");
  if (size <= full_check_bytes)
    if (const auto found = text(session, "PRAGMA quick_check(1)"); found != "ok")
      return damaged(found);
  if (scalar(session, "SELECT count(*) FROM sqlite_master") > 0 && !has_table(session, on.kind, "schema_versions"))
    return tl::unexpected{
      error{error_kind::not_a_store, "the database " + on.shown + " belongs to another program: name another place"}};
  return {};
}

expected<void> check_version(soci::session& session, const target& on, long long newest) {
  const auto current = scalar(session, "SELECT coalesce(max(version), 0) FROM schema_versions");
  if (current <= newest)
    return {};
  return tl::unexpected{error{error_kind::too_new, "the store " + on.shown + " has schema version "
                                                     + std::to_string(current) + ", this program knows "
                                                     + std::to_string(newest)
                                                     + ": start the newer program, or restore an older copy"}};
}

expected<void> migrate(soci::session& session, const target& on, std::span<const migration> steps) {
  // If the schema is up to date, return without waiting for any lock.
  if (has_table(session, on.kind, "schema_versions")
      && scalar(session, "SELECT coalesce(max(version), 0) FROM schema_versions") == newest_of(steps))
    return {};
  transaction all{session, on.kind};
  // If several programs start at the same moment, one migrates and the others find it done. SQLite's transaction
  // already is that lock.
  if (on.kind == backend::postgresql)
    session << "SELECT pg_advisory_xact_lock(7165702347)";
  if (!has_table(session, on.kind, "schema_versions"))
    session
      << "CREATE TABLE schema_versions (version BIGINT PRIMARY KEY, applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,"
         " program TEXT NOT NULL)";
  if (auto good = check_version(session, on, newest_of(steps)); !good)
    return good;
  const auto current = scalar(session, "SELECT coalesce(max(version), 0) FROM schema_versions");
  for (const auto& step : steps) {
    if (step.version <= current)
      continue;
    run(session, on.kind, step);
    const long long version = step.version;
    const std::string program = TROUPE_VERSION;
    session << "INSERT INTO schema_versions (version, program) VALUES (:version, :program)",
      soci::use(version, "version"), soci::use(program, "program");
  }
  all.commit();
  return {};
}

transaction::transaction(soci::session& session, backend kind) : session_{&session} {
  session << (kind == backend::sqlite ? "BEGIN IMMEDIATE" : "BEGIN");
}

transaction::~transaction() {
  if (!session_)
    return;
  try {
    *session_ << "ROLLBACK";
  } catch (const std::exception&) {
    // SQLite has already rolled back if the disk was full; a lost connection has done so too.
  }
}

void transaction::commit() {
  *session_ << "COMMIT";
  session_ = nullptr;
}

} // namespace troupe::store
