#include "rig/failover_measure.hpp"

#include "rig/live_source.hpp"
#include "rig/sample.hpp"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <stdexcept>

namespace troupe::bench {

namespace {

using std::chrono::milliseconds;

/// Additional profiles: cheap enough for two busy cores, with properties that the built-in ones lack.
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

/// The lowest limits, so that a slow task is replaced quickly: the default limits tolerate short slowness.
constexpr const char* slow_limits[] = {"live.slow_lag=500ms", "live.slow_after=500ms"};

/// For some time, a rendition avoids a worker that it left because a task was slow. After this many runs only one
/// worker is not avoided, so the clients leave and start a new viewing.
constexpr int slow_runs_a_viewing = static_cast<int>(failover_cluster::workers) - 1;

/// The length of a source, which serves several runs. If one source is too short for all runs, others follow.
double source_seconds(const failover_plan& how) {
  constexpr double seconds_max = 120;
  auto seconds_a_run = how.kind == fault::slow ? 12.0 : 6.0;
  return std::min(how.runs * seconds_a_run, seconds_max) + std::chrono::duration<double>(run_reserve).count();
}

sample_options sample_of(const failover_plan& how) {
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
  result.width = how.width;
  result.height = how.height;
  result.seconds = source_seconds(how);
  return result;
}

/// Returns the file; makes it if it does not exist.
std::string source_of(const failover_plan& how, const sample_options& sample) {
  auto name = how.source + "-" + std::to_string(sample.width) + "x" + std::to_string(sample.height) + "-"
              + std::to_string(frame_count(sample)) + ".ts";
  auto file = (how.media_folder.empty() ? how.folder : how.media_folder) + "/" + name;
  if (std::filesystem::exists(file))
    return file;
  if (auto made = write_sample(file, sample); !made)
    throw std::runtime_error(made.error().what);
  return file;
}

std::vector<std::string> flags_of(const failover_plan& how) {
  std::vector<std::string> result;
  if (how.kind == fault::slow)
    for (auto* x : slow_limits)
      result.push_back(std::string{"--"} + x);
  for (auto& x : how.settings)
    result.push_back("--" + x);
  return result;
}

} // namespace

std::string failover_obstacle(fault kind) {
  return kind == fault::partition ? failover_network::obstacle() : std::string{};
}

trial_result measure_failover(const failover_plan& how) {
  auto sample = sample_of(how);
  auto file = source_of(how, sample);
  std::optional<failover_network> network;
  if (how.kind == fault::partition)
    network.emplace(failover_cluster::workers);
  live_source source{file, {{"/source.ts", {}}}};
  failover_cluster nodes{
    {.folder = how.folder,
     .source = source.url("/source.ts"),
     .profiles = profiles + how.more_profiles,
     .profile = how.profile,
     .capability_cache = how.capabilities.empty() ? capability_cache(how.folder) : how.capabilities,
     .flags = flags_of(how),
     .worker_program = how.worker_program,
     .network = network ? &*network : nullptr}};
  trial_options options;
  options.kind = how.kind;
  options.runs = how.runs;
  options.seed = how.seed;
  options.wait_max = how.wait_max;
  options.before_fault = how.before_fault;
  if (how.kind == fault::slow)
    options.runs_a_viewing = slow_runs_a_viewing;
  options.rate = {av_q2d(sample.frame_rate), how.profile == "half-rate" ? 2u : 1u};
  options.source_seconds = sample.seconds;
  auto result = failover_trial{nodes, options}.run();
  if (!result.problem.empty())
    result.problem += "\n" + nodes.state();
  return result;
}

} // namespace troupe::bench
