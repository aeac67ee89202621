// The coordinator: the real worker table, lease table and sessions, with simulated actors between them, and with checks
// around each of them.
//
// The code here does the work of actors/cluster/daemon_registry.cpp and actors/live/session.cpp. It uses the same
// decision classes, but simulated connections. A second, independent record of all requests, leases and releases is
// kept and compared with each of them.
#pragma once

#include "test/sim/host.hpp"
#include "test/sim/referee.hpp"

#include "core/cluster/lease_table.hpp"
#include "core/cluster/worker_table.hpp"
#include "core/live/session.hpp"

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

namespace troupe::sim {

class session_node;

/// How the control plane is configured in this world.
struct control_config {
  core::worker_table_config workers;
  core::lease_table_config leases;
  core::session_config session;
  milliseconds quarantine_for{10'000};
};

/// The viewers of all renditions, as sessions see them.
class audience {
public:
  virtual ~audience() = default;
  virtual void answered(core::ticket x) = 0;
  virtual void refused(core::ticket x, const std::string& why) = 0;

  /// The rendition is over; whoever watched it is not attached any more.
  virtual void closed(const std::string& channel, const std::string& profile, const std::string& why) = 0;
  virtual uint32_t clients(const std::string& channel, const std::string& profile) = 0;
};

/// The registry.
class registry_node : public core::lease_effects, public front_door {
public:
  registry_node(world& w, control_config config);

  void set_ingest_host(const host_ptr& x);

  /// Messages from sessions, which have arrived.
  void request(const lease_request& x, const std::shared_ptr<session_node>& owner);
  void release(lease_id id, const lease_end& how);
  void owner_lost(session_id owner);

  void tick();
  void set_draining(const std::string& name, bool draining);
  void remove(const std::string& name);

  /// When everything is over: nothing is leased, no slot is taken.
  void check_idle() const;

  // -- front_door ------------------------------------------------------------

  std::string on_registration(const registration& x, const host_ptr& from) override;
  bool on_heartbeat(const heartbeat& x) override;
  bool on_join(task_id task, worker_id of, const process_ptr& who) override;

  // -- core::lease_effects ---------------------------------------------------

  void grant(uint64_t ticket, const lease& x) override;
  void refuse(uint64_t ticket, ec code, const std::string& why) override;
  void want(worker_id host, uint32_t processes) override;
  void assign(worker_id host, task_id task, const work_label& label, lease_id id) override;
  void end(worker_id host, task_id task) override;
  void move(uint64_t owner, lease_id id) override;
  void give_back(uint64_t, lease_id) override {} // no file work is simulated

private:
  struct connected {
    host_ptr it;
    connection_ptr link;
  };

  struct waiting {
    attempt_id attempt;
    std::shared_ptr<session_node> owner;
  };

  struct given {
    task_id task;
    worker_id worker;
    session_id owner;
    bool ingest = false;
  };

  void task_down(task_id task);
  void host_down(worker_id id, const connection_ptr& over);

  /// Compares the second record with the product's own state.
  void check() const;

  world& world_;
  core::worker_table table_;
  core::lease_table leases_;
  size_t requests_max_;
  worker_id ingest_host_;
  std::map<worker_id, connected> hosts_;
  std::map<task_id, process_ptr> tasks_;
  std::map<uint64_t, waiting> waiting_;
  std::map<lease_id, given> given_;
  std::map<uint64_t, std::weak_ptr<session_node>> owners_;
  uint64_t next_ticket_ = 1;
};

/// A session and what its actor does.
class session_node : public core::session_effects, public std::enable_shared_from_this<session_node> {
public:
  session_node(world& w, core::session_config config, session_id id, channel source, registry_node& registry,
               audience& viewers, std::map<std::string, source_world>& sources,
               std::function<void(const std::string&, const std::string&)> on_quarantine);

  // -- messages that have arrived --------------------------------------------

  void watch(const profile& target, core::ticket x);
  void leased(attempt_id attempt, const lease& held, const process_ptr& task);
  void lease_failed(attempt_id attempt, ec code, const std::string& why);
  void move(lease_id id);
  void task_down(task_id task);
  void tick();

  /// Its process is gone, and the session with it: nobody is told anything.
  void vanish();

  template <class Message>
  void on(const Message& x) {
    event([&] { core_.on(x, world_.now()); });
  }

  void on(const format_change& x);
  void on(const sample_batch& x);
  void on(const batch_ack& x);
  void on(attempt_id attempt, const work_statistics& x);

  bool over() const noexcept {
    return over_;
  }

  /// Ticks by which clients of the rendition are behind the newest picture or sound of the source; empty if it is not
  /// open.
  std::optional<int64_t> behind(const std::string& profile) const;

  /// Frames that clients of the rendition have got.
  uint64_t frames(const std::string& profile) const;

  /// Checks that as many frames were lost as were counted as lost.
  void check_settled() const;

  const session_id id;
  const std::string channel_name;
  std::function<void()> on_over;

  // -- core::session_effects -------------------------------------------------

  attempt_id next_attempt() override;
  void request_lease(const lease_request& x) override;
  void start(const ingest_work& x) override;
  void start(const transcode_work& x) override;
  void send(const sample_batch& x) override;
  void acknowledge(const batch_ack& x) override;
  void finish(attempt_id attempt) override;
  void finish(attempt_id attempt, int64_t to_pts) override;
  void stop(attempt_id attempt, const lease_end& how) override;
  void open_output(const std::string& profile, const stream_format& format, const core::output_form&) override;
  void deliver(const std::string& profile, const sample_block& block) override;
  void close_output(const std::string& profile, const std::string& reason) override;
  void failed_over(const std::string& profile, core::failover_reason why, milliseconds gap,
                   uint64_t replayed_bytes) override;
  void quarantine(const std::string& profile, const std::string& why) override;
  uint32_t clients(const std::string& profile) override;
  void answer(core::ticket x, const std::string& profile) override;
  void refuse(core::ticket x, ec code, const std::string& why) override;

private:
  struct attempt {
    std::optional<lease> held;
    process_ptr task;
    bool ingest = false;
    bool started = false;               ///< the session knows its handle
    uint64_t sent = 0;                  ///< batches
    uint64_t taken = 0;                 ///< of these, acknowledged
    uint64_t in_flight = 0;             ///< bytes
    uint64_t largest = 0;               ///< bytes of the largest batch
    std::map<uint64_t, uint64_t> bytes; ///< of batches in flight
    uint64_t received = 0;              ///< the latest batch that came from it
  };

  /// Handles a message, and checks everything afterwards.
  void event(const std::function<void()>& what);

  template <class Work>
  void start_on_task(const Work& work, std::function<void(process&, std::function<void(start_answer)>)> begin);

  /// Lets the referee of each rendition that has a hole compare the hole with the session's count of lost frames.
  void check();

  /// Checks that the limits on memory hold.
  void check_limits() const;

  /// The attempt must be known and not be stopped.
  attempt& working(attempt_id number, const char* what);

  world& world_;
  core::session_config config_;
  registry_node& registry_;
  audience& viewers_;
  std::map<std::string, source_world>& sources_;
  std::function<void(const std::string&, const std::string&)> on_quarantine_;
  core::session core_;
  std::map<attempt_id, attempt> attempts_;
  std::set<attempt_id> stopped_;
  std::map<std::string, profile> profiles_;
  std::map<std::string, referee> open_;
  std::set<core::ticket> waiting_;
  source_record source_;
  std::vector<stream_format> announced_; ///< of the source
  uint64_t attempts_made_ = 0;
  uint64_t largest_block_ = 0;
  bool over_ = false;
};

} // namespace troupe::sim
