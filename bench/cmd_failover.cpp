// caf-bench failover: what clients lose when a part of the cluster fails.
//
// A coordinator, three workers and their tasks run as processes. There is one live channel: its pictures carry their
// number, its sound carries its position. Two clients decode everything. The fault of the mode is injected repeatedly,
// at random moments. At the end it is checked that clients got each picture and each sample of sound.
#include "bench/options.hpp"
#include "bench/report.hpp"
#include "rig/failover_measure.hpp"
#include "rig/scratch_folder.hpp"

#include <algorithm>
#include <cstdio>
#include <stdexcept>

namespace troupe::bench {

namespace {

report report_of(const trial_result& result) {
  auto count = [](auto x) { return static_cast<double>(x); };
  auto usual = percentile_of(result.spacings_ms, 0.99);
  std::vector<double> gaps;
  for (auto x : result.gaps_ms)
    gaps.push_back(std::max(0.0, x - usual));
  auto& a = result.account;
  report out;
  out.name = "failover";
  out.figures = {counted("runs", count(result.runs)),
                 percentile("gap_ms_p50", gaps, 0.5),
                 percentile("gap_ms_p99", gaps, 0.99),
                 percentile("gap_ms_max", gaps, 1),
                 percentile("usual_gap_ms", result.spacings_ms, 0.99),
                 counted("frames_lost", count(a.frames_lost)),
                 counted("frames_repeated", count(a.frames_repeated)),
                 counted("frames_out_of_order", count(a.frames_out_of_order)),
                 counted("frames_misplaced", count(a.frames_misplaced)),
                 counted("audio_samples_lost", count(a.audio_samples_lost)),
                 counted("audio_samples_repeated", count(a.audio_samples_repeated)),
                 counted("disconnects", count(a.disconnects)),
                 counted("unrecovered", count(result.unrecovered)),
                 counted("decode_errors", count(a.decode_errors)),
                 counted("frames", count(a.frames)),
                 counted("audio_samples", count(a.audio_samples)),
                 counted("audio_marks", count(a.marks)),
                 counted("frames_lost_stated", count(result.stated_frames_lost)),
                 counted("failovers_stated", count(result.failovers))};
  for (auto& [reason, times] : result.failovers_by_reason)
    out.figures.push_back(counted("failovers_" + reason, count(times)));
  return out;
}

} // namespace

int run_failover(const arguments& given) {
  namespace po = boost::program_options;
  failover_plan how;
  std::string mode = "kill";
  std::string size = "640x360";
  po::options_description options{"options"};
  auto add = options.add_options();
  add("mode", po::value(&mode)->default_value(mode),
      "kill, stop or slow a task; kill a worker, or all of them; partition or drain a worker; none");
  add("runs", po::value(&how.runs)->default_value(how.runs), "faults, one after the other");
  add("profile", po::value(&how.profile)->default_value(how.profile),
      "plain, b-frames, half-rate, opus, copied-sound, or a built-in profile");
  add("source", po::value(&how.source)->default_value(how.source), "h264, hevc-open-gop, mpeg2-interlaced or ac3");
  add("size", po::value(&size)->default_value(size), "size of the source's pictures");
  add("seed", po::value(&how.seed)->default_value(how.seed), "seed of the random moments");
  add("set", po::value(&how.settings)->composing(), "KEY=VALUE, a setting for every node; may be repeated");
  add("capabilities", po::value(&how.capabilities), "the file with the workers' tested codecs");
  auto values = parse(given, "failover [options]", options);
  if (!values)
    return 0;
  how.kind = fault_of(mode);
  auto asked = how.runs;
  if (values->count("quick") > 0)
    how.runs = std::min(how.runs, 5);
  if (how.runs < 1)
    throw std::invalid_argument("at least one run");
  if (std::sscanf(size.c_str(), "%dx%d", &how.width, &how.height) != 2)
    throw std::invalid_argument("give a size as 640x360");
  if (auto why = failover_obstacle(how.kind); !why.empty()) {
    auto nothing = report_of({});
    nothing.notes.push_back("skipped: " + why);
    std::fprintf(stderr, "caf-bench failover: %s is skipped: %s\n", mode.c_str(), why.c_str());
    print(nothing, *values);
    return 0;
  }
  scratch_folder folder;
  how.folder = folder.path("");
  auto result = measure_failover(how);
  if (!result.problem.empty())
    std::fprintf(stderr, "caf-bench failover: %s\n", result.problem.c_str());
  auto out = report_of(result);
  out.leave_out(static_cast<size_t>(how.runs), static_cast<size_t>(asked), "faults");
  print(out, *values);
  return result.account.exact() && result.unrecovered == 0 && result.problem.empty() ? 0 : 1;
}

} // namespace troupe::bench
