// caf-bench chunked: a file encoded in parallel chunks on one machine, against the ffmpeg program.
//
// Troupe and ffmpeg take turns on the same two processors. Both read the same file, and write the same kind of file
// with the same encoder settings. The figure is the time that a user waits: from the start of the program to its end,
// with everything before and after the encoding. The results are compared as well: ours must have as many pictures as
// ffmpeg's, and must be neither larger nor worse.
#include "bench/options.hpp"
#include "bench/report.hpp"
#include "core/jobs/chunk_plan.hpp"
#include "rig/chunked_run.hpp"
#include "rig/sample.hpp"
#include "rig/scratch_folder.hpp"

#include <cmath>
#include <filesystem>
#include <optional>
#include <stdexcept>

namespace troupe::bench {

namespace {

namespace po = boost::program_options;

struct contest {
  const char* name; ///< suffix of the figures
  chunked_settings with;
  int width; ///< of the sample
  int height;
  bool halves; ///< on two processors, Troupe cuts half a minute into exactly two chunks
};

/// Each encoder's default quality. The picture sizes are chosen so that all encoders take about the same time.
const contest contests[] = {
  {"x264", {"libx264", "medium", 23, 0}, 1280, 720, true},
  {"vp9", {"libvpx-vp9", "4", 32, 0}, 854, 480, true},
  {"svtav1", {"libsvtav1", "8", 35, 0}, 1280, 720, false},
  {"x265", {"libx265", "medium", 28, 0}, 854, 480, false},
};

/// A single chunk, however long.
const contest single{"x264", {"libx264", "medium", 23, 86'400}, 1280, 720, false};

constexpr int processors = 2;

/// Whether a source of this length is cut into two chunks, not one or three: see core/jobs/chunk_plan.hpp.
bool is_cut_in_two(double seconds) {
  auto chunk = static_cast<double>(core::chunk_lengths{}.shortest) / 90'000;
  return std::lround(seconds / chunk) == 2;
}

struct rounds {
  std::vector<double> speedup, wall_ours, wall_theirs, cpu_ratio;
  std::vector<double> busy;           ///< number of processors that ffmpeg keeps busy
  std::vector<double> ceiling, share; ///< empty where ffmpeg does not encode the pieces
};

/// One source with one encoder. The results stay in `ours` and `theirs`.
struct subject {
  std::string source;
  std::string ours;
  std::string theirs;
  std::optional<double> seconds; ///< of the source, if ffmpeg is to encode its halves too
};

/// Runs all sides in turns, in one order and then in the other, so that a machine that slows down affects all.
rounds compete(const contest& each, const subject& x, int pairs) {
  rounds result;
  for (int pair = 0; pair < pairs; ++pair) {
    process_result us, them;
    double halves_s = 0;
    for (int turn = 0; turn < 3; ++turn) {
      auto side = pair % 2 == 0 ? turn : 2 - turn;
      if (side == 0)
        us = encode_with_troupe(x.source, x.ours, each.with);
      else if (side == 2)
        them = encode_with_ffmpeg(x.source, x.theirs, each.with);
      else if (x.seconds)
        halves_s = encode_halves(x.source, x.theirs, each.with, *x.seconds);
    }
    result.speedup.push_back(them.wall_s / us.wall_s);
    result.wall_ours.push_back(us.wall_s);
    result.wall_theirs.push_back(them.wall_s);
    result.cpu_ratio.push_back(us.cpu_s / them.cpu_s);
    result.busy.push_back(them.cpu_s / them.wall_s);
    if (x.seconds) {
      result.ceiling.push_back(them.wall_s / halves_s);
      result.share.push_back(halves_s / us.wall_s);
    }
  }
  return result;
}

void add(report& to, const std::string& suffix, const rounds& x) {
  auto& all = to.figures;
  all.push_back(measured("wall_s_ours_" + suffix, x.wall_ours));
  all.push_back(measured("wall_s_ffmpeg_" + suffix, x.wall_theirs));
  all.push_back(measured("cpu_ratio_" + suffix, x.cpu_ratio));
  all.push_back(measured("ffmpeg_busy_" + suffix, x.busy));
}

std::string make_source(const scratch_folder& folder, const contest& each, double seconds) {
  auto path = folder.path("source-" + std::to_string(each.height) + ".mkv");
  if (std::filesystem::exists(path))
    return path;
  sample_options sample;
  sample.width = each.width;
  sample.height = each.height;
  sample.seconds = seconds;
  // No frame code, because its flashing cells keep encoders from choosing B-frames.
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
  int pairs = 3;
  double seconds = 30;
  po::options_description options{"options"};
  auto option = options.add_options();
  option("input", po::value(&input), "a file to encode in place of the generated sample");
  option("only", po::value(&only), "one of x264, vp9, svtav1, x265, single; --quick alone takes x264");
  option("pairs", po::value(&pairs)->default_value(pairs), "runs of each side, in turns");
  option("seconds", po::value(&seconds)->default_value(seconds), "length of the sample");
  auto values = parse(given, "chunked [options]", options);
  if (!values)
    return 0;
  if (pairs < 1 || !(seconds > 0))
    throw std::invalid_argument("at least one pair of some seconds");
  use_processors(processors);
  scratch_folder folder;
  report result;
  result.name = "chunked";
  // A shorter source is not cut at all, and a single pair proves nothing. So a quick run takes one encoder.
  if (values->count("quick") > 0 && only.empty()) {
    result.left_out.emplace_back("vp9, svtav1, x265 and single");
    only = "x264";
  }
  auto ours = folder.path("ours.mkv");
  auto theirs = folder.path("theirs.mkv");
  for (auto& each : contests) {
    if (!only.empty() && only != each.name)
      continue;
    auto source = input.empty() ? make_source(folder, each, seconds) : input;
    subject x{source, ours, theirs, std::nullopt};
    if (input.empty())
      x.seconds = seconds;
    auto times = compete(each, x, pairs);
    auto a = look_at(ours, source);
    auto b = look_at(theirs, source);
    if (a.frames != b.frames)
      throw std::runtime_error(std::string{each.name} + ": " + std::to_string(a.frames) + " pictures, and ffmpeg has "
                               + std::to_string(b.frames));
    std::string suffix = each.name;
    if (input.empty() && each.halves && is_cut_in_two(seconds))
      result.figures.push_back(measured("ceiling_share_" + suffix, times.share));
    result.figures.push_back(measured("speedup_" + suffix, times.speedup));
    if (input.empty())
      result.figures.push_back(measured("ceiling_" + suffix, times.ceiling));
    // Size and similarity of the last pair suffice: they hardly change from run to run of the same program.
    result.figures.push_back(counted("size_ratio_" + suffix, b.kib > 0 ? a.kib / b.kib : 0));
    result.figures.push_back(counted("ssim_delta_" + suffix, a.ssim - b.ssim));
    add(result, suffix, times);
  }
  if (only.empty() || only == "single") {
    auto source = input.empty() ? make_source(folder, single, seconds) : input;
    auto times = compete(single, {source, ours, theirs, std::nullopt}, pairs);
    result.figures.push_back(measured("single_x264", times.speedup));
    add(result, "single_x264", times);
  }
  if (result.figures.empty())
    throw std::invalid_argument("--only has to be x264, vp9, svtav1, x265 or single");
  print(result, *values);
  return 0;
}

} // namespace troupe::bench
