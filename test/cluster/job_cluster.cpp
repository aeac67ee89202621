#include "test/cluster/job_cluster.hpp"

#include "rig/viewer.hpp"

#include <boost/json/serialize.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>

#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <unistd.h>

namespace troupe::test {

namespace {

namespace bench = troupe::bench;
namespace fs = std::filesystem;

cluster_settings settings_of(job_settings x) {
  // Workers tell often what runs on them, so that a test finds a task before it ends.
  x.flags.emplace_back("--cluster.heartbeat_interval=100ms");
  return {std::move(x.channels), std::move(x.flags), {}, std::move(x.worker_program)};
}

/// The living processes of tasks of these kinds.
std::vector<pid_t> pids_of(const cluster& c, const std::set<std::string>& kinds) {
  std::vector<pid_t> pids;
  for (auto& d : c.daemons())
    for (auto& x : list(d.get_object(), "tasks")) {
      auto pid = static_cast<pid_t>(count(object(x.get_object(), "process"), "pid"));
      if (kinds.contains(text(x.get_object(), "kind")) && holdings_of(pid).threads > 0)
        pids.push_back(pid);
    }
  return pids;
}

} // namespace

job_cluster::job_cluster(job_settings settings)
  : c{settings_of(settings)}, seconds_{settings.seconds}, limit_{settings.limit} {
  fs::copy_file(media("job-" + std::to_string(seconds_) + ".mkv", sample_of(seconds_)), source);
}

std::string job_cluster::slow_order(const std::string& more) const {
  return R"({"input": ")" + source + R"(", "output": ")" + result
         + R"(", "video": {"codec": "libx264", "preset": "slow", "crf": 18, "height": 288}, "chunk": {"seconds": 2})"
         + more + "}";
}

http_answer job_cluster::submit(const std::string& order) const {
  return http_request(c.http_port(), "POST", "/api/v1/jobs", scaled(milliseconds{10'000}), order);
}

std::string job_cluster::order(const std::string& text) const {
  auto answer = submit(text);
  BOOST_REQUIRE_MESSAGE(answer.status == 201, answer.status << " " << answer.body);
  return test::text(answer.json().as_object(), "id");
}

process job_cluster::ctl(std::vector<std::string> arguments) const {
  arguments.push_back("--url=http://127.0.0.1:" + std::to_string(c.http_port()));
  return process{TROUPE_BINARY_DIR "/bin/caf-ctl", arguments, c.folder().path("ctl.log")};
}

process job_cluster::transcode(const std::vector<std::string>& settings) const {
  std::vector<std::string> arguments{"transcode", source, "-o", result};
  arguments.insert(arguments.end(), settings.begin(), settings.end());
  return ctl(std::move(arguments));
}

std::string job_cluster::transcode_detached(std::vector<std::string> settings) const {
  settings.emplace_back("--detach");
  auto x = transcode(settings);
  BOOST_REQUIRE((x.wait(scaled(milliseconds{10'000})) == 0));
  auto said = x.output(); // of all calls of caf-ctl so far
  return said.substr(said.size() - 33, 32);
}

boost::json::object job_cluster::job(const std::string& id) const {
  auto answer = c.get("/api/v1/jobs/" + id);
  return answer.status == 200 ? answer.json().as_object() : boost::json::object{};
}

std::string job_cluster::error_of(const std::string& id) const {
  return text(job(id), "error");
}

std::string job_cluster::history(const std::string& id) const {
  return boost::json::serialize(list(job(id), "history"));
}

finished_chunks job_cluster::finished(const std::string& id) const {
  finished_chunks result;
  for (auto& x : list(job(id), "chunks"))
    if (text(x.get_object(), "state") == "done")
      result[count(x.get_object(), "number")] = text(x.get_object(), "sha256");
  return result;
}

size_t job_cluster::attempts(const std::string& id) const {
  size_t result = 0;
  for (auto& x : list(job(id), "chunks"))
    result += static_cast<size_t>(count(x.get_object(), "attempt"));
  return result;
}

void job_cluster::wait_for_chunks(const std::string& id, size_t count) const {
  c.wait_until(
    std::to_string(count) + " chunks are finished", [&] { return finished(id).size() >= count; }, limit_);
}

void job_cluster::wait_until_over(const std::string& id, const std::string& state) const {
  auto over = [&] {
    auto now = text(job(id), "state");
    BOOST_REQUIRE_MESSAGE(now == state || (now != "failed" && now != "cancelled" && now != "completed"),
                          "the job is " << now << ": " << error_of(id));
    return now == state;
  };
  c.wait_until("the job is " + state, over, limit_);
}

std::vector<pid_t> job_cluster::file_tasks() const {
  return pids_of(c, {"chunk", "probe", "assemble"});
}

std::vector<pid_t> job_cluster::chunk_tasks() const {
  return pids_of(c, {"chunk"});
}

std::vector<pid_t> job_cluster::wait_for_file_tasks() const {
  std::vector<pid_t> pids;
  c.wait_until("tasks work at the file", [&] { return !(pids = file_tasks()).empty(); });
  return pids;
}

pid_t job_cluster::wait_for_new_chunk() const {
  auto known = chunk_tasks();
  pid_t result = 0;
  c.wait_until("a task begins with a chunk", [&] {
    for (auto pid : chunk_tasks())
      if (std::find(known.begin(), known.end(), pid) == known.end())
        result = pid;
    return result > 0;
  });
  return result;
}

job_cluster::hit job_cluster::hit_chunk(const std::string& id, int signal, const std::string& words) const {
  constexpr int tries = 4;
  for (int i = 0; i < tries; ++i) {
    hit result{wait_for_new_chunk(), attempts(id), clock::now()};
    ::kill(result.task, signal);
    while (clock::now() - result.at < scaled(milliseconds{2'500}))
      if (says(history(id), words))
        return result;
  }
  BOOST_FAIL("the history never says: " << words);
  return {};
}

void job_cluster::check_result() const {
  check_transcoded(result, seconds_);
}

void job_cluster::check_kept(const finished_chunks& before, const std::string& id) const {
  auto after = finished(id);
  for (auto& [number, sha256] : before)
    BOOST_TEST(after[number] == sha256);
}

void job_cluster::check_nothing_is_left(const std::string& id) const {
  c.wait_until("the work folder is gone", [&] { return !fs::exists(c.folder().path("coordinator/jobs/" + id)); });
  for (auto& entry : fs::directory_iterator{c.folder().path()})
    BOOST_TEST(!entry.path().filename().string().starts_with(".result"));
}

void job_cluster::check_nothing_is_published() const {
  c.wait_until("nothing is left where the result would be", [&] {
    return std::none_of(fs::directory_iterator{fs::path{result}.parent_path()}, {}, [](auto& entry) {
      auto name = entry.path().filename().string();
      return name.starts_with("result") || name.starts_with(".result");
    });
  });
}

void check_transcoded(const std::string& path, uint32_t seconds) {
  bench::viewer_options options;
  options.url = path;
  options.duration = scaled(milliseconds{30'000});
  auto seen = bench::watch(options); // as fast as it can be read
  BOOST_TEST_MESSAGE(seen.seen.frames.size()
                     << " pictures, sound " << seen.offset_ms.min << " to " << seen.offset_ms.max << " ms later");
  for (auto& wrong : bench::problems(seen))
    BOOST_ERROR(wrong);
  auto pictures = bench::frame_count(sample_of(seconds));
  BOOST_REQUIRE(seen.seen.frames.size() == pictures);
  for (uint32_t i = 0; i < pictures; ++i)
    BOOST_REQUIRE((seen.seen.frames[i].number == i));
  BOOST_TEST(seen.seen.decode_errors == 0u);
}

bench::sample_options sample_of(uint32_t seconds) {
  auto result = small_sample();
  result.seconds = seconds;
  return result;
}

bool all_gone(const std::vector<pid_t>& pids) {
  return std::all_of(pids.begin(), pids.end(), [](pid_t pid) { return holdings_of(pid).threads == 0; });
}

bool says(const std::string& text, const std::string& words) {
  return text.find(words) != std::string::npos;
}

int64_t ms_since(clock::time_point x) {
  return std::chrono::duration_cast<milliseconds>(clock::now() - x).count();
}

small_disk::small_disk(const std::string& path, size_t bytes) : path_(path) {
  fs::create_directories(path);
  mounted_ = ::mount("none", path.c_str(), "tmpfs", 0, ("size=" + std::to_string(bytes)).c_str()) == 0;
}

small_disk::~small_disk() {
  if (mounted_)
    ::umount2(path_.c_str(), MNT_DETACH);
}

void small_disk::fill() const {
  auto file = ::open((path_ + "/ballast").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  const std::string block(4096, 'x');
  while (::write(file, block.data(), block.size()) > 0) {
    // until nothing more fits
  }
  ::close(file);
}

void small_disk::resize(size_t bytes) const {
  BOOST_REQUIRE(::mount("none", path_.c_str(), "tmpfs", MS_REMOUNT, ("size=" + std::to_string(bytes)).c_str()) == 0);
}

void small_disk::free() const {
  ::unlink((path_ + "/ballast").c_str());
}

} // namespace troupe::test
