// The ingest as its session sees it: a source that sends faster than real time is held back, and a source that is
// opened again gives only new media. Real actors in one process; the test is the session. The source is a server on
// loopback that sends a file, without its length, as fast as it is read.
#include "actors/cluster/link.hpp"
#include "actors/live/ingest.hpp"
#include "core/live/sample_print.hpp"
#include "registered_types.hpp"
#include "rig/sample.hpp"

#include <caf/actor_system.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>

#include <boost/test/unit_test.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <vector>

using namespace troupe;
using namespace std::chrono_literals;

namespace ingest_test {
namespace {

constexpr auto patience = 20s;

/// Thirty seconds of pictures and sound in MPEG-TS, with a key picture every four seconds.
const std::string& media() {
  static const auto bytes = [] {
    auto path = std::filesystem::temp_directory_path() / ("troupe-ingest-" + std::to_string(::getpid()) + ".ts");
    bench::sample_options options;
    options.width = 320;
    options.height = 180;
    options.seconds = 30;
    options.gop_frames = 100;
    options.video_preset = "ultrafast";
    BOOST_REQUIRE(bench::write_sample(path.string(), options));
    std::ifstream in{path, std::ios::binary};
    std::string result{std::istreambuf_iterator<char>{in}, {}};
    std::filesystem::remove(path);
    return result;
  }();
  return bytes;
}

/// The byte offset 3.5 s before the second key picture. libavformat's analysis of the input ends before this offset.
size_t within_a_group() {
  constexpr size_t packet = 188;
  auto& x = media();
  auto byte = [&](size_t i) { return static_cast<uint8_t>(x[i]); };
  std::vector<size_t> keys;
  for (size_t i = 0; i + packet <= x.size() && keys.size() < 2; i += packet) {
    auto pid = (byte(i + 1) & 0x1f) << 8 | byte(i + 2);
    auto has_field = (byte(i + 3) & 0x20) != 0 && byte(i + 4) > 0;
    if (pid == 0x100 && has_field && (byte(i + 5) & 0x40) != 0)
      keys.push_back(i);
  }
  BOOST_REQUIRE(keys.size() == 2u);
  return keys[0] + (keys[1] - keys[0]) / 8 / packet * packet;
}

/// Sends the media to one client after the other.
class burst_server {
public:
  burst_server() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    BOOST_REQUIRE(::bind(listener_, reinterpret_cast<sockaddr*>(&at), size) == 0);
    BOOST_REQUIRE(::getsockname(listener_, reinterpret_cast<sockaddr*>(&at), &size) == 0);
    BOOST_REQUIRE(::listen(listener_, 4) == 0);
    url_ = "http://127.0.0.1:" + std::to_string(ntohs(at.sin_port)) + "/live.ts";
    thread_ = std::thread{[this] { serve(); }};
  }

  ~burst_server() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }

  const std::string& url() const noexcept {
    return url_;
  }

  /// Later clients get the media from that byte on.
  void begin_at(size_t byte) {
    from_ = byte;
  }

private:
  void serve() const {
    for (int client = 0; (client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC)) >= 0; ::close(client)) {
      std::array<char, 4096> request{};
      if (::recv(client, request.data(), request.size(), 0) <= 0)
        continue;
      auto all = "HTTP/1.1 200 OK\r\nContent-Type: video/mp2t\r\nConnection: close\r\n\r\n" + media_.substr(from_);
      // If the client is gone, sending ends.
      for (size_t sent = 0; sent < all.size();) {
        auto n = ::send(client, all.data() + sent, all.size() - sent, MSG_NOSIGNAL);
        if (n <= 0)
          break;
        sent += static_cast<size_t>(n);
      }
    }
  }

  const std::string& media_ = media(); // made before the thread begins
  int listener_ = -1;
  std::string url_;
  std::atomic<size_t> from_{0};
  std::thread thread_;
};

struct taken {
  sample what;
  uint64_t print = 0;
};

struct fixture : registered_types {
  ingest_work work(uint64_t attempt) const {
    ingest_work result;
    result.attempt = attempt_id{attempt};
    result.channel = "news";
    result.url = server.url();
    result.credit_bytes = 64 << 20;
    return result;
  }

  /// The output of a pull until `enough` is true, or until its end.
  template <class Enough>
  std::vector<taken> pull(ingest_work work, Enough enough) {
    auto number = work.attempt;
    auto ingest = spawn_ingest(system, std::move(work), caf::actor_cast<sample_sink_actor>(self.ptr()));
    std::vector<taken> result;
    auto done = false;
    while (!done) {
      auto timed_out = false;
      self->receive(
        [&](const sample_batch& x) {
          if (x.attempt != number)
            return;
          size_t at = 0;
          for (auto& s : x.block.samples) {
            result.push_back({s, core::print_of(x.block.bytes.span().subspan(at, s.size))});
            at += s.size;
          }
          self->send(ingest, batch_ack{x.attempt, x.sequence});
          done = enough(result);
        },
        [&](const format_change& x) {
          format = x.format;
          for (auto& t : format.tracks)
            t.bit_rate = 0; // an estimate
        },
        [&](attempt_id, const work_statistics& x) { counted = x; },
        [&](const stream_end& x) {
          end = x;
          done = x.attempt == number;
        },
        caf::after(patience) >> [&] { timed_out = true; });
      BOOST_REQUIRE(!timed_out);
    }
    self->send_exit(ingest, caf::exit_reason::kill);
    return result;
  }

  /// The work of a second pull, which resumes where the first one ended.
  ingest_work another(const std::vector<taken>& first) const {
    auto again = work(2);
    again.passed.assign(format.tracks.size(), 0);
    for (auto& x : first) {
      again.resume_from = std::max(again.resume_from, std::max(x.what.pts, x.what.dts) + x.what.duration);
      again.passed[x.what.track] = std::max(again.passed[x.what.track], x.what.dts);
      if (x.what.is_random_access())
        again.known.push_back({x.what.pts, x.print});
    }
    again.known_shift = counted.source_shift;
    return again;
  }

  /// Checks that both pulls together have each frame of `whole` once, in order and at its time.
  void check_once_each(const std::vector<taken>& first, const std::vector<taken>& second,
                       const std::vector<taken>& whole) const {
    for (size_t track = 0; track < format.tracks.size(); ++track) {
      std::map<int64_t, uint64_t> expected;
      for (auto& x : whole)
        if (x.what.track == track)
          expected.emplace(x.what.dts, x.print);
      auto next = expected.begin();
      for (auto* part : {&first, &second})
        for (auto& x : *part)
          if (x.what.track == track) {
            BOOST_REQUIRE(next != expected.end());
            BOOST_TEST(x.print == next->second);
            BOOST_TEST(std::abs(x.what.dts - next->first) <= 1);
            ++next;
          }
    }
  }

  burst_server server;
  node_system_config cfg;
  caf::actor_system system{cfg};
  caf::scoped_actor self{system};
  stream_format format;
  work_statistics counted;
  std::optional<stream_end> end;
};

int64_t length_of(const std::vector<taken>& x) {
  return x.empty() ? 0 : x.back().what.dts - x.front().what.dts;
}

} // namespace
} // namespace ingest_test

BOOST_FIXTURE_TEST_SUITE(ingest_test, fixture)

BOOST_AUTO_TEST_CASE(a_source_that_sends_faster_than_it_plays_is_held_back) {
  auto begin = std::chrono::steady_clock::now();
  auto seconds = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count(); };
  auto worst = 0.0;
  (void)pull(work(1), [&](const std::vector<taken>& x) {
    worst = std::max(worst, static_cast<double>(length_of(x)) / ticks_per_second - seconds());
    return length_of(x) >= 12 * ticks_per_second;
  });
  BOOST_TEST(worst > 5); // clients join with a burst
  BOOST_TEST(worst < 10.5);
  BOOST_TEST(seconds() > 1.5);
}

BOOST_AUTO_TEST_CASE(a_source_that_is_pulled_anew_gives_what_is_new_and_nothing_else) {
  auto first = pull(work(1), [](const std::vector<taken>& x) { return length_of(x) >= 4 * ticks_per_second; });
  auto second = pull(another(first), [](const std::vector<taken>& x) { return length_of(x) >= 2 * ticks_per_second; });
  BOOST_TEST((second.front().what.flags & sample::continues) != 0);
  BOOST_TEST((second.front().what.flags & sample::discontinuity) == 0);
  auto whole = pull(work(3), [](const std::vector<taken>& x) { return length_of(x) >= 7 * ticks_per_second; });
  check_once_each(first, second, whole);
}

BOOST_AUTO_TEST_CASE(a_burst_that_begins_within_a_group_has_the_same_tracks_and_repeats_nothing) {
  auto first = pull(work(1), [](const std::vector<taken>& x) { return length_of(x) >= 5 * ticks_per_second; });
  auto tracks = format;
  BOOST_REQUIRE(tracks.tracks.size() == 2u);
  server.begin_at(within_a_group());
  auto second = pull(another(first), [](const std::vector<taken>& x) { return length_of(x) >= 2 * ticks_per_second; });
  BOOST_TEST((format == tracks));
  BOOST_TEST((second.front().what.flags & sample::continues) != 0);
  server.begin_at(0);
  auto whole = pull(work(3), [](const std::vector<taken>& x) { return length_of(x) >= 8 * ticks_per_second; });
  check_once_each(first, second, whole);
}

BOOST_AUTO_TEST_CASE(what_has_the_same_content_at_another_time_is_new) {
  auto first = pull(work(1), [](const std::vector<taken>& x) { return length_of(x) >= 2 * ticks_per_second; });
  auto again = work(2);
  again.resume_from = 100 * ticks_per_second;
  again.passed.assign(format.tracks.size(), again.resume_from);
  for (auto& x : first)
    if (x.what.is_random_access())
      again.known.push_back({x.what.pts + 90 * ticks_per_second, x.print});
  auto second = pull(again, [](const std::vector<taken>& x) { return length_of(x) >= ticks_per_second; });
  BOOST_TEST((second.front().what.flags & sample::discontinuity) != 0);
  BOOST_TEST(second.front().print == first.front().print);
}

BOOST_AUTO_TEST_SUITE_END()
