// caf-bench encode: the encoder library against the ffmpeg program.
//
// Both do the same work, each in its own process. They read a file, decode its picture, encode it with the same encoder
// and preset and otherwise the encoder's defaults, and drop the result. Runs alternate, and so does the order, so that
// a machine that slows down affects both. The figures are medians of the ratios within each pair.
#include "bench/options.hpp"
#include "bench/report.hpp"
#include "rig/process.hpp"
#include "rig/sample.hpp"
#include "rig/scratch_folder.hpp"

#include <cstdlib>
#include <filesystem>
#include <regex>
#include <stdexcept>

namespace troupe::bench {

namespace {

namespace po = boost::program_options;

/// Far longer than any run here takes.
constexpr std::chrono::minutes run_limit{10};

struct contest {
  const char* name; ///< suffix of the figures
  const char* encoder;
  const char* preset;
  double seconds; ///< length of the source, so that each encoder runs for about as long
};

constexpr contest contests[] = {
  {"x264", "libx264", "medium", 8},
  {"x265", "libx265", "medium", 4},
  {"svtav1", "libsvtav1", "8", 8},
};

struct outcome {
  process_result process;
  double frames = 0;
  double kib = 0; ///< size of the encoded video
};

/// The costs of one side, run by run.
struct series {
  std::vector<double> wall_s, cpu_s, rss_mib;

  void add(const process_result& x) {
    wall_s.push_back(x.wall_s);
    cpu_s.push_back(x.cpu_s);
    rss_mib.push_back(x.rss_mib);
  }
};

/// The last number that `pattern` captures in `text`, or 0.
double last_number(const std::string& text, const char* pattern) {
  double result = 0;
  std::regex expression{pattern};
  for (std::sregex_iterator i{text.begin(), text.end(), expression}, end; i != end; ++i)
    result = std::strtod((*i)[1].str().c_str(), nullptr);
  return result;
}

void require(const outcome& run, const std::string& what) {
  if (!run.process.ok() || run.frames <= 0 || run.kib <= 0)
    throw std::runtime_error(what + " failed: " + run.process.out.substr(0, 2000));
}

outcome run_ours(const std::string& input, const contest& each) {
  outcome result;
  result.process = run_process({own_program(), "encode-task", input, each.encoder, each.preset}, run_limit);
  result.frames = last_number(result.process.out, "frames=([0-9]+)");
  result.kib = last_number(result.process.out, "bytes=([0-9]+)") / 1024;
  require(result, std::string{"the encode task with "} + each.encoder);
  return result;
}

outcome run_ffmpeg(const std::string& input, const contest& each) {
  outcome result;
  result.process = run_process({"ffmpeg", "-hide_banner", "-nostdin", "-i", input, "-map", "0:v:0", "-c:v",
                                each.encoder, "-preset", each.preset, "-f", "null", "-"},
                               run_limit);
  if (!result.process.started)
    throw std::runtime_error("cannot start ffmpeg: install it, it is what this benchmark compares with");
  result.frames = last_number(result.process.out, "frame= *([0-9]+)");
  result.kib = last_number(result.process.out, "video:([0-9]+)kB");
  require(result, std::string{"ffmpeg with "} + each.encoder);
  return result;
}

/// Runs all pairs with one encoder.
void compete(const contest& each, const std::string& input, int pairs, report& out) {
  std::vector<double> wall_ratios, cpu_ratios, size_ratios;
  series us, them;
  outcome ours, theirs;
  for (int pair = 0; pair < pairs; ++pair) {
    if (pair % 2 == 0)
      ours = run_ours(input, each);
    theirs = run_ffmpeg(input, each);
    if (pair % 2 != 0)
      ours = run_ours(input, each);
    wall_ratios.push_back(ours.process.wall_s / theirs.process.wall_s);
    cpu_ratios.push_back(ours.process.cpu_s / theirs.process.cpu_s);
    size_ratios.push_back(ours.kib / theirs.kib);
    us.add(ours.process);
    them.add(theirs.process);
  }
  auto add = [&](const std::string& name, const std::vector<double>& samples) {
    out.figures.push_back(measured(name + "_" + each.name, samples));
  };
  add("wall_ratio", wall_ratios);
  add("cpu_ratio", cpu_ratios);
  add("wall_s_ours", us.wall_s);
  add("wall_s_ffmpeg", them.wall_s);
  add("cpu_s_ours", us.cpu_s);
  add("cpu_s_ffmpeg", them.cpu_s);
  out.figures.push_back(counted(std::string{"frames_ours_"} + each.name, ours.frames));
  out.figures.push_back(counted(std::string{"frames_ffmpeg_"} + each.name, theirs.frames));
  // The same work gives the same result: a value other than 1 means that the settings differ.
  add("size_ratio", size_ratios);
  add("rss_mib_ours", us.rss_mib);
  add("rss_mib_ffmpeg", them.rss_mib);
}

} // namespace

int run_encode(const arguments& given) {
  std::string input;
  std::string only;
  int pairs = 0;
  double seconds = 0;
  po::options_description options{"options"};
  auto add = options.add_options();
  add("input", po::value(&input), "a file to encode in place of the generated sample");
  add("only", po::value(&only), "one of x264, x265, svtav1; --quick alone takes x264");
  add("pairs", po::value(&pairs)->default_value(0), "runs of each side; 0: 5, or 3 with --quick");
  add("seconds", po::value(&seconds)->default_value(0), "length of the sample; 0: by encoder");
  auto values = parse(given, "encode [options]", options);
  if (!values)
    return 0;
  auto quick = values->count("quick") > 0;
  if (pairs <= 0)
    pairs = quick ? 3 : 5;
  scratch_folder folder;
  report result;
  result.name = "encode";
  // A shorter source would measure how programs start. So `--quick` makes fewer pairs, but with a source of the same
  // length.
  result.leave_out(static_cast<size_t>(pairs), 5, "pairs");
  if (quick && only.empty()) {
    result.left_out.emplace_back("x265 and svtav1");
    only = "x264";
  }
  for (auto& each : contests) {
    if (!only.empty() && only != each.name)
      continue;
    auto source = input;
    if (source.empty()) {
      sample_options sample;
      sample.width = 1280;
      sample.height = 720;
      sample.seconds = seconds > 0 ? seconds : each.seconds;
      // No frame code, because its flashing cells keep encoders from choosing B-frames.
      sample.picture = {.interlaced = false, .grain = 4, .coded = false};
      sample.video_bit_rate = 8'000'000;
      sample.audio_encoder.clear();
      source = folder.path(std::string{each.name} + ".ts");
      if (auto made = write_sample(source, sample); !made)
        throw std::runtime_error(made.error().what);
    }
    compete(each, source, pairs, result);
  }
  if (result.figures.empty())
    throw std::invalid_argument("--only has to be x264, x265 or svtav1");
  print(result, *values);
  return 0;
}

} // namespace troupe::bench
