#include "rig/scale_cluster.hpp"

#include "base/json.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <filesystem>
#include <map>
#include <stdexcept>

#include <sched.h>

namespace troupe::bench {

namespace {

using namespace base::reading;
namespace fs = std::filesystem;
namespace json = boost::json;
using std::chrono::milliseconds;

constexpr milliseconds start_limit{30'000};
constexpr std::chrono::minutes job_limit{20};

/// While such an object exists, new child processes run on the n-th of this process's processors.
class on_processor {
public:
  explicit on_processor(int n) {
    ::sched_getaffinity(0, sizeof before_, &before_);
    cpu_set_t one;
    CPU_ZERO(&one);
    for (int i = 0; i < CPU_SETSIZE; ++i)
      if (CPU_ISSET(i, &before_) && n-- == 0)
        CPU_SET(i, &one);
    if (CPU_COUNT(&one) == 0 || ::sched_setaffinity(0, sizeof one, &one) != 0)
      throw std::runtime_error("there are not as many processors as workers");
  }
  on_processor(const on_processor&) = delete;
  on_processor& operator=(const on_processor&) = delete;
  ~on_processor() {
    ::sched_setaffinity(0, sizeof before_, &before_);
  }

private:
  cpu_set_t before_{};
};

/// The times of the history's transitions.
job_times times_of(const json::value& job) {
  job_times result;
  std::map<int64_t, std::string> kinds;
  for (auto& x : list(job, "chunks"))
    kinds[count(x, "number")] = text(x, "kind");
  std::map<int64_t, double> begun;
  double ordered = 0;
  double first = 0;
  double last = 0;
  double videos_s = 0;
  for (auto& x : list(job, "history")) {
    auto at = number(x, "at_ms") / 1000;
    auto to = text(x, "to");
    if (ordered == 0)
      ordered = at;
    if (!member(x, "chunk").is_number()) {
      if (to == "completed")
        result.assemble_s = at - last;
      continue;
    }
    auto chunk = count(x, "chunk");
    if (to == "leased") {
      begun[chunk] = at;
      first = first == 0 ? at : first;
    } else if (to == "done") {
      last = at;
      if (kinds[chunk] == "audio") {
        result.sound_s = at - begun[chunk];
      } else {
        videos_s += at - begun[chunk];
        ++result.chunks;
      }
    }
  }
  result.probe_s = first - ordered;
  result.chunk_s = result.chunks > 0 ? videos_s / result.chunks : 0;
  return result;
}

} // namespace

scale_cluster::scale_cluster(const std::string& folder, int workers)
  : node_cluster({.folder = folder, .config = "cluster:\n  token: a-token-for-one-measurement\n"}) {
  start_coordinator();
  for (int n = 0; n < workers; ++n) {
    on_processor here{n};
    start_worker("worker-" + std::to_string(n), {.flags = {"--worker.slots=1", "--worker.trust_codecs=true"}});
  }
  auto ready = [&] {
    auto xs = daemons();
    return xs.size() == static_cast<size_t>(workers)
           && std::all_of(xs.begin(), xs.end(), [](auto& x) { return text(x, "state") == "healthy"; });
  };
  wait_until("all workers can work", ready, start_limit);
}

job_times scale_cluster::transcode(const std::string& in, const std::string& out, int chunk_seconds) const {
  auto program = (fs::path{own_program()}.parent_path() / "caf-ctl").string();
  auto made =
    run_process({program, "transcode", in, "-o", out, "--overwrite", "--video-encoder=libx264", "--preset=medium",
                 "--crf=23", "--audio-encoder=aac", "--chunk-seconds=" + std::to_string(chunk_seconds),
                 "--url=http://127.0.0.1:" + std::to_string(http_port())},
                job_limit);
  if (!made.ok())
    throw std::runtime_error("caf-ctl failed: " + made.out.substr(0, 2000) + logs());
  auto jobs = list(get("/api/v1/jobs").json(), "jobs");
  if (jobs.empty())
    throw std::runtime_error("the coordinator does not know the job any more");
  auto result = times_of(get("/api/v1/jobs/" + text(jobs.front(), "id")).json());
  result.whole_s = made.wall_s;
  return result;
}

} // namespace troupe::bench
