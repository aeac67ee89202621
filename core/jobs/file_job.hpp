// One running file job: probe, plan, chunks and audio in parallel, assembly.
//
// Events and `now` come in, effects go out; the job actor translates. One task at a time, under a lease, works on each
// part of the job (the probe, a chunk, the audio, the assembly). Each try at a part has its own number: a message with
// any other number is refused.
//
// When a part fails:
// - its task is gone, or silent for too long: the part is tried elsewhere at once. A part that keeps killing its tasks
//   ends the job. So do deaths on several workers, or many deaths, if no part finishes in between;
// - its task was killed for exceeding the job's memory limit: the part is tried elsewhere once; a second time ends the
//   job;
// - the machine had an error: the part is tried elsewhere after a pause that doubles;
// - an error of the media or the encoder, or too many tries: the job ends, with the reason.
//
// The assembly publishes. It starts only when everything that the job reported is durable.
//
// A job that starts again knows the plan and the finished chunks from before. The source is probed again in any case;
// if it is unchanged, finished chunks whose files are intact are not made again. An unfinished chunk is not given to
// another task for a while. Its task may have outlived the coordinator, and is then taken over with its work.
//
// file_job.cpp handles events, file_job_plan.cpp plans chunks, file_job_orders.cpp writes the orders of tasks,
// file_job_retry.cpp handles failures, and file_job_status.cpp reports the status.
#pragma once

#include "core/jobs/chunk_plan.hpp"
#include "core/jobs/config.hpp"
#include "core/jobs/durable_gate.hpp"
#include "core/memory_plan.hpp"
#include "core/watchdog.hpp"
#include "messages/cluster.hpp"
#include "messages/file_work.hpp"
#include "messages/job.hpp"

#include <cstdint>
#include <deque>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace troupe::core {

/// What the cluster can do at once.
struct file_capacity {
  uint32_t slots = 1;
  uint32_t cores = 1;
};

/// A chunk, or the audio, as the store knows it.
struct file_chunk {
  uint32_t number = 0;
  chunk_kind kind = chunk_kind::video;
  int64_t from = 0;
  int64_t to = 0;
  bool done = false;
  std::string path; ///< of a finished chunk
  chunk_done result;
  bool begun = false; ///< before the restart a task worked on it, and may still do so

  bool operator==(const file_chunk&) const = default;
};

/// What identifies the job, and what it had before a restart.
struct file_job_begin {
  std::string name;     ///< human-readable
  uint32_t attempt = 1; ///< of the job
  file_order order;
  std::string folder;     ///< for chunk files
  std::string staging;    ///< where the result is written
  milliseconds waited{0}; ///< since it was submitted
  uint64_t turn = 0;      ///< see `lease_request`
  std::vector<file_chunk> chunks;
};

enum class file_phase : uint8_t { probing, encoding, assembling, ended };

std::string_view to_string(file_phase x);

/// Where one part of a job is made; human-readable.
struct file_placement {
  std::string part; ///< "probe", "chunk 3", "assemble"
  lease held;
};

/// The job's progress; human-readable.
struct file_job_status {
  file_phase phase = file_phase::probing;
  double done = 0;           ///< share of the whole job
  uint64_t frames = 0;       ///< pictures encoded
  uint64_t frames_total = 0; ///< 0 if unknown
  uint64_t bytes = 0;        ///< encoded
  double fps = 0;            ///< pictures per second, recently
  double speed = 0;          ///< media time divided by wall time, recently
  int64_t eta_ms = -1;       ///< until the end; -1 if unknown
  uint32_t chunks = 0;
  uint32_t chunks_done = 0;
  uint32_t chunks_running = 0;
  uint32_t given_back = 0;
  uint32_t retries = 0;
  std::vector<std::string> workers;       ///< that work on it now
  std::vector<std::string> limits;        ///< what enforces the job's limits on those workers
  std::vector<file_placement> placements; ///< the latest, latest last
  /// From submission to the first encoded picture, or audio if there is no picture; -1 before that.
  int64_t first_frame_ms = -1;
};

/// What the job wants done. Implementations of these methods must not call the job.
class file_job_effects {
public:
  virtual ~file_job_effects() = default;

  /// Ask for a lease; answered by `granted` or `not_granted`.
  virtual void lease(attempt_id attempt, const lease_request& x) = 0;
  /// Give this work to the attempt's task.
  virtual void start(const file_work& x) = 0;
  /// The attempt's task already has its work: have it report from now on. Needed only by callers of `take_over`.
  virtual void attach(attempt_id) {}
  /// The device named by the attempt's lease refused the attempt. Comes before `stop`.
  virtual void device_failed(attempt_id, const std::string& /* why */) {}
  /// The attempt is over: its lease and its task are no longer needed.
  virtual void stop(attempt_id attempt, const lease_end& how) = 0;

  // -- to be stored, in this order: see `file_job::handed_over` -----------------

  /// The job runs from now on. Comes once: before its first chunk starts, or before the assembly if all chunks exist
  /// already.
  virtual void at_work(const std::string& /* why */) {}
  /// Earlier chunks are forgotten; these are the plan.
  virtual void planned(const std::vector<file_chunk>& chunks) = 0;
  virtual void chunk_began(uint32_t number, const troupe::lease& held) = 0;
  virtual void chunk_ended(uint32_t number, const std::string& path, const chunk_done& x) = 0;
  /// The chunk waits again: it was given back or lost, or is to be tried again.
  virtual void chunk_waits(uint32_t number, uint32_t failures, const std::string& why) = 0;
  /// A finished chunk must be made again.
  virtual void chunk_spoiled(uint32_t number, const std::string& why) = 0;

  // -- the end: nothing follows -----------------------------------------------

  virtual void completed(const file_published& x) = 0;
  virtual void failed(failure_kind kind, const std::string& why) = 0;
};

/// Whether each picture of the source becomes one picture of the result.
bool keeps_pictures(const file_order& x);

class file_job {
public:
  file_job(file_job_config config, file_job_begin begin, file_job_effects& effects);

  // -- events -----------------------------------------------------------------

  void begin(time_point now);
  void capacity(file_capacity x) noexcept {
    capacity_ = x;
  }
  void granted(attempt_id attempt, const lease& x, time_point now);
  /// `encoder_gone`: no worker has the encoder that the attempt needs any more.
  void not_granted(attempt_id attempt, time_point now, bool encoder_gone = false);
  void on(const file_progress& x, time_point now);
  void on(const file_result& x, time_point now);
  /// The attempt's task is gone, or did not accept its work.
  void down(attempt_id attempt, const std::string& why, time_point now, bool out_of_memory = false);
  /// Whether the job would take over a task from before the restart that does this work. Each call is a sign of life of
  /// that task, and prolongs the wait for it.
  bool awaits(const chunk_work& x, time_point now);
  /// Takes over that task, under a new lease; empty if the job does not wait for it.
  std::optional<attempt_id> take_over(const chunk_work& x, const lease& held, time_point now);
  /// Live work needs the slot of this lease.
  void give_back(lease_id x, time_point now);
  void tick(time_point now);
  /// Ends all work: calls `stop` for each running attempt, and no other effect.
  void cancel();

  /// All changes so far were sent to the store, as one lot.
  void handed_over() noexcept {
    gate_.handed_over();
  }

  /// A lot is durable. The assembly, which publishes, is asked for only when all of them are.
  void stored(time_point now);

  // -- views ------------------------------------------------------------------

  bool ended() const noexcept {
    return phase_ == file_phase::ended;
  }

  /// Whether the plan is made. From then on it is known which tasks can be taken over.
  bool planned() const noexcept {
    return phase_ != file_phase::probing;
  }

  /// All changes are durable.
  bool all_stored() const noexcept {
    return gate_.open();
  }

  file_job_status status() const;

private:
  enum class part_state : uint8_t { waiting, leasing, running, done };

  struct part {
    work_kind kind = work_kind::chunk;
    part_state state = part_state::waiting;
    file_chunk chunk; ///< for a chunk or the audio
    int64_t ticks = 0;
    std::optional<uint64_t> pictures;
    attempt_id attempt;
    lease held;
    time_point not_before;
    time_point heard; ///< time of the latest report
    time_point moved; ///< time of the latest report that showed progress
    file_progress progress;
    uint32_t failures = 0;
    uint32_t deaths = 0;
    std::string wanted_encoder; ///< the encoder that its lease request names; empty if the order decides
    bool awaited = false;       ///< a task from before the restart may still work on it
    uint32_t out_of_memory = 0; ///< how many of its tasks exceeded the memory limit
    std::vector<worker_id> refused_by;
    worker_id made_by; ///< of a finished chunk

    bool is_chunk() const noexcept {
      return kind == work_kind::chunk;
    }
  };

  part* find(attempt_id attempt);
  /// The effects, for a change that must be stored.
  file_job_effects& say() {
    gate_.said();
    return effects_;
  }
  void say_at_work(const std::string& why);
  void pump(time_point now);
  lease_request request_of(const part& x) const;
  work_limits limits_of(const part& x) const;
  std::string of_memory(const part& x) const;
  file_work work_of(const part& x) const;
  chunk_work chunk_work_of(const part& x) const;
  /// For a chunk that starts now: its share of the cores, next to the other unfinished chunks. 0 means all cores.
  uint32_t threads_of_chunk() const;
  bool is_converted(const source_stream_summary& x) const;
  void note_converted(std::vector<std::string>& notes) const;
  /// Notes what the source lacks although it claims to have it.
  void note_source(std::vector<std::string>& notes) const;
  /// Pictures that the source's decoders made in all chunks; empty if the number is unknown for any chunk.
  std::optional<uint64_t> pictures_of_source() const;
  /// Ticks from the begin of the last audio packet that was made to the end of the source's audio.
  int64_t sound_missing() const;
  /// The file name tells a later coordinator what is in the file: the version, the encoder, the source.
  std::string path_of(const part& x) const;
  /// The encoder that made the file, "none" if it was not encoded; empty for a file of another version or source.
  std::optional<std::string> encoder_of(const std::string& path) const;

  void plan(const source_summary& x, time_point now);
  std::vector<part> plan_video(const source_stream_summary& x);
  /// Takes over the chunks that were made for this plan before the restart.
  bool adopt(std::vector<part>& parts, time_point now);
  part* find_awaited(const chunk_work& x);
  void assemble_if_done(time_point now);
  /// Checks the chunks' files after a failed assembly. False if the limit of such checks is reached.
  bool examine_chunks(const file_failure& why, time_point now);
  void examined(const source_summary& x, time_point now);

  void release(part& x, const lease_end& how);
  void wait_again(part& x, const std::string& why);
  void lost(part& x, const lease_end& how, time_point now, bool out_of_memory = false);
  /// Ends the job if it exceeds a limit.
  void check_limits(time_point now);
  uint64_t bytes_made() const;
  /// Delays the other parts for a moment, so that the first picture has the machine to itself.
  void give_head_start(std::vector<part>& parts, time_point now) const;
  void note_first_frame(const part& x, time_point now);
  void broke(part& x, const file_failure& why, time_point now);
  void retry(part& x, milliseconds pause, const lease_end& how, time_point now);
  void try_elsewhere(part& x, worker_id than, milliseconds pause, const std::string& why, time_point now);
  void device_refused(part& x, const std::string& why, time_point now);
  /// No worker has the encoder of the finished chunks any more: the order's `on_busy` decides what to do with them.
  void lose_encoder(part& x, time_point now);
  void fail(failure_kind kind, const std::string& why);
  void stop_all();
  double share_done() const;
  /// Pictures of a chunk, 0 if unknown.
  uint64_t pictures_expected(const part& x) const;
  uint64_t frames_made() const;

  struct measure {
    time_point at;
    uint64_t frames = 0;
    double done = 0;
  };

  file_job_config config_;
  file_job_begin begin_;
  file_job_effects& effects_;
  file_capacity capacity_;
  file_phase phase_ = file_phase::probing;
  source_summary source_;
  /// The key picture interval for the encoder if the order sets none; 0: the encoder's default.
  std::chrono::milliseconds key_interval_{0};
  std::vector<part> parts_;
  std::deque<measure> measured_; ///< the last seconds
  uint64_t next_attempt_ = 1;
  uint32_t given_back_ = 0;
  uint32_t retries_ = 0;
  std::optional<file_failure> unexplained_; ///< why an assembly failed; its chunks are being or were checked
  uint32_t examinations_ = 0;
  /// The video encoder: the one that the first chunk got. All chunks use the same encoder, so that they can be joined.
  std::string encoder_;
  std::deque<file_placement> placements_; ///< the latest, latest last
  uint32_t deaths_in_a_row_ = 0;          ///< tasks that died since a part was finished
  std::set<std::string> deadly_with_;     ///< the workers on which those tasks died
  durable_gate gate_;
  bool at_work_ = false; ///< the effect `at_work` was called
  std::optional<time_point> began_;
  std::optional<time_point> first_frame_;
};

} // namespace troupe::core
