// caf-bench watch URL: exits 0 only if pictures and sound came, in sync, every frame once, without a decode error.
// A playlist or manifest is judged by the rules of HLS and DASH instead: it exits 0 only if none is broken.
#include "bench/options.hpp"
#include "bench/report.hpp"
#include "rig/delivery/watch.hpp"
#include "rig/viewer.hpp"

#include <charconv>

namespace troupe::bench {

namespace {

constexpr double quick_seconds = 40;
constexpr double delivery_seconds = 60;

/// "90", "90s", "2m" or "1h", in seconds; 0 if it is none of these.
double parse_span(std::string_view text) {
  double value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  std::string_view unit{end, static_cast<size_t>(text.data() + text.size() - end)};
  if (error != std::errc{} || !(unit.empty() || unit == "s" || unit == "m" || unit == "h"))
    return 0;
  return value * (unit == "h" ? 3600 : (unit == "m" ? 60 : 1));
}

/// Fills in `out`; true if no rule is broken.
bool judge_delivery(const std::string& url, double seconds, report& out) {
  auto result = delivery::watch({url, delivery::seconds{seconds}});
  auto count = [&](const char* name, uint64_t value) {
    out.figures.push_back(counted(name, static_cast<double>(value)));
  };
  count("renditions", result.renditions);
  count("playlists", result.playlists);
  count("parts", result.parts);
  count("segments", result.segments);
  count("media_bytes", result.media_bytes);
  count("violations", result.violations.size());
  out.violations = std::move(result.violations);
  return out.violations.empty();
}

} // namespace

int run_watch(const arguments& given) {
  namespace po = boost::program_options;
  viewer_options viewer;
  expectations expected;
  double seconds = 10;
  po::options_description options{"options"};
  auto add = options.add_options();
  std::string span;
  add("url", po::value(&viewer.url)->required(), "what to play: http://…, or a file; an .m3u8 or .mpd is judged");
  add("for", po::value(&span), "how long, such as 90s, 5m or 1h; by default 10s, or 60s for an .m3u8 or .mpd");
  add("seconds", po::value(&seconds)->default_value(seconds), "the same in seconds, at most 86400");
  add("loop-frames", po::value(&viewer.loop_frames)->default_value(0), "frames of a looped sample; 0: detect them");
  add("sync-ms", po::value(&expected.sync_ms)->default_value(expected.sync_ms), "how far sound may be off");
  add("no-video", "pictures are not expected");
  add("no-audio", "sound is not expected");
  add("other-rate", "the rendition has another frame rate: missing and repeated pictures are no error");
  auto values = parse(given, "watch URL [options]", options, "url");
  if (!values)
    return 0;
  auto judged = delivery::is_delivery(viewer.url);
  if (judged && (*values)["seconds"].defaulted())
    seconds = delivery_seconds;
  if (!span.empty())
    seconds = parse_span(span);
  if (!(seconds > 0 && seconds <= 86'400))
    throw std::invalid_argument("--for has to be a time such as 90s or 5m, above 0 and at most 24h");
  report out;
  out.name = "watch";
  auto asked = seconds;
  if (values->count("quick") > 0)
    seconds = std::min(seconds, quick_seconds);
  out.leave_out(static_cast<size_t>(seconds), static_cast<size_t>(asked), "seconds");
  if (judged) {
    auto right = judge_delivery(viewer.url, seconds, out);
    print(out, *values);
    return right ? 0 : 1;
  }
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
