// Goal: `watch` follows servers over HTTP and reports what they lack, and nothing that they do right. Method: the
// ffmpeg program makes HLS and DASH with its own muxers, which know no low latency; a server in this process serves the
// folder, without gzip, CORS and caching. Another one serves a correct low-latency channel, uncompressed.
#include "rig/delivery/watch.hpp"

#include "delivery_channel.hpp"
#include "delivery_media.hpp"
#include "delivery_server.hpp"
#include "rig/process.hpp"
#include "rig/scratch_folder.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <optional>
#include <set>

using namespace troupe::bench;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(delivery_watch_test)

namespace {

std::string type_of(std::string_view name) {
  if (name.ends_with(".m3u8"))
    return "application/vnd.apple.mpegurl";
  return name.ends_with(".mpd") ? "application/dash+xml" : (name.ends_with(".ts") ? "video/mp2t" : "video/mp4");
}

/// Serves the files of a folder.
delivery::delivery_server::handler files_of(const scratch_folder& folder) {
  return [&folder](const std::string& target) {
    auto name = target.substr(1, target.find('?') - 1);
    std::ifstream file{folder.path(name), std::ios::binary};
    return delivery::served{file.is_open() ? 200 : 404, type_of(name), "",
                            std::string{std::istreambuf_iterator<char>{file}, {}}};
  };
}

/// The correct channel of delivery_channel.hpp, at the pace of the clock.
class live_channel {
public:
  delivery::served operator()(const std::string& target) const {
    auto name = delivery::name_of(target);
    auto video = name.front() == 'v';
    if (name == "index.m3u8")
      return list(delivery::multivariant_text, "max-age=1");
    if (name == "i.m3u8")
      return list(delivery::i_frames_text, "max-age=1");
    if (name.ends_with(".m3u8"))
      return playlist(video, target);
    if (name.ends_with("init.mp4"))
      return media(delivery::init_segment(video));
    uint64_t number = 0;
    uint64_t part = 0;
    auto read = std::sscanf(name.c_str() + 1, "-%lu.%lu.m4s", &number, &part);
    auto needed = read == 2 ? place(number, part) + 1 : place(number, delivery::parts);
    constexpr uint64_t kept = 100;
    if (read < 1 || needed > now() + (read == 2 ? 1 : 0) || needed + kept < now())
      return {404, "text/plain", "Access-Control-Allow-Origin: *\r\n", ""};
    wait_for(needed);
    return media(read == 2 ? delivery::part_bytes(video, number, part) : delivery::segment_bytes(video, number));
  }

private:
  static delivery::served list(std::string text, const std::string& cache) {
    return {200, "application/vnd.apple.mpegurl", "Access-Control-Allow-Origin: *\r\nCache-Control: " + cache + "\r\n",
            std::move(text)};
  }

  static delivery::served media(std::string bytes) {
    return {200, "video/mp4", "Access-Control-Allow-Origin: *\r\nCache-Control: max-age=3600\r\n", std::move(bytes)};
  }

  delivery::served playlist(bool video, const std::string& target) const {
    auto value = [&](const char* of) -> std::optional<uint64_t> {
      auto at = target.find(of);
      return at == std::string::npos ? std::nullopt : std::optional{std::stoul(target.substr(at + std::strlen(of)))};
    };
    auto number = value("_HLS_msn=");
    auto part = value("_HLS_part=");
    auto needed = number ? (part ? place(*number, *part) + 1 : place(*number, delivery::parts)) : 0;
    if ((part && !number) || needed > now() + 2 * delivery::parts)
      return {400, "text/plain", "Access-Control-Allow-Origin: *\r\n", ""};
    wait_for(needed);
    auto at = now();
    return list(delivery::playlist_text(video, {delivery::first_open + at / delivery::parts, at % delivery::parts},
                                        target.find("_HLS_skip=YES") != std::string::npos),
                number ? "max-age=6" : "max-age=1");
  }

  /// How many parts of the channel come before this one; 0 for a part from before the channel began.
  static uint64_t place(uint64_t number, uint64_t part) {
    return number < delivery::first_open ? 0 : (number - delivery::first_open) * delivery::parts + part;
  }

  /// How many parts the channel has so far.
  uint64_t now() const {
    std::chrono::duration<double> passed = std::chrono::steady_clock::now() - start_;
    return static_cast<uint64_t>(passed.count() / delivery::part_s);
  }

  void wait_for(uint64_t count) const {
    boost::asio::io_context context;
    boost::asio::steady_timer timer{context};
    auto from_start = std::chrono::duration<double>{static_cast<double>(count) * delivery::part_s + 0.001};
    timer.expires_at(start_ + std::chrono::duration_cast<std::chrono::steady_clock::duration>(from_start));
    timer.wait();
  }

  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

std::vector<std::string> ffmpeg(std::vector<std::string> input, std::vector<std::string> output) {
  std::vector<std::string> result{"ffmpeg", "-v", "error", "-y"};
  result.insert(result.end(), input.begin(), input.end());
  for (auto* each : {"-f",   "lavfi",   "-i",      "testsrc2=size=320x180:rate=25",
                     "-f",   "lavfi",   "-i",      "sine=sample_rate=48000",
                     "-map", "0",       "-map",    "1",
                     "-c:v", "libx264", "-preset", "ultrafast",
                     "-g",   "25",      "-c:a",    "aac"})
    result.emplace_back(each);
  result.insert(result.end(), output.begin(), output.end());
  return result;
}

std::set<std::string> rules_of(const delivery::watch_result& result) {
  std::set<std::string> found;
  for (auto& each : result.violations) {
    BOOST_TEST_MESSAGE(each.rule << " at " << each.place << " (" << each.count << "): " << each.found);
    found.insert(each.rule);
  }
  return found;
}

void check(const delivery::watch_result& result, const std::vector<std::string>& broken,
           const std::vector<std::string>& kept) {
  auto found = rules_of(result);
  for (auto& each : broken)
    BOOST_TEST(found.count(each) == 1, each << " is broken, and not found");
  for (auto& each : kept)
    BOOST_TEST(found.count(each) == 0, each << " is kept, and found broken");
}

} // namespace

BOOST_AUTO_TEST_CASE(hls_of_another_muxer_breaks_what_it_lacks_and_keeps_the_rest) {
  scratch_folder folder;
  auto made = run_process(
    ffmpeg({}, {"-t", "6", "-f", "hls", "-hls_time", "1", "-hls_list_size", "4", "-hls_segment_type", "fmp4",
                "-hls_flags", "omit_endlist", "-var_stream_map", "v:0,agroup:sound a:0,agroup:sound", "-master_pl_name",
                "index.m3u8", "-hls_segment_filename", folder.path("s%v-%d.m4s"), folder.path("list%v.m3u8")}),
    60s);
  BOOST_REQUIRE_MESSAGE(made.ok(), made.out);
  delivery::delivery_server server{files_of(folder)};
  auto result = delivery::watch({server.url("index.m3u8"), 4s});
  BOOST_TEST(result.renditions == 2);
  BOOST_TEST(result.segments >= 6);
  BOOST_TEST(result.parts == 0);
  // The channel has ended, so no new segment comes.
  check(result, {"hls-4.2", "hls-9.4", "hls-9.6", "hls-9.8", "hls-11.6", "hls-11.8"},
        {"hls-0.1", "hls-1.1", "hls-1.3", "hls-1.4", "hls-2.1", "hls-2.5", "hls-4.8", "hls-10.3", "hls-10.5",
         "hls-10.6", "hls-11.3", "hls-11.9", "hls-12.1", "hls-12.2", "hls-12.6", "hls-13.3", "hls-13.4", "cmaf-1",
         "cmaf-2"});
}

BOOST_AUTO_TEST_CASE(a_transport_stream_without_a_multivariant_playlist_is_followed_to_its_end) {
  scratch_folder folder;
  auto made = run_process(ffmpeg({}, {"-t", "4", "-f", "hls", "-hls_time", "1", "-hls_list_size", "0",
                                      "-hls_segment_filename", folder.path("s-%d.ts"), folder.path("list.m3u8")}),
                          60s);
  BOOST_REQUIRE_MESSAGE(made.ok(), made.out);
  delivery::delivery_server server{files_of(folder)};
  auto result = delivery::watch({server.url("list.m3u8"), 20s});
  BOOST_TEST(result.segments == 4);
  // The segments of ffmpeg's muxer begin with a third table.
  check(result, {"hls-13.1"}, {"hls-0.1", "hls-1.3", "hls-1.4", "hls-4.7", "hls-11.9", "hls-13.2"});
}

BOOST_AUTO_TEST_CASE(dash_of_another_muxer_breaks_what_it_lacks_and_keeps_the_rest) {
  scratch_folder folder;
  // ffmpeg is killed at its time limit, so that the manifest stays that of a live channel.
  auto made = run_process(
    ffmpeg({"-re"}, {"-t", "60", "-f", "dash", "-seg_duration", "1", "-window_size", "4", folder.path("live.mpd")}),
    7s);
  BOOST_REQUIRE_MESSAGE(made.timed_out, made.out);
  delivery::delivery_server server{files_of(folder)};
  auto result = delivery::watch({server.url("live.mpd"), 5s});
  BOOST_TEST(result.renditions == 2);
  BOOST_TEST(result.segments >= 4);
  check(result, {"dash-6", "dash-14", "hls-9.4", "hls-9.8"},
        {"dash-0.1", "dash-1", "dash-8", "dash-9", "dash-12", "dash-13", "dash-16", "dash-17", "dash-18", "dash-19",
         "dash-20"});
}

BOOST_AUTO_TEST_CASE(a_low_latency_channel_that_lacks_only_gzip_breaks_only_that) {
  delivery::delivery_server server{live_channel{}};
  auto result = delivery::watch({server.url("index.m3u8"), 12s});
  BOOST_TEST(result.renditions == 2);
  BOOST_TEST(result.parts >= 40);
  BOOST_TEST(result.segments >= 10);
  auto found = rules_of(result);
  // A machine with other work may be late.
  for (auto* timing : {"hls-4.1", "hls-4.2", "hls-6.3", "hls-9.9"})
    found.erase(timing);
  BOOST_TEST(found == std::set<std::string>{"hls-9.4"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_server_that_is_not_there_is_a_violation) {
  auto hls = delivery::watch({"http://127.0.0.1:1/index.m3u8", 1s});
  BOOST_REQUIRE(!hls.violations.empty());
  BOOST_TEST(hls.violations.front().rule == "hls-0.1");
  auto dash = delivery::watch({"http://127.0.0.1:1/m.mpd", 1s});
  BOOST_REQUIRE(!dash.violations.empty());
  BOOST_TEST(dash.violations.front().rule == "dash-0.1");
}

BOOST_AUTO_TEST_SUITE_END()
