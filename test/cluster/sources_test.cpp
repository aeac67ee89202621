// Goal: network sources of the usual kinds reach the viewer: live HLS, UDP, SRT, RTMP.
// Method: ffmpeg sends one file in real time, repeatedly, in each of these ways on loopback. One cluster has a channel
// for each, and a player of plain libavformat watches each until it has decoded one second of pictures. All run at
// once: the suite takes as long as the slowest.
#include "rig/viewer.hpp"
#include "test/cluster/media.hpp"
#include "test/cluster/web_server.hpp"
#include "test/support/cluster.hpp"

#include <boost/test/unit_test.hpp>

#include <array>
#include <cstdio>
#include <filesystem>
#include <future>
#include <sstream>

using namespace troupe::test;
namespace bench = troupe::bench;

BOOST_AUTO_TEST_SUITE(sources_test)

namespace {

/// From the request to the first decoded picture. Analysis of a live source and the wait for its next random-access
/// point are most of it.
constexpr auto first_picture_limit = milliseconds{10'000};

/// From the start of ffmpeg until it sends or listens.
constexpr auto sender_limit = milliseconds{10'000};

constexpr uint64_t pictures_wanted = 25;

std::string loopback(const std::string& scheme, uint16_t port, const std::string& more = {}) {
  return scheme + "://127.0.0.1:" + std::to_string(port) + more;
}

/// ffmpeg sends `media` in real time to `target`, over and over.
process sender(const temporary_folder& folder, const std::string& name, std::vector<std::string> target) {
  std::vector<std::string> arguments{"-hide_banner", "-nostdin", "-loglevel",         "warning", "-re", "-stream_loop",
                                     "-1",           "-i",       media("sources.ts"), "-c",      "copy"};
  arguments.insert(arguments.end(), target.begin(), target.end());
  return process{"/usr/bin/ffmpeg", arguments, folder.path(name + ".txt")};
}

/// Whether a process has bound that port of loopback; `table` is "tcp" or "udp". It does not connect, because a sender
/// serves only one client.
bool bound(const std::string& table, uint16_t port) {
  std::array<char, 16> wanted{};
  std::snprintf(wanted.data(), wanted.size(), "0100007F:%04X", static_cast<unsigned>(port));
  std::istringstream lines{read_file("/proc/net/" + table)};
  std::string number;
  std::string local;
  for (std::string line; std::getline(lines, line);)
    if (std::istringstream words{line}; words >> number >> local && local == wanted.data())
      return true;
  return false;
}

bench::viewing watch(const cluster& c, const std::string& channel) {
  bench::viewer_options options;
  options.url = c.watch_url(channel, "small");
  options.duration = 2 * scaled(first_picture_limit);
  options.connect_timeout = scaled(first_picture_limit);
  options.stall_timeout = scaled(milliseconds{5'000});
  options.frames_max = pictures_wanted;
  options.loop_frames = small_sample_frames();
  return bench::watch(options);
}

} // namespace

BOOST_AUTO_TEST_CASE(live_sources_of_each_protocol_reach_the_viewer) {
  temporary_folder folder;
  auto udp = closed_port();
  auto srt = closed_port();
  auto rtmp = closed_port();
  web_server web{web_server::folder(folder.path())};
  const std::vector<cluster_channel> channels{{"hls", loopback("http", web.port(), "/live.m3u8"), false},
                                              {"udp", loopback("udp", udp), false},
                                              {"srt", loopback("srt", srt), false},
                                              {"rtmp", loopback("rtmp", rtmp, "/live/sample"), false}};
  cluster c{{channels, {"--live.idle_timeout=1s"}, {}}};
  c.start({"w1"}, 4);
  // Declared after the cluster, so that the senders end before the cluster looks for processes that were left behind.
  auto playlist = folder.path("live.m3u8");
  std::vector<process> senders;
  senders.push_back(sender(folder, "hls", {"-f", "hls", "-hls_time", "1", "-hls_flags", "delete_segments", playlist}));
  senders.push_back(sender(folder, "udp", {"-f", "mpegts", loopback("udp", udp, "?pkt_size=1316")}));
  senders.push_back(sender(folder, "srt", {"-f", "mpegts", loopback("srt", srt, "?mode=listener")}));
  senders.push_back(sender(folder, "rtmp", {"-f", "flv", "-listen", "1", loopback("rtmp", rtmp, "/live/sample")}));
  c.wait_until(
    "all senders are ready",
    [&] { return std::filesystem::exists(playlist) && bound("udp", srt) && bound("tcp", rtmp); }, sender_limit);
  std::vector<std::future<bench::viewing>> viewers;
  for (auto& x : channels)
    viewers.push_back(std::async(std::launch::async, [&c, name = x.name] { return watch(c, name); }));
  for (size_t i = 0; i < channels.size(); ++i) {
    auto seen = viewers[i].get();
    BOOST_TEST_CONTEXT(channels[i].name << ": " << seen.seen.error) {
      BOOST_TEST_MESSAGE(channels[i].name << ": first picture after " << seen.first_frame_ms << " ms, "
                                          << seen.seen.frames.size() << " pictures");
      BOOST_TEST(seen.seen.frames.size() >= pictures_wanted);
      BOOST_TEST(seen.first_frame_ms < static_cast<double>(scaled(first_picture_limit).count()));
      BOOST_TEST(seen.unreadable == 0u);
      BOOST_TEST(seen.missing == 0u);
      BOOST_TEST(seen.repeated == 0u);
      BOOST_TEST(seen.seen.audio_samples > 0u);
    }
  }
  c.wait_until("channels that nobody watches are over", [&] { return c.sessions().empty(); });
  for (auto& x : senders)
    x.kill();
}

BOOST_AUTO_TEST_SUITE_END()
