// All keys of the HTTP interface, for all threads of a process.
//
// Every check is answered from memory, so that a store that is away stops nobody who has a key. A change is written by
// a thread of the ring: it counts, and is answered, when it is durable. When a key was last used is written now and
// then.
#pragma once

#include "base/secret.hpp"
#include "core/trust/key_table.hpp"
#include "store/key_store.hpp"
#include "trust/refusal.hpp"
#include "trust/work_thread.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

namespace troupe::trust {

/// What a client wants of a new key.
struct key_order {
  std::string name;
  core::role role = core::role::watch;
  std::vector<std::string> channels;
  int64_t expires_ms = 0; ///< Unix time; 0: never
};

/// The text exists only here: it is shown once.
struct made_key {
  core::api_key key;
  base::secret_text text;
};

struct key_ring_config {
  base::secret_text secret;                         ///< signs sessions and addresses
  std::chrono::milliseconds write_interval{60'000}; ///< for the times of last use
  std::function<int64_t()> now_ms = {};             ///< Unix time; empty: the system's clock
};

class key_ring {
public:
  /// Reads all keys. If the store has none, the text that `first` returns becomes a key of an administrator. The error
  /// says why the store cannot be read or written.
  static tl::expected<std::shared_ptr<key_ring>, std::string>
  open(store::key_store from, key_ring_config config,
       const std::function<tl::expected<std::string, std::string>()>& first);

  /// The text of a key that does not exist yet.
  static std::string fresh_text();

  key_ring(const key_ring&) = delete;
  key_ring& operator=(const key_ring&) = delete;

  // -- checks: any thread -------------------------------------------------------

  /// Whom a key stands for.
  core::proof check(std::string_view text);

  /// The same for what `session` made.
  core::proof check_session(std::string_view text);

  /// The same for what `address` made: good for one channel.
  core::proof check_address(std::string_view text, const std::string& channel);

  /// A text that stands for the caller's key until `expires_ms`, or until the key ends.
  std::string session(const core::caller& who, int64_t expires_ms) const;

  /// A text for the address of a player, which may watch one channel until `expires_ms`.
  std::string address(const core::caller& who, const std::string& channel, int64_t expires_ms) const;

  bool has_only_first() const;

  std::vector<core::api_key> all() const;

  /// Unix time in milliseconds.
  int64_t now_ms() const;

  // -- changes: answered once, on the ring's thread or at once ------------------

  void make(key_order x, const core::caller& by, std::function<void(answer<made_key>)> done);

  void revoke(const std::string& id, std::function<void(answer<void>)> done);

private:
  key_ring(store::key_store to, key_ring_config config, std::vector<core::api_key> keys);

  core::proof check_signed(std::string_view purpose, std::string_view text, std::string_view about);
  answer<made_key> make_now(const key_order& x, const std::string& by);
  answer<void> revoke_now(const std::string& id);
  void write_uses();

  store::key_store store_; ///< used by the thread alone
  key_ring_config config_;
  mutable std::mutex mutex_;
  core::key_table table_;
  std::vector<core::api_key> written_; ///< the keys as stored, for the thread
  std::optional<work_thread> thread_;  ///< ends first; answers and writes what waits
};

} // namespace troupe::trust
