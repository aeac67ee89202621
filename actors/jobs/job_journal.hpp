// The job queue's writes, in order: while the store writes one batch, the next one is collected. So operations that
// arrive during one wait for the disk share the next wait. A caller that needs no result never waits.
//
// While the store fails (disk full, server away), the coordinator's own writes are kept and tried again; clients'
// requests are refused with the reason. A batch whose answer was lost may have been stored: it is looked up before it
// is written again, so that nothing is done twice. A client's operation that was refused, but turns out to be stored,
// is reported.
#pragma once

#include "actors/jobs/job_storage.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace troupe {

class job_journal {
public:
  using written = std::function<void(const store::expected<store::outcome>&)>;

  struct hooks {
    /// Gives a batch to the writer; its results come back through `job_journal::done`.
    std::function<void(store_batch)> send;
    /// A client's change to this job was refused, but is stored nevertheless.
    std::function<void(job_id)> surprised;
    /// The store is broken; nothing can be written.
    std::function<void(const std::string&)> broken;
    /// This operation is now durable.
    std::function<void(const store::operation& what, const store::outcome& done, int64_t at_ms)> wrote;
    /// All results of a batch have been reported.
    std::function<void()> settled;
  };

  explicit job_journal(hooks x) : hooks_(std::move(x)) {}

  /// `then` is called once, when the operation is durable or refused; it may be empty.
  void write(store::operation what, written then = {});

  /// The same for a client's request: refused at once while the store fails.
  void write_for_client(store::operation what, written then);

  /// Calls `then` when all writes so far are durable or refused; perhaps at once.
  void after(std::function<void()> then);

  /// The writer's answer to the latest batch.
  void done(store_results x);

  /// Tries failed batches again. Call it from time to time.
  void retry();

  /// The operations that the writer does not have yet, as a last batch; empty if there are none, or if the store fails.
  std::optional<store_batch> rest();

  /// Why nothing can be written now.
  const std::optional<store::error>& outage() const noexcept {
    return outage_;
  }

  /// Operations that are not durable yet.
  size_t size() const noexcept {
    return collected_.size() + under_way_.size();
  }

private:
  struct item {
    store::operation what;
    written then;
    bool of_client = false;
    bool dropped = false;
  };

  void add(item x);
  void pump();
  void send(bool again);
  int64_t next_time();
  void finish(store_results x);
  void go_down(const store::error& why);
  void run_barriers();

  hooks hooks_;
  std::deque<item> collected_;
  std::vector<item> under_way_;
  int64_t batch_time_ms_ = 0; ///< of the latest batch
  bool in_flight_ = false;
  std::optional<store::error> outage_;
  uint64_t added_ = 0;
  uint64_t finished_ = 0;
  std::deque<std::pair<uint64_t, std::function<void()>>> barriers_;
};

} // namespace troupe
