// What happens to file jobs as server-sent events (WHATWG HTML, section 9.2): one text for all clients, a bounded queue for each.
//
// The hub hears the news once and offers each piece to the feeds whose filter lets it through. A transition carries its number as the event's id; a
// client that was away says the last one it saw, and gets what it missed from the store. Progress has no id: only the latest counts, so of a client
// that is slow earlier progress of a job is replaced by later. One that lets more transitions wait than it may is dropped; it may come back and go on.
#pragma once

#include "actors/gateway.hpp"
#include "actors/jobs/job_watcher.hpp"
#include "http/event_statistics.hpp"

#include <caf/actor_system.hpp>
#include <tl/expected.hpp>

#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace troupe::http {

/// Which events a client wants. All that is given must hold.
struct event_filter {
  std::optional<job_id> id;      ///< of this job, its chunks included; else of all jobs, without chunks
  std::vector<job_state> states; ///< transitions from or to one of these, and progress of jobs in one of them
  std::optional<job_queue> queue;

  bool passes(const job_event& x) const;
};

/// The query of GET /api/v1/jobs/events.
tl::expected<event_filter, std::string> read_event_filter(std::string_view query);

/// The value of Last-Event-ID; nothing where there is none, or it is no number of ours.
std::optional<int64_t> read_last_event_id(std::string_view value);

/// Whether it is a chunk's transition, and not its job's.
bool is_chunk(const job_event& x);

/// Whether it is the transition that ends its job.
bool is_end(const job_event& x);

/// One event as it is sent.
std::string event_text(const job_event& x);

/// The job as it is now: the first event of a client that says nothing of what it saw before.
std::string snapshot_text(const job_details& x, int64_t number);

/// What waits for one client. Any thread.
class event_feed {
public:
  static constexpr size_t events_max = 1'000;
  static constexpr size_t bytes_max = 512 * 1024;

  event_feed(event_filter filter, std::shared_ptr<event_statistics> counters);
  event_feed(const event_feed&) = delete;
  event_feed& operator=(const event_feed&) = delete;
  ~event_feed();

  struct piece {
    std::shared_ptr<const std::string> text;
    int64_t number = 0; ///< 0 for progress
    bool end = false;   ///< the job's end
  };

  /// `text` is made once for all feeds, by the first that wants it.
  void offer(const job_event& x, std::shared_ptr<const std::string>& text);

  /// What waits, oldest first. Nothing where more came than may wait: the client has missed something.
  std::optional<std::vector<piece>> take();

  /// Calls `wake` once, as soon as something waits; at once where something does.
  void notify(std::function<void()> wake);

private:
  event_filter filter_;
  std::shared_ptr<event_statistics> counters_;
  std::mutex mutex_;
  std::list<piece> pieces_;
  std::unordered_map<job_id, std::list<piece>::iterator> progress_; ///< that waits
  size_t bytes_ = 0;
  bool overflown_ = false;
  std::function<void()> wake_;
};

class event_hub {
public:
  event_hub(caf::actor_system& system, gateway_actor gateway, uint32_t clients_max,
            std::shared_ptr<event_statistics> counters);
  event_hub(const event_hub&) = delete;
  event_hub& operator=(const event_hub&) = delete;
  ~event_hub();

  /// A feed of what happens from now on; `listening` is called once nothing is missed any more. Null where as many clients listen as may. The feed
  /// is fed while somebody holds it.
  std::shared_ptr<event_feed> join(event_filter filter, std::function<void()> listening);

private:
  struct shared;

  caf::actor_system& system_;
  gateway_actor gateway_;
  uint32_t clients_max_;
  std::shared_ptr<event_statistics> counters_;
  std::shared_ptr<shared> shared_;
  std::mutex mutex_; ///< guards `watcher_`
  caf::actor watcher_;
};

} // namespace troupe::http
