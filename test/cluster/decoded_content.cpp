#include "test/cluster/decoded_content.hpp"

#include "rig/process.hpp"
#include "test/support/cluster.hpp"

#include <boost/json/parse.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace troupe::test {

namespace {

namespace json = boost::json;

constexpr auto decoding_limit = milliseconds{60'000};

/// Matroska rounds to milliseconds, in the source as well as in the result.
constexpr double picture_tolerance_s = 0.003;

/// Sounds are encoded in frames on the source's timeline: the first and the last one may begin and end with silence.
/// FLAC's frames are the longest.
constexpr double frame_samples = 4608;

/// The length of sound that a lossy codec's decoder may leave out at the beginning or the end.
constexpr double lost_tolerance_s = 0.03;

/// How far sound may move against its pictures: less than a listener notices.
constexpr double sync_tolerance_s = 0.022;

/// How far rounding and dither may change a 16-bit sample, on average.
constexpr double sample_tolerance = 8;

void read_streams(const std::string& path, decoded_content& to) {
  constexpr auto wanted = "stream=codec_type,codec_name,nb_read_packets:stream_disposition=attached_pic:chapter=id";
  auto said = bench::run_process(
    {"ffprobe", "-v", "quiet", "-count_packets", "-show_entries", wanted, "-of", "json", path}, scaled(decoding_limit));
  auto all = parsed(said.out);
  to.chapters = list(all, "chapters").size();
  // ffprobe lists a stream again below its program; this list has each stream once.
  for (auto& x : list(all, "streams")) {
    auto& stream = x.get_object();
    auto kind = text(stream, "codec_type");
    to.attachments += kind == "attachment";
    to.subtitles += kind == "subtitle";
    if (kind == "subtitle")
      to.lines += std::strtoul(text(stream, "nb_read_packets").c_str(), nullptr, 10);
    if (kind == "video")
      ++(count(object(stream, "disposition"), "attached_pic") != 0 ? to.covers : to.videos);
    if (kind == "video" && to.videos == 1 && to.codec.empty())
      to.codec = text(stream, "codec_name");
    if (kind == "audio")
      to.sounds.emplace_back();
  }
}

/// What the framemd5 muxer wrote of one stream.
struct frame_list {
  int sample_rate = 0;
  int64_t first_duration = 0; ///< samples
  int64_t first_size = 0;     ///< bytes
  std::vector<decoded_picture> rows;
};

frame_list read_frames(const std::string& path) {
  frame_list result;
  std::ifstream file{path};
  double unit = 0;
  for (std::string line; std::getline(file, line);) {
    long a = 0;
    long b = 1;
    if (std::sscanf(line.c_str(), "#tb 0: %ld/%ld", &a, &b) == 2)
      unit = static_cast<double>(a) / static_cast<double>(b);
    if (std::sscanf(line.c_str(), "#sample_rate 0: %ld", &a) == 1)
      result.sample_rate = static_cast<int>(a);
    if (line.starts_with("#"))
      continue;
    std::replace(line.begin(), line.end(), ',', ' ');
    std::istringstream row{line};
    int64_t stream = 0;
    int64_t dts = 0;
    int64_t pts = 0;
    int64_t duration = 0;
    int64_t size = 0;
    decoded_picture x;
    if (!(row >> stream >> dts >> pts >> duration >> size >> x.hash))
      continue;
    x.seconds = static_cast<double>(pts) * unit;
    if (result.rows.empty()) {
      result.first_duration = duration;
      result.first_size = size;
    }
    result.rows.push_back(std::move(x));
  }
  return result;
}

std::vector<int16_t> read_samples(const std::string& path) {
  auto bytes = read_file(path);
  std::vector<int16_t> result(bytes.size() / 2);
  std::copy_n(bytes.data(), result.size() * 2, reinterpret_cast<char*>(result.data()));
  return result;
}

std::string at_second(double seconds) {
  std::ostringstream out;
  out.precision(6);
  out << seconds << " s";
  return out.str();
}

double seconds_of(const decoded_sound& x) {
  return x.rate > 0 && x.channels > 0 ? static_cast<double>(x.samples.size()) / static_cast<double>(x.channels) / x.rate
                                      : 0;
}

/// The mean absolute difference of `a` from `begin` and `b` from `begin + lag`, over `length` samples per channel.
double distance(const decoded_sound& a, const decoded_sound& b, int64_t begin, int64_t lag, int64_t length) {
  double sum = 0;
  auto width = static_cast<int64_t>(a.channels);
  for (auto i = begin * width; i < (begin + length) * width; ++i)
    sum += std::abs(a.samples[static_cast<size_t>(i)] - b.samples[static_cast<size_t>(i + lag * width)]);
  return sum / static_cast<double>(length * width);
}

/// By how many samples per channel the content of `b` is later than that of `a`, at most `most` in either direction. It
/// compares `length` samples per channel from `begin` on.
int64_t lag_between(const decoded_sound& a, const decoded_sound& b, int64_t begin, int64_t length, int64_t most) {
  int64_t best = 0;
  double least = distance(a, b, begin, 0, length);
  for (auto lag = -most; lag <= most; ++lag)
    if (auto d = distance(a, b, begin, lag, length); d < least) {
      least = d;
      best = lag;
    }
  return best;
}

void compare_samples(const std::string& name, const decoded_sound& a, const decoded_sound& b,
                     const decoded_content& source, const decoded_content& result, double shown_late_s,
                     std::vector<std::string>& out) {
  constexpr int64_t length = 2'000;
  constexpr auto most = static_cast<int64_t>(frame_samples) + 400;
  auto moments = static_cast<int64_t>(std::min(a.samples.size(), b.samples.size())) / a.channels;
  if (moments < 2 * most + length)
    return; // too short to tell
  auto lag = lag_between(a, b, most, length, most);
  auto rest = moments - 2 * most;
  if (auto d = distance(a, b, most, lag, rest); d > sample_tolerance)
    out.push_back(name + " differs by " + std::to_string(d) + " of 32768 on average");
  if (source.pictures.empty() || result.pictures.empty())
    return;
  auto before = a.begin - source.pictures.front().seconds + shown_late_s;
  auto after = b.begin - result.pictures.front().seconds + static_cast<double>(lag) / a.rate;
  if (std::abs(before - after) > sync_tolerance_s)
    out.push_back(name + " comes " + at_second(after - before) + " later beside its pictures");
}

} // namespace

decoded_content content_of(const std::string& path, const std::string& folder) {
  decoded_content result;
  read_streams(path, result);
  std::filesystem::create_directories(folder);
  auto file = [&](const std::string& name) { return folder + "/" + name; };
  std::vector<std::string> arguments{"ffmpeg", "-v", "error", "-nostdin", "-y", "-copyts", "-i", path};
  auto add = [&](std::initializer_list<std::string> more) { arguments.insert(arguments.end(), more); };
  if (result.videos > 0)
    add({"-map", "0:V:0", "-fps_mode", "passthrough", "-enc_time_base", "-1", "-f", "framemd5", file("pictures")});
  for (size_t i = 0; i < result.sounds.size(); ++i) {
    auto stream = "0:a:" + std::to_string(i);
    add({"-map", stream, "-c:a", "pcm_s16le", "-f", "framemd5", file("sound" + std::to_string(i))});
    add({"-map", stream, "-c:a", "pcm_s16le", "-f", "s16le", file("samples" + std::to_string(i))});
  }
  if (result.videos == 0 && result.sounds.empty())
    return result;
  result.error = bench::run_process(arguments, scaled(decoding_limit)).out;
  result.pictures = read_frames(file("pictures")).rows;
  for (size_t i = 0; i < result.sounds.size(); ++i) {
    auto& sound = result.sounds[i];
    auto frames = read_frames(file("sound" + std::to_string(i)));
    if (frames.rows.empty() || frames.first_duration <= 0)
      continue;
    sound.begin = frames.rows.front().seconds;
    sound.rate = frames.sample_rate;
    sound.channels = static_cast<int>(frames.first_size / frames.first_duration / 2);
    sound.samples = read_samples(file("samples" + std::to_string(i)));
  }
  std::filesystem::remove_all(folder);
  return result;
}

std::vector<std::string> picture_differences(const decoded_content& source, const decoded_content& result,
                                             bool same_content) {
  std::vector<std::string> out;
  auto& a = source.pictures;
  auto& b = result.pictures;
  if (a.size() != b.size())
    out.push_back(std::to_string(b.size()) + " pictures of " + std::to_string(a.size()));
  if (!same_content || !out.empty())
    return out;
  for (size_t i = 0; i < a.size() && out.size() < 3; ++i) {
    auto number = "picture " + std::to_string(i);
    if (a[i].hash != b[i].hash)
      out.push_back(number + " is another one");
    auto later = (b[i].seconds - b[0].seconds) - (a[i].seconds - a[0].seconds);
    if (std::abs(later) > picture_tolerance_s)
      out.push_back(number + " comes " + at_second(later) + " later");
  }
  return out;
}

std::vector<std::string> sound_differences(const decoded_content& source, const decoded_content& result,
                                           bool same_content, double shown_late_s) {
  std::vector<std::string> out;
  for (size_t i = 0; i < std::min(source.sounds.size(), result.sounds.size()) && same_content; ++i) {
    auto& a = source.sounds[i];
    auto& b = result.sounds[i];
    auto name = "sound " + std::to_string(i);
    if (a.channels != b.channels || a.rate != b.rate)
      out.push_back(name + " has " + std::to_string(b.channels) + " channels at " + std::to_string(b.rate) + " Hz of "
                    + std::to_string(a.channels) + " at " + std::to_string(a.rate));
    else if (auto more = seconds_of(b) - seconds_of(a);
             more < -lost_tolerance_s || more > lost_tolerance_s + 2 * frame_samples / std::max(a.rate, 1))
      out.push_back(name + " lasts " + at_second(seconds_of(b)) + " of " + at_second(seconds_of(a)));
    else if (a.channels > 0)
      compare_samples(name, a, b, source, result, shown_late_s, out);
  }
  return out;
}

std::vector<std::string> missing_streams(const decoded_content& source, const decoded_content& result) {
  std::vector<std::string> out;
  auto check = [&](const char* what, size_t before, size_t after) {
    if (after < before)
      out.push_back(std::to_string(after) + " " + what + " of " + std::to_string(before));
  };
  check("sounds", source.sounds.size(), result.sounds.size());
  check("subtitles", source.subtitles, result.subtitles);
  check("lines of subtitles", source.lines, result.lines);
  check("attachments", source.attachments, result.attachments);
  check("covers", source.covers, result.covers);
  check("streams of pictures", source.videos, result.videos);
  check("chapters", source.chapters, result.chapters);
  return out;
}

} // namespace troupe::test
