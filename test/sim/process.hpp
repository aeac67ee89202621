// A task process: takes one unit of work in its life, handles its mail one message at a time, and can be killed, hang
// or be slow.
#pragma once

#include "test/sim/connection.hpp"
#include "test/sim/model.hpp"
#include "test/sim/source.hpp"

#include "core/live/credit.hpp"
#include "messages/cluster.hpp"

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace troupe::sim {

/// The coordinator's receivers of what a task sends; a session is looked up by its id when a message arrives.
class task_sink {
public:
  virtual ~task_sink() = default;
  virtual void on(session_id to, const format_change& x) = 0;
  virtual void on(session_id to, const sample_batch& x) = 0;
  virtual void on(session_id to, const batch_ack& x) = 0;
  virtual void on(session_id to, const stream_end& x) = 0;
  virtual void on(session_id to, attempt_id attempt, const work_statistics& x) = 0;
};

/// The answer to a start: empty for "it works", else why not, and whether trying again is futile.
struct start_answer {
  std::string why;
  bool terminal = false;
};

/// What a process and its machine are like just now. Shared, so that a whole machine can become slow at once.
struct machine_mood {
  double slowness = 1;     ///< factor on all work
  duration picture_cost{}; ///< decoding and encoding one picture
  encoder_habits habits;   //
  double start_fails = 0;  ///< share of starts that are answered by an error
  double source_fails = 0; ///< share of pulls that end with an error before the first sample
  duration source_life{};  ///< how long a pull lasts before the source ends it; 0 is for ever
};

/// What a channel's source is like.
struct source_world {
  source_shape shape;
  int64_t first_dts = 0;
  bool away = false; ///< cannot be opened just now
  source_form form = source_form::usual;
};

class process : public std::enable_shared_from_this<process> {
public:
  process(world& w, task_id id, task_sink& sink, std::shared_ptr<machine_mood> mood);

  // -- by the coordinator, as messages that have arrived ---------------------

  void start(const ingest_work& x, const source_world& source, std::function<void(start_answer)> answer);
  void start(const transcode_work& x, std::function<void(start_answer)> answer);
  void on(const sample_batch& x);
  void on(const batch_ack& x);
  void on_finish();
  void on_finish(int64_t to_pts);
  void on_stop();

  /// The process learns that the coordinator is gone.
  void orphaned();

  // -- faults ----------------------------------------------------------------

  void kill();
  void hang(bool on);
  void slow_down(double factor) {
    slowness_ = factor;
  }

  /// The end of the source, with that reason.
  void source_ends(std::string why);

  bool alive() const noexcept {
    return alive_;
  }

  bool hanging() const noexcept {
    return hanging_;
  }

  bool works() const noexcept {
    return works_;
  }

  const task_id id;
  const connection_ptr link;
  std::function<void()> on_exit; ///< tells the host

private:
  struct mail {
    duration cost;
    std::function<void()> handle;
  };

  struct output {
    sample_block block;
    std::optional<stream_format> before; ///< if set: the new track list, announced before the block
  };

  void post(duration cost, std::function<void()> handle);
  void work_on_mail();
  void quit();
  void send(std::function<void()> deliver, bool alone = true);
  void announce(const stream_format& x);
  void send_pending();
  void end(std::string why, bool terminal);

  // ingest
  void read();

  // transcoder
  void take(const sample_batch& x);
  void drain();

  world& world_;
  task_sink& sink_;
  std::shared_ptr<machine_mood> mood_;
  double slowness_ = 1;
  bool alive_ = true;
  bool hanging_ = false;
  bool busy_ = false;
  bool works_ = false;
  bool ending_ = false;
  std::deque<mail> mail_;

  attempt_id attempt_;
  session_id session_;
  std::optional<core::credit_window> credit_;
  std::deque<output> pending_; ///< waits for credit
  std::optional<pull> pull_;
  const source_world* source_ = nullptr;
  source_form form_ = source_form::usual; ///< of what is read now
  std::optional<transcode_model> model_;
  bool announced_ = false;
  uint64_t received_ = 0;
  uint64_t acknowledged_ = 0;
  int64_t newest_fed_ = no_timestamp;
};

using process_ptr = std::shared_ptr<process>;

} // namespace troupe::sim
