// Goal: a viewer sees a stream's contents, finds every damage, and never waits beyond its limits.
// Method: intact and corrupted samples, as files and from a small HTTP server inside the test.
#include "sample_file.hpp"

#include "rig/viewer.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/write.hpp>
#include <boost/test/unit_test.hpp>

#include <fstream>
#include <iterator>
#include <thread>

using namespace troupe::bench;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(viewer_test)

namespace {

viewing view(const std::string& url, std::chrono::milliseconds duration = 60s) {
  viewer_options options;
  options.url = url;
  options.duration = duration;
  options.connect_timeout = 5s;
  options.stall_timeout = 500ms;
  return watch(options);
}

std::string list(const std::vector<std::string>& sentences) {
  std::string result;
  for (auto& sentence : sentences)
    result += sentence + "; ";
  return result;
}

/// Every frame once from 0, in sync within `sync_ms`, nothing wrong.
void check_whole(const viewing& result, uint32_t frames, double sync_ms) {
  expectations strict;
  strict.sync_ms = sync_ms;
  auto found = problems(result, strict);
  BOOST_TEST(found.empty(), list(found));
  BOOST_TEST(result.coded == frames);
  BOOST_TEST(result.first_number == 0u);
  BOOST_TEST(result.last_number == frames - 1);
  BOOST_TEST(result.offsets >= 3u);
  BOOST_TEST(result.seen.channels_with_sound == 2);
}

/// Answers one request with `head`, then `body`, then keeps the connection open for as long as it lives if `stall`.
class server {
public:
  server(std::string head, std::string body, bool stall)
    : acceptor_(context_, {boost::asio::ip::address_v4::loopback(), 0}),
      socket_(context_),
      thread_([this, head = std::move(head), body = std::move(body), stall] { serve(head, body, stall); }) {}

  ~server() {
    thread_.join();
  }

  std::string url() const {
    return "http://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()) + "/live.ts";
  }

private:
  void serve(const std::string& head, const std::string& body, bool stall) {
    boost::system::error_code error;
    acceptor_.accept(socket_, error);
    boost::asio::streambuf request;
    boost::asio::read_until(socket_, request, "\r\n\r\n", error);
    boost::asio::write(socket_, boost::asio::buffer(head), error);
    boost::asio::write(socket_, boost::asio::buffer(body), error);
    char byte = 0;
    if (stall)
      socket_.read_some(boost::asio::buffer(&byte, 1), error);
    socket_.close(error);
  }

  boost::asio::io_context context_;
  boost::asio::ip::tcp::acceptor acceptor_;
  boost::asio::ip::tcp::socket socket_;
  std::thread thread_;
};

const std::string head_ok = "HTTP/1.1 200 OK\r\nContent-Type: video/mp2t\r\nConnection: close\r\n\r\n";

std::string bytes_of(const std::string& path) {
  std::ifstream file{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{file}, {}};
}

} // namespace

BOOST_AUTO_TEST_CASE(a_whole_sample_is_seen_whole_with_every_audio_codec) {
  sample_folder folder;
  for (auto* audio : {"aac", "mp2", "ac3", "libopus"}) {
    BOOST_TEST_CONTEXT(audio) {
      auto options = small_sample();
      options.audio_encoder = audio;
      check_whole(view(folder.make(std::string{audio} + ".ts", options)), 100, 1);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_whole_sample_is_seen_whole_in_every_container) {
  sample_folder folder;
  auto options = small_sample();
  check_whole(view(folder.make("x.mp4", options)), 100, 2);
  check_whole(view(folder.make("x.mkv", options)), 100, 2);
  // libavformat's Matroska reader puts Opus early by the encoder's delay, 6.5 ms and rounding.
  options.audio_encoder = "libopus";
  check_whole(view(folder.make("opus.mkv", options)), 100, 8);
}

BOOST_AUTO_TEST_CASE(a_whole_sample_is_seen_whole_at_29_97_and_50_frames) {
  sample_folder folder;
  auto options = small_sample();
  options.frame_rate = {30'000, 1001};
  check_whole(view(folder.make("ntsc.ts", options)), 120, 1);
  options.frame_rate = {50, 1};
  options.video_encoder = "libx265";
  check_whole(view(folder.make("pal50.ts", options)), 200, 1);
}

BOOST_AUTO_TEST_CASE(an_interlaced_sample_is_seen_whole) {
  sample_folder folder;
  auto options = small_sample();
  options.height = 192;
  options.video_encoder = "mpeg2video";
  options.audio_encoder = "mp2";
  options.picture.interlaced = true;
  check_whole(view(folder.make("mpeg2.ts", options)), 100, 1);
}

BOOST_AUTO_TEST_CASE(a_dropped_second_is_reported) {
  sample_folder folder;
  auto options = small_sample();
  options.picture_at = [](uint32_t place) -> std::optional<uint32_t> {
    return place >= 50 && place < 75 ? std::nullopt : std::optional{place};
  };
  auto result = view(folder.make("dropped.ts", options));
  BOOST_TEST(result.missing == 25u);
  BOOST_TEST(result.repeated == 0u);
  BOOST_TEST(result.pts_gaps == 1u);
  BOOST_TEST(list(problems(result)).find("25 pictures missing") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_repeated_picture_is_reported) {
  sample_folder folder;
  auto options = small_sample();
  options.picture_at = [](uint32_t place) { return std::optional{place == 60 ? 59 : place}; };
  auto result = view(folder.make("repeated.ts", options));
  BOOST_TEST(result.repeated == 1u);
  BOOST_TEST(result.missing == 1u);
  BOOST_TEST(list(problems(result)).find("1 pictures repeated") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(shifted_sound_is_measured) {
  sample_folder folder;
  auto options = small_sample();
  for (double shift : {0.1, -0.1}) {
    options.audio_shift_seconds = shift;
    auto result = view(folder.make("shifted.ts", options));
    BOOST_TEST(std::abs(result.offset_ms.median - shift * 1000) < 1);
    BOOST_TEST(list(problems(result)).find("100.0 ms away") != std::string::npos);
  }
  options.audio_shift_seconds = 1;
  auto result = view(folder.make("second.ts", options));
  BOOST_TEST(result.pitch_errors > 0u);
}

BOOST_AUTO_TEST_CASE(damaged_bytes_are_reported) {
  sample_folder folder;
  auto path = folder.make("damaged.ts", small_sample());
  auto bytes = bytes_of(path);
  // Ten transport packets in the middle.
  auto from = bytes.size() / 2 / 188 * 188;
  bytes.erase(from, 10 * 188);
  std::ofstream{path, std::ios::binary} << bytes;
  auto result = view(path);
  BOOST_TEST(result.seen.corrupt_packets + result.seen.decode_errors > 0u);
  BOOST_TEST(!problems(result).empty());
}

BOOST_AUTO_TEST_CASE(a_stream_over_http_is_seen_and_timed) {
  sample_folder folder;
  auto bytes = bytes_of(folder.make("x.ts", small_sample()));
  server source{head_ok, bytes, false};
  auto result = view(source.url());
  BOOST_TEST(result.coded == 100u);
  BOOST_TEST(result.seen.bytes == bytes.size());
  BOOST_TEST(result.first_byte_ms > 0);
  BOOST_TEST(result.first_frame_ms >= result.first_byte_ms);
  // The whole sample came, but the server closed the connection before the minute was over: that is the only problem.
  BOOST_TEST(result.seen.ended);
  BOOST_TEST(problems(result).size() == 1u, list(problems(result)));
  for (auto& frame : result.seen.frames)
    BOOST_TEST((frame.arrived <= frame.decoded));
}

BOOST_AUTO_TEST_CASE(a_stream_that_stalls_is_given_up) {
  sample_folder folder;
  auto bytes = bytes_of(folder.make("x.ts", small_sample()));
  server source{head_ok, bytes.substr(0, bytes.size() / 2), true};
  auto result = view(source.url());
  BOOST_TEST(result.coded > 20u);
  BOOST_TEST(result.seen.ended);
  BOOST_TEST(result.seen.error.find("timed out") != std::string::npos, result.seen.error);
}

BOOST_AUTO_TEST_CASE(a_viewing_ends_when_its_time_is_over) {
  sample_folder folder;
  auto bytes = bytes_of(folder.make("x.ts", small_sample()));
  server source{head_ok, bytes.substr(0, bytes.size() / 2), true};
  auto before = wall_clock::now();
  auto result = view(source.url(), 400ms);
  BOOST_TEST((wall_clock::now() - before < 5s));
  BOOST_TEST(!result.seen.ended);
  BOOST_TEST(result.seen.error.empty(), result.seen.error);
}

BOOST_AUTO_TEST_CASE(a_viewing_can_be_stopped_and_limited) {
  sample_folder folder;
  viewer_options options;
  options.url = folder.make("x.ts", small_sample());
  options.frames_max = 30;
  BOOST_TEST(watch(options).seen.frames.size() >= 30u);
  BOOST_TEST(watch(options).seen.frames.size() < 60u);
  std::atomic<bool> stop = true;
  options.stop = &stop;
  BOOST_TEST(watch(options).seen.frames.empty());
}

BOOST_AUTO_TEST_CASE(what_cannot_be_opened_says_why) {
  sample_folder folder;
  auto missing = view(folder.path("none.ts"));
  BOOST_TEST(missing.seen.error.find("none.ts") != std::string::npos);
  BOOST_TEST(missing.seen.error.find("No such file") != std::string::npos, missing.seen.error);
  server refusing{"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\nConnection: close\r\n\r\n", "busy", false};
  auto refused = view(refusing.url());
  BOOST_TEST(refused.seen.error.find("5XX") != std::string::npos, refused.seen.error);
  server web{"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n",
             "<html>" + std::string(5'000, 'x') + "</html>", false};
  auto html = view(web.url());
  BOOST_TEST(!html.seen.error.empty());
  BOOST_TEST(!problems(html).empty());
}

BOOST_AUTO_TEST_SUITE_END()
