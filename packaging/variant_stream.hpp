// One rendition on its way to its clients: the session writes it, the HTTP threads read it.
//
// This is the only object that actors and HTTP threads share. A mutex guards a `core::client_ring`; readers get
// references to immutable chunks. Clients are counted by their reader objects, so a client that vanishes in any way is
// no longer counted.
#pragma once

#include "core/live/client_ring.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace troupe {

class variant_stream : public std::enable_shared_from_this<variant_stream> {
public:
  explicit variant_stream(core::client_ring::limits max) : ring_(max) {}

  /// Appends a chunk and wakes the waiting readers. Called by the session.
  void push(core::chunk x);

  /// Tells the readers that nothing more follows; `reason` is empty for a regular end.
  void end(std::string reason);

  /// One client.
  class reader {
  public:
    explicit reader(std::shared_ptr<variant_stream> stream);
    reader(reader&&) noexcept = default;
    reader& operator=(reader&&) = delete;
    ~reader();

    enum class outcome { data, wait, end };

    /// Fills `out` with the next chunks: at most `bytes_max` bytes, but at least one chunk. `end` comes after the last
    /// chunk.
    outcome read(std::vector<shared_bytes>& out, size_t bytes_max);

    /// Calls `wake` once, from any thread and perhaps at once, when `read` would no longer return `wait`. A later call
    /// replaces an earlier one. After the reader is destroyed, no new call of `wake` begins, but one may still be
    /// running.
    void notify(std::function<void()> wake);

    /// Why the stream ended; empty for a regular end, or while it runs.
    std::string end_reason() const;

    /// How often this client was moved ahead because it was too slow.
    uint64_t skips() const noexcept {
      return place_.skips;
    }

  private:
    std::shared_ptr<variant_stream> stream_;
    core::client_ring::cursor place_;
    uint64_t id_ = 0;
  };

  struct counters {
    uint32_t clients = 0;
    uint64_t clients_total = 0;
    uint64_t skips = 0;
    uint64_t buffered_bytes = 0;
    uint64_t bytes_total = 0;
  };

  counters count() const;

private:
  struct waiter {
    uint64_t id;
    std::function<void()> wake;
  };

  mutable std::mutex mutex_;
  core::client_ring ring_;
  bool ended_ = false;
  std::string end_reason_;
  std::vector<waiter> waiters_;
  uint64_t next_id_ = 1;
  counters counters_;
};

/// The handle that a session gives to the HTTP server of the same process.
using variant_stream_ptr = std::shared_ptr<variant_stream>;

} // namespace troupe
