// caf-bench failover: what clients lose when a part of the cluster goes.
//
// A coordinator, three workers and their tasks as processes; one live channel whose pictures carry their number and whose sound its
// position; two clients that decode everything. At random moments the fault of the mode is made, again and again, and at the end each picture
// and each sample of sound that a client should have had is looked for.
#include "bench/failover_trial.hpp"
#include "bench/live_source.hpp"
#include "bench/options.hpp"
#include "bench/report.hpp"
#include "bench/sample.hpp"
#include "bench/scratch_folder.hpp"

#include <algorithm>
#include <cstdio>
#include <memory>
#include <optional>
#include <stdexcept>

namespace troupe::bench {

namespace {

using std::chrono::milliseconds;

/// Profiles of our own: cheap enough for two busy cores, and what the built-in ones do not have.
constexpr const char* profiles = R"(  plain:
    video: {codec: libx264, preset: ultrafast, bit_rate: 600k, keyframe_interval: 1s, b_frames: 0}
    audio: {codec: aac, bit_rate: 96k}
  b-frames:
    video: {codec: libx264, preset: ultrafast, bit_rate: 600k, keyframe_interval: 1s, b_frames: 2}
    audio: {codec: aac, bit_rate: 96k}
  half-rate:
    video: {codec: libx264, preset: ultrafast, bit_rate: 600k, keyframe_interval: 1s, b_frames: 0, frame_rate: 25/2}
    audio: {codec: aac, bit_rate: 96k}
  opus:
    video: {codec: libx264, preset: ultrafast, bit_rate: 600k, keyframe_interval: 1s, b_frames: 0}
    audio: {codec: libopus, bit_rate: 96k}
  copied-sound:
    video: {codec: libx264, preset: ultrafast, bit_rate: 600k, keyframe_interval: 1s, b_frames: 0}
    audio: {codec: copy}
)";

struct plan {
  std::string mode = "kill";
  int runs = 20;
  std::string profile = "plain";
  std::string source = "h264";
  std::string size = "640x360";
  uint64_t seed = 1;
  std::vector<std::string> settings;
  std::string capabilities;
};

sample_options sample_of(const plan& how) {
  sample_options result;
  result.video_preset = "ultrafast";
  if (how.source == "hevc-open-gop") {
    result.video_encoder = "libx265";
  } else if (how.source == "mpeg2-interlaced") {
    result.video_encoder = "mpeg2video";
    result.audio_encoder = "mp2";
    result.picture.interlaced = true;
  } else if (how.source == "ac3") {
    result.audio_encoder = "ac3";
  } else if (how.source != "h264") {
    throw std::invalid_argument("there is no source " + how.source);
  }
  if (std::sscanf(how.size.c_str(), "%dx%d", &result.width, &result.height) != 2)
    throw std::invalid_argument("give a size as 640x360");
  // Several runs a source; more runs take several sources.
  constexpr double seconds_a_run = 6;
  constexpr double seconds_max = 120;
  result.seconds = std::min(how.runs * seconds_a_run, seconds_max) + std::chrono::duration<double>(run_reserve).count();
  return result;
}

std::vector<std::string> flags_of(const plan& how) {
  std::vector<std::string> result;
  for (auto& x : how.settings)
    result.push_back("--" + x);
  return result;
}

trial_result measure(const plan& how, failover_network* network) {
  auto sample = sample_of(how);
  scratch_folder folder;
  auto file = folder.path("source.ts");
  if (auto made = write_sample(file, sample); !made)
    throw std::runtime_error(made.error().what);
  live_source source{file, {{"/source.ts", {}}}};
  failover_cluster nodes{
    {.folder = folder.path(""),
     .source = source.url("/source.ts"),
     .profiles = profiles,
     .profile = how.profile,
     .capability_cache = how.capabilities.empty() ? capability_cache(folder.path("")) : how.capabilities,
     .flags = flags_of(how),
     .network = network}};
  trial_options options;
  options.kind = fault_of(how.mode);
  options.runs = how.runs;
  options.seed = how.seed;
  options.rate = {av_q2d(sample.frame_rate), how.profile == "half-rate" ? 2u : 1u};
  options.source_seconds = sample.seconds;
  auto result = failover_trial{nodes, options}.run();
  if (!result.problem.empty())
    result.problem += "\n" + nodes.state();
  return result;
}

report report_of(const trial_result& result) {
  auto count = [](auto x) { return static_cast<double>(x); };
  auto usual = percentile_of(result.spacings_ms, 0.99);
  std::vector<double> gaps;
  for (auto x : result.gaps_ms)
    gaps.push_back(std::max(0.0, x - usual));
  auto& a = result.account;
  report out;
  out.name = "failover";
  out.figures = {{"runs", count(result.runs)},
                 {"gap_ms_p50", percentile_of(gaps, 0.5)},
                 {"gap_ms_p99", percentile_of(gaps, 0.99)},
                 {"gap_ms_max", percentile_of(gaps, 1)},
                 {"usual_gap_ms", usual},
                 {"frames_lost", count(a.frames_lost)},
                 {"frames_repeated", count(a.frames_repeated)},
                 {"frames_out_of_order", count(a.frames_out_of_order)},
                 {"frames_misplaced", count(a.frames_misplaced)},
                 {"audio_samples_lost", count(a.audio_samples_lost)},
                 {"audio_samples_repeated", count(a.audio_samples_repeated)},
                 {"disconnects", count(a.disconnects)},
                 {"unrecovered", count(result.unrecovered)},
                 {"decode_errors", count(a.decode_errors)},
                 {"frames", count(a.frames)},
                 {"audio_samples", count(a.audio_samples)},
                 {"audio_marks", count(a.marks)},
                 {"failovers_stated", count(result.failovers)},
                 {"frames_lost_stated", count(result.stated_frames_lost)}};
  return out;
}

} // namespace

int run_failover(const arguments& given) {
  namespace po = boost::program_options;
  plan how;
  po::options_description options{"options"};
  auto add = options.add_options();
  add("mode", po::value(&how.mode)->default_value(how.mode),
      "kill, stop or slow a task; kill a worker, or all of them; partition or drain a worker; none");
  add("runs", po::value(&how.runs)->default_value(how.runs), "faults, one after the other");
  add("profile", po::value(&how.profile)->default_value(how.profile),
      "plain, b-frames, half-rate, opus, copied-sound, or a built-in profile");
  add("source", po::value(&how.source)->default_value(how.source), "h264, hevc-open-gop, mpeg2-interlaced or ac3");
  add("size", po::value(&how.size)->default_value(how.size), "of the source's pictures");
  add("seed", po::value(&how.seed)->default_value(how.seed), "of the random moments");
  add("set", po::value(&how.settings)->composing(), "KEY=VALUE, a setting for every node; may be repeated");
  add("capabilities", po::value(&how.capabilities), "the file that keeps what workers proved");
  auto values = parse(given, "failover [options]", options);
  if (!values)
    return 0;
  if (values->count("quick") > 0)
    how.runs = std::min(how.runs, 5);
  if (how.runs < 1)
    throw std::invalid_argument("at least one run");
  auto json = values->count("json") > 0;
  std::optional<failover_network> network;
  if (fault_of(how.mode) == fault::partition) {
    if (auto why = failover_network::obstacle(); !why.empty()) {
      auto nothing = report_of({});
      nothing.notes.push_back("skipped: " + why);
      std::fprintf(stderr, "caf-bench failover: partition is skipped: %s\n", why.c_str());
      print(nothing, json);
      return 0;
    }
    network.emplace(failover_cluster::workers);
  }
  auto result = measure(how, network ? &*network : nullptr);
  if (!result.problem.empty())
    std::fprintf(stderr, "caf-bench failover: %s\n", result.problem.c_str());
  print(report_of(result), json);
  return result.account.exact() && result.unrecovered == 0 ? 0 : 1;
}

} // namespace troupe::bench
