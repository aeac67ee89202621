// Who changed what over HTTP, written down for all threads of a process.
//
// An entry waits in memory, and a thread of the log writes it to the store with those that came meanwhile: so nobody
// waits for the disk. If the store is away, entries wait for it. If too many wait, further ones are lost, and counted.
#pragma once

#include "store/audit_store.hpp"
#include "trust/refusal.hpp"

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <tl/expected.hpp>

namespace troupe::trust {

using audit_entry = store::audit_record;

/// What a reader asks for.
struct audit_question {
  store::audit_filter filter;
  std::optional<int64_t> before; ///< the `next` of the page before
  size_t rows = 100;
};

struct audit_config {
  std::chrono::hours keep{24 * 365};
  uint64_t entries_max = 100'000;           ///< a quarter of them may be of clients that prove no role
  size_t waiting_max = 4096;                ///< entries in memory
  std::chrono::milliseconds retry{1000};    ///< after the store was away
  std::chrono::milliseconds trim{3600'000}; ///< how often what is too old is removed
  std::function<int64_t()> now_ms = {};     ///< Unix time; empty: the system's clock
  /// Gets a sentence when the store goes away or comes back, and when entries are lost. Called on the log's thread.
  std::function<void(const std::string&)> warn = [](const std::string&) {};
};

/// Since the start.
struct audit_totals {
  uint64_t written = 0;
  uint64_t waiting = 0; ///< now
  uint64_t lost = 0;
  uint64_t left_out = 0; ///< of strangers who sent too many requests
};

class audit_log {
public:
  /// The error says why the store cannot be read.
  static tl::expected<std::shared_ptr<audit_log>, std::string> open(store::audit_store to, audit_config config);

  audit_log(const audit_log&) = delete;
  audit_log& operator=(const audit_log&) = delete;

  ~audit_log();

  /// Unix time in milliseconds.
  int64_t now_ms() const {
    return config_.now_ms();
  }

  /// Any thread; never waits. The log sets the entry's number, and cuts texts that are too long.
  void add(audit_entry x);

  /// Counts an entry that is not even to be added.
  void leave_out();

  /// Answered once, on the log's thread or at once. The answer has all entries that were added before.
  void list(audit_question what, std::function<void(answer<store::audit_page>)> done);

  audit_totals totals() const;

  /// Writes what waits, and ends. Further entries are lost.
  void stop();

private:
  struct question {
    audit_question what;
    std::function<void(answer<store::audit_page>)> done;
  };

  using clock = std::chrono::steady_clock;

  audit_log(store::audit_store to, audit_config config, int64_t newest);

  void run();
  /// Writes a batch of those that wait. The error says why they still wait.
  store::expected<void> write();
  /// Writes all that wait, until one batch fails.
  store::expected<void> write_all();
  void reply_to(question x);
  void trim();
  /// Says that the store is away, or back, if that is new.
  void tell(const store::expected<void>& written);
  /// Says how many entries are lost that nobody was told of.
  void tell_lost(const std::string& why);
  /// The last tries to write; what cannot be written is lost.
  void finish();

  store::audit_store store_; ///< used by the thread alone
  audit_config config_;
  mutable std::mutex mutex_; ///< guards what follows
  std::deque<audit_entry> waiting_;
  std::deque<question> questions_;
  audit_totals totals_;
  int64_t newest_;
  bool stopping_ = false;
  std::condition_variable changed_;
  // Of the thread alone.
  clock::time_point retry_at_{};
  clock::time_point trim_at_{};
  uint64_t untrimmed_ = 0; ///< entries since the last trim
  uint64_t told_lost_ = 0;
  bool away_ = false;
  std::thread thread_;
};

} // namespace troupe::trust
