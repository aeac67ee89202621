// caf-bench chunked: a file encoded in parallel chunks on one machine, against the ffmpeg program.
//
// Both read the same file and write the same kind of file with the same encoder settings, on the same two processors,
// in turns. The figure is the time that a user waits: from the start of the program to its end, with everything before
// and after the encoding. The results are compared as well: the pictures must be as many, and neither larger nor worse.
#include "bench/options.hpp"
#include "bench/report.hpp"
#include "rig/chunked_run.hpp"
#include "rig/sample.hpp"
#include "rig/scratch_folder.hpp"
#include "rig/viewing.hpp"

#include <cmath>
#include <stdexcept>

namespace troupe::bench {

namespace {

namespace po = boost::program_options;

struct contest {
  const char* name; ///< suffix of the figures
  chunked_settings with;
  int width; ///< of the sample
  int height;
};

/// Each encoder's default quality. The sizes are chosen so that each takes about as long.
const contest contests[] = {
  {"x264", {"libx264", "medium", 23, 0}, 1280, 720},
  {"vp9", {"libvpx-vp9", "4", 32, 0}, 854, 480},
  {"svtav1", {"libsvtav1", "8", 35, 0}, 1280, 720},
  {"x265", {"libx265", "medium", 28, 0}, 854, 480},
};

/// A single chunk, however long.
const contest single{"x264", {"libx264", "medium", 23, 86'400}, 1280, 720};

constexpr int processors = 2;

struct rounds {
  std::vector<double> speedup, wall_ours, wall_theirs, cpu_ratio;
  std::vector<double> busy; ///< number of processors that ffmpeg keeps busy
};

/// Runs all pairs with one encoder; the results stay in `ours` and `theirs`.
rounds compete(const contest& each, const std::string& source, const std::string& ours, const std::string& theirs,
               int pairs) {
  rounds result;
  for (int pair = 0; pair < pairs; ++pair) {
    process_result us, them;
    if (pair % 2 == 0)
      us = encode_with_troupe(source, ours, each.with);
    them = encode_with_ffmpeg(source, theirs, each.with);
    if (pair % 2 != 0)
      us = encode_with_troupe(source, ours, each.with);
    result.speedup.push_back(them.wall_s / us.wall_s);
    result.wall_ours.push_back(us.wall_s);
    result.wall_theirs.push_back(them.wall_s);
    result.cpu_ratio.push_back(us.cpu_s / them.cpu_s);
    result.busy.push_back(them.cpu_s / them.wall_s);
  }
  return result;
}

void add(report& to, const std::string& suffix, const rounds& x) {
  to.figures.emplace_back("wall_s_ours_" + suffix, spread_of(x.wall_ours).median);
  to.figures.emplace_back("wall_s_ffmpeg_" + suffix, spread_of(x.wall_theirs).median);
  to.figures.emplace_back("cpu_ratio_" + suffix, spread_of(x.cpu_ratio).median);
  to.figures.emplace_back("ffmpeg_busy_" + suffix, spread_of(x.busy).median);
}

std::string make_source(const scratch_folder& folder, const contest& each, double seconds) {
  auto path = folder.path("source-" + std::to_string(each.height) + ".mkv");
  if (std::filesystem::exists(path))
    return path;
  sample_options sample;
  sample.width = each.width;
  sample.height = each.height;
  sample.seconds = seconds;
  // Without the code, because its flashing cells keep encoders from choosing B-frames.
  sample.picture = {.interlaced = false, .grain = 4, .coded = false};
  sample.video_bit_rate = 8'000'000;
  if (auto made = write_sample(path, sample); !made)
    throw std::runtime_error(made.error().what);
  return path;
}

} // namespace

int run_chunked(const arguments& given) {
  std::string input;
  std::string only;
  int pairs = 0;
  double seconds = 0;
  po::options_description options{"options"};
  auto option = options.add_options();
  option("input", po::value(&input), "a file to encode in place of the generated sample");
  option("only", po::value(&only), "one of x264, vp9, svtav1, x265, single");
  option("pairs", po::value(&pairs)->default_value(0), "runs of each side; 0: 3, or 1 with --quick");
  option("seconds", po::value(&seconds)->default_value(0), "length of the sample; 0: 30, or 6 with --quick");
  auto values = parse(given, "chunked [options]", options);
  if (!values)
    return 0;
  auto quick = values->count("quick") > 0;
  if (pairs <= 0)
    pairs = quick ? 1 : 3;
  if (seconds <= 0)
    seconds = quick ? 6 : 30;
  use_processors(processors);
  scratch_folder folder;
  report result{"chunked", {}, {}};
  auto ours = folder.path("ours.mkv");
  auto theirs = folder.path("theirs.mkv");
  for (auto& each : contests) {
    if (!only.empty() && only != each.name)
      continue;
    auto source = input.empty() ? make_source(folder, each, seconds) : input;
    auto times = compete(each, source, ours, theirs, pairs);
    auto a = look_at(ours, source);
    auto b = look_at(theirs, source);
    if (a.frames != b.frames)
      throw std::runtime_error(std::string{each.name} + ": " + std::to_string(a.frames) + " pictures, and ffmpeg has "
                               + std::to_string(b.frames));
    std::string suffix = each.name;
    result.figures.emplace_back("speedup_" + suffix, spread_of(times.speedup).median);
    result.figures.emplace_back("size_ratio_" + suffix, b.kib > 0 ? a.kib / b.kib : 0);
    result.figures.emplace_back("ssim_delta_" + suffix, a.ssim - b.ssim);
    add(result, suffix, times);
    if (input.empty())
      result.figures.emplace_back("ceiling_" + suffix, spread_of(times.wall_theirs).median
                                                         / encode_halves(source, theirs, each.with, seconds));
  }
  if (only.empty() || only == "single") {
    auto source = input.empty() ? make_source(folder, single, seconds) : input;
    auto times = compete(single, source, ours, theirs, pairs);
    result.figures.emplace_back("single_x264", spread_of(times.speedup).median);
    add(result, "single_x264", times);
  }
  if (result.figures.empty())
    throw std::invalid_argument("--only has to be x264, vp9, svtav1, x265 or single");
  print(result, values->count("json") > 0);
  return 0;
}

} // namespace troupe::bench
