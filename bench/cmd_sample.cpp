// caf-bench sample OUT: makes a test file.
#include "bench/options.hpp"
#include "bench/report.hpp"
#include "rig/sample.hpp"

extern "C" {
#include <libavutil/parseutils.h>
}

#include <chrono>
#include <filesystem>
#include <stdexcept>

namespace troupe::bench {

namespace {

namespace po = boost::program_options;

AVRational parse_rate(const std::string& text) {
  AVRational result{0, 1};
  if (av_parse_video_rate(&result, text.c_str()) < 0)
    throw std::invalid_argument("not a frame rate: " + text);
  return result;
}

AVRational parse_aspect(const std::string& text) {
  AVRational result{1, 1};
  if (av_parse_ratio(&result, text.c_str(), 1000, 0, nullptr) < 0 || result.num <= 0 || result.den <= 0)
    throw std::invalid_argument("not a ratio: " + text);
  return result;
}

} // namespace

int run_sample(const arguments& given) {
  sample_options sample;
  std::string out;
  std::string size = "640x360";
  std::string rate = "25";
  std::string aspect = "1:1";
  po::options_description options{"options"};
  auto add = options.add_options();
  add("out", po::value(&out)->required(), "the file to write; its extension chooses the container");
  add("size", po::value(&size)->default_value(size), "WIDTHxHEIGHT in pixels");
  add("rate", po::value(&rate)->default_value(rate), "frames a second: 25, 30000/1001, 50");
  add("aspect", po::value(&aspect)->default_value(aspect), "sample aspect ratio");
  add("seconds", po::value(&sample.seconds)->default_value(sample.seconds), "length");
  add("video", po::value(&sample.video_encoder)->default_value(sample.video_encoder), "video encoder, or none");
  add("preset", po::value(&sample.video_preset)->default_value(sample.video_preset), "its preset (x264, x265)");
  add("video-rate", po::value(&sample.video_bit_rate)->default_value(0), "bit/s; 0 chooses");
  add("gop", po::value(&sample.gop_frames)->default_value(0), "frames between random-access points; 0: one second");
  add("b-frames", po::value(&sample.b_frames)->default_value(sample.b_frames), "in a row");
  add("interlaced", po::bool_switch(&sample.picture.interlaced), "top field first, with motion from field to field");
  add("grain", po::value(&sample.picture.grain)->default_value(0), "peak of the noise, luma steps");
  add("audio", po::value(&sample.audio_encoder)->default_value(sample.audio_encoder), "audio encoder, or none");
  add("audio-rate", po::value(&sample.audio_bit_rate)->default_value(sample.audio_bit_rate), "bit/s");
  add("sample-rate", po::value(&sample.sample_rate)->default_value(sample.sample_rate), "Hz");
  add("audio-shift", po::value(&sample.audio_shift_seconds)->default_value(0), "seconds by which sound is late");
  auto values = parse(given, "sample OUT [options]", options, "out");
  if (!values)
    return 0;
  if (av_parse_video_size(&sample.width, &sample.height, size.c_str()) < 0)
    throw std::invalid_argument("not a picture size: " + size);
  sample.frame_rate = parse_rate(rate);
  sample.sample_aspect = parse_aspect(aspect);
  for (auto* encoder : {&sample.video_encoder, &sample.audio_encoder}) {
    if (*encoder == "none")
      encoder->clear();
  }
  auto start = std::chrono::steady_clock::now();
  if (auto made = write_sample(out, sample); !made) {
    std::fprintf(stderr, "caf-bench sample: %s\n", made.error().what.c_str());
    return 1;
  }
  auto took = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  std::error_code ignored;
  auto bytes = static_cast<double>(std::filesystem::file_size(out, ignored));
  auto frames = frame_count(sample);
  report result{"sample",
                {counted("frames", frames), counted("seconds", frames / av_q2d(sample.frame_rate)),
                 counted("bytes", bytes), measured("wall_s", {took})},
                {"a looped file starts again at 0 after " + std::to_string(frames) + " frames"},
                {}};
  print(result, *values);
  return 0;
}

} // namespace troupe::bench
