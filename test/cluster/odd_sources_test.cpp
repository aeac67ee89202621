// Goal: no part of any source is lost without a note: no picture, no audio sample, no stream.
// Method: the sources of a table (odd_source.cpp) go through one cluster, as file jobs encoded losslessly and as
// channels unchanged. ffmpeg decodes the results and the sources, and the outputs are compared. A plain run takes a
// sample of the table, a different one for each TROUPE_SEED; TROUPE_LONG=1 takes all of it, and TROUPE_ODD=REGEX the
// sources with matching names. TROUPE_ODD_SEEDS=N adds N sources of random parts.
#include "rig/process.hpp"
#include "test/cluster/decoded_content.hpp"
#include "test/cluster/odd_source.hpp"
#include "test/support/cluster.hpp"
#include "test/support/environment.hpp"

#include <boost/json/serialize.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <random>
#include <regex>

using namespace troupe::test;
namespace bench = troupe::bench;
namespace json = boost::json;

namespace odd_sources_test {
namespace {

constexpr size_t sample_size = 30;
constexpr auto job_end_limit = milliseconds{120'000};
constexpr auto viewing_limit_s = 40;

/// How many pictures at the beginning a viewer may miss: one second.
constexpr size_t pictures_late = 25;

/// How many viewers watch at a time; each channel is shown in real time.
constexpr size_t viewers = 6;

std::vector<odd_source> chosen() {
  auto rows = odd_sources();
  if (auto* name = std::getenv("TROUPE_ODD"); name != nullptr) {
    std::erase_if(rows, [wanted = std::regex{name}](auto& x) { return !std::regex_search(x.name, wanted); });
    return rows;
  }
  auto seed = from_environment("TROUPE_SEED", 1);
  if (!is_long()) {
    std::shuffle(rows.begin(), rows.end(), std::mt19937{seed});
    rows.resize(sample_size);
  }
  for (uint32_t i = 0; i < from_environment("TROUPE_ODD_SEEDS", 0); ++i)
    rows.push_back(random_source(seed + i));
  BOOST_TEST_MESSAGE("TROUPE_SEED=" << seed << ": " << rows.size() << " sources");
  return rows;
}

/// A source, its job, the path of the job's result, and the decoded source.
struct trial {
  odd_source source;
  std::string path;
  std::string result;
  std::string id;
  json::object job;
  decoded_content before;
};

std::string joined(const json::array& x) {
  return x.empty() ? std::string{} : json::serialize(x);
}

std::string order_of(const trial& x) {
  return R"({"input": ")" + x.path + R"(", "output": ")" + x.result + R"(", "container": "mkv",
    "video": {"codec": "ffv1", "deinterlace": "off"}, "audio": {"codec": "flac"}})";
}

/// The differences of the result that no note reports.
std::vector<std::string> judge_job(const trial& x, const std::string& scratch) {
  auto state = text(x.job, "state");
  auto notes = joined(list(object(x.job, "result"), "notes"));
  auto error = text(x.job, "error");
  if (x.source.judge == judged_by::refusal || (state == "failed" && x.source.judge == judged_by::words)) {
    if (state != "failed" || error.empty())
      return {"it has to be refused with a reason, and is " + state};
    return {};
  }
  if (state != "completed")
    return {"it is " + state + ": " + error};
  auto after = content_of(x.result, scratch);
  bool same = x.source.judge == judged_by::content;
  auto out = picture_differences(x.before, after, same);
  auto sounds = sound_differences(x.before, after, same, x.source.shown_late_s);
  out.insert(out.end(), sounds.begin(), sounds.end());
  if (!after.error.empty())
    out.push_back("the result does not decode: " + after.error.substr(0, 200));
  if (!out.empty() && x.source.judge == judged_by::words && !notes.empty())
    out.clear();
  if (auto streams = missing_streams(x.before, after); !streams.empty() && notes.empty())
    out.insert(out.end(), streams.begin(), streams.end());
  return out;
}

void report(const trial& x, const std::string& how, const std::vector<std::string>& faults) {
  for (auto& fault : faults)
    BOOST_ERROR(x.source.name << " " << how << ": " << fault << " (job: " << text(x.job, "id") << " "
                              << joined(list(object(x.job, "result"), "notes")) << ")");
}

/// A viewer joins at the latest random-access point. With these codecs that is every picture, so the viewer misses the
/// pictures that come while a transcode starts.
bool is_intra(const std::string& codec) {
  constexpr std::array codecs{"dnxhd", "ffv1", "huffyuv", "mjpeg", "prores", "qtrle"};
  return std::find(codecs.begin(), codecs.end(), codec) != codecs.end();
}

/// Watches the channel to its end with curl: first in its own codecs; if MPEG-TS does not hold these, as a
/// transcode.
std::vector<std::string> watch(const cluster& c, const trial& x, size_t number, const std::string& folder) {
  auto file = folder + "/" + std::to_string(number) + ".ts";
  for (const std::string profile : {"source", "small"}) {
    auto seen = bench::run_process({"curl", "-s", "-N", "-m", std::to_string(viewing_limit_s), "-o", file, "-w",
                                    "%{http_code}", c.watch_url("c" + std::to_string(number), profile)},
                                   scaled(milliseconds{1'000 * (viewing_limit_s + 5)}));
    if (seen.out != "200")
      continue;
    // When the source ends, the server breaks the stream off, and curl reports a partial file.
    constexpr int partial_file = 18;
    if (seen.timed_out || (seen.status != 0 && seen.status != partial_file))
      return {profile + ": the stream does not end well, curl says " + std::to_string(seen.status)};
    auto after = content_of(file, file + ".scratch");
    // What MPEG-TS does not hold is encoded anew.
    bool same = profile == "source" && after.codec == x.before.codec && x.source.judge == judged_by::content;
    auto out = picture_differences(x.before, after, same);
    if (is_intra(x.before.codec) && after.pictures.size() + pictures_late >= x.before.pictures.size())
      out.clear();
    if (auto sounds = x.before.sounds.empty() ? 0u : 1u; after.sounds.size() < sounds)
      out.emplace_back("no sound");
    for (auto& fault : out)
      fault = profile + ": " + fault;
    return x.source.judge == judged_by::words ? std::vector<std::string>{} : out;
  }
  return {"nothing is shown: " + read_file(file).substr(0, 300)};
}

struct fixture {
  temporary_folder folder;
  std::vector<trial> trials;

  fixture() {
    for (auto& source : chosen()) {
      trial x{source, make_source(source, folder.path()), {}, {}, {}, {}};
      x.result = folder.path(source.name + ".result.mkv");
      x.before = content_of(x.path, folder.path("scratch"));
      trials.push_back(std::move(x));
    }
  }
};

} // namespace
} // namespace odd_sources_test

BOOST_FIXTURE_TEST_SUITE(odd_sources_test, fixture)

BOOST_AUTO_TEST_CASE(jobs_lose_nothing_without_a_word) {
  cluster c{{{}, {}, {}}};
  c.start({"w1"}, 3);
  for (auto& x : trials) {
    auto answer = http_request(c.http_port(), "POST", "/api/v1/jobs", scaled(milliseconds{10'000}), order_of(x));
    BOOST_REQUIRE_MESSAGE(answer.status == 201, x.source.name << ": " << answer.status << " " << answer.body);
    x.id = text(answer.json().as_object(), "id");
  }
  for (auto& x : trials) {
    auto over = [&] {
      x.job = c.get("/api/v1/jobs/" + x.id).json().as_object();
      auto state = text(x.job, "state");
      return state == "completed" || state == "failed";
    };
    c.wait_until("the job of " + x.source.name + " is over", over, job_end_limit);
    report(x, "as a job", judge_job(x, folder.path("scratch")));
  }
  // Waits, because a late heartbeat changes the state for a moment; a worker blamed for its sources stays unhealthy.
  c.wait_until("the worker is healthy", [&] { return c.daemon_state("w1") == "healthy"; });
}

BOOST_AUTO_TEST_CASE(channels_lose_no_picture) {
  std::erase_if(trials, [](auto& x) { return !x.source.live; });
  cluster_settings settings;
  for (size_t i = 0; i < trials.size(); ++i)
    settings.channels.push_back({"c" + std::to_string(i), trials[i].path, false});
  cluster c{std::move(settings)};
  c.start({"w1"}, viewers);
  std::atomic<size_t> next = 0;
  std::vector<std::vector<std::string>> faults(trials.size());
  std::vector<std::future<void>> all;
  for (size_t n = 0; n < viewers; ++n)
    all.push_back(std::async(std::launch::async, [&] {
      for (auto i = next++; i < trials.size(); i = next++)
        faults[i] = watch(c, trials[i], i, folder.path());
    }));
  for (auto& x : all)
    x.get();
  for (size_t i = 0; i < trials.size(); ++i)
    report(trials[i], "as a channel", faults[i]);
  c.wait_until("channels are over", [&] { return c.sessions().empty(); });
  // Waits, because a late heartbeat changes the state for a moment; a worker blamed for its sources stays unhealthy.
  c.wait_until("the worker is healthy", [&] { return c.daemon_state("w1") == "healthy"; });
}

BOOST_AUTO_TEST_SUITE_END()
