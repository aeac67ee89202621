// caf-bench live: the latency that the cluster adds.
//
// One live source takes two paths to the client. One path is a real cluster (coordinator and worker, their tasks as
// processes, HTTP). The other is the same demuxer, transcode and muxer in one process that writes into a pipe. Both run
// at the same time, so both see the same other load, but half a picture apart, so they do not collide. A picture's
// latency is the time from its last byte sent to its last byte received. For each picture, the cluster adds its latency
// minus that of the other path.
//
// Cold start: nothing runs, a client asks, and the time counts from when the source sent its first random-access point
// to the first byte of the answer's body.
#include "bench/options.hpp"
#include "bench/report.hpp"
#include "processes/child_process.hpp"
#include "rig/live_cluster.hpp"
#include "rig/live_reader.hpp"
#include "rig/live_socket.hpp"
#include "rig/live_source.hpp"
#include "rig/loss_account.hpp"
#include "rig/process.hpp"
#include "rig/sample.hpp"
#include "rig/scratch_folder.hpp"
#include "rig/viewing.hpp"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <utility>

namespace troupe::bench {

namespace {

using clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr int pictures_a_second = 25;
constexpr milliseconds picture_distance{1000 / pictures_a_second};

/// At the start of a round both paths process what the source sent during probing.
constexpr milliseconds live_settling{2'000};
constexpr milliseconds first_byte_limit{20'000};

struct live_rounds {
  int rounds = 5;
  milliseconds round{15'000};
  int cold_starts = 9;
  std::string profile = "h264-480p";
  std::string pictures; ///< file for the latencies of each picture; empty for none
};

/// The local path; ends with the object.
class local_pipeline {
public:
  explicit local_pipeline(const arguments& words) {
    auto child = start_child(words, true);
    if (!child)
      throw std::runtime_error(child.error());
    child_ = *child;
  }

  local_pipeline(const local_pipeline&) = delete;
  local_pipeline& operator=(const local_pipeline&) = delete;

  ~local_pipeline() {
    close_input(child_);
    ::kill(child_.pid, SIGKILL);
    (void)wait_for(child_.pid);
  }

  int output() const noexcept {
    return child_.output;
  }

private:
  child_process child_;
};

double ms(clock::duration x) {
  return std::chrono::duration<double, std::milli>(x).count();
}

struct latencies {
  std::vector<double> cluster; ///< ms, one for each picture
  std::vector<double> local;
  std::vector<double> added;
  std::vector<int64_t> pts;
};

/// Collects pictures that came on both paths and were sent after `live_settling`.
void collect(const sending& to_cluster, const live_reader& cluster, const sending& to_local, const live_reader& local,
             latencies& into) {
  auto there = cluster.pictures();
  auto here = local.pictures();
  for (auto& [pts, sent] : to_cluster.pictures) {
    auto a = there.find(pts);
    auto b = here.find(pts);
    auto sent_here = to_local.pictures.find(pts);
    if (a == there.end() || b == here.end() || sent_here == to_local.pictures.end()
        || sent < to_cluster.accepted + live_settling || sent_here->second < to_local.accepted + live_settling)
      continue;
    into.cluster.push_back(ms(a->second - sent));
    into.local.push_back(ms(b->second - sent_here->second));
    into.added.push_back(into.cluster.back() - into.local.back());
    into.pts.push_back(pts);
  }
}

void run_round(const live_cluster& nodes, const live_source& source, const live_rounds& how, latencies& into) {
  local_pipeline pipeline{{"live-task", nodes.config_file(), how.profile, source.url("/local.ts")}};
  live_reader local{pipeline.output(), false};
  live_reader cluster{http_ask(nodes.http_port(), "/live/steady/" + how.profile + ".ts"), true};
  if (!local.wait_for_first_byte(first_byte_limit))
    throw std::runtime_error("the pipeline in one process produces nothing");
  if (!cluster.wait_for_first_byte(first_byte_limit))
    throw std::runtime_error("the cluster delivers nothing (status " + std::to_string(cluster.status()) + "):\n"
                             + nodes.logs());
  std::this_thread::sleep_for(how.round);
  auto to_cluster = source.latest("/cluster.ts");
  auto to_local = source.latest("/local.ts");
  auto before = into.added.size();
  if (to_cluster && to_local)
    collect(*to_cluster, cluster, *to_local, local, into);
  // Half of the due pictures is enough to know that both paths run.
  auto due = (how.round - live_settling) / picture_distance / 2;
  if (into.added.size() - before < static_cast<size_t>(due))
    throw std::runtime_error("only " + std::to_string(into.added.size() - before) + " pictures came on both paths:\n"
                             + nodes.logs());
}

/// From the source's first random-access point to the client's first byte, in ms.
double cold_start(const live_cluster& nodes, const live_source& source, const live_rounds& how,
                  const std::string& channel) {
  nodes.wait_until_idle();
  live_reader client{http_ask(nodes.http_port(), "/live/" + channel + "/" + how.profile + ".ts"), true};
  auto first = client.wait_for_first_byte(first_byte_limit);
  auto sent = source.latest("/" + channel + ".ts");
  if (!first || !sent || !sent->random_access)
    throw std::runtime_error("a cold channel delivers nothing (status " + std::to_string(client.status()) + "):\n"
                             + nodes.logs());
  return ms(*first - *sent->random_access);
}

void make_sample(const std::string& path, milliseconds length) {
  sample_options sample;
  sample.width = 854;
  sample.height = 480;
  sample.frame_rate = {pictures_a_second, 1};
  sample.seconds = std::chrono::duration<double>(length).count();
  // Late enough that the cluster does not shift the timestamps, by which pictures are matched.
  sample.begin_seconds = 10;
  if (auto made = write_sample(path, sample); !made)
    throw std::runtime_error(made.error().what);
}

void write_pictures(const std::string& file, const latencies& all) {
  std::ofstream out{file};
  out << "pts,cluster_ms,local_ms,added_ms\n";
  for (size_t i = 0; i < all.pts.size(); ++i)
    out << all.pts[i] << ',' << all.cluster[i] << ',' << all.local[i] << ',' << all.added[i] << '\n';
  if (!out)
    throw std::runtime_error("cannot write " + file);
}

void measure(const live_rounds& how, report& result) {
  scratch_folder folder;
  auto file = folder.path("source.ts");
  make_sample(file, how.round + milliseconds{10'000});
  constexpr size_t middle = pictures_a_second / 2; // the sample's GOPs last a second
  live_source source{file,
                     {{"/cluster.ts", {}},
                      {"/local.ts", {.skip_pictures = 0, .phase = picture_distance / 2}},
                      {"/start.ts", {}},
                      {"/middle.ts", {.skip_pictures = middle, .phase = {}}}}};
  live_cluster nodes{
    folder.path(""),
    {{"steady", source.url("/cluster.ts")}, {"start", source.url("/start.ts")}, {"middle", source.url("/middle.ts")}},
    capability_cache(folder.path(""))};
  std::vector<double> cold;
  std::vector<double> joined;
  for (int i = 0; i < how.cold_starts; ++i) {
    cold.push_back(cold_start(nodes, source, how, "start"));
    joined.push_back(cold_start(nodes, source, how, "middle"));
  }
  latencies all;
  std::vector<double> halves;
  std::vector<double> tails;
  for (int i = 0; i < how.rounds; ++i) {
    nodes.wait_until_idle();
    auto before = static_cast<std::ptrdiff_t>(all.added.size());
    run_round(nodes, source, how, all);
    std::vector<double> added{all.added.begin() + before, all.added.end()};
    halves.push_back(percentile_of(added, 0.5));
    tails.push_back(percentile_of(added, 0.99));
  }
  if (!how.pictures.empty())
    write_pictures(how.pictures, all);
  auto everything = cold;
  everything.insert(everything.end(), joined.begin(), joined.end());
  result.figures = {measured("added_ms_p50", halves),
                    measured("added_ms_p99", tails),
                    percentile("added_ms_p99_pooled", all.added, 0.99),
                    measured("cold_start_ms", everything),
                    measured("cold_start_ms_at_random_access", cold),
                    measured("cold_start_ms_in_mid_gop", joined),
                    percentile("cluster_ms_p50", all.cluster, 0.5),
                    percentile("cluster_ms_p99", all.cluster, 0.99),
                    percentile("local_ms_p50", all.local, 0.5),
                    percentile("local_ms_p99", all.local, 0.99),
                    counted("pictures", static_cast<double>(all.added.size())),
                    counted("cold_starts", static_cast<double>(everything.size()))};
}

} // namespace

int run_live(const arguments& given) {
  namespace po = boost::program_options;
  live_rounds how;
  po::options_description options{"options"};
  auto add = options.add_options();
  auto seconds = static_cast<double>(how.round.count()) / 1000;
  add("rounds", po::value(&how.rounds)->default_value(how.rounds), "times that both paths start again");
  add("seconds", po::value(&seconds)->default_value(seconds), "length of a round");
  add("cold", po::value(&how.cold_starts)->default_value(how.cold_starts), "cold starts of each of the two kinds");
  add("profile", po::value(&how.profile)->default_value(how.profile), "a built-in profile");
  add("pictures", po::value(&how.pictures), "a CSV file for each picture's latencies, to explain outliers");
  auto values = parse(given, "live [options]", options);
  if (!values)
    return 0;
  how.round = milliseconds{static_cast<int64_t>(seconds * 1000)};
  report result;
  result.name = "live";
  auto whole = how;
  if (values->count("quick") > 0) {
    // A shorter round would have fewer pictures, and so a different 99th percentile.
    how.rounds = std::min(how.rounds, 3);
    how.cold_starts = std::min(how.cold_starts, 3);
  }
  if (how.rounds < 1 || how.cold_starts < 1 || how.round < 2 * live_settling)
    throw std::invalid_argument("at least one round of 4 s and one cold start");
  result.leave_out(static_cast<size_t>(how.rounds), static_cast<size_t>(whole.rounds), "rounds");
  result.leave_out(static_cast<size_t>(how.cold_starts), static_cast<size_t>(whole.cold_starts),
                   "cold starts of each kind");
  try {
    measure(how, result);
  } catch (const std::runtime_error& problem) {
    std::fprintf(stderr, "caf-bench live: %s\n", problem.what());
    return 1;
  }
  result.notes.push_back("both paths at once on the same cores, 854x480 at 25 a second, profile " + how.profile);
  print(result, *values);
  return 0;
}

} // namespace troupe::bench
