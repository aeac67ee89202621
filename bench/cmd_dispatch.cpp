// caf-bench dispatch: how many jobs one coordinator accepts, dispatches and completes, and how quickly.
//
// It runs the product's queue, store and HTTP server with null jobs (dispatch_node.hpp) in this process. SQLite waits
// for the disk (synchronous = FULL). Each job passes through submitted, assigned, running and completed, each with its
// history row.
// - `jobs_s`: 50 clients submit all jobs as fast as they are accepted; measured from the first submission until the
//   last end is durable. The median of several rounds.
// - `list_ms_p99`: meanwhile a client repeatedly reads the list of jobs and a job's page over HTTP.
// - `dispatch_ms_p50`, `dispatch_ms_p99`: the same clients at a tenth of that rate; from the client's answer, which
//   says that its job is durable, until the job's actor runs. `start_ms_p99` counts from the submission, so it includes
//   the wait for the disk.
// - `bytes_per_job`: growth of a process's resident memory per waiting job, measured from JOBS waiting jobs to twice as
//   many.
#include "bench/dispatch_node.hpp"
#include "bench/options.hpp"
#include "bench/report.hpp"
#include "rig/http_client.hpp"
#include "rig/process.hpp"
#include "rig/scratch_folder.hpp"

#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <fstream>
#include <stdexcept>
#include <thread>

namespace troupe::bench {

namespace {

using clock = std::chrono::steady_clock;
using milliseconds_f = std::chrono::duration<double, std::milli>;

constexpr size_t clients = 50;
constexpr auto round_limit = std::chrono::minutes{2};
constexpr auto memory_limit = std::chrono::minutes{5};

double resident_bytes() {
  ::malloc_trim(0);
  std::ifstream in{"/proc/self/statm"};
  uint64_t all = 0;
  uint64_t resident = 0;
  in >> all >> resident;
  return static_cast<double>(resident) * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

void wait_for(const std::atomic<uint64_t>& counter, uint64_t count) {
  auto deadline = clock::now() + round_limit;
  while (counter < count) {
    if (clock::now() > deadline)
      throw std::runtime_error("only " + std::to_string(counter) + " of " + std::to_string(count) + " jobs in time");
    ::usleep(1000);
  }
}

/// Reads pages until it is destroyed.
class page_reader {
public:
  explicit page_reader(uint16_t port) : thread_([this, port] { run(port); }) {}

  ~page_reader() {
    stop_ = true;
    if (thread_.joinable())
      thread_.join();
  }

  std::vector<double> stop() {
    stop_ = true;
    thread_.join();
    return std::move(times_ms_);
  }

private:
  void run(uint16_t port) {
    std::string one;
    for (size_t n = 0; !stop_; ++n) {
      auto target = n % 2 == 0 || one.empty() ? std::string{"/api/v1/jobs?limit=100"} : "/api/v1/jobs/" + one;
      auto since = clock::now();
      auto answer = http_request(port, "GET", target, std::chrono::seconds{10});
      if (answer.status == 200)
        times_ms_.push_back(milliseconds_f{clock::now() - since}.count());
      if (auto at = answer.body.find("\"id\":\""); at != std::string::npos)
        one = answer.body.substr(at + 6, 32);
      ::usleep(5000);
    }
  }

  std::atomic<bool> stop_{false};
  std::vector<double> times_ms_;
  std::thread thread_;
};

struct results {
  double jobs_s = 0;
  std::vector<double> list_ms;
};

results run_round(dispatch_node& node, dispatch_record& record, size_t jobs) {
  page_reader pages{node.http_port()};
  auto before = record.completed.load();
  auto since = clock::now();
  node.submit(jobs, clients);
  wait_for(record.completed, before + jobs);
  auto took = std::chrono::duration<double>(clock::now() - since).count();
  record.take();
  return {static_cast<double>(jobs) / took, pages.stop()};
}

void measure_dispatch(dispatch_node& node, dispatch_record& record, size_t jobs, double rate, report& into) {
  auto before = record.completed.load();
  node.submit(jobs, clients, rate);
  wait_for(record.completed, before + jobs);
  std::vector<double> waits;
  std::vector<double> starts;
  for (auto& x : record.take()) {
    waits.push_back(std::max(0.0, milliseconds_f{x.running - x.accepted}.count()));
    starts.push_back(milliseconds_f{x.running - x.sent}.count());
  }
  into.figures.push_back(percentile("dispatch_ms_p50", waits, 0.5));
  into.figures.push_back(percentile("dispatch_ms_p99", waits, 0.99));
  into.figures.push_back(percentile("start_ms_p50", starts, 0.5));
  into.figures.push_back(percentile("start_ms_p99", starts, 0.99));
}

/// Bytes per waiting job, in a process of its own, so that no other measurement has left it memory.
double measure_memory(size_t jobs) {
  auto child = run_process({own_program(), "dispatch-memory", std::to_string(jobs)}, memory_limit);
  if (!child.ok())
    throw std::runtime_error("the memory of waiting jobs was not measured: " + child.out);
  return std::stod(child.out);
}

} // namespace

int run_dispatch_node(const arguments& given) {
  if (given.size() != 3)
    return 2;
  register_node_types();
  // A store that exceeds a file size limit is an error, like a full disk; the signal must not end the process.
  std::signal(SIGXFSZ, SIG_IGN);
  auto jobs = std::stoul(given[2]);
  auto record = std::make_shared<dispatch_record>();
  dispatch_node node{{given[0], given[1], 64, false}, record};
  std::printf("http %u\n", unsigned{node.http_port()});
  std::fflush(stdout);
  node.submit(jobs, clients, 0, "key ");
  wait_for(record->accepted, jobs);
  while (node.open_jobs() > 0)
    ::usleep(20'000);
  return 0;
}

int run_dispatch_memory(const arguments& given) {
  if (given.size() != 1)
    return 2;
  register_node_types();
  auto jobs = std::stoul(given[0]);
  scratch_folder folder;
  auto record = std::make_shared<dispatch_record>();
  dispatch_node node{{folder.path("queued.db"), folder.path("queued"), 1, true}, record};
  // The second batch of waiting jobs counts, after the first has filled the store's caches.
  double before = 0;
  for (size_t batch = 1; batch <= 2; ++batch) {
    before = resident_bytes();
    node.submit(jobs, clients);
    wait_for(record->accepted, batch * jobs);
    record->take();
  }
  std::printf("%f\n", (resident_bytes() - before) / static_cast<double>(jobs));
  return 0;
}

int run_dispatch(const arguments& given) {
  namespace po = boost::program_options;
  po::options_description options{"options"};
  options.add_options()("jobs", po::value<size_t>()->default_value(10'000), "jobs in a round");
  options.add_options()("rounds", po::value<size_t>()->default_value(5), "number of rounds; the median counts");
  auto values = parse(given, "dispatch [options]", options);
  if (!values)
    return 0;
  register_node_types();
  auto jobs = (*values)["jobs"].as<size_t>();
  auto asked = (*values)["rounds"].as<size_t>();
  auto rounds = values->count("quick") > 0 ? std::min<size_t>(asked, 3) : asked;
  scratch_folder folder;
  report result;
  result.name = "dispatch";
  result.leave_out(rounds, asked, "rounds");
  {
    auto record = std::make_shared<dispatch_record>();
    dispatch_node node{{folder.path("jobs.db"), folder.path("jobs"), 256, false}, record};
    std::vector<double> speeds;
    std::vector<double> pages;
    for (size_t i = 0; i < rounds; ++i) {
      auto x = run_round(node, *record, jobs);
      speeds.push_back(x.jobs_s);
      pages.insert(pages.end(), x.list_ms.begin(), x.list_ms.end());
    }
    result.figures = {measured("jobs_s", speeds), percentile("list_ms_p50", pages, 0.5),
                      percentile("list_ms_p99", pages, 0.99)};
    result.notes.push_back(std::to_string(pages.size()) + " pages read under load");
    measure_dispatch(node, *record, jobs / 4, 500, result);
  }
  std::vector<double> bytes;
  for (int i = 0; i < 3; ++i)
    bytes.push_back(measure_memory(jobs));
  result.figures.push_back(measured("bytes_per_job", bytes));
  result.notes.emplace_back("SQLite, synchronous = FULL; 50 clients in this process; dispatch at 500 jobs a second");
  print(result, *values);
  return 0;
}

} // namespace troupe::bench
