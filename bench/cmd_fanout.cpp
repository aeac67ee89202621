// caf-bench fanout: what it costs to deliver one rendition to many clients, compared with servers that do only that.
//
// A process serves a rendition that it packages itself from a real sample at its real pace, with the product's HTTP
// server on one thread. HLS is compared with nginx, which serves the same segments as files to the same requests. The
// endless transport stream is compared with a bare epoll loop that writes the same pictures to as many sockets. Only
// the servers' CPU time counts, all threads and the packaging included. Both sides run in turns.
#include "bench/fanout_crowd.hpp"
#include "bench/fanout_node.hpp"
#include "bench/nginx_peer.hpp"
#include "bench/options.hpp"
#include "bench/report.hpp"
#include "rig/http_client.hpp"
#include "rig/live_reader.hpp"
#include "rig/live_socket.hpp"
#include "rig/loss_account.hpp"
#include "rig/sample.hpp"
#include "rig/scratch_folder.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>
#include <stdexcept>
#include <thread>

namespace troupe::bench {

namespace {

using clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

/// Of one rendition: 2 s in parts of 0.4 s.
constexpr int64_t parts_of_segment = 5;
constexpr double part_seconds = 0.4;

/// Segments that HLS clients ask for in turn, the newest of each track.
constexpr size_t segments_of_track = 4;

constexpr milliseconds settling{1'500};
constexpr milliseconds playable_limit{20'000};

/// A crowd is fed if it got so much of what was there for it.
constexpr double fed_share = 0.97;

struct plan {
  int pairs = 5;
  milliseconds window{4'000};
  size_t connections = 16; ///< of HLS
  size_t clients = 500;    ///< of the transport stream, beside the bare loop: a core of its feeds some 1 800
  std::vector<size_t> crowds{1'000, 2'000, 4'000, 8'000, 12'000, 16'000};
  std::vector<size_t> viewers{500, 1'000, 2'000, 4'000, 8'000};
  int windows = 3; ///< at each size of a crowd
  std::string only;
};

std::string make_sample(const scratch_folder& folder, const char* name, int width, int height, int64_t bit_rate) {
  sample_options sample;
  sample.width = width;
  sample.height = height;
  sample.seconds = 10; // whole segments, so that it can be repeated on the grid
  sample.begin_seconds = 10;
  sample.b_frames = 0;
  sample.audio_bit_rate = 64'000;
  sample.video_bit_rate = bit_rate - sample.audio_bit_rate;
  auto result = folder.path(name);
  if (auto made = write_sample(result, sample); !made)
    throw std::runtime_error(made.error().what);
  return result;
}

const std::string ts_target = std::string{"/live/"} + fanout_channel + "/" + fanout_profile + ".ts";
const std::string viewers_folder = std::string{"/live/"} + fanout_channel + "/" + fanout_profile + "/";
const std::string viewers_rest = std::string{"/"} + fanout_profile + "/";

std::string get(uint16_t port, const std::string& target) {
  auto answer = http_request(port, "GET", target, playable_limit);
  if (answer.status != 200)
    throw std::runtime_error("GET " + target + ": status " + std::to_string(answer.status) + " " + answer.error
                             + answer.body);
  return std::move(answer.body);
}

/// The complete segments that a playlist lists, as paths.
std::vector<std::string> listed(uint16_t port, const std::string& track) {
  auto base = viewers_folder + "0" + viewers_rest;
  std::istringstream text{get(port, base + track + ".m3u8")};
  std::vector<std::string> result;
  for (std::string line; std::getline(text, line);)
    if (!line.empty() && line.front() != '#')
      result.push_back(base + line);
  return result;
}

/// The number of the newest complete segment of the pictures.
int64_t newest_segment(uint16_t port) {
  auto all = listed(port, "v");
  if (all.empty())
    throw std::runtime_error("the playlist lists nothing");
  return std::atoll(all.back().c_str() + all.back().rfind('-') + 1);
}

struct cost {
  double cpu_s = 0;
  double seconds = 0;
  double gbit = 0;

  double per_gbit() const {
    return cpu_s / gbit;
  }

  double cores() const {
    return cpu_s / seconds;
  }
};

/// What `work` costs a server. It returns the bytes that were delivered.
template <class Server>
cost measure(const Server& server, const std::function<uint64_t()>& work) {
  auto from = clock::now();
  auto before = server.cpu_s();
  auto bytes = work();
  auto spent = server.cpu_s() - before;
  return {spent, std::chrono::duration<double>(clock::now() - from).count(), static_cast<double>(bytes) * 8 / 1e9};
}

// -- HLS --------------------------------------------------------------------------

/// Copies what the product serves to where nginx finds it. Returns the paths.
std::vector<std::string> copy_segments(uint16_t port, const std::string& root) {
  std::vector<std::string> result;
  for (auto* track : {"v", "a0"}) {
    auto all = listed(port, track);
    auto count = std::min(all.size(), segments_of_track);
    result.insert(result.end(), all.end() - static_cast<std::ptrdiff_t>(count), all.end());
  }
  for (auto& path : result) {
    std::filesystem::create_directories(std::filesystem::path{root + path}.parent_path());
    std::ofstream{root + path, std::ios::binary} << get(port, path);
  }
  return result;
}

void compete_hls(const plan& how, const scratch_folder& folder, report& to) {
  fanout_node ours{fanout_node::kind::product, make_sample(folder, "hls.ts", 1280, 720, 3'000'000), folder};
  auto root = folder.path("www");
  nginx_peer peer{folder.path("nginx"), root};
  while (listed(ours.port(), "v").size() < segments_of_track)
    std::this_thread::sleep_for(milliseconds{200});
  std::vector<double> costs, peers, ratios, rates;
  for (int pair = 0; pair < how.pairs; ++pair) {
    auto paths = copy_segments(ours.port(), root);
    auto fetch = [&](auto& server) {
      return measure(server, [&] { return fetch_for(server.port(), paths, how.connections, how.window / 2); });
    };
    auto first = pair % 2 == 0 ? fetch(ours) : cost{};
    auto nginx = fetch(peer);
    auto mine = pair % 2 == 0 ? first : fetch(ours);
    costs.push_back(mine.per_gbit());
    peers.push_back(nginx.per_gbit());
    ratios.push_back(costs.back() / peers.back());
    rates.push_back(mine.gbit / mine.seconds);
  }
  to.figures.push_back(measured("cpu_ratio_nginx", ratios));
  to.figures.push_back(measured("cpu_per_gbit_hls", costs));
  to.figures.push_back(measured("cpu_per_gbit_nginx", peers));
  to.figures.push_back(measured("hls_gbit_s", rates));
}

// -- the transport stream -----------------------------------------------------------

/// What one window costs; a crowd that is not fed has no bytes.
cost watch_for(const fanout_node& server, stream_crowd& crowd, milliseconds window) {
  return measure(server, [&]() -> uint64_t {
    auto there = server.ts_bytes();
    auto before = crowd.bytes();
    crowd.receive_for(window);
    auto due = static_cast<double>((server.ts_bytes() - there) * crowd.clients());
    auto got = crowd.bytes() - before;
    return static_cast<double>(got) < due * fed_share ? 0 : got;
  });
}

cost watch_once(const fanout_node& server, size_t clients, milliseconds window) {
  stream_crowd crowd{server.port(), ts_target};
  crowd.grow_to(clients);
  crowd.receive_for(settling);
  return watch_for(server, crowd, window);
}

void compete_ts(const plan& how, const fanout_node& ours, const std::string& sample, const scratch_folder& folder,
                report& to) {
  fanout_node bare{fanout_node::kind::bare, sample, folder};
  std::vector<double> costs, bares, ratios;
  for (int pair = 0; pair < how.pairs; ++pair) {
    auto first = pair % 2 == 0 ? watch_once(ours, how.clients, how.window) : cost{};
    auto least = watch_once(bare, how.clients, how.window);
    auto mine = pair % 2 == 0 ? first : watch_once(ours, how.clients, how.window);
    if (least.gbit == 0 || mine.gbit == 0) {
      to.notes.push_back("a pair is left out: " + std::to_string(how.clients) + " clients were not fed");
      continue;
    }
    costs.push_back(mine.per_gbit());
    bares.push_back(least.per_gbit());
    ratios.push_back(costs.back() / bares.back());
  }
  to.figures.push_back(measured("cpu_ratio_bare", ratios));
  to.figures.push_back(measured("cpu_per_gbit_ts", costs));
  to.figures.push_back(measured("cpu_per_gbit_bare", bares));
}

/// In ms, for each picture from `since` on: from when it was written until a client among the crowd has it.
std::vector<double> delays(const fanout_node& server, const live_reader& client, clock::time_point since) {
  std::vector<double> result;
  for (auto& [pts, arrived] : client.pictures())
    if (arrived >= since)
      result.push_back(std::chrono::duration<double, std::milli>(arrived - server.written(pts)).count());
  return result;
}

void ramp_ts(const plan& how, const fanout_node& ours, report& to) {
  stream_crowd crowd{ours.port(), ts_target};
  live_reader one{http_ask(ours.port(), ts_target), true};
  std::vector<double> per_core, late;
  size_t fed = 0;
  for (auto size : how.crowds) {
    crowd.grow_to(size);
    crowd.receive_for(settling);
    std::vector<double> now;
    auto since = clock::now();
    for (int i = 0; i < how.windows; ++i)
      if (auto x = watch_for(ours, crowd, how.window); x.gbit > 0)
        now.push_back(static_cast<double>(size) / x.cores());
    if (now.size() < static_cast<size_t>(how.windows))
      break;
    fed = size;
    per_core = std::move(now);
    late = delays(ours, one, since);
  }
  to.figures.push_back(measured("clients_per_core", per_core));
  to.figures.push_back(counted("clients_fed", static_cast<double>(fed)));
  to.figures.push_back(percentile("ts_delay_ms_p50", late, 0.5));
  to.figures.push_back(percentile("ts_delay_ms_p99", late, 0.99));
}

// -- low-latency HLS ------------------------------------------------------------------

void ramp_viewers(const plan& how, const fanout_node& ours, report& to) {
  reload_crowd crowd{ours.port(), viewers_folder, viewers_rest + "v", parts_of_segment};
  std::vector<double> per_core, late;
  size_t fed = 0;
  for (auto size : how.viewers) {
    crowd.grow_to(size, newest_segment(ours.port()) + 2);
    crowd.play_for(2 * settling);
    (void)crowd.take_delays();
    std::vector<double> now;
    for (int i = 0; i < how.windows; ++i) {
      auto before = crowd.parts();
      auto x = measure(ours, [&] {
        crowd.play_for(how.window);
        return crowd.parts() - before;
      });
      if (static_cast<double>(crowd.parts() - before)
          >= fed_share * static_cast<double>(size) * x.seconds / part_seconds)
        now.push_back(static_cast<double>(size) / x.cores());
    }
    if (now.size() < static_cast<size_t>(how.windows))
      break;
    fed = size;
    per_core = std::move(now);
    late = crowd.take_delays();
  }
  to.figures.push_back(measured("ll_viewers_per_core", per_core));
  to.figures.push_back(counted("ll_viewers_fed", static_cast<double>(fed)));
  to.figures.push_back(percentile("ll_part_ms_p50", late, 0.5));
  to.figures.push_back(percentile("ll_part_ms_p99", late, 0.99));
}

/// Benchmarks of a machine with other work are preliminary.
void note_load(report& to) {
  double load = 0;
  if (std::ifstream{"/proc/loadavg"} >> load && load > 1)
    to.notes.push_back("other work ran on this machine: load average " + std::to_string(load).substr(0, 4)
                       + " at the beginning");
}

/// Leaves out crowds for which a process may not have the descriptors.
void fit_descriptors(plan& how, report& to) {
  constexpr uint64_t others = 500;
  auto most = raise_descriptors(how.crowds.back() + others);
  if (std::erase_if(how.crowds, [&](size_t x) { return x + others > most; }) > 0)
    to.notes.push_back("larger crowds are left out: a process may have only " + std::to_string(most) + " descriptors");
}

void measure_all(const plan& how, report& to) {
  scratch_folder folder;
  auto wants = [&](const char* what) { return how.only.empty() || how.only == what; };
  if (wants("hls"))
    compete_hls(how, folder, to);
  if (!wants("ts") && !wants("ll"))
    return;
  auto sample = make_sample(folder, "ts.ts", 640, 360, 560'000);
  fanout_node ours{fanout_node::kind::product, sample, folder};
  if (wants("ts")) {
    compete_ts(how, ours, sample, folder, to);
    ramp_ts(how, ours, to);
  }
  if (wants("ll"))
    ramp_viewers(how, ours, to);
}

} // namespace

int run_fanout(const arguments& given) {
  namespace po = boost::program_options;
  plan how;
  auto seconds = static_cast<double>(how.window.count()) / 1000;
  po::options_description options{"options"};
  auto add = options.add_options();
  add("pairs", po::value(&how.pairs)->default_value(how.pairs), "runs of each side");
  add("seconds", po::value(&seconds)->default_value(seconds), "length of a window");
  add("clients", po::value(&how.clients)->default_value(how.clients), "of the transport stream, beside the bare loop");
  add("crowd", po::value(&how.crowds), "one size of the crowd of the transport stream, in place of several");
  add("viewers", po::value(&how.viewers), "one size of the crowd of low-latency HLS, in place of several");
  add("only", po::value(&how.only), "hls, ts or ll");
  auto values = parse(given, "fanout [options]", options);
  if (!values)
    return 0;
  how.window = milliseconds{static_cast<int64_t>(seconds * 1000)};
  report result;
  result.name = "fanout";
  auto whole = how;
  if (values->count("quick") > 0) {
    how.pairs = std::min(how.pairs, 2);
    how.windows = 1;
    if (values->count("crowd") == 0)
      how.crowds = {2'000, 8'000};
    if (values->count("viewers") == 0)
      how.viewers = {2'000};
  }
  if (how.pairs < 1 || how.window < milliseconds{500})
    throw std::invalid_argument("at least one pair, and windows of half a second");
  auto number = [](int x) { return static_cast<size_t>(x); };
  result.leave_out(number(how.pairs), number(whole.pairs), "pairs");
  result.leave_out(number(how.windows), number(whole.windows), "windows at each size of a crowd");
  result.leave_out(how.crowds.size(), whole.crowds.size(), "sizes of the crowd of the transport stream");
  result.leave_out(how.viewers.size(), whole.viewers.size(), "sizes of the crowd of low-latency HLS");
  note_load(result);
  try {
    fit_descriptors(how, result);
    measure_all(how, result);
  } catch (const std::runtime_error& problem) {
    std::fprintf(stderr, "caf-bench fanout: %s\n", problem.what());
    return 1;
  }
  result.notes.emplace_back("one thread serves; clients and servers share the machine's cores over loopback");
  print(result, *values);
  return 0;
}

} // namespace troupe::bench
