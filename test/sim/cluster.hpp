// The simulated world of one seed: the coordinator, its workers, channels and viewers, and the faults that happen to
// them.
//
// A life (one run) has three parts. First, viewers come and go while faults happen: tasks are killed, hang and become
// slow, machines crash and start again, networks split, sources end. Then the faults stop, and within a time limit all
// viewers must get their stream. At last all viewers leave, and nothing may be left behind.
#pragma once

#include "test/sim/control.hpp"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace troupe::sim {

/// The faults and results of one life, for totals.
struct summary {
  uint64_t steps = 0;
  uint64_t fingerprint = 0;
  uint64_t frames = 0;
  std::map<std::string, uint64_t> counts; ///< faults by kind, failovers by reason
};

class cluster : public task_sink, public audience, public front_door {
public:
  cluster(uint64_t seed, bool trace);

  /// Runs a whole life. Throws a `violation`.
  void run();

  const world& clock() const noexcept {
    return world_;
  }

  const summary& result() const noexcept {
    return summary_;
  }

private:
  struct machine {
    std::string name;
    uint32_t slots;
    std::shared_ptr<machine_mood> mood;
    host_ptr it; ///< the latest life
  };

  struct viewing {
    std::string channel;
    std::string profile;
    uint32_t wanted = 0;   ///< viewers that want to watch
    uint32_t attached = 0; ///< of these, the viewers that watch
    uint32_t asking = 0;   ///< of these, the viewers that wait for an answer
    std::string refusal;   ///< the reason given to the last refused viewer
  };

  // building
  void start_coordinator();
  void make_machines();
  void make_channels();
  control_config make_config();

  // viewers
  void viewers_come_and_go();
  void ask(size_t which);
  void retry(size_t which);

  // faults
  void schedule_fate();
  void strike();
  void strike_task();
  void hang_on(const process_ptr& p);
  void strike_machine();
  void strike_network();
  void strike_source();
  void strike_coordinator();
  void coordinator_dies();
  void set_draining(const std::string& name, bool draining);
  void rest();
  void bring_up(machine& m, duration after);
  std::vector<process_ptr> working_processes(bool ingest) const;

  // judgement
  void check_progress();
  void tick();

  void count(const std::string& what) {
    ++summary_.counts[what];
  }

  std::shared_ptr<session_node> find(session_id id) const;

  // -- task_sink --------------------------------------------------------------

  void on(session_id to, const format_change& x) override;
  void on(session_id to, const sample_batch& x) override;
  void on(session_id to, const batch_ack& x) override;
  void on(session_id to, const stream_end& x) override;
  void on(session_id to, attempt_id attempt, const work_statistics& x) override;

  // -- audience ---------------------------------------------------------------

  void answered(core::ticket x) override;
  void refused(core::ticket x, const std::string& why) override;
  void closed(const std::string& channel, const std::string& profile, const std::string& why) override;
  uint32_t clients(const std::string& channel, const std::string& profile) override;

  // -- front_door -------------------------------------------------------------

  std::string on_registration(const registration& x, const host_ptr& from) override;
  bool on_heartbeat(const heartbeat& x) override;
  bool on_join(task_id task, worker_id of, const process_ptr& who) override;

  world world_;
  control_config config_;
  summary summary_;
  std::vector<std::unique_ptr<registry_node>> registries_; ///< of all runs: events refer to them
  registry_node* registry_ = nullptr;                      ///< of the coordinator that runs; null while there is none
  host_ptr ingest_host_;
  std::vector<host_ptr> lives_; ///< all hosts so far: their connections and processes refer to them
  std::vector<machine> machines_;
  std::map<std::string, profile> profiles_;
  std::map<std::string, source_world> sources_;
  std::map<std::string, channel> channels_;
  std::vector<viewing> viewings_;
  std::map<core::ticket, size_t> asked_;
  std::map<session_id, std::shared_ptr<session_node>> sessions_;
  std::map<std::pair<std::string, std::string>, time_point> quarantined_;
  uint64_t next_session_ = 1;
  core::ticket next_ticket_ = 1;
  bool faults_ = true;
  bool leaving_ = false;
  bool ticking_ = true;
  double rage_ = 0;    ///< faults a second
  uint32_t kinds_ = 0; ///< the kinds of faults that this world has, a bit each
};

} // namespace troupe::sim
