#include "bench/chunked_run.hpp"

#include <cstdlib>
#include <filesystem>
#include <regex>
#include <stdexcept>

#include <sched.h>

namespace troupe::bench {

namespace {

/// Far beyond what any run here takes.
constexpr std::chrono::minutes run_limit{20};

/// The last number that `pattern` captures in `text`, or 0.
double last_number(const std::string& text, const char* pattern) {
  double result = 0;
  std::regex expression{pattern};
  for (std::sregex_iterator i{text.begin(), text.end(), expression}, end; i != end; ++i)
    result = std::strtod((*i)[1].str().c_str(), nullptr);
  return result;
}

process_result need(const std::vector<std::string>& arguments) {
  auto result = run_process(arguments, run_limit);
  if (!result.started)
    throw std::runtime_error("cannot start " + arguments[0] + ": install or build it");
  if (!result.ok())
    throw std::runtime_error(arguments[0] + " failed: " + result.out.substr(0, 2000));
  return result;
}

bool is_vpx(const std::string& encoder) {
  return encoder.starts_with("libvpx");
}

} // namespace

process_result encode_with_ffmpeg(const std::string& in, const std::string& out, const chunked_settings& with) {
  std::vector<std::string> arguments{"ffmpeg",
                                     "-hide_banner",
                                     "-nostdin",
                                     "-y",
                                     "-i",
                                     in,
                                     "-map",
                                     "0:v:0",
                                     "-map",
                                     "0:a?",
                                     "-c:v",
                                     with.encoder,
                                     "-crf",
                                     std::to_string(with.crf),
                                     is_vpx(with.encoder) ? "-cpu-used" : "-preset",
                                     with.preset,
                                     "-c:a",
                                     "aac",
                                     "-b:a",
                                     "128k"};
  // Without it libvpx takes the quality for a limit beside a rate.
  if (is_vpx(with.encoder))
    arguments.insert(arguments.end(), {"-b:v", "0"});
  arguments.push_back(out);
  return need(arguments);
}

process_result encode_with_troupe(const std::string& in, const std::string& out, const chunked_settings& with) {
  auto program = (std::filesystem::path{own_program()}.parent_path() / "caf-ctl").string();
  std::vector<std::string> arguments{program,
                                     "transcode",
                                     in,
                                     "-o",
                                     out,
                                     "--local",
                                     "--overwrite",
                                     "--video-encoder=" + with.encoder,
                                     "--preset=" + with.preset,
                                     "--crf=" + std::to_string(with.crf),
                                     "--audio-encoder=aac",
                                     "--audio-bitrate=128k"};
  if (with.chunk_seconds > 0)
    arguments.push_back("--chunk-seconds=" + std::to_string(static_cast<int64_t>(with.chunk_seconds)));
  return need(arguments);
}

encoded_video look_at(const std::string& file, const std::string& source) {
  encoded_video result;
  auto counted =
    need({"ffmpeg", "-hide_banner", "-nostdin", "-i", file, "-map", "0:v:0", "-c", "copy", "-f", "null", "-"});
  result.frames = last_number(counted.out, "frame= *([0-9]+)");
  result.kib = last_number(counted.out, "video:([0-9]+)kB");
  // Frame by frame, whatever a container makes of their times.
  auto compared = need({"ffmpeg", "-hide_banner", "-nostdin", "-i", file, "-i", source, "-lavfi",
                        "[0:v]setpts=N[a];[1:v]setpts=N[b];[a][b]ssim", "-an", "-f", "null", "-"});
  result.ssim = last_number(compared.out, "All:([0-9.]+)");
  return result;
}

void use_processors(int count) {
  cpu_set_t all;
  CPU_ZERO(&all);
  cpu_set_t some;
  CPU_ZERO(&some);
  if (::sched_getaffinity(0, sizeof all, &all) != 0 || CPU_COUNT(&all) < count)
    throw std::runtime_error("this takes " + std::to_string(count) + " processors");
  for (int i = 0, left = count; left > 0; ++i)
    if (CPU_ISSET(i, &all)) {
      CPU_SET(i, &some);
      --left;
    }
  if (::sched_setaffinity(0, sizeof some, &some) != 0)
    throw std::runtime_error("the processors cannot be chosen");
}

} // namespace troupe::bench
