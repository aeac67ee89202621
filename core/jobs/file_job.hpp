// One file job under way: probe, plan, chunks beside the sound, assembly.
//
// Events and `now` come in, effects go out; the job actor translates. Each part of the job (the probe, a chunk, the sound, the assembly) is worked
// on by one task at a time under a lease. Each try at a part has a number of its own: whatever carries another one is refused.
//
// What goes wrong with a part:
// - its task is gone, or says nothing for too long: the part is tried elsewhere at once. A part that goes on killing its tasks ends the job, and so do
//   deaths on several workers, or many of them, with nothing finished in between;
// - its task was killed because it had more memory than the job's limit: once it is tried elsewhere, a second time ends the job;
// - an error of the machine it ran on: the part is tried elsewhere after a pause that doubles;
// - an error of the media or the encoder, or too many tries: the job ends, with the reason.
// Out of time, or with more bytes written than its limit, the job ends too.
// An assembly that fails has the files of all chunks looked at, a few times at most: those that are not what was announced are made again elsewhere.
// A chunk whose slot is wanted for live work is given back and done again later, which is nobody's failure.
//
// A job that begins anew knows the plan and the finished chunks of its earlier life. The source is probed again in any case; if it is still the
// same one, and the files are still whole, they are not made again. A chunk that was in the making is not given to anybody else for a while: its task
// outlives a coordinator, and is taken over as it is.
#pragma once

#include "core/jobs/chunk_plan.hpp"
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

struct file_job_config {
  size_t requests_max = 4;        ///< leases that are asked for at once
  uint32_t retries_max = 3;       ///< of a part
  uint32_t deaths_max = 3;        ///< tasks that a part may take with it, and workers whose tasks die of the job
  uint32_t disk_refuse = 0;       ///< percent; no part is begun where less of the disk is free
  uint32_t disk_warn = 0;         ///< percent; with less free, the job is warned
  memory_rules memory;            ///< of its tasks, where the order has no limit
  milliseconds retry_first{1000}; ///< pause before a try after an error; doubled by each
  milliseconds retry_longest{60'000};
  milliseconds silence_max{5'000}; ///< a task reports twice a second
  milliseconds stall_max{120'000}; ///< a task that reports, but comes no further
  milliseconds head_start{
    50}; ///< the other parts begin with the first chunk's first picture, or this much after it was asked for
  milliseconds orphan_wait{3'000}; ///< for a task of an earlier life to say that it still works at its chunk
};

/// What the cluster can do at once.
struct file_capacity {
  uint32_t slots = 1;
  uint32_t cores = 1;
};

/// A chunk, or the sound, as the store knows it.
struct file_chunk {
  uint32_t number = 0;
  chunk_kind kind = chunk_kind::video;
  int64_t from = 0;
  int64_t to = 0;
  bool done = false;
  std::string path; ///< of a finished one
  chunk_done result;
  bool begun = false; ///< an earlier life's task was at it, and may be still

  bool operator==(const file_chunk&) const = default;
};

/// Who the job is and what it had before.
struct file_job_begin {
  std::string name;     ///< for people
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

/// Where one part of a job is made, for people.
struct file_placement {
  std::string part; ///< "probe", "chunk 3", "assemble"
  lease held;
};

/// How far it is, for people.
struct file_job_status {
  file_phase phase = file_phase::probing;
  double done = 0;           ///< share of the whole job
  uint64_t frames = 0;       ///< pictures encoded
  uint64_t frames_total = 0; ///< 0 where unknown
  uint64_t bytes = 0;        ///< encoded
  double fps = 0;            ///< pictures a second, of late
  double speed = 0;          ///< media time over wall time, of late
  int64_t eta_ms = -1;       ///< until the end; -1 where unknown
  uint32_t chunks = 0;
  uint32_t chunks_done = 0;
  uint32_t chunks_running = 0;
  uint32_t given_back = 0;
  uint32_t retries = 0;
  std::vector<std::string> workers;       ///< that work at it now
  std::vector<std::string> limits;        ///< what enforces its limits there
  std::vector<file_placement> placements; ///< the latest, latest last
  int64_t first_frame_ms =
    -1; ///< from its submission to the first encoded picture, or sound where there is no picture; -1 before that
};

/// What the job wants done. Implementations must not call back into it from within these.
class file_job_effects {
public:
  virtual ~file_job_effects() = default;

  /// Ask for a lease; answered by `granted` or `not_granted`.
  virtual void lease(attempt_id attempt, const lease_request& x) = 0;
  /// Give this work to the attempt's task.
  virtual void start(const file_work& x) = 0;
  /// Have the attempt's task, which has its work in hand already, report from now on. Only for who calls `take_over`.
  virtual void attach(attempt_id) {}
  /// The device that the attempt's lease names refused it. Comes before `stop`.
  virtual void device_failed(attempt_id, const std::string& /* why */) {}
  /// The attempt is over: its lease and its task are not needed any more.
  virtual void stop(attempt_id attempt, const lease_end& how) = 0;

  // -- to be written down -----------------------------------------------------

  /// Earlier chunks are forgotten; these are the plan.
  virtual void planned(const std::vector<file_chunk>& chunks) = 0;
  virtual void chunk_began(uint32_t number, const troupe::lease& held) = 0;
  virtual void chunk_ended(uint32_t number, const std::string& path, const chunk_done& x) = 0;
  /// It waits again: given back, lost, or to be tried again.
  virtual void chunk_waits(uint32_t number, uint32_t failures, const std::string& why) = 0;
  /// A finished one has to be made again.
  virtual void chunk_spoiled(uint32_t number, const std::string& why) = 0;

  // -- the end: nothing follows -----------------------------------------------

  virtual void completed(const file_published& x) = 0;
  virtual void failed(failure_kind kind, const std::string& why) = 0;
};

/// Whether each picture of the source becomes one of the result.
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
  /// `encoder_gone`: no worker has the encoder any more that the attempt was to have.
  void not_granted(attempt_id attempt, time_point now, bool encoder_gone = false);
  void on(const file_progress& x, time_point now);
  void on(const file_result& x, time_point now);
  /// The attempt's task is gone, or did not take its work.
  void down(attempt_id attempt, const std::string& why, time_point now, bool out_of_memory = false);
  /// Whether a task of an earlier life that does this would be taken over. Each such question is a sign of life: its chunk waits on.
  bool awaits(const chunk_work& x, time_point now);
  /// Takes that task over, under a lease of its own; nothing where it is not awaited.
  std::optional<attempt_id> take_over(const chunk_work& x, const lease& held, time_point now);
  /// The lease's slot is wanted.
  void give_back(lease_id x, time_point now);
  void tick(time_point now);
  /// Everything ends here, without a further word.
  void cancel();

  // -- views ------------------------------------------------------------------

  bool ended() const noexcept {
    return phase_ == file_phase::ended;
  }

  /// The plan is made: it is known what is awaited.
  bool planned() const noexcept {
    return phase_ != file_phase::probing;
  }

  file_job_status status() const;

private:
  enum class part_state : uint8_t { waiting, leasing, running, done };

  struct part {
    work_kind kind = work_kind::chunk;
    part_state state = part_state::waiting;
    file_chunk chunk; ///< of a chunk or the sound
    int64_t ticks = 0;
    std::optional<uint64_t> pictures;
    attempt_id attempt;
    lease held;
    time_point not_before;
    time_point heard; ///< the latest report
    time_point moved; ///< the latest that said more than the one before
    file_progress progress;
    uint32_t failures = 0;
    uint32_t deaths = 0;
    std::string wanted_encoder; ///< that its lease was asked for with, where it may be no other
    bool awaited = false;       ///< a task of an earlier life may still be at it
    uint32_t out_of_memory = 0; ///< how many of them for that
    std::vector<worker_id> refused_by;
    worker_id made_by; ///< of a finished one

    bool is_chunk() const noexcept {
      return kind == work_kind::chunk;
    }
  };

  part* find(attempt_id attempt);
  void pump(time_point now);
  lease_request request_of(const part& x) const;
  work_limits limits_of(const part& x) const;
  std::string of_memory(const part& x) const;
  file_work work_of(const part& x) const;
  chunk_work chunk_work_of(const part& x) const;
  /// Of a chunk that begins now: its share of the cores beside the others that are not done. 0 is "all that there are".
  uint32_t threads_of_chunk() const;
  bool is_converted(const source_stream_summary& x) const;
  void note_converted(std::vector<std::string>& notes) const;
  /// What the source lacks of what it says that it has.
  void note_source(std::vector<std::string>& notes) const;
  /// That its decoders have made in all chunks; nothing where it is not known of each.
  std::optional<uint64_t> pictures_of_source() const;
  /// Ticks from the begin of the last packet of sound that was made to the end of the source's sound.
  int64_t sound_missing() const;
  /// The name tells, for a later life, what the file is of: the version, the encoder, the source.
  std::string path_of(const part& x) const;
  /// The encoder that made the file, "none" where none did; nothing for a file of another version or source.
  std::optional<std::string> encoder_of(const std::string& path) const;

  void plan(const source_summary& x, time_point now);
  std::vector<part> plan_video(const source_stream_summary& x);
  /// Takes over what the earlier life has of this plan.
  bool adopt(std::vector<part>& parts, time_point now);
  part* find_awaited(const chunk_work& x);
  void assemble_if_done(time_point now);
  /// Looks at the chunks' files after an assembly that failed. False where that was done often enough.
  bool examine_chunks(const file_failure& why, time_point now);
  void examined(const source_summary& x, time_point now);

  void release(part& x, const lease_end& how);
  void wait_again(part& x, const std::string& why);
  void lost(part& x, const lease_end& how, time_point now, bool out_of_memory = false);
  /// Ends the job where it is beyond a limit.
  void check_limits(time_point now);
  uint64_t bytes_made() const;
  /// Holds the others back for a moment, so that the first picture has the machine to itself.
  void give_head_start(std::vector<part>& parts, time_point now) const;
  void note_first_frame(const part& x, time_point now);
  void broke(part& x, const file_failure& why, time_point now);
  void retry(part& x, milliseconds pause, const lease_end& how, time_point now);
  void try_elsewhere(part& x, worker_id than, milliseconds pause, const std::string& why, time_point now);
  void device_refused(part& x, const std::string& why, time_point now);
  /// What was made is of an encoder that nobody has any more: the order's `on_busy` says what becomes of that.
  void lose_encoder(part& x, time_point now);
  void fail(failure_kind kind, const std::string& why);
  void stop_all();
  double share_done() const;
  /// Of a chunk, 0 where unknown.
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
  std::chrono::milliseconds key_interval_{0}; ///< that the encoder is told where the order says none; 0 leaves it alone
  std::vector<part> parts_;
  std::deque<measure> measured_; ///< the last seconds
  uint64_t next_attempt_ = 1;
  uint32_t given_back_ = 0;
  uint32_t retries_ = 0;
  std::optional<file_failure> unexplained_; ///< why an assembly failed whose chunks are, or were, examined
  uint32_t examinations_ = 0;
  /// What encodes the video: that which the first chunk got. All chunks are of one encoder, so that they join.
  std::string encoder_;
  std::deque<file_placement> placements_; ///< the latest, latest last
  uint32_t deaths_in_a_row_ = 0;          ///< since a part was finished
  std::set<std::string> deadly_with_;     ///< the workers of those
  std::optional<time_point> began_;
  std::optional<time_point> first_frame_;
};

} // namespace troupe::core
