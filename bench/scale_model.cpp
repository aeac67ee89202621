#include "bench/scale_model.hpp"

#include "core/cluster/lease_table.hpp"
#include "core/jobs/file_job.hpp"

#include <algorithm>
#include <map>
#include <stdexcept>
#include <utility>
#include <vector>

namespace troupe::bench {

namespace {

using namespace core;

constexpr auto step = milliseconds{10};
constexpr auto days_max = std::chrono::hours{24 * 30};

/// An access point every two seconds, as is usual for films.
constexpr int64_t cut_interval = 2 * ticks_per_second;

struct finished {
  time_point at;
  file_work work;
};

/// The environment of the job and the lease table: grants arrive a step later; tasks take their time and succeed.
class world : public file_job_effects, public lease_effects {
public:
  world(const scale_costs& costs, double film_s, uint32_t workers) : costs_{costs}, film_s_{film_s} {
    for (uint32_t n = 1; n <= workers; ++n) {
      registration x;
      x.worker = worker_id{n};
      x.name = "w" + std::to_string(n);
      x.version = "1";
      x.slots = 1;
      x.can.cores = 1;
      x.can.encoders = {{"libx264", "h264", "video", "", true, "", 0}, {"aac", "aac", "audio", "", true, "", 0}};
      table_.add(x, now_, 0);
      leases_.host_added(x.worker, now_);
    }
    file_job_begin begin;
    begin.name = "film";
    begin.order.input = "/film";
    begin.order.output = "/out.mkv";
    begin.order.container = "mkv";
    begin.order.video.codec = "libx264";
    begin.order.audio.codec = "aac";
    job_.emplace(file_job_config{}, begin, *this);
    job_->capacity({workers, workers});
  }

  scale_outcome run() {
    auto start = now_;
    job_->begin(now_);
    while (!over_ && now_ - start < days_max) {
      now_ += step;
      turn();
    }
    if (!over_)
      throw std::runtime_error("the simulated job does not end");
    auto seconds = [](auto x) { return std::chrono::duration<double>(x).count(); };
    result_.wall_s = seconds(now_ - start);
    result_.probe_s = seconds(planned_ - start);
    result_.encode_s = seconds(encoded_ - planned_);
    result_.assemble_s = seconds(now_ - encoded_);
    return result_;
  }

  // -- file_job_effects -------------------------------------------------------

  void lease(attempt_id attempt, const lease_request& x) override {
    requests_.emplace_back(attempt, x);
  }
  void start(const file_work& x) override {
    auto span = std::chrono::duration_cast<steady::duration>(std::chrono::duration<double>(cost_of(x)));
    at_work_.push_back({now_ + span, x});
  }
  void stop(attempt_id attempt, const lease_end&) override {
    if (auto i = held_.find(attempt); i != held_.end())
      released_.push_back(i->second);
  }
  void planned(const std::vector<file_chunk>& chunks) override {
    planned_ = now_;
    result_.chunks = static_cast<uint32_t>(chunks.size());
  }
  void chunk_began(uint32_t, const troupe::lease&) override {}
  void chunk_ended(uint32_t, const std::string&, const chunk_done&) override {
    encoded_ = now_;
  }
  void chunk_waits(uint32_t, uint32_t, const std::string&) override {}
  void chunk_spoiled(uint32_t, const std::string&) override {}
  void completed(const file_published&) override {
    over_ = true;
  }
  void failed(failure_kind, const std::string& why) override {
    throw std::runtime_error("the simulated job failed: " + why);
  }

  // -- lease_effects ----------------------------------------------------------

  void grant(uint64_t ticket, const troupe::lease& x) override {
    granted_.emplace_back(attempt_id{ticket}, x);
  }
  void refuse(uint64_t, ec, const std::string& why) override {
    throw std::runtime_error("the simulated lease table refuses: " + why);
  }
  void want(worker_id host, uint32_t processes) override {
    wanted_[host] = processes;
  }
  void assign(worker_id, task_id, const work_label&, lease_id id) override {
    assigned_.push_back(id);
  }
  void end(worker_id, task_id task) override {
    ended_.push_back(task);
  }
  void move(uint64_t, lease_id) override {}
  void give_back(uint64_t, lease_id) override {}

private:
  using steady = time_point::clock;

  /// Delivers the answers to all effects so far, one after the other, so that neither side is called from within its
  /// own calls.
  void turn() {
    job_->handed_over();
    job_->stored(now_);
    bring_up_processes();
    for (auto& [attempt, request] : std::exchange(requests_, {}))
      leases_.request(request, attempt.value, 1, now_);
    for (auto id : std::exchange(assigned_, {}))
      leases_.assigned(id, true, {}, now_);
    for (auto& [attempt, lease] : std::exchange(granted_, {})) {
      held_[attempt] = lease;
      job_->granted(attempt, lease, now_);
    }
    std::vector<finished> rest;
    for (auto& x : std::exchange(at_work_, {}))
      if (x.at <= now_)
        job_->on(file_result{x.work.attempt, answer_to(x.work)}, now_);
      else {
        job_->on(file_progress{x.work.attempt, progress_, 0, 0}, now_);
        rest.push_back(std::move(x));
      }
    ++progress_;
    at_work_.insert(at_work_.end(), rest.begin(), rest.end());
    for (auto& x : std::exchange(released_, {}))
      leases_.release(x.id, {}, now_, 0);
    for (auto task : std::exchange(ended_, {}))
      leases_.task_lost(task, {}, now_, 0);
    job_->tick(now_);
    leases_.tick(now_);
  }

  /// Warm processes are ready when they are needed; their cost is in `part_s`.
  void bring_up_processes() {
    for (auto& [host, count] : std::exchange(wanted_, {}))
      for (uint32_t i = 0; i < count; ++i)
        leases_.task_joined(task_id{next_task_++}, host, now_);
  }

  double cost_of(const file_work& x) const {
    if (std::holds_alternative<probe_work>(x.work))
      return costs_.part_s + costs_.probe_s_per_s * film_s_;
    auto* chunk = std::get_if<chunk_work>(&x.work);
    if (chunk == nullptr)
      return costs_.part_s + costs_.assemble_s_per_s * film_s_;
    if (chunk->kind == chunk_kind::audio)
      return costs_.part_s + costs_.sound_s_per_s * film_s_;
    return costs_.part_s + costs_.encode_s_per_s * static_cast<double>(chunk->pictures.value_or(0)) / 25;
  }

  decltype(file_result::outcome) answer_to(const file_work& x) const {
    if (auto* chunk = std::get_if<chunk_work>(&x.work))
      return chunk_done{1, std::string(64, 'a'), chunk->pictures.value_or(1), 0, 0, true};
    if (std::holds_alternative<assemble_work>(x.work))
      return file_published{};
    auto end = static_cast<int64_t>(film_s_ * ticks_per_second);
    source_summary found;
    found.identity = "a";
    found.end = end;
    found.exact = found.countable = true;
    found.streams = {{0, true, "h264", "", 1280, 720, static_cast<uint64_t>(film_s_ * 25), 0, end},
                     {1, false, "aac", "", 0, 0, 1, 0, end}};
    for (int64_t at = 0; at < end; at += cut_interval)
      found.cuts.push_back({at, static_cast<uint64_t>(at * 25 / ticks_per_second)});
    return found;
  }

  scale_costs costs_;
  double film_s_;
  time_point now_{std::chrono::seconds{1000}};
  worker_table table_{[] {
    worker_table_config x;
    x.version = "1";
    x.degraded_after = x.unhealthy_after = x.gone_after = std::chrono::hours{10'000};
    return x;
  }()};
  lease_table leases_{{}, table_, *this};
  std::optional<file_job> job_;
  std::vector<std::pair<attempt_id, lease_request>> requests_;
  std::vector<std::pair<attempt_id, troupe::lease>> granted_;
  std::vector<lease_id> assigned_;
  std::vector<troupe::lease> released_;
  std::vector<task_id> ended_;
  std::vector<finished> at_work_;
  std::map<attempt_id, troupe::lease> held_;
  std::map<worker_id, uint32_t> wanted_;
  uint64_t next_task_ = 1;
  uint64_t progress_ = 1;
  bool over_ = false;
  time_point planned_;
  time_point encoded_;
  scale_outcome result_;
};

} // namespace

scale_outcome simulate(const scale_costs& costs, double film_s, uint32_t workers) {
  return world{costs, film_s, workers}.run();
}

} // namespace troupe::bench
