// Goal: channels that ask for a hardware encoder get as many sessions as the GPUs have, however many workers share
// them. Further channels are served by their profile's policy. A GPU that is hot, refuses or loses its tasks is
// handled, and no session is lost or counted twice.
// Method: real processes. Stand-ins for NVML and the encoders' drivers simulate the GPUs of a scenario file, which the
// test rewrites. Two workers share the GPU of the first file, a third has that of the second. The counts come from the
// API.
#include "test/cluster/media.hpp"
#include "test/support/cluster.hpp"

#include <boost/json/serialize.hpp>
#include <boost/test/unit_test.hpp>

#include <signal.h>

#include <cstdio>
#include <fstream>
#include <sstream>

using namespace troupe::test;
namespace json = boost::json;

BOOST_AUTO_TEST_SUITE(gpu_test)

namespace {

constexpr auto patience = milliseconds{30'000};

constexpr const char* profiles = R"(  nvf:
    video: {codec: h264_nvenc, preset: p1, bit_rate: 600k, keyframe_interval: 1s, b_frames: 0}
    audio: {codec: none}
  nvq:
    video: {codec: h264_nvenc, preset: p1, bit_rate: 600k, keyframe_interval: 1s, b_frames: 0, on_busy: queue}
    audio: {codec: none}
  nvr:
    video: {codec: h264_nvenc, preset: p1, bit_rate: 600k, keyframe_interval: 1s, b_frames: 0, on_busy: reject}
    audio: {codec: none}
)";

std::vector<cluster_channel> channels() {
  std::vector<cluster_channel> result;
  for (auto name : {"a", "b", "c", "d", "e", "f"})
    result.push_back({name, media("h264.ts"), true});
  return result;
}

/// A machine's card as its drivers report it; see test/fake_nvml/scenario.hpp.
class machine {
public:
  machine(std::string path, std::string uuid, std::string model = "Quadro RTX 4000", bool encodes = true)
    : path_(std::move(path)), uuid_(std::move(uuid)), model_(std::move(model)), encodes_(encodes) {
    play({});
  }

  void play(const std::string& more) const {
    {
      std::ofstream out{path_ + ".new"};
      out << "driver 550.54\ncard\nname " << model_ << "\nuuid " << uuid_
          << "\npci 00000000:3B:00.0\nmemory 8000 1000\n"
          << (encodes_ ? "encoders h264_nvenc\n" : "") << more;
    }
    std::rename((path_ + ".new").c_str(), path_.c_str());
  }

  std::vector<std::string> environment() const {
    return {"FAKE_GPUS=" + path_, "LD_LIBRARY_PATH=" TROUPE_BINARY_DIR "/fake_nvml"};
  }

  /// All tests share this machine's file of tested codecs, so that its codecs are tested only once.
  std::string cache() const {
    return "--worker.capability_cache=" + capability_file() + "." + uuid_;
  }

private:
  std::string path_, uuid_, model_;
  bool encodes_;
};

/// A coordinator and three workers: w1 and w2 share GPU-a with three sessions, w3 has GPU-b with one.
struct farm {
  temporary_folder folder;
  machine first{folder.path("first"), "GPU-a"};
  machine second{folder.path("second"), "GPU-b"};
  cluster c{{channels(),
             {scaled_flag("cluster.selection_timeout", milliseconds{3'000}), "--live.idle_timeout=300ms",
              "--gpu.back_off=5s", "--cluster.heartbeat_interval=300ms"},
             profiles,
             TROUPE_BINARY_DIR "/bin/faulty-node",
             {{"w1", first.environment()}, {"w2", first.environment()}, {"w3", second.environment()}}}};

  farm() {
    c.start_coordinator();
    start("w1", first, "GPU-a=3");
    start("w2", first, "GPU-a=3");
    start("w3", second, "GPU-b=1");
  }

  void start(const std::string& name, const machine& m, const std::string& limit) {
    c.start_worker(name, 6, {m.cache(), "--worker.gpu_limits." + limit});
    c.wait_until(
      name + " has its card", [&] { return !card(name).empty(); }, milliseconds{180'000});
  }

  json::object card(const std::string& worker) const {
    auto all = list(c.daemon(worker), "gpus");
    return all.empty() ? json::object{} : all.front().get_object();
  }

  /// Sessions of our leases on both cards.
  int64_t sessions() const {
    return count(card("w2"), "encode_sessions") + count(card("w3"), "encode_sessions");
  }

  std::string seat(const std::string& channel, const std::string& profile, const char* what) const {
    return text(object(c.variant(channel, profile), "encoder"), what);
  }

  /// Watches four channels, which take all GPU sessions.
  std::vector<http_stream> fill() {
    std::vector<http_stream> result;
    for (auto channel : {"a", "b", "c", "d"})
      result.push_back(c.watch(channel, "nvf", 1, patience));
    return result;
  }

  /// Sends a client's request, and does not wait for the answer.
  http_stream ask(const std::string& channel, const std::string& profile) const {
    http_stream result{c.http_port()};
    BOOST_REQUIRE(result.get("/live/" + channel + "/" + profile + ".ts"));
    return result;
  }
};

/// Milliseconds of the day in a line of the log: "2026-01-31T12:34:56.789Z ...".
int64_t time_of(const std::string& line) {
  int hours = 0, minutes = 0, seconds = 0, ms = 0;
  if (std::sscanf(line.c_str(), "%*d-%*d-%*dT%d:%d:%d.%dZ", &hours, &minutes, &seconds, &ms) != 4)
    return -1;
  return ((hours * 60 + minutes) * 60 + seconds) * 1000 + ms;
}

/// The time of the first log line with this text after `from`; -1 if there is none.
int64_t said(const std::string& log, const std::string& what, int64_t from = 0) {
  std::istringstream lines{log};
  for (std::string line; std::getline(lines, line);)
    if (line.find(what) != std::string::npos && time_of(line) >= from)
      return time_of(line);
  return -1;
}

} // namespace

BOOST_AUTO_TEST_CASE(a_shared_card_gives_its_sessions_once_and_the_rest_goes_by_policy) {
  farm f;
  auto& c = f.c;
  auto held = f.fill();
  auto on_a = 0, on_b = 0;
  for (auto channel : {"a", "b", "c", "d"}) {
    BOOST_TEST(f.seat(channel, "nvf", "encoder") == "h264_nvenc", channel);
    (f.seat(channel, "nvf", "gpu") == "GPU-a" ? on_a : on_b) += 1;
  }
  BOOST_TEST(on_a == 3);
  BOOST_TEST(on_b == 1);
  BOOST_TEST(f.sessions() == 4);

  // The next channel runs in software with a warning, fails at once, or waits.
  auto software = c.watch("e", "nvf", 1, patience);
  BOOST_TEST(f.seat("e", "nvf", "encoder") == "libx264");
  BOOST_TEST(f.seat("e", "nvf", "warning").find("h264_nvenc") != std::string::npos, f.seat("e", "nvf", "warning"));
  auto before = std::chrono::steady_clock::now();
  auto refused = c.get("/live/f/nvr.ts", scaled(patience));
  BOOST_TEST(refused.status == 503);
  BOOST_TEST(refused.body.find("no free session") != std::string::npos, refused.body);
  BOOST_TEST((std::chrono::steady_clock::now() - before < scaled(milliseconds{3'000})));
  auto first = f.ask("f", "nvq");
  auto place = [&](const std::string& channel) {
    auto v = c.variant(channel, "nvq");
    return v.contains("waits_behind") && !v.at("waits_behind").is_null() ? count(v, "waits_behind") : -1;
  };
  c.wait_until("f stands in the line", [&] { return place("f") == 0; });
  auto second = f.ask("e", "nvq");
  c.wait_until("e stands behind it", [&] { return place("e") == 1; });

  // A session that becomes free goes to the first in the line.
  held.front().close();
  c.wait_until(
    "f has its encoder", [&] { return f.seat("f", "nvq", "encoder") == "h264_nvenc"; }, patience);
  BOOST_TEST(first.read_body(1, scaled(patience)));
  BOOST_TEST(place("e") == 0);
  BOOST_TEST(f.sessions() == 4);
  auto log = c.node("coordinator").output();
  auto freed = said(log, "a session of a GPU is free again");
  BOOST_REQUIRE(freed >= 0);
  auto begun = said(log, "a task starts", freed);
  BOOST_REQUIRE(begun >= 0);
  BOOST_TEST_MESSAGE("from the end of a process to the next one's start: " << begun - freed << " ms");
  BOOST_TEST(begun - freed <= scaled(milliseconds{50}).count());

  // The API says why a rendition runs on its device, and why not on the others.
  auto looked_at = list(c.variant("e", "nvf"), "looked_at");
  BOOST_REQUIRE(looked_at.size() >= 3u);
  BOOST_TEST(text(looked_at[0].get_object(), "why_not").empty());
  std::string reasons;
  for (auto& x : looked_at)
    reasons += text(x.get_object(), "why_not") + "; ";
  BOOST_TEST(reasons.find("has no free session") != std::string::npos, reasons);
}

BOOST_AUTO_TEST_CASE(a_hot_card_takes_no_new_job_and_one_that_refuses_is_left_alone_for_a_while) {
  farm f;
  auto& c = f.c;
  f.first.play("temperature 95\n");
  c.wait_until("the heat is known",
               [&] { return text(f.card("w1"), "blocked").find("temperature") != std::string::npos; });
  f.second.play("refuse OpenEncodeSessionEx failed: unsupported device\n");
  auto a = c.watch("a", "nvf", 1, patience);
  // The hot card was not asked, the other card refused: only software is left.
  BOOST_TEST(f.seat("a", "nvf", "encoder") == "libx264");
  BOOST_TEST(text(f.card("w3"), "blocked").find("failed") != std::string::npos, text(f.card("w3"), "blocked"));
  for (auto worker : {"w1", "w2", "w3"})
    BOOST_TEST(c.daemon_state(worker) == "healthy", worker); // it is the card's fault
  f.second.play({});
  f.first.play("temperature 50\n");
  c.wait_until(
    "both take work again",
    [&] { return text(f.card("w1"), "blocked").empty() && text(f.card("w3"), "blocked").empty(); }, patience);
  auto held = std::vector<http_stream>{};
  for (auto channel : {"b", "c", "d", "e"}) {
    held.push_back(c.watch(channel, "nvf", 1, patience));
    BOOST_TEST(f.seat(channel, "nvf", "encoder") == "h264_nvenc", channel);
  }
}

BOOST_AUTO_TEST_CASE(tasks_and_workers_that_are_killed_return_their_sessions_once) {
  farm f;
  auto& c = f.c;
  auto held = f.fill();
  BOOST_TEST(f.sessions() == 4);
  auto works_on_hardware = [&] {
    int64_t result = 0;
    for (auto channel : {"a", "b", "c", "d"})
      result += f.seat(channel, "nvf", "encoder") == "h264_nvenc" ? 1 : 0;
    return result;
  };
  for (auto worker : {"w1", "w2", "w3"})
    for (auto pid : c.transcodes_of(worker))
      ::kill(pid, SIGKILL);
  c.wait_until(
    "all go on, and what is counted is what works",
    [&] {
      for (auto channel : {"a", "b", "c", "d"})
        if (text(c.variant(channel, "nvf"), "state") != "running" || count(c.variant(channel, "nvf"), "failovers") == 0)
          return false;
      return f.sessions() == works_on_hardware();
    },
    patience);
  c.kill("w1");
  c.wait_until(
    "they go on without w1",
    [&] {
      auto running = true;
      for (auto channel : {"a", "b", "c", "d"})
        running = running && text(c.variant(channel, "nvf"), "state") == "running";
      return running && f.sessions() == works_on_hardware();
    },
    patience);
  held.clear();
  c.wait_until(
    "all sessions are free", [&] { return f.sessions() == 0; }, patience);
  BOOST_TEST(count(f.card("w2"), "foreign_sessions") == 0);
}

BOOST_AUTO_TEST_CASE(the_chunks_of_a_file_take_sessions_too_and_its_page_says_where) {
  farm f;
  auto& c = f.c;
  auto order = json::object{{"input", media("h264.ts")},
                            {"output", f.folder.path("out.mp4")},
                            {"video", {{"codec", "h264_nvenc"}, {"preset", "p1"}}},
                            {"chunk", {{"seconds", 1}}}};
  auto taken = http_request(c.http_port(), "POST", "/api/v1/jobs", patience, json::serialize(order));
  BOOST_REQUIRE_MESSAGE(taken.status == 201, taken.body);
  auto job = "/api/v1/jobs/" + text(taken.json().get_object(), "id");
  auto on_cards = 0;
  c.wait_until(
    "the job has ended",
    [&] {
      for (auto& x : list(c.get(job + "/placement").json().get_object(), "placements")) {
        auto& part = x.get_object();
        if (text(object(part, "encoder"), "gpu").empty())
          continue;
        ++on_cards;
        BOOST_TEST(text(object(part, "encoder"), "encoder") == "h264_nvenc");
        BOOST_TEST(!list(part, "looked_at").empty());
      }
      auto state = text(c.get(job).json().get_object(), "state");
      BOOST_REQUIRE(state != "failed");
      return state == "completed";
    },
    milliseconds{60'000});
  BOOST_TEST(on_cards > 0);
  c.wait_until("all sessions are free", [&] { return f.sessions() == 0; });
}

BOOST_AUTO_TEST_CASE(a_data_centre_card_without_an_encoder_is_reported_as_exactly_that) {
  temporary_folder folder;
  machine h100{folder.path("h100"), "GPU-h", "NVIDIA H100 80GB HBM3", false};
  cluster c{{channels(),
             {scaled_flag("cluster.selection_timeout", milliseconds{3'000})},
             profiles,
             TROUPE_BINARY_DIR "/bin/faulty-node",
             {{"w1", h100.environment()}}}};
  c.start_coordinator();
  c.start_worker("w1", 2, {h100.cache()});
  c.wait_until(
    "w1 has its card", [&] { return !list(c.daemon("w1"), "gpus").empty(); }, milliseconds{180'000});
  auto card = list(c.daemon("w1"), "gpus").front().get_object();
  BOOST_TEST(text(card, "name") == "NVIDIA H100 80GB HBM3");
  BOOST_TEST(text(card, "encode_limit") == "none");
  BOOST_TEST(text(card, "blocked").find("no encoder") != std::string::npos, text(card, "blocked"));
  auto found = false;
  for (auto& x : list(object(c.daemon("w1"), "can"), "encoders"))
    if (text(x.get_object(), "name") == "h264_nvenc") {
      found = true;
      BOOST_TEST(!x.get_object().at("works").get_bool());
      BOOST_TEST(!text(x.get_object(), "reason").empty());
    }
  BOOST_TEST(found);
  auto client = c.watch("a", "nvf", 1, patience);
  BOOST_TEST(text(object(c.variant("a", "nvf"), "encoder"), "warning").find("no worker has a working h264_nvenc")
             != std::string::npos);
  BOOST_TEST(c.get("/live/b/nvr.ts", scaled(patience)).status == 503);
}

BOOST_AUTO_TEST_SUITE_END()
