// SESSION: one running live channel: its ingest, its source buffer, its variants, their streams.
//
// The decisions are in `core::session`; this actor translates. It asks the coordinator for leases, talks to the tasks,
// and passes their results to one output per variant. It does not trust its tasks: each block of samples is checked
// when it is read from the wire.
// - A task dies (`down_msg`), or hangs: the core decides; another worker takes over where it stopped, or the variant
//   ends.
// - The ingest's task dies: the source is reopened, with back-off; clients stay.
// - The registry dies: outstanding lease requests fail and are repeated; running tasks continue.
// - The coordinator dies: the session ends. What it has delivered is in a file, and the session of the next coordinator
//   continues there.
// - A client leaves: its reader is gone, and the next tick notices that.
#pragma once

#include "actors/common/leases.hpp"
#include "actors/live/session_memory.hpp"
#include "config/waits.hpp"
#include "core/live/ladder_pace.hpp"
#include "core/live/quarantine.hpp"
#include "core/live/session.hpp"
#include "messages/actors.hpp"
#include "packaging/rendition.hpp"
#include "telemetry/failover_log.hpp"

#include <caf/actor_system.hpp>
#include <caf/typed_response_promise.hpp>

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <variant>

namespace troupe {

struct session_actor_config {
  core::session_config core;
  core::client_ring::limits stream;
  core::delivery_options delivery;
  std::chrono::milliseconds lease_timeout = config::defaults::lease_wait(std::chrono::seconds{5});
  std::chrono::milliseconds quarantine_for{300'000}; ///< how long a rendition that killed its tasks is refused
  std::string memory_folder; ///< where sessions keep what continues them after a restart; empty: nowhere
  std::shared_ptr<telemetry::failover_log> failovers = std::make_shared<telemetry::failover_log>();
};

using session_actor = sample_sink_actor::extend<
  // A client asks for a rendition. Answers with its stream, once the first bytes are there.
  caf::result<rendition_ptr>(watch_atom, profile),
  // The status of the channel.
  caf::result<session_status>(status_atom),
  // Ends everything, for this reason.
  caf::result<void>(stop_atom, std::string),
  // A transcoder has taken these batches.
  caf::result<void>(batch_ack),
  // Leave the lease's worker, without a pause.
  caf::result<void>(move_atom, lease_id),
  // INTERNAL: a tick of the clock.
  caf::result<void>(tick_atom)>;

struct session_state : core::session_effects {
  using interface = session_actor;

  static inline const char* name = "session";

  session_state(interface::pointer self, session_actor_config config, session_id id, channel source,
                leases_actor coordinator);
  ~session_state() override;

  interface::behavior_type make_behavior();

  // -- core::session_effects --------------------------------------------------

  attempt_id next_attempt() override;
  void request_lease(const lease_request& x) override;
  void start(const ingest_work& x) override;
  void start(const transcode_work& x) override;
  void send(const sample_batch& x) override;
  void acknowledge(const batch_ack& x) override;
  void finish(attempt_id attempt) override;
  void finish(attempt_id attempt, int64_t to_pts) override;
  void stop(attempt_id attempt, const lease_end& how) override;
  void device_failed(attempt_id attempt, const std::string& why) override;
  void open_output(const std::string& profile, const stream_format& format, const core::output_form& form) override;
  void deliver(const std::string& profile, const sample_block& block) override;
  void close_output(const std::string& profile, const std::string& reason) override;
  void failed_over(const std::string& profile, core::failover_reason why, std::chrono::milliseconds gap,
                   uint64_t replayed_bytes) override;
  void quarantine(const std::string& profile, const std::string& why) override;
  void notice(const std::string& profile, const std::string& what) override;
  uint32_t clients(const std::string& profile) override;
  void answer(core::ticket x, const std::string& profile) override;
  void refuse(core::ticket x, ec code, const std::string& why) override;

  // -- implementation ---------------------------------------------------------

  /// The actor of an attempt: none yet, an ingest or a transcoder. Attempts that share a task have the same actor.
  struct attempt {
    std::optional<lease> held;
    task_actor task;
    attempt_id feed;        ///< the number of its source batches
    uint64_t request = 0;   ///< the latest request for its lease: answers to earlier ones no longer count
    bool confirmed = false; ///< the registry knows that its encoder is open
    std::variant<std::monostate, ingest_actor, transcoder_actor> worker;
  };

  /// The attempt, if this is the latest request for its lease; else null.
  attempt* asked(attempt_id attempt, uint64_t request);

  void lease_failed(attempt_id attempt, const caf::error& why);

  /// The task process is gone: all of its attempts are over.
  void task_gone(const caf::actor_addr& task);

  /// Another attempt than this one has the task.
  bool is_shared(const task_actor& task) const;

  /// The attempt's transcoder; null if it has none.
  transcoder_actor transcoder_of(attempt_id attempt) const;

  /// The transcoder of the task; null if no attempt has it yet.
  transcoder_actor transcoder_of(const task_actor& task) const;

  /// Starts `work` on the attempt's task.
  template <class Handle, class Work>
  void start_on_task(const Work& work);

  /// The attempt's encoder is open: from now on its session on a GPU is counted for certain.
  void confirm(attempt_id attempt);

  /// Called after each event: handles what the effects found out, and checks whether the session is over.
  void settle();

  /// The renditions of a ladder on their way to players.
  struct ladder {
    std::shared_ptr<rendition_group> group = std::make_shared<rendition_group>();
    core::ladder_pace pace;
    stream_format sound{}; ///< of the rendition that has it, while that runs
    size_t outputs = 0;    ///< number of its renditions that run
  };

  rendition_output& output_of(const std::string& profile);
  void write(const std::string& profile, const sample_block& block);

  /// Remembers that a rendition cannot be put into its container.
  void check(const std::string& profile, const av::expected<void>& done);

  /// The tracks of a ladder's sound, which joins the pictures in MPEG-TS; empty if it is over.
  void set_sound(std::string_view ladder, const stream_format& format);

  /// Hands on what ladders keep back.
  void release();

  /// Writes down what continues the session after a restart, once a second.
  void remember();

  interface::pointer self;
  session_actor_config config;
  session_id id;
  std::string channel_name;
  leases_actor coordinator;
  session_memory memory;
  core::session session;
  std::unordered_map<attempt_id, attempt> attempts;
  std::map<std::string, rendition_output> outputs;
  std::map<std::string, ladder, std::less<>> ladders; ///< that run, by name
  std::unordered_map<core::ticket, caf::typed_response_promise<rendition_ptr>> waiting;
  std::vector<std::pair<std::string, std::string>> failed_outputs;
  core::quarantine_list quarantined; ///< by profile
  uint64_t next_ticket = 1;
  uint64_t attempts_made = 0;
  uint64_t requests_made = 0;        ///< for leases
  size_t releases = 0;               ///< of leases, not answered yet
  bool over = false;                 ///< nothing begins any more; the actor only waits for the answers to its releases
  uint64_t source_restarts_told = 0; ///< as reported to the failover log
  uint64_t frames_lost_told = 0;
  std::chrono::steady_clock::time_point remembered_at;
};

session_actor spawn_session(caf::actor_system& system, session_actor_config config, session_id id, channel source,
                            leases_actor coordinator);

} // namespace troupe
