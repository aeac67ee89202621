// caf-bench scale: one file on one worker and on two, and by simulation on up to 64.
//
// Workers have one slot and one core each, so a second worker adds one core. The same source, in the same chunks, is
// encoded on one worker and on two in turns. The times on one worker then feed a simulation of a two-hour film with the
// product's own decisions. It shows how far the speed-up goes, and what limits it.
#include "bench/options.hpp"
#include "bench/report.hpp"
#include "bench/scale_model.hpp"
#include "rig/sample.hpp"
#include "rig/scale_cluster.hpp"
#include "rig/scratch_folder.hpp"

#include <algorithm>
#include <cstdio>
#include <stdexcept>

namespace troupe::bench {

namespace {

namespace po = boost::program_options;

constexpr int chunk_seconds = 5;
constexpr double film_s = 2 * 3600;

/// The overhead of each part: a process that joins, the store, the coordinator's rounds. An estimate.
constexpr double part_s = 0.1;

std::string line(const char* format, auto... values) {
  char text[256];
  std::snprintf(text, sizeof text, format, values...);
  return text;
}

scale_costs costs_of(const job_times& x, double sample_s) {
  auto share = [sample_s](double s) { return std::max(s - part_s, 0.0) / sample_s; };
  scale_costs result;
  result.probe_s_per_s = share(x.probe_s);
  result.encode_s_per_s = std::max(x.chunk_s - part_s, 0.0) * x.chunks / sample_s;
  result.sound_s_per_s = share(x.sound_s);
  result.assemble_s_per_s = share(x.assemble_s);
  result.part_s = part_s;
  return result;
}

void add_parts(const std::vector<job_times>& alone, report& to) {
  auto add = [&](const char* name, double job_times::*part) {
    std::vector<double> samples;
    for (auto& x : alone)
      samples.push_back(x.*part);
    to.figures.push_back(measured(name, samples));
  };
  add("probe_s", &job_times::probe_s);
  add("chunk_s", &job_times::chunk_s);
  add("sound_s", &job_times::sound_s);
  add("assemble_s", &job_times::assemble_s);
}

/// Simulates one film for each run on one worker, because the times of that run are the simulation's only input.
void add_simulation(const std::vector<job_times>& alone, double sample_s, report& to) {
  for (uint32_t workers = 1; workers <= 64; workers *= 2) {
    std::vector<double> efficiency;
    for (auto& times : alone) {
      auto costs = costs_of(times, sample_s);
      auto x = simulate(costs, film_s, workers);
      auto speedup = simulate(costs, film_s, 1).wall_s / x.wall_s;
      efficiency.push_back(speedup / workers);
      if (&times == &alone.back())
        to.notes.push_back(
          line("simulated, 2 h, %2u workers: %7.0f s, %5.1fx; probe %.0f s, %u parts %.0f s, assembly and check %.0f s",
               workers, x.wall_s, speedup, x.probe_s, x.chunks, x.encode_s, x.assemble_s));
    }
    to.figures.push_back(measured("simulated_efficiency_" + std::to_string(workers), efficiency));
  }
}

} // namespace

int run_scale(const arguments& given) {
  int pairs = 0;
  double seconds = 40;
  po::options_description options{"options"};
  auto option = options.add_options();
  option("pairs", po::value(&pairs)->default_value(0), "runs of each number of workers; 0: 5, or 3 with --quick");
  option("seconds", po::value(&seconds)->default_value(seconds), "length of the sample");
  auto values = parse(given, "scale [options]", options);
  if (!values)
    return 0;
  auto quick = values->count("quick") > 0;
  if (pairs <= 0)
    pairs = quick ? 3 : 5;
  scratch_folder folder;
  sample_options sample;
  sample.width = 854;
  sample.height = 480;
  sample.seconds = seconds;
  sample.picture = {.interlaced = false, .grain = 4, .coded = false};
  sample.video_bit_rate = 5'000'000;
  auto source = folder.path("source.mkv");
  if (auto made = write_sample(source, sample); !made)
    throw std::runtime_error(made.error().what);
  std::vector<double> efficiency, wall_1, wall_2;
  std::vector<job_times> alone;
  for (int pair = 0; pair < pairs; ++pair) {
    double walls[2] = {};
    for (int turn = 0; turn < 2; ++turn) {
      auto workers = turn == pair % 2 ? 1 : 2;
      scale_cluster cluster{folder.path(std::to_string(pair) + "-" + std::to_string(workers)), workers};
      auto times = cluster.transcode(source, folder.path("out.mkv"), chunk_seconds);
      walls[workers - 1] = times.whole_s;
      if (workers == 1)
        alone.push_back(times);
    }
    wall_1.push_back(walls[0]);
    wall_2.push_back(walls[1]);
    efficiency.push_back(walls[0] / walls[1] / 2);
  }
  report result;
  result.name = "scale";
  result.leave_out(static_cast<size_t>(pairs), 5, "pairs");
  result.figures = {measured("efficiency_2", efficiency), measured("wall_s_1", wall_1), measured("wall_s_2", wall_2)};
  add_parts(alone, result);
  add_simulation(alone, seconds, result);
  print(result, *values);
  return 0;
}

} // namespace troupe::bench
