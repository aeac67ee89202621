// One coordinator at a time works with a store: it holds a lock on the store for as long as it lives.
//
// SQLite: a lock (`flock`) on a file next to the database, which the kernel releases with the process. PostgreSQL: an
// advisory lock of a session, for the schema that holds the tables; the server releases it with its connection. That
// connection is watched: if it breaks, the lock is taken again.
#pragma once

#include "store/error.hpp"
#include "store/store.hpp"

#include <functional>
#include <memory>
#include <string>

namespace troupe::store {

class store_claim {
public:
  /// Fails with `in_use` if another process has the store, and says which. `lost` is called at most once, with the
  /// reason, if another process took the store while the server was away. It runs on a thread that the destructor waits
  /// for.
  static expected<store_claim> take(const settings& from, std::function<void(const std::string&)> lost);

  store_claim(store_claim&&) noexcept;
  store_claim& operator=(store_claim&&) noexcept;
  ~store_claim();

private:
  class impl;

  explicit store_claim(std::unique_ptr<impl> x);

  std::unique_ptr<impl> impl_;
};

} // namespace troupe::store
