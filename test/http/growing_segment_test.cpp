// Goal: a segment that is being made reaches a client part by part, as one answer with the bytes that it has later; old
// clients get it whole; and each form of delivery has its entry. Method: frames are written to a rendition behind a
// real server. They are noise, since nothing here decodes them.
#include "client.hpp"
#include "dummy_gateway.hpp"
#include "http/server.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

using namespace troupe;
using namespace troupe::http;

namespace growing_segment_test {
namespace {

struct fixture : type_registration {
  static constexpr int64_t begin = 100 * ticks_per_second;
  static constexpr int64_t frame = 2160; ///< ticks: 1152 samples of 48 kHz

  fixture() {
    track_format sound;
    sound.kind = track_kind::audio;
    sound.codec = "mp2";
    sound.sample_rate = 48'000;
    sound.channel_layout = "stereo";
    sound.frame_size = 1152;
    BOOST_REQUIRE(out.set_format({{sound}}, {.segment = ticks_per_second}, {begin, 1'000'000}));
    cluster->running = out.shared();
    cluster->stream = out.shared()->stream();
    config.listen.port = 0;
    config.watch_timeout = std::chrono::milliseconds{1000};
    config.log = [this](const access_record& x) {
      std::lock_guard guard{mutex};
      log.push_back(x);
    };
    auto started = server::start(config, system, spawn_dummy_gateway(system, cluster));
    if (!started)
      BOOST_FAIL(started.error());
    web = std::move(*started);
    write_until(2.5);
  }

  /// Writes frames up to this time, in seconds from the beginning.
  void write_until(double s) {
    for (; written * frame < static_cast<int64_t>(s * ticks_per_second); ++written) {
      sample x;
      x.flags = sample::key | sample::random_access;
      x.pts = x.dts = begin + written * frame;
      x.duration = frame;
      x.size = 300;
      shared_bytes::container bytes(x.size, static_cast<std::byte>(written));
      sample_block block{{x}, shared_bytes{std::move(bytes)}};
      BOOST_REQUIRE(out.write(block, {}));
    }
  }

  /// The video's address of a file for this viewer.
  static std::string at(const std::string& file) {
    return "/live/demo/h264/0123456789abcdef/h264/" + file;
  }

  media_segment open() {
    auto result = out.shared()->window("a0")->segments().back();
    BOOST_REQUIRE(!result.complete);
    BOOST_REQUIRE(!result.parts.empty());
    return result;
  }

  std::string whole(int64_t number) {
    std::string result;
    auto window = out.shared()->window("a0").value();
    for (auto& x : window.find(number)->parts)
      result.append(reinterpret_cast<const char*>(x.bytes.span().data()), x.bytes.size());
    return result;
  }

  std::mutex mutex;
  std::vector<access_record> log; ///< guarded by it
  dummy_cluster_ptr cluster = std::make_shared<dummy_cluster>();
  caf::actor_system_config system_config;
  caf::actor_system system{system_config};
  server_config config;
  rendition_output out{{}, "h264"};
  int64_t written = 0;
  std::unique_ptr<server> web;
};

} // namespace
} // namespace growing_segment_test

BOOST_FIXTURE_TEST_SUITE(growing_segment_test, fixture)

BOOST_AUTO_TEST_CASE(a_segment_comes_part_by_part_and_the_connection_goes_on) {
  auto number = open().number;
  client c{web->port()};
  c.get(at(segment_name("a0", number)));
  auto head = c.read_head();
  BOOST_TEST(head.status == 200);
  BOOST_TEST(head.has("Transfer-Encoding: chunked"));
  BOOST_TEST(!head.has("\r\nContent-Length:"));
  auto first = open().parts.front().bytes.size();
  BOOST_TEST(client::dechunk(c.read_until([&](auto& t) { return client::dechunk(t).size() >= first; })).size()
             == first);
  write_until(2.9);
  auto second = first + open().parts.back().bytes.size();
  BOOST_TEST(client::dechunk(c.read_until([&](auto& t) { return client::dechunk(t).size() >= second; })).size()
             == second);
  // The first frame of the next segment is the end of this one.
  write_until(3.03);
  bool ended = false;
  auto text = c.read_until([&](auto& t) {
    client::dechunk(t, &ended);
    return ended;
  });
  BOOST_TEST(client::dechunk(text) == whole(number));
  c.get(at("a0.m3u8"));
  BOOST_TEST(c.read_until([](auto& t) { return t.find("#EXTM3U") != std::string::npos; }).size() > text.size());
}

BOOST_AUTO_TEST_CASE(an_old_client_waits_for_the_whole_segment) {
  auto number = open().number;
  client c{web->port()};
  c.send("GET " + at(segment_name("a0", number)) + " HTTP/1.0\r\nHost: localhost\r\n\r\n");
  BOOST_TEST(!c.waits(std::chrono::milliseconds{50}));
  write_until(3.03);
  auto got = c.read_response();
  BOOST_TEST(got.status == 200);
  BOOST_TEST(got.body == whole(number));
}

BOOST_AUTO_TEST_CASE(a_segment_that_has_no_part_yet_is_waited_for) {
  auto number = open().number + 1;
  client c{web->port()};
  c.get(at(segment_name("a0", number)));
  BOOST_TEST(!c.waits(std::chrono::milliseconds{50}));
  write_until(3.5);
  BOOST_TEST(c.read_head().has("Transfer-Encoding: chunked"));
  out.end({});
  bool ended = false;
  auto text = c.read_until([&](auto& t) {
    client::dechunk(t, &ended);
    return ended;
  });
  BOOST_TEST(client::dechunk(text) == whole(number));
}

BOOST_AUTO_TEST_CASE(a_segment_whose_next_part_does_not_come_ends_without_the_last_chunk) {
  client c{web->port()};
  c.get(at(segment_name("a0", open().number)));
  BOOST_TEST(c.read_head().status == 200);
  bool ended = false;
  client::dechunk(c.read_all(), &ended);
  BOOST_TEST(!ended);
}

BOOST_AUTO_TEST_CASE(a_client_that_leaves_before_the_rest_comes_gives_its_place_back_and_is_accounted_for) {
  client c{web->port()};
  auto first = open().parts.front().bytes.size();
  c.get(at(segment_name("a0", open().number)));
  BOOST_TEST(c.read_head().status == 200);
  auto becomes = [&](size_t waiting) {
    auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{10};
    while (out.shared()->waiting() != waiting && std::chrono::steady_clock::now() < deadline)
      std::this_thread::yield();
    return out.shared()->waiting() == waiting;
  };
  BOOST_TEST(becomes(1));
  c.close();
  BOOST_TEST(becomes(0));
  client other{web->port()};
  other.get("/metrics");
  auto metrics = other.read_response().body;
  std::string counter = "\ntroupe_viewer_sent_bytes_total{format=\"hls\"} ";
  auto value = metrics.find(counter);
  BOOST_REQUIRE(value != std::string::npos);
  BOOST_TEST(std::stoull(metrics.substr(value + counter.size())) > first);
  std::lock_guard guard{mutex};
  BOOST_REQUIRE(!log.empty());
  BOOST_TEST(log.front().status == 200u);
  BOOST_TEST(log.front().sent_bytes > first);
  BOOST_TEST(!log.front().note.empty());
}

BOOST_AUTO_TEST_CASE(hls_in_transport_streams_has_an_entry_of_its_own) {
  client c{web->port()};
  c.get("/live/demo/h264/index.m3u8?container=ts");
  auto entry = c.read_response();
  BOOST_TEST(entry.status == 200);
  BOOST_TEST_CONTEXT(entry.body) {
    auto from = entry.body.rfind('\n', entry.body.size() - 2) + 1;
    c.get("/live/demo/h264/" + entry.body.substr(from, entry.body.size() - 1 - from));
  }
  auto list = c.read_response();
  BOOST_TEST(list.has("Content-Type: application/vnd.apple.mpegurl"));
  BOOST_TEST(list.body.find("\nts-") != std::string::npos);
  c.get(at(transport_segment_name(open().number - 1)));
  auto segment = c.read_response();
  BOOST_TEST(segment.has("Content-Type: video/mp2t"));
  BOOST_TEST(segment.body.size() % 188 == 0u);
  c.get("/live/demo/h264/index.m3u8?container=avi");
  BOOST_TEST(c.read_response().status == 400);
}

BOOST_AUTO_TEST_CASE(a_manifest_is_at_an_address_of_its_viewer) {
  client c{web->port()};
  c.get("/live/demo/h264/manifest.mpd?x=1");
  auto entry = c.read_response();
  BOOST_TEST(entry.status == 302);
  BOOST_TEST(entry.has("Access-Control-Allow-Origin: *"));
  auto from = entry.head.find("Location: ") + 10;
  auto name = entry.head.substr(from, entry.head.find('\r', from) - from);
  BOOST_TEST(name.ends_with(".mpd?x=1"));
  c.get("/live/demo/h264/" + name);
  auto manifest = c.read_response();
  BOOST_TEST(manifest.has("Content-Type: application/dash+xml"));
  BOOST_TEST(manifest.body.find("media=\"" + name.substr(0, 16) + "/h264/a0-$Number$.m4s\"") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
