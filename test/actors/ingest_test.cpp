// The ingest as its session sees it: a source that sends faster than it plays is held back, and one that is pulled anew gives what is new and nothing else.
// Real actors in one process, the test is the session; the source is a server on loopback that sends a file as fast as it is read, without its length.
#include "actors/core/sample_print.hpp"
#include "actors/ingest.hpp"
#include "actors/link.hpp"
#include "bench/sample.hpp"
#include "registered_types.hpp"

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

namespace {

constexpr auto patience = 20s;

/// Thirty seconds of pictures and sound in MPEG-TS.
const std::string& media() {
  static const auto bytes = [] {
    auto path = std::filesystem::temp_directory_path() / ("troupe-ingest-" + std::to_string(::getpid()) + ".ts");
    bench::sample_options options;
    options.width = 320;
    options.height = 180;
    options.seconds = 30;
    options.video_preset = "ultrafast";
    BOOST_REQUIRE(bench::write_sample(path.string(), options));
    std::ifstream in{path, std::ios::binary};
    std::string result{std::istreambuf_iterator<char>{in}, {}};
    std::filesystem::remove(path);
    return result;
  }();
  return bytes;
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

private:
  void serve() const {
    for (int client = 0; (client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC)) >= 0; ::close(client)) {
      std::array<char, 4096> request{};
      if (::recv(client, request.data(), request.size(), 0) <= 0)
        continue;
      auto all = "HTTP/1.1 200 OK\r\nContent-Type: video/mp2t\r\nConnection: close\r\n\r\n" + media();
      // A client that is gone ends it.
      for (size_t sent = 0; sent < all.size();) {
        auto n = ::send(client, all.data() + sent, all.size() - sent, MSG_NOSIGNAL);
        if (n <= 0)
          break;
        sent += static_cast<size_t>(n);
      }
    }
  }

  int listener_ = -1;
  std::string url_;
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

  /// What a pull brings until `enough`, or its end.
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
        [&](const format_change& x) { format = x.format; }, [&](attempt_id, const work_statistics& x) { counted = x; },
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
  auto again = work(2);
  again.passed.assign(format.tracks.size(), 0);
  for (auto& x : first) {
    again.resume_from = std::max(again.resume_from, std::max(x.what.pts, x.what.dts) + x.what.duration);
    again.passed[x.what.track] = std::max(again.passed[x.what.track], x.what.dts);
    if (x.what.is_random_access())
      again.known.push_back({x.what.pts, x.print});
  }
  again.known_shift = counted.source_shift;
  auto second = pull(again, [](const std::vector<taken>& x) { return length_of(x) >= 2 * ticks_per_second; });
  BOOST_TEST((second.front().what.flags & sample::continues) != 0);
  BOOST_TEST((second.front().what.flags & sample::discontinuity) == 0);
  // The same frames as in one pull, at the same times, each once.
  auto whole = pull(work(3), [](const std::vector<taken>& x) { return length_of(x) >= 7 * ticks_per_second; });
  for (uint16_t track = 0; track < format.tracks.size(); ++track) {
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
