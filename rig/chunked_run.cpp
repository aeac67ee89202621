#include "rig/chunked_run.hpp"

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <regex>
#include <stdexcept>

#include <sched.h>

namespace troupe::bench {

namespace {

/// Far longer than any run here takes.
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

/// Arguments for ffmpeg's input and for its output.
struct ffmpeg_words {
  std::vector<std::string> input;
  std::vector<std::string> output;
};

std::vector<std::string> ffmpeg_command(const std::string& in, const std::string& out, const ffmpeg_words& words) {
  std::vector<std::string> result{"ffmpeg", "-hide_banner", "-nostdin", "-y"};
  result.insert(result.end(), words.input.begin(), words.input.end());
  result.insert(result.end(), {"-i", in});
  result.insert(result.end(), words.output.begin(), words.output.end());
  result.push_back(out);
  return result;
}

std::vector<std::string> picture_words(const chunked_settings& with) {
  std::vector<std::string> result{"-map",
                                  "0:v:0",
                                  "-c:v",
                                  with.encoder,
                                  "-crf",
                                  std::to_string(with.crf),
                                  is_vpx(with.encoder) ? "-cpu-used" : "-preset",
                                  with.preset};
  // Without a rate of 0, libvpx treats the quality only as a limit beside its default rate.
  if (is_vpx(with.encoder))
    result.insert(result.end(), {"-b:v", "0"});
  return result;
}

const std::vector<std::string> sound_words{"-map", "0:a?", "-c:a", "aac", "-b:a", "128k"};

/// Arguments that restrict the encoder to one thread.
std::vector<std::string> one_thread_words(const std::string& encoder) {
  std::vector<std::string> result{"-threads", "1"};
  if (encoder == "libx265")
    result.insert(result.end(), {"-x265-params", "pools=1"});
  if (encoder == "libsvtav1")
    result.insert(result.end(), {"-svtav1-params", "lp=1"});
  return result;
}

} // namespace

process_result encode_with_ffmpeg(const std::string& in, const std::string& out, const chunked_settings& with) {
  ffmpeg_words words{{}, picture_words(with)};
  words.output.insert(words.output.end(), sound_words.begin(), sound_words.end());
  return need(ffmpeg_command(in, out, words));
}

double encode_halves(const std::string& in, const std::string& out, const chunked_settings& with, double seconds) {
  auto middle = std::to_string(seconds / 2);
  auto thread = one_thread_words(with.encoder);
  auto half = [&](std::vector<std::string> span, const char* suffix) {
    ffmpeg_words words{{"-threads", "1"}, picture_words(with)};
    words.input.insert(words.input.end(), span.begin(), span.end());
    words.output.insert(words.output.end(), thread.begin(), thread.end());
    return ffmpeg_command(in, out + suffix, words);
  };
  const std::vector<std::string> commands[] = {half({"-t", middle}, ".1.mkv"), half({"-ss", middle}, ".2.mkv"),
                                               ffmpeg_command(in, out + ".3.mkv", {{"-vn"}, sound_words})};
  auto begin = std::chrono::steady_clock::now();
  std::vector<std::future<process_result>> running;
  for (const auto& x : commands)
    running.push_back(std::async(std::launch::async, [&x] { return need(x); }));
  for (auto& x : running)
    x.get();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
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
  // Compares the n-th frames of both files, whatever their times are.
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
    throw std::runtime_error("this needs " + std::to_string(count) + " processors");
  for (int i = 0, left = count; left > 0; ++i)
    if (CPU_ISSET(i, &all)) {
      CPU_SET(i, &some);
      --left;
    }
  if (::sched_setaffinity(0, sizeof some, &some) != 0)
    throw std::runtime_error("cannot choose the processors");
}

} // namespace troupe::bench
