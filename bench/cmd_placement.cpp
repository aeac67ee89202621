// caf-bench placement: how many jobs a second the coordinator can find a place for, in the core, on one thread.
//
// The product's own placement desk, with its session tracker and waiting list, serves a cluster of 10 000 workers with two GPUs each, and one of 1000 for
// comparison: what a tenfold cluster costs is the ratio of the two. See bench/placement_load.hpp for what goes on meanwhile.
#include "bench/options.hpp"
#include "bench/placement_load.hpp"
#include "bench/report.hpp"

namespace troupe::bench {

int run_placement(const arguments& given) {
  namespace po = boost::program_options;
  po::options_description options{"options"};
  options.add_options()("seconds", po::value<double>()->default_value(8), "of each measurement");
  options.add_options()("workers", po::value<size_t>()->default_value(10'000), "in the large cluster");
  options.add_options()("gpus", po::value<size_t>()->default_value(2), "of each worker");
  options.add_options()("jobs", po::value<size_t>()->default_value(0),
                        "places so many in the large cluster, and measures nothing else: for a profiler");
  options.add_options()("seed", po::value<uint64_t>()->default_value(1), "what happens follows from it");
  auto values = parse(given, "placement [options]", options);
  if (!values)
    return 0;
  auto seconds = values->count("quick") > 0 ? 3.0 : (*values)["seconds"].as<double>();
  auto gpus = (*values)["gpus"].as<size_t>();
  auto seed = (*values)["seed"].as<uint64_t>();
  auto jobs = (*values)["jobs"].as<size_t>();
  auto measure = [&](size_t workers) {
    placement_load load{workers, gpus, seed};
    load.fill();
    return load.run(seconds, jobs);
  };
  auto large = measure((*values)["workers"].as<size_t>());
  auto small = jobs > 0 ? placement_figures{} : measure(1000);
  report result;
  result.name = "placement";
  result.figures = {{"placements_s", large.placements_s}, {"p99_us", large.p99_us}};
  if (jobs == 0) {
    result.figures.emplace_back("placements_s_1000", small.placements_s);
    result.figures.emplace_back("p99_us_1000", small.p99_us);
  }
  result.notes.emplace_back(
    "one thread; each placement with an end of another job, heartbeats and losses of workers between them");
  print(result, values->count("json") > 0);
  return 0;
}

} // namespace troupe::bench
