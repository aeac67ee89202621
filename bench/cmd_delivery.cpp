// caf-bench delivery: what a viewer sees in a browser, in quiet and while parts of the cluster fail.
//
// A camera that shows the machine's clock (test/players/clock.sh) is a channel of a real cluster: a coordinator, three
// workers, their tasks. Headless Chromium plays it with hls.js, shaka-player and dash.js (test/players/play.mjs), each
// with its own defaults. The clock in the picture says how old a picture is when it is shown. To measure that, hls.js
// is set to catch up with live (`maxLiveSyncPlaybackRate`), as a page that wants low latency does.
#include "base/json.hpp"
#include "bench/options.hpp"
#include "bench/report.hpp"
#include "rig/failover_cluster.hpp"
#include "rig/http_client.hpp"
#include "rig/process.hpp"
#include "rig/scratch_folder.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <functional>
#include <map>
#include <memory>
#include <stdexcept>
#include <thread>
#include <utility>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>

#include <boost/json/serialize.hpp>

namespace troupe::bench {

namespace {

using namespace base::reading;
namespace json = boost::json;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr seconds playable_limit{40};
constexpr seconds transcode_limit{20};

/// Between two faults: longer than a player's buffer lasts.
constexpr seconds recovery{12};

/// Chromium's own start, on a busy machine.
constexpr seconds player_start{8};

/// Beyond what is to be played.
constexpr seconds player_spare{90};

constexpr const char* profile_name = "plain";
constexpr const char* profiles = R"(  plain:
    video: {codec: libx264, preset: ultrafast, tune: zerolatency, bit_rate: 1M, keyframe_interval: 1s, b_frames: 0}
    audio: {codec: aac, bit_rate: 96k}
)";

struct plan {
  int runs = 3;
  seconds watched{60}; ///< each of them
  int rounds = 5;      ///< of the four faults
  std::string players = TROUPE_PLAYERS;
  std::string only;

  bool wants(const char* what) const {
    return only.empty() || only == what;
  }
};

/// Free a moment ago.
uint16_t free_datagram_port() {
  base::descriptor made{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  if (!made || ::bind(made.get(), reinterpret_cast<sockaddr*>(&at), size) != 0
      || ::getsockname(made.get(), reinterpret_cast<sockaddr*>(&at), &size) != 0)
    throw std::runtime_error("no port is free for the camera");
  return ntohs(at.sin_port);
}

/// What the camera sends to. It has a clock of its own (see `epoch_offset`), so numbers of segments go on when the
/// coordinator is started again.
process start_camera(const plan& how, const scratch_folder& folder, const std::string& url) {
  auto graph = run_process({how.players + "/clock.sh", "640", "360", "25"}, seconds{10});
  if (!graph.ok())
    throw std::runtime_error("clock.sh fails: " + graph.out);
  return {"ffmpeg",
          {"-nostdin",
           "-v",
           "error",
           "-f",
           "lavfi",
           "-i",
           graph.out,
           "-f",
           "lavfi",
           "-i",
           "sine=sample_rate=48000",
           "-map",
           "0:v",
           "-map",
           "1:a",
           "-c:v",
           "libx264",
           "-preset",
           "ultrafast",
           "-tune",
           "zerolatency",
           "-g",
           "25",
           "-b:v",
           "1500k",
           "-c:a",
           "aac",
           "-b:a",
           "96k",
           "-output_ts_offset",
           "1000",
           "-muxdelay",
           "0",
           "-f",
           "mpegts",
           url + "?pkt_size=1316"},
          folder.path("camera.log")};
}

/// A player at work.
class viewer {
public:
  viewer(const plan& how, const scratch_folder& folder, std::string player, const std::string& url, seconds played,
         const std::vector<std::string>& flags = {})
    : player_(std::move(player)),
      limit_(played + player_spare),
      child_("node", words(how, player_, url, played, flags), folder.path(player_ + ".log")) {}

  /// Waits for what it saw.
  json::object report() {
    (void)child_.wait(limit_);
    auto said = child_.output();
    auto at = said.find("{\"player\"");
    auto end = at == std::string::npos ? at : said.find('\n', at);
    boost::system::error_code failure;
    auto value = end == std::string::npos ? json::value{} : json::parse(said.substr(at, end - at), failure);
    if (failure || !value.is_object())
      throw std::runtime_error(player_ + " did not report:\n" + said);
    return value.get_object();
  }

  const std::string& player() const noexcept {
    return player_;
  }

private:
  static std::vector<std::string> words(const plan& how, const std::string& player, const std::string& url,
                                        seconds played, const std::vector<std::string>& flags) {
    std::vector<std::string> result{how.players + "/play.mjs", url, "--json", "--player=" + player,
                                    "--seconds=" + std::to_string(played.count())};
    result.insert(result.end(), flags.begin(), flags.end());
    return result;
  }

  std::string player_;
  seconds limit_;
  process child_;
};

class played_channel {
public:
  played_channel(const plan& how, const scratch_folder& folder) : how_(how), folder_(folder) {
    auto source = "udp://127.0.0.1:" + std::to_string(free_datagram_port());
    camera_ = std::make_unique<process>(start_camera(how, folder, source));
    nodes_ =
      std::make_unique<failover_cluster>(failover_cluster_options{.folder = folder.path("cluster"),
                                                                  .source = source,
                                                                  .profiles = profiles,
                                                                  .profile = profile_name,
                                                                  .capability_cache = capability_cache(folder.path("")),
                                                                  .flags = {"--live.idle_timeout=60s"}});
  }

  void begin() const {
    auto answer = http_request(nodes_->http_port(), "GET", folder_of_channel() + "index.m3u8", playable_limit);
    if (answer.status != 200)
      throw std::runtime_error("the channel does not begin: " + answer.error + answer.body + nodes_->state());
    nodes_->wait_until(
      "a playlist of usual length", [this] { return nodes_->check_running(), playlist_is_long(); }, playable_limit);
  }

  viewer play(const std::string& player, seconds played, const std::vector<std::string>& flags = {}) const {
    auto* entry = player == "dashjs" ? "manifest.mpd" : "index.m3u8";
    auto url = "http://127.0.0.1:" + std::to_string(nodes_->http_port()) + folder_of_channel() + entry;
    return {how_, folder_, player, url, played, flags};
  }

  failover_cluster& nodes() const noexcept {
    return *nodes_;
  }

  transcoding victim() const {
    std::optional<transcoding> result;
    nodes_->wait_until(
      "a task that transcodes", [&] { return (result = nodes_->transcodes()).has_value(); }, transcode_limit);
    return *result;
  }

  /// Waits until another attempt than this one transcodes.
  void wait_for_successor(const transcoding& of) const {
    nodes_->wait_until(
      "another task that transcodes",
      [&] {
        auto now = nodes_->transcodes();
        return now && now->attempt != of.attempt;
      },
      transcode_limit);
  }

private:
  static std::string folder_of_channel() {
    return std::string{"/live/channel/"} + profile_name + "/";
  }

  bool playlist_is_long() const {
    auto text = nodes_->get(folder_of_channel() + "0/" + profile_name + "/v.m3u8").body;
    size_t segments = 0;
    for (auto at = text.find("#EXTINF"); at != std::string::npos; at = text.find("#EXTINF", at + 1))
      ++segments;
    return segments >= 5;
  }

  const plan& how_;
  const scratch_folder& folder_;
  std::unique_ptr<process> camera_;
  std::unique_ptr<failover_cluster> nodes_;
};

double number(const json::object& x, const char* name) {
  auto* value = x.if_contains(name);
  return value != nullptr && value->is_number() ? value->to_number<double>() : 0;
}

double length(const json::object& x, const char* name) {
  auto* value = x.if_contains(name);
  return value != nullptr && value->is_array() ? static_cast<double>(value->get_array().size()) : 0;
}

/// What was seen where, for who has to find out why.
void note(report& to, const std::string& when, const json::object& seen, seconds asked) {
  auto text = when + ", " + std::string{seen.at("player").as_string()} + ":";
  for (auto* what : {"stalls", "jumps", "errors"})
    if (length(seen, what) > 0)
      text += std::string{" "} + what + " " + json::serialize(seen.at(what));
  if (number(seen, "discontinuities") > 0)
    text += " discontinuities " + std::to_string(static_cast<int>(number(seen, "discontinuities")));
  if (auto played = number(seen, "played_s"); played < 0.9 * static_cast<double>(asked.count()))
    text += " played only " + std::to_string(static_cast<int>(played)) + " of " + std::to_string(asked.count()) + " s";
  if (text.back() != ':')
    to.notes.push_back(text);
}

/// The age of pictures, and how soon the first one comes.
void watch_quietly(const plan& how, const played_channel& at, report& to) {
  std::vector<double> half, most, starts;
  for (int i = 0; i < how.runs; ++i) {
    auto seen = at.play("hls.js", how.watched, {"--glass", "--catch-up"}).report();
    note(to, "quiet", seen, how.watched);
    starts.push_back(number(seen, "start_ms"));
    auto* glass = seen.if_contains("glass_ms");
    if (glass == nullptr || !glass->is_object() || number(glass->get_object(), "pictures") == 0)
      throw std::runtime_error("no clock was seen in the picture: " + json::serialize(seen));
    half.push_back(number(glass->get_object(), "p50"));
    most.push_back(number(glass->get_object(), "p95"));
  }
  to.figures.push_back(measured("glass_ms_p50", half));
  to.figures.push_back(measured("glass_ms_p95", most));
  to.figures.push_back(measured("start_ms_p50", starts));
}

struct fault {
  const char* name;
  std::function<void(const played_channel&, const transcoding&)> make;
  std::function<void(const played_channel&, const transcoding&)> mend;
};

void watch_faults(const plan& how, const played_channel& at, report& to) {
  auto nothing = [](const played_channel&, const transcoding&) {};
  const std::array faults{
    fault{"kill a task", [](const played_channel&, const transcoding& x) { ::kill(x.pid, SIGKILL); }, nothing},
    fault{"kill a worker", [](const played_channel& r, const transcoding& x) { r.nodes().kill_worker(x.worker); },
          [](const played_channel& r, const transcoding& x) { r.nodes().start_worker(x.worker); }},
    fault{"stop a task", [](const played_channel&, const transcoding& x) { ::kill(x.pid, SIGSTOP); },
          [](const played_channel&, const transcoding& x) { ::kill(x.pid, SIGKILL); }},
    fault{"drain a worker", [](const played_channel& r, const transcoding& x) { r.nodes().drain(x.worker); },
          [](const played_channel& r, const transcoding& x) { r.nodes().resume(x.worker); }}};
  auto before = at.nodes().failovers();
  auto played = 2 * player_start + recovery * (how.rounds * static_cast<int>(faults.size()) + 1);
  std::vector<viewer> viewers;
  viewers.reserve(3);
  for (auto* player : {"hls.js", "shaka", "dashjs"}) {
    viewers.push_back(at.play(player, played));
    std::this_thread::sleep_for(player_start / 2); // three browsers that start at once take all cores
  }
  std::this_thread::sleep_for(player_start);
  for (int i = 0; i < how.rounds; ++i)
    for (auto& x : faults) {
      auto victim = at.victim();
      auto recovered = std::chrono::steady_clock::now() + recovery;
      x.make(at, victim);
      at.wait_for_successor(victim);
      x.mend(at, victim);
      std::this_thread::sleep_until(recovered);
    }
  std::map<std::string, double> sums;
  for (auto& x : viewers) {
    auto seen = x.report();
    note(to, "faults", seen, played);
    sums["stalls"] += length(seen, "stalls");
    sums["jumps"] += length(seen, "jumps");
    sums["errors"] += length(seen, "errors");
    sums["discontinuities"] += number(seen, "discontinuities");
    sums["played_s"] += number(seen, "played_s");
  }
  for (auto& [name, sum] : sums)
    to.figures.push_back(counted(name, sum));
  to.figures.push_back(counted("failovers", static_cast<double>(at.nodes().failovers() - before)));
}

/// A player with ten seconds in its buffer, while the coordinator is killed and started again.
void watch_restart(const played_channel& at, report& to) {
  constexpr seconds before{20};
  constexpr seconds after{25};
  auto player = at.play("hls.js", before + after, {"--behind=12"});
  std::this_thread::sleep_for(player_start + before);
  at.nodes().node("coordinator").kill();
  at.nodes().start_coordinator();
  auto seen = player.report();
  note(to, "restart of the coordinator", seen, before + after);
  to.figures.push_back(counted("coordinator_stalls", length(seen, "stalls")));
  to.figures.push_back(counted("coordinator_stalled_ms", number(seen, "stalled_ms")));
  to.figures.push_back(counted("coordinator_jumps", length(seen, "jumps")));
  to.figures.push_back(counted("coordinator_played_s", number(seen, "played_s")));
}

} // namespace

int run_delivery(const arguments& given) {
  namespace po = boost::program_options;
  plan how;
  po::options_description options{"options"};
  auto add = options.add_options();
  add("runs", po::value(&how.runs)->default_value(how.runs), "viewings that the age of pictures is measured in");
  add("rounds", po::value(&how.rounds)->default_value(how.rounds), "rounds of the four faults");
  add("only", po::value(&how.only), "quiet, faults or restart");
  add("players", po::value(&how.players)->default_value(how.players), "the folder test/players");
  auto values = parse(given, "delivery [options]", options);
  if (!values)
    return 0;
  report result;
  result.name = "delivery";
  if (how.runs < 1 || how.rounds < 1)
    throw std::invalid_argument("at least one run and one round");
  auto shorten = [&](int& count, const char* what) {
    auto whole = std::exchange(count, values->count("quick") > 0 ? 1 : count);
    result.leave_out(static_cast<size_t>(count), static_cast<size_t>(whole), what);
  };
  shorten(how.runs, "viewings without a fault");
  shorten(how.rounds, "rounds of faults");
  try {
    auto installed = run_process({"node", how.players + "/play.mjs", "--check"}, seconds{10});
    if (!installed.ok())
      throw std::runtime_error("no browser or no players: run scripts/setup --browser\n" + installed.out);
    scratch_folder folder;
    played_channel at{how, folder};
    at.begin();
    if (how.wants("quiet"))
      watch_quietly(how, at, result);
    if (how.wants("faults"))
      watch_faults(how, at, result);
    if (how.wants("restart"))
      watch_restart(at, result);
  } catch (const std::runtime_error& problem) {
    std::fprintf(stderr, "caf-bench delivery: %s\n", problem.what());
    return 1;
  }
  result.notes.emplace_back("the camera, the cluster and the players share the machine's cores");
  print(result, *values);
  return 0;
}

} // namespace troupe::bench
