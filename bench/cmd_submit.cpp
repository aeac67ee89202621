// caf-bench submit: the time from the submission of a file job to its first encoded picture.
//
// A coordinator and a worker with warm tasks run as processes. Small files are submitted, one job after the other. The
// time of the first picture is taken by the coordinator when the task reports it. The time that a client needs to send
// its order to the coordinator is measured here, and added.
#include "base/json.hpp"
#include "bench/options.hpp"
#include "bench/report.hpp"
#include "rig/http_client.hpp"
#include "rig/live_cluster.hpp"
#include "rig/sample.hpp"
#include "rig/scratch_folder.hpp"

#include <boost/json.hpp>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <thread>
#include <vector>

namespace troupe::bench {

namespace {

namespace json = boost::json;
using namespace base::reading;
using std::chrono::milliseconds;

constexpr milliseconds request_limit{5'000};
constexpr milliseconds job_limit{60'000};
constexpr milliseconds poll_interval{50};

/// Pause between two jobs, until the worker has warm tasks again.
constexpr milliseconds warm_up{1'000};

struct submission {
  double first_frame_ms = 0; ///< from before the request to the first encoded picture
  double answer_ms = 0;      ///< until the client has the job's id
  bool completed = false;
};

double now_ms() {
  auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration<double, std::milli>(now).count();
}

submission submit(const live_cluster& cluster, const std::string& input, const std::string& output) {
  submission result;
  json::object order{{"input", input},
                     {"output", output},
                     {"video", {{"codec", "libx264"}, {"preset", "ultrafast"}, {"crf", 23}}},
                     {"chunk", {{"seconds", 4}}}};
  auto since = now_ms();
  auto answer = http_request(cluster.http_port(), "POST", "/api/v1/jobs", request_limit, json::serialize(order));
  result.answer_ms = now_ms() - since;
  if (answer.status != 201)
    throw std::runtime_error("the job is not taken: " + answer.body.substr(0, 1000));
  auto id = text(parsed(answer.body), "id");
  std::optional<int64_t> first_frame;
  auto end = std::chrono::steady_clock::now() + job_limit;
  for (;;) {
    std::this_thread::sleep_for(poll_interval);
    auto job = cluster.get("/api/v1/jobs/" + id, request_limit).json();
    if (auto* took = member(member(job, "status"), "first_frame_ms").if_int64())
      first_frame = count(job, "submitted_at_ms") + *took;
    auto state = text(job, "state");
    auto over = state == "completed" || state == "failed" || state == "cancelled";
    if (over && state != "completed")
      throw std::runtime_error("the job is not completed: " + json::serialize(job).substr(0, 1000));
    if (std::chrono::steady_clock::now() > end)
      throw std::runtime_error("the job does not end:\n" + cluster.logs());
    if (!over)
      continue;
    if (!first_frame)
      throw std::runtime_error("the job ended before its first picture was seen; use a longer source");
    result.first_frame_ms = static_cast<double>(*first_frame) - since;
    result.completed = true;
    return result;
  }
}

} // namespace

int run_submit(const arguments& given) {
  namespace po = boost::program_options;
  int runs = 40;
  int warm = 4;
  po::options_description options{"options"};
  auto add = options.add_options();
  add("runs", po::value(&runs)->default_value(runs), "jobs, one after the other");
  add("warm", po::value(&warm)->default_value(warm), "tasks that wait for work on the worker");
  auto values = parse(given, "submit [options]", options);
  if (!values)
    return 0;
  auto asked = runs;
  if (values->count("quick") > 0)
    runs = std::min(runs, 10);
  if (runs < 1 || warm < 1)
    throw std::invalid_argument("at least one run and one warm task");
  scratch_folder folder;
  sample_options sample;
  sample.seconds = 60;
  auto source = folder.path("source.mp4");
  if (auto made = write_sample(source, sample); !made)
    throw std::runtime_error(made.error().what);
  live_cluster cluster{folder.path(""),
                       {},
                       capability_cache(folder.path("")),
                       {"--worker.warm_tasks=" + std::to_string(warm), "--worker.slots=4"}};
  std::vector<double> first_frames;
  std::vector<double> answers;
  // The first run finds cold caches, and is not counted.
  for (int run = 0; run <= runs; ++run) {
    std::this_thread::sleep_for(warm_up);
    auto target = folder.path("out.mp4");
    auto made = submit(cluster, source, target);
    std::filesystem::remove(target);
    if (run == 0)
      continue;
    first_frames.push_back(made.first_frame_ms);
    answers.push_back(made.answer_ms);
  }
  report out;
  out.name = "submit";
  out.leave_out(static_cast<size_t>(runs), static_cast<size_t>(asked), "jobs");
  out.figures = {counted("runs", runs),
                 percentile("first_frame_ms_p50", first_frames, 0.5),
                 percentile("first_frame_ms_p99", first_frames, 0.99),
                 percentile("first_frame_ms_max", first_frames, 1),
                 percentile("answer_ms_p50", answers, 0.5),
                 percentile("answer_ms_p99", answers, 0.99)};
  print(out, *values);
  return 0;
}

} // namespace troupe::bench
