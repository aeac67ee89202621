// The decisions of one live channel: when to pull, what to transcode on which worker, which samples go to which client,
// and when to stop.
//
// A session runs while it has clients. The first client of a rendition (a variant) starts the ingest if it does not run
// yet, and the session waits for the source's format. Then it either passes samples through, or leases a worker and
// feeds it under a credit window. A variant without clients stops after `idle_timeout`, and the session ends with its
// last variant.
//
// Each try at a piece of work is an attempt with its own number: a message with any other number is refused. Clients
// get only closed groups of an attempt's output. So on each track clients have everything up to a known time, and the
// next attempt begins right after that time. For it, the source is replayed from a point early enough before that time.
// Source blocks are therefore kept until their output is delivered. This one rule covers tasks that die, fail, stall (a
// second attempt races the first: the hedge) or fall behind. In a planned move, both attempts get one future timestamp
// at which the old one stops and the new one starts.
//
// The renditions of a ladder are variants like any other, named "ladder/profile". They begin at the same place of the
// source, as far as it is still there. Those that need a task at the same time share one, with one decoder and one
// feed, where a worker has room for several of them. Each has its own attempt, and fails over by itself.
//
// This class knows no actor, clock, thread or codec. Events and `now` come in through its methods; its orders go out
// through `session_effects`. Its methods are in files by subject: session.cpp (clients, leases), session_source.cpp,
// session_tracks.cpp, session_slate.cpp, session_delivery.cpp, session_carried.cpp, session_failover.cpp,
// session_ladder.cpp, session_sharing.cpp, session_status.cpp.
#pragma once

#include "core/live/attempt.hpp"
#include "core/live/clock_map.hpp"
#include "core/live/config.hpp"
#include "core/live/continuation.hpp"
#include "core/live/ladder.hpp"
#include "core/live/slate_clock.hpp"
#include "core/live/source_buffer.hpp"
#include "core/live/variant.hpp"
#include "core/plan.hpp"
#include "messages/error.hpp"
#include "messages/status.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace troupe::core {

/// What a rendition's packaging needs to know besides its tracks.
struct output_form {
  bool on_grid = false; ///< it can be cut at multiples of `keyframe_interval` of source time
  milliseconds keyframe_interval{0};
  clock_map clock; ///< the same for all renditions of the session
  /// Of a rendition of a ladder: where it began in the source, ticks. It has nothing from before.
  int64_t from_pts = no_timestamp;
  bool joins = false; ///< the others of its ladder began long before: it begins with a whole segment
  bool heard = false; ///< of a ladder: a rendition of its sound runs, or is about to
};

/// What a session wants done. Implementations of these methods must not call the session.
class session_effects {
public:
  virtual ~session_effects() = default;

  /// A number that no attempt had before in this coordinator's life.
  virtual attempt_id next_attempt() = 0;

  /// Asks for a task; answered by `leased` or `lease_failed`.
  virtual void request_lease(const lease_request& x) = 0;

  /// Starts the work on the leased task; answered by `started` or `start_failed`.
  virtual void start(const ingest_work& x) = 0;
  virtual void start(const transcode_work& x) = 0;

  /// Sends source samples to the transcoder of the attempt, or of those that were started beside it.
  virtual void send(const sample_batch& x) = 0;

  /// Acknowledges a batch to the attempt that sent it.
  virtual void acknowledge(const batch_ack& x) = 0;

  /// Tells the attempt's transcoder that the source has ended.
  virtual void finish(attempt_id attempt) = 0;

  /// Tells the attempt's transcoder that its window ends at this time (ticks).
  virtual void finish(attempt_id attempt, int64_t to_pts) = 0;

  /// Ends the attempt, whatever its state, and releases its lease. `reason` is empty for a regular end.
  virtual void stop(attempt_id attempt, const lease_end& how) = 0;

  /// The device named by the attempt's lease refused the attempt, for this reason. Comes before `stop`.
  virtual void device_failed(attempt_id attempt, const std::string& why) {
    (void)attempt;
    (void)why;
  }

  /// The samples passed to `deliver` have these tracks from now on.
  virtual void open_output(const std::string& profile, const stream_format& format, const output_form& form) = 0;

  /// Hands a block of the rendition to its clients.
  virtual void deliver(const std::string& profile, const sample_block& block) = 0;

  /// The rendition is over; its clients are told.
  virtual void close_output(const std::string& profile, const std::string& reason) = 0;

  /// Another attempt delivers: why the previous one does not, and how long nothing came.
  virtual void failed_over(const std::string& profile, failover_reason why, milliseconds gap,
                           uint64_t replayed_bytes) = 0;

  /// The rendition's samples kill the tasks that get them: it must not be tried again for a while.
  virtual void quarantine(const std::string& profile, const std::string& why) = 0;

  /// A message about the rendition for the operator.
  virtual void notice(const std::string& profile, const std::string& what) {
    (void)profile;
    (void)what;
  }

  /// Number of clients that read the rendition now.
  virtual uint32_t clients(const std::string& profile) = 0;

  /// The rendition runs: the client can read it.
  virtual void answer(ticket x, const std::string& profile) = 0;

  /// The client gets an error.
  virtual void refuse(ticket x, ec code, const std::string& why) = 0;
};

class session {
public:
  /// `before`: what a killed session of the channel left. The new one continues it if it is recent.
  session(session_config config, session_id id, channel source, session_effects& effects, time_point now,
          int64_t unix_ms, const std::optional<continuation>& before = {});

  // -- events ---------------------------------------------------------------

  /// A client asks for a rendition.
  void watch(const profile& target, ticket x, time_point now);

  void leased(attempt_id attempt, const lease& x, time_point now);
  void lease_failed(attempt_id attempt, ec code, const std::string& why, time_point now);

  void started(attempt_id attempt, time_point now);
  void start_failed(attempt_id attempt, const lease_end& how, bool terminal, time_point now);

  void on(const format_change& x, time_point now);
  void on(const sample_batch& x, time_point now);
  void on(const batch_ack& x, time_point now);
  void on(const stream_end& x, time_point now);
  void on(attempt_id attempt, const work_statistics& x, time_point now);

  /// Asks for the tasks of ladders that are wanted since the last call. Called by `tick`; call it at once after events
  /// that concern several renditions.
  void ask_together();

  /// The attempt's task is gone.
  void down(attempt_id attempt, const std::string& why, time_point now);

  /// Moves the lease's work to another worker, without a pause in the output.
  void move(lease_id lease, time_point now);

  /// The rendition cannot be muxed into its container.
  void output_failed(const std::string& profile, const std::string& why);

  /// The clock; call it ten times a second, which is the resolution of all time limits here.
  void tick(time_point now);

  /// Stops everything at once; clients and waiting requests are told.
  void shut_down(const std::string& reason);

  // -- views ----------------------------------------------------------------

  /// True if nothing runs and no client waits: the session can be forgotten.
  bool finished() const noexcept;

  session_status status() const;

  /// Streams of the source that no rendition has.
  const std::vector<std::string>& not_carried() const noexcept {
    return not_carried_;
  }

  /// What another session needs to continue this one if its process is killed now; empty if nothing was delivered.
  std::optional<continuation> to_continue(time_point now) const;

  /// How often the source was reopened.
  uint64_t source_restarts() const noexcept {
    return source_restarts_;
  }

  /// Pictures of the source that no attempt could make any more, summed over all running renditions.
  uint64_t frames_lost() const noexcept;

private:
  /// How much media before its first wanted output a new attempt needs for an exact result. The reasons are an open
  /// GOP's leading pictures, a deinterlacer's neighbours and an audio encoder's priming. It is a second, or ten
  /// pictures if these last longer, but at most ten seconds.
  int64_t preroll_ticks() const noexcept;

  using variants = std::map<std::string, variant>;

  /// What the renditions of a ladder have in common.
  struct ladder_place {
    std::optional<uint64_t> start;             ///< the source block at which they began
    int64_t start_pts = no_timestamp;          ///< the time at which they began: of that block, or of the slate
    bool with_slate = false;                   ///< they began while the source was away
    int64_t until = no_timestamp;              ///< up to this time of the source, others begin there too
    std::map<std::string, std::string> failed; ///< renditions that ended by themselves, and why
  };

  /// Attempts that are to share a task.
  struct party {
    std::vector<lease_request> others; ///< to be asked for when the first attempt has its lease
    std::vector<attempt_id> ready;     ///< with leases of one task
    size_t unanswered = 0;             ///< requests
  };

  struct joining {
    attempt_id first; ///< of the party
    lease_request request;
  };

  /// An attempt at a variant, found by its number; both null for a fenced attempt.
  struct place {
    variant* of = nullptr;
    attempt* at = nullptr;
  };

  // clients and leases
  void tick(variant& v, time_point now);
  std::string silence(const variant& v, time_point now) const;
  void begin(variant& v, time_point now);
  void plan(variant& v);
  void request(variant& v, std::optional<attempt>& slot, bool elsewhere, time_point now);
  void remove(variants::iterator i, ec code, const std::string& why, const lease_end& how);
  void remove(variant& v, ec code, const std::string& why, const lease_end& how = {});
  void fail_everything(ec code, const std::string& why);
  place find(attempt_id attempt);

  output_form form_of(const variant& v) const;
  int64_t wall_time(time_point x) const noexcept; ///< Unix time in ms
  std::optional<uint64_t> fresh_start(variant& v);
  std::vector<window> first_spans(variant& v);
  bool is_recent(const ladder_place& x) const noexcept;
  bool has_begun(std::string_view ladder) const;
  void forget_ladder(const std::string& name, const std::string& why);

  /// The tracks that clients get: those of the plan, then the carried ones.
  stream_format all_tracks(const variant& v) const;
  void open_output(variant& v);

  /// A copy, for loops whose body may remove variants.
  std::vector<std::string> variant_names() const;

  // the source
  void start_ingest(time_point now);
  /// `blame` counts against the task's host; it is empty if the source is at fault.
  void ingest_over(const std::string& why, const lease_end& blame, time_point now);
  milliseconds first_byte_timeout() const;
  void remember(const sample_block& block);
  void give_up_source();
  void source_ended(time_point now);
  void source_known(time_point now);
  void tracks_announced(const stream_format& x, time_point now);
  void source_changed(const stream_format& x, time_point now);
  bool is_unaffected(const variant& v, const stream_format& before) const;
  void follow(variant& v);
  bool plan_anew(variant& v, time_point now);
  void take_source(const sample_batch& x, time_point now);
  bool is_awaited(sample_block& x);
  void lift(sample_block& x, time_point now);
  void tick_source(time_point now);
  void return_to_first(time_point now);
  void release_source();
  void note_gone();

  // the slate
  bool has_slate(const variant& v) const noexcept;
  bool shows_slate() const noexcept;
  void tick_slate(time_point now);
  void advance_slate(time_point now, milliseconds step);
  void end_slate(const sample_block& x, time_point now);
  void continue_before(time_point now);
  void forget_before();
  int64_t slate_begin(const variant& v) const;
  slate still() const;

  // samples
  void pump(std::shared_ptr<feed> in, time_point now);
  void pump(variant& v, time_point now);
  bool has_all(attempt& a);
  void pass_through(variant& v, time_point now);
  void take_output(place p, const sample_batch& x, time_point now);
  void flush(variant& v, time_point now);
  void deliver_held(variant& v, attempt& a, time_point now);
  void deliver(variant& v, const sample_block& block, time_point now);
  void release_tail(variant& v, bool all, time_point now);

  // what goes beside the renditions
  void set_aside(const sample_block& block);
  void keep_early(const sample_block& block);
  void set_early_aside(time_point now);
  void renumber_aside(const stream_format& before);
  void carry(variant& v, int64_t dts);
  sample_block with_splices(sample_block block, uint64_t number) const;

  // what shares a task
  bool may_share(const variant& v, bool next, const lease_request& x) const;
  void take_lease(attempt_id number, const lease& x, time_point now);
  bool is_left_to_others(attempt_id number, time_point now);
  void answered(attempt_id first, time_point now);
  void start(const std::vector<attempt_id>& together, time_point now);
  std::vector<place> fed_by(const feed& in);
  bool all_run(const feed& in);
  std::shared_ptr<feed> feed_of(attempt_id first);
  static std::vector<attempt_id> numbers_of(const std::vector<place>& x);
  bool find_beginning(feed& in, const std::vector<place>& fed);
  bool is_costliest(const variant& v, time_point now);

  // failover
  std::vector<window> spans_after(const variant& v) const;
  std::optional<uint64_t> feed_point(const variant& v, const std::vector<window>& spans) const;
  bool is_kept(const variant& v, uint16_t track) const noexcept;
  void count_missing(const variant& v, attempt& a) const;
  void count_missing(const variant& v, attempt& a, const sample& s) const;
  void count_leading(const variant& v, attempt& a, const sample_block& block) const;
  std::optional<int64_t> place_of(const attempt& a) const;
  void watch_over(variant& v, time_point now);
  void lose(variant& v, attempt& a, failover_reason kind, const lease_end& how, bool terminal, time_point now);
  /// The attempt's device did not accept it. Another device may accept it, so no failure is counted.
  void device_refused(variant& v, attempt& a, const std::string& why, time_point now);
  void replace_current(variant& v, time_point now);
  void again(variant& v, time_point now);
  void park(variant& v);
  bool leave_out(variant& v, const std::string& why, time_point now);
  void promote(variant& v);
  void drop_next(variant& v, const lease_end& how, time_point now);
  void change_over(variant& v, failover_reason kind, time_point now);

  session_config config_;
  session_id id_;
  channel channel_;
  session_effects& effects_;
  int64_t started_at_ms_;
  time_point started_;
  std::optional<clock_map> clock_;     ///< of the session's first sample
  std::optional<continuation> before_; ///< what a killed session delivered, until renditions may no longer begin there
  std::optional<ingest> ingest_;
  std::optional<ingest> probe_; ///< of the first source URL, while another one is in use
  time_point probed_at_;        ///< when the first URL was last tried
  std::optional<stream_format> source_;
  std::optional<stream_format> next_source_; ///< from the next random-access point on
  source_buffer buffer_;
  uint64_t tracks_since_ = 0; ///< number of the first source block with the present tracks of pictures, sound, splices
  std::optional<int64_t> lift_;       ///< ticks that are added to the ingest's times
  int64_t newest_pts_ = no_timestamp; ///< the largest PTS of all source samples
  int64_t source_end_ = no_timestamp; ///< where the newest source samples end
  int64_t source_dts_ = no_timestamp; ///< of the newest sample of the source's leading track
  std::deque<sample_print> known_;    ///< fingerprints of the leading track's samples
  int64_t source_shift_ = 0;          ///< see `work_statistics`
  std::vector<int64_t> passed_;       ///< the newest decoding time by source track
  bool await_random_access_ =
    false; ///< the source was reopened: samples before its first random-access point are ignored
  slate_kind slate_;
  slate_clock rhythm_;                   ///< of the source's samples
  std::optional<time_point> away_since_; ///< the source is away, and transcoded renditions show the slate
  uint64_t outages_ = 0;
  std::deque<sample> gone_;  ///< source samples that the buffer dropped and that some variant has not delivered
  std::deque<aside> aside_;  ///< samples of tracks that may be carried
  uint64_t aside_first_ = 0; ///< number of the first of them
  uint64_t aside_bytes_ = 0;
  std::deque<sample_block> early_; ///< the same, from before the random-access point at which the source returns
  variants variants_;
  std::vector<lease_request> asking_;     ///< of renditions that wait for others of their ladder
  std::map<attempt_id, party> parties_;   ///< by their first attempt, until its task starts
  std::map<attempt_id, joining> joining_; ///< attempts whose requests are to be beside that of another one
  std::map<std::string, ladder_place, std::less<>> ladders_; ///< that run, by name
  uint64_t samples_in_ = 0;
  uint64_t bytes_in_ = 0;
  uint64_t source_restarts_ = 0;
  std::string reason_;
  std::vector<std::string> not_carried_; ///< streams of the source
};

} // namespace troupe::core
