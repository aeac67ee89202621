// Goal: every preset's output has the resolution, rate, codec and bit rate in the preset's name.
// Method: a real worker transcodes a clip with noise and motion with each preset; ffprobe reads the published files.
// A bit rate can be measured only over several seconds. By default five presets are tried. The bit rate (within 10 %)
// of three cheap ones is checked; the other two get a clip of a few pictures, which shows size, rate and codec. With
// TROUPE_LONG=1 every preset encodes six seconds in two chunks, and its bit rate is checked.
#include "config/presets.hpp"
#include "test/support/cluster.hpp"
#include "test/support/environment.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

using namespace troupe::test;
namespace json = boost::json;

BOOST_AUTO_TEST_SUITE(presets_test)

namespace {

constexpr auto job_limit = milliseconds{240'000};

/// All that a command writes to standard output.
std::string run(const std::string& command) {
  std::unique_ptr<FILE, int (*)(FILE*)> from{::popen(command.c_str(), "r"), &::pclose};
  std::string result;
  std::array<char, 4096> block;
  while (from) {
    auto n = std::fread(block.data(), 1, block.size(), from.get());
    if (n == 0)
      break;
    result.append(block.data(), n);
  }
  return result;
}

/// A clip that needs the encoder's whole bit rate: noise that moves over the picture, key pictures each second.
std::string make_clip(const std::string& path, const std::string& seconds) {
  run("ffmpeg -v error -y -f lavfi -i testsrc2=size=1280x720:rate=60:duration=" + seconds
      + ",noise=alls=14:allf=t -f lavfi -i anoisesrc=duration=" + seconds
      + ":amplitude=0.3:sample_rate=48000 -c:v libx264 -preset ultrafast -crf 16 -g 60 -pix_fmt yuv420p -c:a aac "
      + path + " 2>&1");
  return path;
}

double ratio(const std::string& fraction) {
  auto slash = fraction.find('/');
  auto den = slash == std::string::npos ? 1.0 : std::atof(fraction.c_str() + slash + 1);
  return den > 0 ? std::atof(fraction.c_str()) / den : 0;
}

struct probed {
  json::object video;
  double kbit_s = 0;
};

probed probe(const std::string& path) {
  probed result;
  auto stream =
    json::parse(run("ffprobe -v error -select_streams v:0 -show_streams -show_entries stream -of json " + path))
      .as_object();
  auto streams = list(stream, "streams");
  if (!streams.empty())
    result.video = streams.front().as_object();
  double bytes = 0;
  double pictures = 0;
  auto sizes = run("ffprobe -v error -select_streams v:0 -show_entries packet=size -of csv=p=0 " + path);
  for (size_t at = 0; at < sizes.size();
       at = sizes.find('\n', at) == std::string::npos ? sizes.size() : sizes.find('\n', at) + 1) {
    bytes += std::atof(sizes.c_str() + at);
    ++pictures;
  }
  auto rate = ratio(text(result.video, "avg_frame_rate"));
  if (pictures > 0)
    result.kbit_s = bytes * 8 / 1000 * rate / pictures;
  return result;
}

} // namespace

BOOST_AUTO_TEST_CASE(every_presets_output_is_what_its_name_says) {
  cluster c{{{}, {}, {}}};
  c.start({"one"}, 2);
  auto brief = make_clip(c.folder().path("brief.mkv"), "0.1");
  auto rated = make_clip(c.folder().path("rated.mkv"), is_long() ? "6" : "2");
  const std::set<std::string> cheap{"480p30-h264", "480p30-h265", "480p30-av1"};
  const std::set<std::string> brief_ones{"720p30-vp9", "1080p60-h264"};
  auto is_rated = [&](const std::string& name) { return is_long() || cheap.contains(name); };
  std::vector<troupe::config::preset> presets;
  for (auto& x : troupe::config::presets())
    if (is_rated(x.name) || brief_ones.contains(x.name))
      presets.push_back(x);
  BOOST_REQUIRE(presets.size() >= cheap.size() + brief_ones.size());
  std::map<std::string, std::string> ids;
  auto file_of = [&](const troupe::config::preset& x) { return c.folder().path(x.name + "." + x.container); };
  for (auto& x : presets) {
    json::object order{{"input", is_rated(x.name) ? rated : brief}, {"output", file_of(x)}, {"preset", x.name}};
    if (is_long())
      order["chunk"] = json::object{{"seconds", 3}};
    auto answer = http_request(c.http_port(), "POST", "/api/v1/jobs", milliseconds{10'000}, json::serialize(order));
    BOOST_REQUIRE_MESSAGE(answer.status == 201, answer.body);
    ids[x.name] = text(answer.json().as_object(), "id");
  }
  for (auto& x : presets) {
    BOOST_TEST_CONTEXT(x.name) {
      c.wait_until(
        x.name + " is over",
        [&] {
          auto job = c.get("/api/v1/jobs/" + ids[x.name]).json().as_object();
          auto state = text(job, "state");
          BOOST_REQUIRE_MESSAGE(state != "failed", x.name << ": " << text(job, "error"));
          return state == "completed";
        },
        is_long() ? 10 * job_limit : job_limit);
      auto seen = probe(file_of(x));
      BOOST_TEST(text(seen.video, "codec_name") == x.video.codec);
      BOOST_TEST(count(seen.video, "width") == x.video.width);
      BOOST_TEST(count(seen.video, "height") == x.video.height);
      // 854x480 is 16:9 to the pixel, by a sample aspect ratio that not every container keeps to the last digit.
      auto shape = text(seen.video, "display_aspect_ratio");
      std::replace(shape.begin(), shape.end(), ':', '/');
      BOOST_TEST(ratio(shape) == 16.0 / 9, boost::test_tools::tolerance(0.001));
      BOOST_TEST(text(seen.video, "pix_fmt") == "yuv420p");
      BOOST_TEST(ratio(text(seen.video, "avg_frame_rate")) == ratio(std::to_string(x.video.frame_rate.num)),
                 boost::test_tools::tolerance(0.01));
      if (!is_rated(x.name))
        continue;
      auto wanted = static_cast<double>(x.video.bit_rate) / 1000;
      BOOST_TEST_MESSAGE(x.name << ": " << seen.kbit_s << " kbit/s of " << wanted);
      BOOST_TEST(seen.kbit_s > wanted * 0.9);
      BOOST_TEST(seen.kbit_s < wanted * 1.1);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
