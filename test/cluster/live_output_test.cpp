// Goal: a channel plays with any source, and reports the parts of the source that it does not carry unchanged.
// Method: ffmpeg makes sources with only sound, with codecs that MPEG-TS does not carry, with subtitles, and with
// changing tracks. Players of plain libavformat watch all of them at once. The tests compare what they decode, their
// bytes, and the status.
#include "test/cluster/failover.hpp"
#include "test/cluster/media.hpp"
#include "test/support/cluster.hpp"

#include "rig/viewer.hpp"

#include <boost/test/unit_test.hpp>

#include <fstream>
#include <future>
#include <map>

using namespace troupe::test;
namespace bench = troupe::bench;

BOOST_AUTO_TEST_SUITE(live_output_test)

namespace {

constexpr auto patience = milliseconds{15'000};

/// What all sources are made of: pictures and a tone.
const std::vector<std::string> pictures{"-f", "lavfi", "-i", "testsrc2=s=160x90:r=25"};
const std::vector<std::string> tone{"-f", "lavfi", "-i", "sine=1000:r=48000"};
const std::vector<std::string> h264{"-c:v", "libx264", "-preset", "ultrafast", "-g",
                                    "25",   "-bf",     "0",       "-pix_fmt",  "yuv420p"};

std::string made(const std::string& path, std::initializer_list<std::vector<std::string>> parts) {
  std::vector<std::string> arguments{"-hide_banner", "-nostdin", "-loglevel", "error", "-y"};
  for (auto& x : parts)
    arguments.insert(arguments.end(), x.begin(), x.end());
  arguments.push_back(path);
  process ffmpeg{"/usr/bin/ffmpeg", arguments, path + ".txt"};
  BOOST_REQUIRE_MESSAGE(ffmpeg.wait(scaled(patience)) == 0, ffmpeg.output());
  return path;
}

bench::viewing watch(const cluster& c, const std::string& channel, const std::string& profile, milliseconds duration) {
  bench::viewer_options options;
  options.url = c.watch_url(channel, profile);
  options.duration = scaled(duration);
  options.connect_timeout = scaled(patience);
  options.stall_timeout = scaled(milliseconds{5'000});
  return bench::watch(options);
}

/// The versions of the PMT, in order, and errors of continuity counters.
struct tables {
  std::vector<int> versions;
  int counter_errors = 0;

  explicit tables(const std::string& bytes) {
    std::map<int, int> counts;
    for (size_t at = 0; at + 188 <= bytes.size(); at += 188) {
      auto* x = reinterpret_cast<const unsigned char*>(bytes.data()) + at;
      auto pid = (x[1] & 0x1f) << 8 | x[2];
      auto count = x[3] & 0xf;
      if (auto last = counts.find(pid); last != counts.end())
        counter_errors += count != ((last->second + ((x[3] & 0x10) != 0 ? 1 : 0)) & 0xf);
      counts[pid] = count;
      if (pid != 0x1000)
        continue;
      auto version = x[5 + 5] >> 1 & 0x1f;
      if (versions.empty() || versions.back() != version)
        versions.push_back(version);
    }
  }
};

} // namespace

BOOST_AUTO_TEST_CASE(a_channel_plays_whatever_its_source_is_made_of) {
  temporary_folder folder;
  std::ofstream{folder.path("words.srt")} << "1\n00:00:00,000 --> 00:00:09,000\nwords\n";
  const std::vector<std::string> ten{"-t", "10"};
  made(folder.path("two.ts"), {pictures, tone, {"-t", "4"}, h264, {"-c:a", "aac"}});
  made(folder.path("three.ts"), {pictures,
                                 tone,
                                 tone,
                                 {"-map", "0", "-map", "1", "-map", "2", "-t", "4"},
                                 h264,
                                 {"-c:a", "aac", "-output_ts_offset", "4", "-tables_version", "1"}});
  std::ofstream{folder.path("grows.ts"), std::ios::binary} << read_file(folder.path("two.ts"))
                                                           << read_file(folder.path("three.ts"));
  // The first picture of late.ts at which decoding can begin comes nine seconds after its start.
  auto whole =
    read_file(made(folder.path("whole.ts"), {pictures, tone, {"-t", "20"}, h264, {"-g", "250", "-c:a", "aac"}}));
  std::ofstream{folder.path("late.ts"), std::ios::binary} << whole.substr(whole.size() / 20 / 188 * 188);
  const std::vector<cluster_channel> channels{
    {"late", folder.path("late.ts")},
    {"mp2", made(folder.path("radio.ts"), {tone, ten, {"-c:a", "mp2"}})},
    {"mp3", made(folder.path("radio.mp3"), {tone, ten, {"-c:a", "libmp3lame"}})},
    {"flac", made(folder.path("radio.flac"), {tone, ten})},
    {"pcm", made(folder.path("pcm.mkv"),
                 {pictures, tone, {"-i", folder.path("words.srt")}, ten, h264, {"-c:a", "pcm_s16le", "-c:s", "srt"}})},
    {"mute", made(folder.path("mute.mp4"), {pictures, ten, h264})},
    {"grows", folder.path("grows.ts"), false}};
  cluster c{{channels,
             {"--live.idle_timeout=1s"},
             "  sound:\n    video: {codec: none}\n    audio: {codec: aac, bit_rate: 64k}\n"
             "  web:\n    video: {codec: av1}\n"}};
  c.start({"w1"}, 8);
  struct rendition {
    std::string channel, profile, video, audio;
  };
  // The PMT has one stream type for all layers of MPEG-1 audio, so that a player takes mp2 for mp3.
  const std::vector<rendition> all{{"mp2", "source", "", "mp3"},     {"mp2", "sound", "", "aac"},
                                   {"mp3", "source", "", "mp3"},     {"flac", "source", "", "aac"},
                                   {"pcm", "source", "h264", "aac"}, {"pcm", "sound", "", "aac"},
                                   {"mute", "source", "h264", ""},   {"late", "source", "h264", "aac"}};
  std::vector<std::future<bench::viewing>> viewers;
  for (auto& x : all)
    viewers.push_back(
      std::async(std::launch::async, [&c, x] { return watch(c, x.channel, x.profile, milliseconds{3'000}); }));
  auto grows = c.watch("grows", "source");
  c.wait_until("what is not carried as it is has been said", [&] {
    auto notes = list(c.variant("pcm", "source"), "notes");
    auto left_out = list(c.session("pcm"), "not_carried");
    return notes.size() == 1 && left_out.size() == 1
           && std::string{left_out.at(0).as_string()}.find("subtitle subrip") == 0;
  });
  // A profile that no viewer can get is refused before anything is done for it.
  auto refused = c.get("/live/mp2/web.ts");
  BOOST_TEST(refused.status == 400);
  BOOST_TEST(refused.body.find("MPEG-TS does not carry av1") != std::string::npos);
  for (size_t i = 0; i < all.size(); ++i) {
    auto seen = viewers[i].get();
    BOOST_TEST_CONTEXT(all[i].channel << "/" << all[i].profile << ": " << seen.seen.error) {
      BOOST_TEST_MESSAGE(all[i].channel << "/" << all[i].profile << ": first byte after " << seen.first_byte_ms
                                        << " ms");
      BOOST_TEST(seen.seen.video_codec == all[i].video);
      BOOST_TEST(seen.seen.audio_codec == all[i].audio);
      BOOST_TEST(seen.first_byte_ms < static_cast<double>(scaled(milliseconds{2'500}).count()));
      BOOST_TEST(seen.seen.audio_gaps.empty());
      BOOST_TEST((all[i].audio.empty() || seen.seen.audio_samples > 24'000u));
      BOOST_TEST((all[i].video.empty() || seen.seen.frames.size() > 10u));
    }
  }
  // The channel "grows" ends with its file, after eight seconds.
  while (!grows.complete() && !grows.closed() && grows.read(scaled(milliseconds{5'000}))) {
  }
  tables found{grows.body()};
  BOOST_TEST((found.versions == std::vector<int>{0, 1}));
  BOOST_TEST(found.counter_errors == 0);
}

BOOST_AUTO_TEST_CASE(sound_alone_loses_nothing_when_its_worker_dies) {
  temporary_folder folder;
  cluster c{{{{"radio", made(folder.path("radio.ts"), {tone, {"-t", "30", "-c:a", "mp2"}}), false}},
             {},
             "  sound:\n    video: {codec: none}\n    audio: {codec: aac, bit_rate: 64k}\n"}};
  c.start({"w1", "w2"}, 1);
  auto viewer = std::async(std::launch::async, [&c] { return watch(c, "radio", "sound", milliseconds{6'000}); });
  c.wait_until("it plays", [&] { return count(c.variant("radio", "sound"), "bytes_out") > 4'000; });
  auto first = text(c.variant("radio", "sound"), "worker");
  kill_with_tasks(c, first);
  c.wait_until("the other worker has it", [&] {
    auto v = c.variant("radio", "sound");
    return count(v, "failovers") == 1 && text(v, "worker") != first;
  });
  auto seen = viewer.get();
  BOOST_TEST(seen.seen.error == "");
  BOOST_TEST(seen.seen.audio_gaps.empty());
  BOOST_TEST(seen.seen.decode_errors == 0u);
  BOOST_TEST(seen.seen.audio_samples > 3 * 48'000u);
  BOOST_TEST(count(c.variant("radio", "sound"), "sound_lost") == 0);
}

BOOST_AUTO_TEST_SUITE_END()
