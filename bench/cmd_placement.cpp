// caf-bench placement: how many jobs a second the coordinator can place, in the core, on one thread, and how this
// scales with the cluster.
//
// The product's own placement index, with its session tracker and waiting list, serves clusters of 100 to 100 000
// workers with two GPUs each, by turns, each in a process of its own: none gets memory that another has fragmented.
// Growth is logarithmic if the cost of a placement rises no more from one size to the next (ten times larger) than it
// did from the size before. bench/placement_load.hpp describes the load.
#include "bench/options.hpp"
#include "bench/placement_load.hpp"
#include "bench/report.hpp"
#include "rig/process.hpp"

#include <boost/json.hpp>

#include <array>
#include <stdexcept>
#include <string>
#include <vector>

namespace troupe::bench {

namespace {

namespace json = boost::json;

constexpr std::array<size_t, 4> sizes{100, 1'000, 10'000, 100'000};

/// The cluster size for which limits are set.
constexpr size_t usual_size = 10'000;

constexpr int rounds = 3;

constexpr std::chrono::minutes round_limit{5};

/// The measurements for one size, round by round.
struct series {
  std::vector<double> placements_s;
  std::vector<double> p99_us;

  void add(const placement_figures& x) {
    placements_s.push_back(x.placements_s);
    p99_us.push_back(x.p99_us);
  }
};

/// Measures one cluster in this process. If `jobs` is set there is one round, for a profiler.
void measure_here(report& to, size_t workers, size_t gpus, uint64_t seed, double seconds, size_t jobs) {
  placement_load load{workers, gpus, seed};
  load.fill();
  series all;
  auto count = jobs > 0 ? 1 : rounds;
  for (int round = 0; round < count; ++round)
    all.add(load.run(seconds / count, jobs));
  to.figures = {measured("placements_s", all.placements_s), measured("p99_us", all.p99_us)};
}

placement_figures measure_apart(size_t workers, size_t gpus, uint64_t seed, double seconds) {
  auto ran =
    run_process({own_program(), "placement", "--workers", std::to_string(workers), "--gpus", std::to_string(gpus),
                 "--seed", std::to_string(seed), "--seconds", std::to_string(seconds), "--json"},
                round_limit);
  if (!ran.ok())
    throw std::runtime_error("a cluster of " + std::to_string(workers) + " workers was not measured: " + ran.out);
  auto figures = json::parse(ran.out).at("figures");
  placement_figures result;
  result.placements_s = figures.at("placements_s").to_number<double>();
  result.p99_us = figures.at("p99_us").to_number<double>();
  return result;
}

void measure_growth(report& to, size_t gpus, uint64_t seed, double seconds) {
  std::array<series, sizes.size()> all;
  for (int round = 0; round < rounds; ++round)
    for (size_t i = 0; i < sizes.size(); ++i)
      all[i].add(measure_apart(sizes[i], gpus, seed, seconds / rounds));
  for (size_t i = 0; i < sizes.size(); ++i) {
    auto usual = sizes[i] == usual_size;
    auto suffix = usual ? std::string{} : "_" + std::to_string(sizes[i]);
    to.figures.push_back(measured("placements_s" + suffix, all[i].placements_s));
    if (usual)
      to.figures.push_back(measured("p99_us", all[i].p99_us));
  }
  for (size_t i = 1; i < sizes.size(); ++i) {
    std::vector<double> steps;
    for (size_t round = 0; round < rounds; ++round)
      steps.push_back(1e6 / all[i].placements_s[round] - 1e6 / all[i - 1].placements_s[round]);
    to.figures.push_back(measured("step_us_" + std::to_string(sizes[i]), steps));
  }
}

} // namespace

int run_placement(const arguments& given) {
  namespace po = boost::program_options;
  po::options_description options{"options"};
  options.add_options()("seconds", po::value<double>()->default_value(9), "duration for each size of the cluster");
  options.add_options()("workers", po::value<size_t>(), "measures only a cluster of this size");
  options.add_options()("gpus", po::value<size_t>()->default_value(2), "GPUs of each worker");
  options.add_options()("jobs", po::value<size_t>()->default_value(0),
                        "with --workers: places this many jobs, however long it takes; for a profiler");
  options.add_options()("seed", po::value<uint64_t>()->default_value(1), "seed of the simulated events");
  auto values = parse(given, "placement [options]", options);
  if (!values)
    return 0;
  auto seconds = values->count("quick") > 0 ? 3.0 : (*values)["seconds"].as<double>();
  auto gpus = (*values)["gpus"].as<size_t>();
  auto seed = (*values)["seed"].as<uint64_t>();
  auto jobs = (*values)["jobs"].as<size_t>();
  if (jobs > 0 && values->count("workers") == 0)
    throw std::invalid_argument("--jobs needs --workers: give the size of the cluster");
  report result;
  result.name = "placement";
  result.leave_out(static_cast<size_t>(seconds), static_cast<size_t>((*values)["seconds"].as<double>()),
                   "seconds for each size of the cluster");
  if (values->count("workers") > 0) {
    measure_here(result, (*values)["workers"].as<size_t>(), gpus, seed, seconds, jobs);
  } else {
    measure_growth(result, gpus, seed, seconds);
  }
  result.notes.emplace_back(
    "one thread; each placement with an end of another job, heartbeats and losses of workers between them");
  print(result, *values);
  return 0;
}

} // namespace troupe::bench
