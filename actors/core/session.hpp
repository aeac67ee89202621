// The decisions of one live channel: when to pull, what to transcode where, which samples go to whom, and when to stop.
//
// A session runs while somebody watches. The first client of a rendition (a variant) starts the ingest where it does not run,
// waits for the source's format, and then either passes samples through or leases a worker and feeds it from the latest
// random-access point under a credit window. A variant without clients stops after `idle_timeout`, and the session with its last variant.
//
// Every try at a piece of work is an attempt with a number of its own; whatever carries another number is refused. This class knows no actor,
// clock, thread or codec: events and `now` come in through its methods, what is to be done goes out through `session_effects`.
#pragma once

#include "actors/core/credit.hpp"
#include "actors/core/plan.hpp"
#include "actors/core/source_buffer.hpp"
#include "messages/cluster.hpp"
#include "messages/error.hpp"
#include "messages/media.hpp"
#include "messages/status.hpp"
#include "messages/work.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace troupe::core {

using time_point = std::chrono::steady_clock::time_point;
using std::chrono::milliseconds;

struct session_config {
  milliseconds idle_timeout{60'000};
  milliseconds watch_timeout{20'000};        ///< from a client's request to the first bytes of its rendition
  milliseconds first_output_timeout{15'000}; ///< from a transcode's start to its first output
  milliseconds open_timeout{10'000};
  milliseconds read_timeout{10'000};
  uint64_t credit_bytes = 4 * 1024 * 1024;
  uint32_t attempts_max = 4;          ///< tries at a variant before it fails
  milliseconds settled_after{10'000}; ///< an attempt that delivers for this long clears the count of tries
  uint32_t watchers_max = 10'000;     ///< requests that may wait for their first bytes
  source_buffer::limits buffer;
};

/// A client's request that waits for an answer.
using ticket = uint64_t;

/// What a session wants done. Implementations must not call back into the session from within these.
class session_effects {
public:
  virtual ~session_effects() = default;

  /// A number that no attempt of this coordinator's life had before.
  virtual attempt_id next_attempt() = 0;

  /// Asks for a task; answered by `leased` or `lease_failed`.
  virtual void request_lease(const lease_request& x) = 0;

  /// Starts the work on the leased task; answered by `started` or `start_failed`.
  virtual void start(const ingest_work& x) = 0;
  virtual void start(const transcode_work& x) = 0;

  /// Sends source samples to the attempt's transcoder.
  virtual void send(const sample_batch& x) = 0;

  /// Acknowledges a batch to the attempt that sent it.
  virtual void acknowledge(const batch_ack& x) = 0;

  /// Tells the attempt's transcoder that the source has ended.
  virtual void finish(attempt_id attempt) = 0;

  /// Ends the attempt, whatever state it is in, and gives its lease back. `reason` is empty for a regular end.
  virtual void stop(attempt_id attempt, const std::string& reason) = 0;

  /// The samples that `deliver` brings from now on have these tracks.
  virtual void open_output(const std::string& profile, const stream_format& format) = 0;

  /// Hands a block of the rendition to its clients.
  virtual void deliver(const std::string& profile, const sample_block& block) = 0;

  /// The rendition is over; its clients are told.
  virtual void close_output(const std::string& profile, const std::string& reason) = 0;

  /// Clients that read the rendition now.
  virtual uint32_t clients(const std::string& profile) = 0;

  /// The rendition runs: the client can read it.
  virtual void answer(ticket x, const std::string& profile) = 0;

  /// The client gets an error.
  virtual void refuse(ticket x, ec code, const std::string& why) = 0;
};

class session {
public:
  session(session_config config, session_id id, channel source, session_effects& effects, time_point now,
          int64_t unix_ms);

  // -- events ---------------------------------------------------------------

  /// A client asks for a rendition.
  void watch(const profile& target, ticket x, time_point now);

  void leased(attempt_id attempt, const lease& x, time_point now);
  void lease_failed(attempt_id attempt, ec code, const std::string& why, time_point now);

  void started(attempt_id attempt, time_point now);
  void start_failed(attempt_id attempt, const std::string& why, bool terminal, time_point now);

  void on(const format_change& x, time_point now);
  void on(const sample_batch& x, time_point now);
  void on(const batch_ack& x, time_point now);
  void on(const stream_end& x, time_point now);
  void on(attempt_id attempt, const work_statistics& x);

  /// The attempt's task is gone.
  void down(attempt_id attempt, const std::string& why, time_point now);

  /// The rendition cannot be put into its container.
  void output_failed(const std::string& profile, const std::string& why);

  /// The clock; call it a few times a second.
  void tick(time_point now);

  /// Stops everything at once; clients and waiting requests are told.
  void shut_down(const std::string& reason);

  // -- views ----------------------------------------------------------------

  /// True when nothing runs and nobody waits: the session can be forgotten.
  bool finished() const noexcept;

  session_status status() const;

private:
  /// Media time before the last delivered frame that a new attempt needs to be right from there on: an open GOP's leading pictures,
  /// a deinterlacer's neighbours, an audio encoder's priming.
  static constexpr int64_t preroll_ticks = ticks_per_second;

  enum class phase : uint8_t { waiting, leasing, starting, running };

  struct waiting_client {
    ticket id;
    time_point since;
  };

  struct variant {
    profile target;
    variant_plan plan;
    phase state = phase::waiting;
    attempt_id attempt;
    lease worker;
    time_point since;               ///< of the present phase
    std::optional<uint64_t> cursor; ///< number of the next source block to send or deliver
    std::optional<credit_window> credit;
    uint64_t received = 0; ///< batches of the attempt
    bool source_finished = false;
    stream_format output;
    bool flowing = false;                 ///< the clients have got something
    int64_t delivered_pts = no_timestamp; ///< the largest presentation time that was delivered
    int64_t delivered_dts = no_timestamp;
    uint32_t tries = 0;
    std::vector<worker_id> refused_by;
    std::vector<waiting_client> waiting;
    std::optional<time_point> idle_since;
    work_statistics work;
    std::string last_failure;
  };

  struct ingest {
    phase state = phase::waiting;
    attempt_id attempt;
    uint64_t received = 0;
    size_t url = 0;
    bool ended = false;
    work_statistics work;
  };

  using variants = std::map<std::string, variant>;

  void start_ingest();
  void ingest_over(const std::string& why, bool terminal, time_point now);
  void source_known(time_point now);
  void begin(variant& v, time_point now);
  void lease_for(variant& v, time_point now);
  void pump(variant& v, time_point now);
  void deliver(variant& v, const sample_block& block, time_point now);
  void retry(variant& v, const std::string& why, bool terminal, time_point now);
  void remove(variants::iterator i, ec code, const std::string& why, const std::string& stop_reason);
  void fail_everything(ec code, const std::string& why);
  void release_source();
  variants::iterator find(attempt_id attempt);

  /// A copy, for loops whose body may remove variants.
  std::vector<std::string> variant_names() const;

  session_config config_;
  session_id id_;
  channel channel_;
  session_effects& effects_;
  int64_t started_at_ms_;
  std::optional<ingest> ingest_;
  std::optional<stream_format> source_;
  source_buffer buffer_;
  variants variants_;
  uint64_t samples_in_ = 0;
  uint64_t bytes_in_ = 0;
  std::string reason_;
};

} // namespace troupe::core
