// What the queue of jobs wants written, in order: one batch is at the writer while the next one is collected. So each wait for the disk is shared by
// all who came during the one before, and nobody who does not need a result waits for any.
//
// While the store is out of order (disk full, server away) what the coordinator itself has to write is kept, and tried again; what clients ask for is
// refused with the reason. A batch whose answer was lost may have been stored: it is looked for before it is written again, so that
// nothing is done twice, and a client's operation that was refused and turns out to be stored is told.
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
    /// A client's change of that job was refused, and yet it is stored.
    std::function<void(job_id)> surprised;
    /// The store is broken; nothing can be written.
    std::function<void(const std::string&)> broken;
    /// This is durable since then.
    std::function<void(const store::operation& what, const store::outcome& done, int64_t at_ms)> wrote;
    /// All that a batch came to has been told.
    std::function<void()> settled;
  };

  explicit job_journal(hooks x) : hooks_(std::move(x)) {}

  /// `then` is called once, when the operation is durable or refused; it may be empty.
  void write(store::operation what, written then = {});

  /// The same for what a client asks for: refused at once while the store is out of order.
  void write_for_client(store::operation what, written then);

  /// Calls `then` when all that was written so far is durable or refused; perhaps at once.
  void after(std::function<void()> then);

  /// What the writer says of the latest batch.
  void done(store_results x);

  /// Tries again what failed. To be called from time to time.
  void retry();

  /// What is not given to the writer yet, as a last batch; nothing where there is none, or the store is out of order.
  std::optional<store_batch> rest();

  /// Why nothing can be written at the moment.
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
