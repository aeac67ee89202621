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
#include "rig/viewing.hpp"

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

void add_simulation(const scale_costs& costs, report& to) {
  auto one = simulate(costs, film_s, 1);
  for (uint32_t workers = 1; workers <= 64; workers *= 2) {
    auto x = workers == 1 ? one : simulate(costs, film_s, workers);
    auto speedup = one.wall_s / x.wall_s;
    to.figures.emplace_back("simulated_efficiency_" + std::to_string(workers), speedup / workers);
    to.notes.push_back(
      line("simulated, 2 h, %2u workers: %7.0f s, %5.1fx; probe %.0f s, %u parts %.0f s, assembly and check %.0f s",
           workers, x.wall_s, speedup, x.probe_s, x.chunks, x.encode_s, x.assemble_s));
  }
}

} // namespace

int run_scale(const arguments& given) {
  int pairs = 0;
  double seconds = 0;
  po::options_description options{"options"};
  auto option = options.add_options();
  option("pairs", po::value(&pairs)->default_value(0), "runs of each number of workers; 0: 3, or 1 with --quick");
  option("seconds", po::value(&seconds)->default_value(0), "length of the sample; 0: 40, or 20 with --quick");
  auto values = parse(given, "scale [options]", options);
  if (!values)
    return 0;
  auto quick = values->count("quick") > 0;
  if (pairs <= 0)
    pairs = quick ? 1 : 3;
  if (seconds <= 0)
    seconds = quick ? 20 : 40;
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
  job_times alone;
  for (int pair = 0; pair < pairs; ++pair) {
    double walls[2] = {};
    for (int turn = 0; turn < 2; ++turn) {
      auto workers = turn == pair % 2 ? 1 : 2;
      scale_cluster cluster{folder.path(std::to_string(pair) + "-" + std::to_string(workers)), workers};
      auto times = cluster.transcode(source, folder.path("out.mkv"), chunk_seconds);
      walls[workers - 1] = times.whole_s;
      if (workers == 1)
        alone = times;
    }
    wall_1.push_back(walls[0]);
    wall_2.push_back(walls[1]);
    efficiency.push_back(walls[0] / walls[1] / 2);
  }
  report result{"scale", {}, {}};
  result.figures.emplace_back("efficiency_2", spread_of(efficiency).median);
  result.figures.emplace_back("wall_s_1", spread_of(wall_1).median);
  result.figures.emplace_back("wall_s_2", spread_of(wall_2).median);
  result.figures.emplace_back("probe_s", alone.probe_s);
  result.figures.emplace_back("chunk_s", alone.chunk_s);
  result.figures.emplace_back("sound_s", alone.sound_s);
  result.figures.emplace_back("assemble_s", alone.assemble_s);
  add_simulation(costs_of(alone, seconds), result);
  print(result, values->count("json") > 0);
  return 0;
}

} // namespace troupe::bench
