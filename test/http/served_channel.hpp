// A channel of real pictures and sound behind a real server: the test writes samples as a session does, and asks as
// players do. Segments are 1 s long, parts 0.4 s, playlists reach back 10 s.
#pragma once

#include "client.hpp"
#include "dummy_gateway.hpp"
#include "http/server.hpp"

#include "test/packaging/coded_track.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace troupe::http {

struct served_channel : type_registration {
  static constexpr int64_t begin = 100 * ticks_per_second;
  static constexpr int seconds_made = 26;
  const delivery_times times;

  /// Without a server until `start`.
  explicit served_channel(const delivery_times& of = {.segment = ticks_per_second, .window = 10 * ticks_per_second})
    : times{of} {
    BOOST_REQUIRE(out.set_format({{media().pictures.format, media().sound.format}}, times, {begin, 1'000'000}));
    cluster->running = out.shared();
    cluster->stream = cluster->running->stream();
    config.listen.port = 0;
    config.watch_timeout = std::chrono::milliseconds{400};
    config.log = [](const access_record&) {};
  }

  ~served_channel() {
    if (web)
      web->stop();
  }

  void start() {
    auto started = server::start(config, system, spawn_dummy_gateway(system, cluster));
    if (!started)
      BOOST_FAIL(started.error());
    web = std::move(*started);
  }

  struct coded_media {
    test::coded_track pictures;
    test::coded_track sound;
    std::vector<test::coded_sample> all; ///< in the order of their DTS
  };

  /// Encoded once for all tests.
  static const coded_media& media() {
    static const auto made = [] {
      coded_media x;
      x.pictures = test::make_pictures({.frames = seconds_made * 25, .gop = 25, .first_pts = begin});
      x.sound = test::make_sound({.encoder = "aac", .first_sample = 100 * 48'000, .samples = seconds_made * 48'000});
      for (auto& s : x.pictures.samples) {
        x.all.push_back(s);
        if ((s.info.flags & sample::key) != 0)
          x.all.back().info.flags |= sample::random_access;
      }
      for (auto& s : x.sound.samples) {
        x.all.push_back(s);
        x.all.back().info.track = 1;
        x.all.back().info.flags = sample::key;
      }
      std::ranges::stable_sort(x.all, {}, [](auto& s) { return s.info.dts; });
      return x;
    }();
    return made;
  }

  /// Writes the samples up to this time, counted from the channel's beginning.
  void write_until(double seconds) {
    auto end = begin + static_cast<int64_t>(seconds * ticks_per_second);
    auto& all = media().all;
    for (; next < all.size() && all[next].info.dts < end; ++next) {
      auto bytes = all[next].bytes;
      auto info = all[next].info;
      if (padding > 0 && info.is_random_access() && info.track == 0)
        pad(bytes);
      info.size = static_cast<uint32_t>(bytes.size());
      sample_block block{{info}, shared_bytes{std::move(bytes)}};
      BOOST_REQUIRE(out.write(block, {}));
    }
  }

  client connect(const std::string& path, const std::string& more = {}, const std::string& method = "GET") {
    client result{web->port()};
    result.send(method + " " + path + " HTTP/1.1\r\nHost: localhost\r\n" + more + "\r\n");
    return result;
  }

  client::response get(const std::string& path, const std::string& more = {}) {
    return connect(path, more).read_response();
  }

  /// A new viewer: the address of its playlists, "/live/demo/h264/KEY/h264/".
  std::string enter(const std::string& more = {}) {
    auto body = get("/live/demo/h264/index.m3u8", more).body;
    auto end = body.find("/h264/v.m3u8");
    BOOST_REQUIRE(end != std::string::npos);
    auto from = body.find_last_of("\n\"", end) + 1;
    return "/live/demo/h264/" + body.substr(from, end - from) + "/h264/";
  }

  /// A new viewer of DASH: the address of its manifest, "/live/demo/h264/KEY.mpd".
  std::string enter_dash() {
    auto head = get("/live/demo/h264/manifest.mpd").head;
    auto from = head.find("Location: ");
    BOOST_REQUIRE(from != std::string::npos);
    from += 10;
    return "/live/demo/h264/" + head.substr(from, head.find("\r\n", from) - from);
  }

  playlist_place latest() {
    return out.shared()->window("v")->latest().value();
  }

  static std::string text(const shared_bytes& x) {
    return {reinterpret_cast<const char*>(x.span().data()), x.size()};
  }

  /// Waits for a state that another thread brings about.
  template <class Condition>
  static bool reached(Condition condition) {
    auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{10};
    while (!condition()) {
      if (std::chrono::steady_clock::now() > deadline)
        return false;
      std::this_thread::yield();
    }
    return true;
  }

  rendition_output out{{}, "h264"};
  size_t next = 0;
  size_t padding = 0; ///< bytes that each random-access point is longer
  dummy_cluster_ptr cluster = std::make_shared<dummy_cluster>();
  caf::actor_system_config system_config;
  caf::actor_system system{system_config};
  server_config config;
  std::unique_ptr<server> web;

private:
  /// Appends a filler NAL unit (ITU-T H.264, 7.3.2.7).
  void pad(std::vector<std::byte>& bytes) const {
    for (auto x : {0, 0, 0, 1, 12})
      bytes.push_back(std::byte(x));
    bytes.resize(bytes.size() + padding, std::byte{0xFF});
    bytes.push_back(std::byte{0x80});
  }
};

} // namespace troupe::http
