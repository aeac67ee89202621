// A lease table with a real worker table and recorded effects.
#pragma once

#include "core/cluster/lease_table.hpp"

#include <boost/test/unit_test.hpp>

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace troupe::core {

using namespace std::chrono_literals;

struct lease_recorder : lease_effects {
  std::map<uint64_t, lease> granted;
  std::map<uint64_t, std::string> refused;
  std::map<worker_id, uint32_t> wanted;
  std::vector<std::pair<lease_id, task_id>> assigned;
  std::set<task_id> ended;
  std::vector<std::pair<uint64_t, lease_id>> moves;
  std::vector<std::pair<uint64_t, lease_id>> given_back;
  std::vector<task_id> watched; ///< processes of which the table wants to know the end, which the test reports

  void grant(uint64_t ticket, const lease& x) override {
    granted[ticket] = x;
  }
  void refuse(uint64_t ticket, ec, const std::string& why) override {
    refused[ticket] = why;
  }
  void want(worker_id host, uint32_t processes) override {
    wanted[host] = processes;
  }
  void assign(worker_id, task_id task, const work_label&, lease_id id) override {
    assigned.emplace_back(id, task);
  }
  void end(worker_id, task_id task) override {
    ended.insert(task);
  }
  void move(uint64_t owner, lease_id id) override {
    moves.emplace_back(owner, id);
  }
  void give_back(uint64_t owner, lease_id id) override {
    given_back.emplace_back(owner, id);
  }
  void watch_end(worker_id, task_id task) override {
    watched.push_back(task);
  }
};

struct lease_fixture {
  time_point now{1000s};
  worker_table workers{[] {
    worker_table_config x;
    x.version = "1";
    x.breaker.failures = 1'000'000;
    return x;
  }()};
  lease_recorder effects;
  lease_table leases{{}, workers, effects};

  static registration worker_of(uint64_t id, uint32_t slots) {
    registration x;
    x.worker = worker_id{id};
    x.name = "w" + std::to_string(id);
    x.version = "1";
    x.slots = slots;
    x.can.encoders = {{"libx264", "h264", "video", "", true, "", 0}};
    return x;
  }

  void add(const registration& x) {
    BOOST_REQUIRE(!workers.add(x, now, 0).has_value());
    leases.host_added(x.worker, now);
  }

  void add_worker(uint64_t id, uint32_t slots) {
    add(worker_of(id, slots));
  }

  static lease_request transcode() {
    lease_request x;
    x.label.kind = work_kind::transcode;
    x.encoders = {"h264"};
    return x;
  }

  static lease_request file(work_kind kind) {
    lease_request x;
    x.label.kind = kind;
    return x;
  }

  void accept_all() {
    for (auto [id, task] : std::exchange(effects.assigned, {}))
      leases.assigned(id, true, {}, now);
  }

  static task_statistics listed(uint64_t task, const std::string& kind) {
    task_statistics x;
    x.task = task_id{task};
    x.kind = kind;
    return x;
  }

  uint32_t slots_used() const {
    uint32_t result = 0;
    for (auto& s : workers.status())
      result += s.slots_used;
    return result;
  }
};

} // namespace troupe::core
