#include "rig/failover_trial.hpp"

#include "rig/process.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <stdexcept>
#include <thread>

#include <signal.h>

namespace troupe::bench {

namespace {

using std::chrono::milliseconds;

constexpr size_t clients = 2;

// Time limits.
constexpr milliseconds begin_limit{30'000};   ///< from the request to a steady stream
constexpr milliseconds steady_limit{20'000};  ///< the same after a fault
constexpr milliseconds report_limit{10'000};  ///< until the API knows the process that transcodes
constexpr milliseconds recover_limit{20'000}; ///< from the end of a fault to a second of new media
constexpr milliseconds whole_limit{40'000};   ///< until all workers are back

constexpr milliseconds look_interval{10};
constexpr milliseconds steady_period{600};

/// Media more than a second beyond what clients had at the fault cannot come from a buffer that was filled before it.
constexpr double beyond_seconds = 1;

} // namespace

fault fault_of(const std::string& name) {
  constexpr std::array<const char*, 8> names{"none", "kill", "stop", "worker", "partition", "slow", "drain", "all"};
  auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end())
    throw std::invalid_argument("there is no mode " + name);
  return static_cast<fault>(found - names.begin());
}

failover_trial::failover_trial(failover_cluster& nodes, trial_options options)
  : nodes_(nodes), options_(options), random_(options.seed) {}

template <class Condition>
void failover_trial::wait_until(const std::string& what, milliseconds limit, Condition holds) const {
  auto end = wall_clock::now() + limit;
  while (!holds()) {
    if (wall_clock::now() > end)
      throw std::runtime_error("not in time: " + what);
    std::this_thread::sleep_for(look_interval);
  }
}

trial_result failover_trial::run() {
  while (result_.runs < options_.runs && result_.problem.empty()) {
    std::vector<span_of_time> spans;
    auto end = wall_clock::now() + std::chrono::seconds{static_cast<int64_t>(options_.source_seconds)} - run_reserve;
    try {
      nodes_.wait_until_idle();
      watch();
      do
        spans.push_back(one_run());
      while (result_.runs + static_cast<int>(spans.size()) < options_.runs && wall_clock::now() < end
             && static_cast<int>(spans.size()) < options_.runs_a_viewing);
      result_.failovers += nodes_.failovers();
      result_.stated_frames_lost += nodes_.frames_lost();
    } catch (const std::exception& problem) {
      result_.problem = problem.what();
      ++result_.unrecovered;
    }
    leave(spans);
  }
  result_.failovers_by_reason = nodes_.failovers_by_reason();
  // On a machine with other load, a task may pause so long that it counts as stalled; this happens only occasionally.
  if (options_.kind == fault::slow && result_.problem.empty() && result_.failovers_by_reason["slow"] == 0)
    result_.problem = "no slow task was replaced for being slow";
  return std::move(result_);
}

void failover_trial::watch() {
  for (size_t i = 0; i < clients; ++i)
    clients_.push_back(std::make_unique<failover_client>(nodes_.url()));
  wait_until("the stream begins", begin_limit, [this] { return steady(); });
}

bool failover_trial::steady() const {
  auto rate = options_.rate.source_rate / options_.rate.step;
  return std::all_of(clients_.begin(), clients_.end(), [rate](auto& x) { return x->steady(steady_period, rate); });
}

/// The number of the newest picture that every client has.
int64_t failover_trial::newest() const {
  auto result = std::numeric_limits<int64_t>::max();
  for (auto& x : clients_)
    result = std::min(result, x->newest());
  return result;
}

failover_trial::span_of_time failover_trial::one_run() {
  span_of_time result;
  wait_until("all workers are healthy", whole_limit, [this] { return nodes_.whole(); });
  std::optional<transcoding> victim;
  wait_until("the task that transcodes is reported", report_limit,
             [&] { return (victim = nodes_.transcodes()).has_value(); });
  wait_until("the stream is steady", steady_limit, [this] { return steady(); });
  result.steady = wall_clock::now() - steady_period;
  std::this_thread::sleep_for(
    milliseconds{std::uniform_int_distribution<int64_t>{0, options_.wait_max.count()}(random_)});
  if (options_.before_fault)
    options_.before_fault(faults_);
  ++faults_;
  result.from = wall_clock::now();
  make(*victim);
  auto enough = newest() + static_cast<int64_t>(beyond_seconds * options_.rate.source_rate);
  wait_until("the stream goes on", recover_limit, [&] { return newest() >= enough; });
  result.to = wall_clock::now();
  mend(*victim);
  return result;
}

/// Returns when the fault is in effect, or has passed.
void failover_trial::make(const transcoding& victim) {
  switch (options_.kind) {
  case fault::none:
    return std::this_thread::sleep_for(options_.wait_max);
  case fault::kill:
    ::kill(victim.pid, SIGKILL);
    return;
  case fault::stop:
    ::kill(victim.pid, SIGSTOP);
    return;
  case fault::worker:
    return nodes_.kill_worker(victim.worker);
  case fault::partition:
    return nodes_.cut(victim.worker);
  case fault::slow:
    return slow_down(victim);
  case fault::drain:
    nodes_.drain(victim.worker);
    return wait_until("another worker serves", recover_limit, [&] {
      auto now = nodes_.serving();
      return now && *now != victim.worker;
    });
  case fault::all:
    return kill_all();
  }
}

void failover_trial::mend(const transcoding& victim) {
  switch (options_.kind) {
  case fault::stop:
    ::kill(victim.pid, SIGKILL);
    return;
  case fault::worker:
    wait_until("the death of a worker is reported", whole_limit, [this] { return !nodes_.whole(); });
    return nodes_.start_worker(victim.worker);
  case fault::partition:
    return nodes_.join(victim.worker);
  case fault::drain:
    return nodes_.resume(victim.worker);
  case fault::all:
    for (size_t i = 1; i < failover_cluster::workers; ++i)
      nodes_.start_worker(i);
    return;
  default:
    return;
  }
}

void failover_trial::kill_all() {
  for (size_t i = 0; i < failover_cluster::workers; ++i)
    nodes_.kill_worker(i);
  std::this_thread::sleep_for(options_.away);
  nodes_.start_worker(0);
}

/// Gives a task so little CPU time that it falls behind on any machine, but not so little that it seems stalled. Ends
/// when another task has taken over.
void failover_trial::slow_down(const transcoding& victim) const {
  constexpr milliseconds period{100};
  constexpr milliseconds measured{500};
  // By how much it may fall behind per second.
  constexpr double least_s = 0.5;
  constexpr double most_s = 0.85;
  auto before = cpu_time_of(victim.pid);
  std::this_thread::sleep_for(measured);
  auto share =
    std::chrono::duration<double>(cpu_time_of(victim.pid) - before) / std::chrono::duration<double>(measured);
  auto running = share / 3;
  auto failovers = nodes_.failovers();
  auto lag = nodes_.lag();
  auto since = wall_clock::now();
  auto end = since + options_.slow_time;
  while (::kill(victim.pid, SIGSTOP) == 0) {
    running = std::clamp(running, 0.002, 0.5);
    std::this_thread::sleep_for(period * (1 - running));
    ::kill(victim.pid, SIGCONT);
    std::this_thread::sleep_for(period * running);
    if (nodes_.failovers() > failovers)
      return;
    auto now = wall_clock::now();
    if (now > end)
      throw std::runtime_error("not in time: another task replaces the slow one");
    if (now - since < measured)
      continue;
    auto grown = std::chrono::duration<double>(nodes_.lag() - lag) / std::chrono::duration<double>(now - since);
    running *= grown < least_s ? 0.6 : grown > most_s ? 1.4 : 1;
    lag = nodes_.lag();
    since = now;
  }
}

/// Ends the clients, and counts what they saw.
void failover_trial::leave(const std::vector<span_of_time>& runs) {
  std::vector<double> gaps(runs.size());
  for (auto& client : clients_) {
    auto parts = client->finish();
    if (parts.empty())
      ++result_.account.disconnects;
    std::vector<wall_clock::time_point> arrivals;
    for (auto& part : parts) {
      result_.account += account_of(part, options_.rate);
      auto some = arrivals_of(part);
      arrivals.insert(arrivals.end(), some.begin(), some.end());
    }
    for (size_t i = 0; i < runs.size(); ++i) {
      gaps[i] = std::max(gaps[i], longest_gap_ms(arrivals, runs[i].from, runs[i].to));
      auto usual = spacings_ms(arrivals, runs[i].steady, runs[i].from);
      result_.spacings_ms.insert(result_.spacings_ms.end(), usual.begin(), usual.end());
    }
  }
  clients_.clear();
  result_.gaps_ms.insert(result_.gaps_ms.end(), gaps.begin(), gaps.end());
  result_.runs += static_cast<int>(runs.size());
}

} // namespace troupe::bench
