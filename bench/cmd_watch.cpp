// caf-bench watch URL: exits 0 only if pictures and sound came, in sync, every frame once, without a decode error.
#include "bench/options.hpp"
#include "bench/report.hpp"
#include "rig/viewer.hpp"

namespace troupe::bench {

namespace {

constexpr double quick_seconds = 40;

} // namespace

int run_watch(const arguments& given) {
  namespace po = boost::program_options;
  viewer_options viewer;
  expectations expected;
  double seconds = 10;
  po::options_description options{"options"};
  auto add = options.add_options();
  add("url", po::value(&viewer.url)->required(), "what to play: http://…, or a file");
  add("seconds", po::value(&seconds)->default_value(seconds), "how long, at most 86400");
  add("loop-frames", po::value(&viewer.loop_frames)->default_value(0), "frames of a looped sample; 0: detect them");
  add("sync-ms", po::value(&expected.sync_ms)->default_value(expected.sync_ms), "how far sound may be off");
  add("no-video", "pictures are not expected");
  add("no-audio", "sound is not expected");
  add("other-rate", "the rendition has another frame rate: missing and repeated pictures are no error");
  auto values = parse(given, "watch URL [options]", options, "url");
  if (!values)
    return 0;
  if (!(seconds > 0 && seconds <= 86'400))
    throw std::invalid_argument("--seconds has to be above 0 and at most 86400");
  report out;
  out.name = "watch";
  auto asked = seconds;
  if (values->count("quick") > 0)
    seconds = std::min(seconds, quick_seconds);
  out.leave_out(static_cast<size_t>(seconds), static_cast<size_t>(asked), "seconds");
  viewer.duration = std::chrono::milliseconds{static_cast<int64_t>(seconds * 1000)};
  expected.video = values->count("no-video") == 0;
  expected.audio = values->count("no-audio") == 0;
  expected.every_frame_once = values->count("other-rate") == 0;
  auto result = watch(viewer);
  auto found = problems(result, expected);
  for (auto& [name, value] : figures(result))
    out.figures.push_back(counted(name, value));
  out.figures.push_back(counted("problems", static_cast<double>(found.size())));
  print(out, *values);
  for (auto& problem : found)
    std::fprintf(stderr, "caf-bench watch: %s\n", problem.c_str());
  return found.empty() ? 0 : 1;
}

} // namespace troupe::bench
