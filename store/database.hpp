// An open database. What it throws becomes an error, and a broken connection is replaced at the next call.
#pragma once

#include "store/connection.hpp"
#include "store/migrations.hpp"
#include "store/reader.hpp"

#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <soci/session.h>

namespace troupe::store {

class database {
public:
  database(settings from, target to);
  virtual ~database() = default;

  database(const database&) = delete;
  database& operator=(const database&) = delete;

  /// Checks that the database is intact, and brings its schema up to date.
  expected<void> begin(std::span<const migration> steps);

  /// Calls `f` with a connection. An exception becomes an error and ends the connection, whatever its state: the next
  /// call opens a new one.
  template <class F>
  auto guarded(std::string_view doing, F f) -> decltype(f()) {
    try {
      if (!session_) {
        session_ = connect(on_, from_);
        // In the meantime another program may have changed the database.
        if (newest_)
          if (auto good = check_version(*session_, on_, *newest_); !good) {
            disconnect();
            return tl::unexpected{std::move(good.error())};
          }
      }
      return f();
    } catch (const std::exception& thrown) {
      auto why =
        dynamic_cast<const unreadable*>(&thrown)
          ? error{error_kind::not_a_store, "cannot " + std::string{doing} + " in " + on_.shown + ": " + thrown.what()}
          : translate(thrown, doing, on_);
      disconnect();
      return tl::unexpected{std::move(why)};
    }
  }

  /// Valid inside `guarded`.
  soci::session& session() {
    return *session_;
  }

protected:
  void disconnect();

  /// Drops what uses the connection, such as statements. Called before the connection ends.
  virtual void forget() {}

  const target& on() const noexcept {
    return on_;
  }

private:
  settings from_;
  target on_;
  std::optional<long long> newest_; ///< the schema version that this program knows, once it has been verified
  std::unique_ptr<soci::session> session_;
};

} // namespace troupe::store
