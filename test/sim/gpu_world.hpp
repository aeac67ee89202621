// Two hundred workers and three hundred cards, simulated on virtual time from one seed. They get jobs, crashes, lost
// and late heartbeats, foreign programs that take sessions, heat, drains and failing drivers. The real placement index
// decides. The simulation knows the true state and checks the index against it after every event.
#pragma once

#include "core/placement/placement_index.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <queue>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

namespace troupe::sim {

struct gpu_summary {
  uint64_t events = 0;
  uint64_t placed = 0;
  uint64_t on_gpus = 0;
  uint64_t promoted = 0; ///< placed after a wait
  uint64_t refused = 0;
  uint64_t opens_refused = 0; ///< by a driver, because all sessions are in use, also by foreign programs
  uint64_t workers_lost = 0;
};

class gpu_world : core::placement_effects {
public:
  explicit gpu_world(uint64_t seed);

  /// Simulates the time `busy`, lets everything end, and checks that nothing is left. Throws `std::logic_error` if a
  /// promise is broken.
  gpu_summary run(core::milliseconds busy);

private:
  using time_point = core::time_point;
  using milliseconds = core::milliseconds;

  struct card {
    gpu_description description;
    std::vector<std::string> encoders;
    std::set<lease_id> open; ///< our sessions that the driver counts
    uint32_t foreign = 0;
    double celsius = 50;
    bool driver_fails = false;
    std::vector<size_t> seen_by; ///< indices of workers
  };

  struct machine_worker {
    worker_id id;
    uint64_t life = 0;
    bool alive = false; ///< the process
    bool known = false; ///< to the index
    bool drained = false;
    bool names_sessions = false;
    std::vector<size_t> cards;
    std::map<size_t, uint32_t> foreign_told; ///< foreign sessions last reported, by card; only if unambiguous
  };

  struct job {
    lease_id lease;
    core::placement_request wish;
    core::exhaustion_policy policy = core::exhaustion_policy::queue;
    std::optional<core::choice> at;
    bool waited = false;
    bool released = false;
    bool open = false; ///< its process holds a session
    size_t worker = 0;
    uint64_t worker_life = 0;
  };

  struct event {
    time_point at;
    uint64_t number;
    std::function<void()> act;

    bool operator<(const event& x) const {
      return at != x.at ? at > x.at : number > x.number;
    }
  };

  // placement_effects
  void placed(uint64_t ticket, lease_id lease, const core::choice& at, const core::rung& on) override;
  void refused(uint64_t ticket, ec code, const std::string& why) override;

  bool chance(double p);
  milliseconds between(int64_t from, int64_t to);
  void after(milliseconds pause, std::function<void()> act);

  void build();
  void start_worker(size_t place);
  void beat(size_t place, uint64_t life);
  void lose_worker(size_t place);
  void drain_worker(size_t place);
  void befall();
  void ask(core::placement_request wish, core::exhaustion_policy policy);
  void random_job();
  void open(uint64_t ticket);
  void end(uint64_t ticket);
  void close(uint64_t ticket);
  gpu_report reading_of(size_t worker, size_t card) const;
  uint32_t limit_left(size_t card) const;

  void check_promises();
  void check_waiting();
  void check_settled();
  size_t card_of(core::gpu_id gpu) const;

  std::mt19937_64 random_;
  core::placement_index index_;
  std::vector<card> cards_;
  std::vector<machine_worker> workers_;
  std::map<uint64_t, job> jobs_;
  std::map<worker_id, size_t> places_;
  std::priority_queue<event> events_;
  time_point now_{std::chrono::seconds{1000}};
  uint64_t next_event_ = 1;
  uint64_t next_ticket_ = 1;
  uint64_t next_worker_ = 1;
  bool ending_ = false;
  gpu_summary summary_;
  std::vector<uint64_t> just_placed_;
};

} // namespace troupe::sim
