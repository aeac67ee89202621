// Events of file jobs as server-sent events (WHATWG HTML, section 9.2): one text for all clients, and a bounded queue
// for each client.
//
// The hub receives each event once and offers it to the feeds whose filter matches. A transition carries its number as
// the event's id. A client that was away names the last id that it saw, and gets the missed events from the store.
// Progress has no id, because only the latest counts: for a slow client, later progress of a job replaces earlier
// progress. A client with too many waiting transitions is dropped; it may reconnect and resume.
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

/// Which events a client wants. All given conditions must hold.
struct event_filter {
  std::optional<job_id> id;      ///< events of this job, its chunks included; else of all jobs, without chunks
  std::vector<job_state> states; ///< transitions from or to one of these states, and progress of jobs in one of them
  std::optional<job_queue> queue;

  bool passes(const job_event& x) const;
};

/// The query of GET /api/v1/jobs/events.
tl::expected<event_filter, std::string> read_event_filter(std::string_view query);

/// The value of Last-Event-ID; empty if it is missing or not one of our numbers.
std::optional<int64_t> read_last_event_id(std::string_view value);

/// Whether the event is a transition of a chunk rather than of its job.
bool is_chunk(const job_event& x);

/// Whether the event is the transition that ends its job.
bool is_end(const job_event& x);

/// One event in its transmitted form.
std::string event_text(const job_event& x);

/// The present state of the job: the first event for a client that names no earlier one.
std::string snapshot_text(const job_details& x, int64_t number);

/// The events that wait for one client. Usable from any thread.
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

  /// `text` is made once for all feeds, by the first that needs it.
  void offer(const job_event& x, std::shared_ptr<const std::string>& text);

  /// The waiting events, oldest first. Empty if more arrived than may wait: then the client has missed some.
  std::optional<std::vector<piece>> take();

  /// Calls `wake` once, as soon as an event waits; at once if one already waits.
  void notify(std::function<void()> wake);

private:
  event_filter filter_;
  std::shared_ptr<event_statistics> counters_;
  std::mutex mutex_;
  std::list<piece> pieces_;
  std::unordered_map<job_id, std::list<piece>::iterator> progress_; ///< waiting progress events
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

  /// A feed of all events from now on; `listening` is called as soon as the feed misses no event. Null if the limit of
  /// listening clients is reached. The feed gets events as long as it is referenced.
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
