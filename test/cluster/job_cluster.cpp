#include "test/cluster/job_cluster.hpp"

#include "bench/viewer.hpp"

#include <boost/json/serialize.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

namespace troupe::test {

namespace {

namespace bench = troupe::bench;
namespace fs = std::filesystem;

bench::sample_options job_sample() {
  auto result = small_sample();
  result.seconds = 20;
  return result;
}

cluster_settings settings_of(std::vector<std::string> flags, std::string worker_program) {
  // Workers tell often what runs on them, so that a test finds a task before it ends.
  flags.emplace_back("--cluster.heartbeat_interval=100ms");
  return {{}, std::move(flags), {}, std::move(worker_program)};
}

} // namespace

job_cluster::job_cluster(std::vector<std::string> flags, std::string worker_program)
  : c{settings_of(std::move(flags), std::move(worker_program))} {
  fs::copy_file(media("job.mkv", job_sample()), source);
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

std::map<int64_t, std::string> job_cluster::finished(const std::string& id) const {
  std::map<int64_t, std::string> result;
  for (auto& x : list(job(id), "chunks"))
    if (text(x.get_object(), "state") == "done")
      result[number(x.get_object(), "number")] = text(x.get_object(), "sha256");
  return result;
}

size_t job_cluster::attempts(const std::string& id) const {
  size_t result = 0;
  for (auto& x : list(job(id), "chunks"))
    result += static_cast<size_t>(number(x.get_object(), "attempt"));
  return result;
}

void job_cluster::wait_for_chunks(const std::string& id, size_t count) const {
  c.wait_until(
    std::to_string(count) + " chunks are finished", [&] { return finished(id).size() >= count; }, job_limit);
}

void job_cluster::wait_until_over(const std::string& id, const std::string& state) const {
  auto over = [&] {
    auto now = text(job(id), "state");
    BOOST_REQUIRE_MESSAGE(now == state || (now != "failed" && now != "cancelled" && now != "completed"),
                          "the job is " << now << ": " << error_of(id));
    return now == state;
  };
  c.wait_until("the job is " + state, over, job_limit);
}

std::vector<pid_t> job_cluster::file_tasks() const {
  std::vector<pid_t> pids;
  for (auto& d : c.daemons())
    for (auto& x : list(d.get_object(), "tasks")) {
      auto kind = text(x.get_object(), "kind");
      auto pid = static_cast<pid_t>(number(object(x.get_object(), "process"), "pid"));
      if ((kind == "chunk" || kind == "probe" || kind == "assemble") && holdings_of(pid).threads > 0)
        pids.push_back(pid);
    }
  return pids;
}

std::vector<pid_t> job_cluster::wait_for_file_tasks() const {
  std::vector<pid_t> pids;
  c.wait_until("tasks work at the file", [&] { return !(pids = file_tasks()).empty(); });
  return pids;
}

void job_cluster::check_result() const {
  bench::viewer_options options;
  options.url = result;
  options.duration = scaled(milliseconds{30'000});
  auto seen = bench::watch(options); // as fast as it can be read
  for (auto& wrong : bench::problems(seen))
    BOOST_ERROR(wrong);
  auto pictures = bench::frame_count(job_sample());
  BOOST_REQUIRE(seen.seen.frames.size() == pictures);
  for (uint32_t i = 0; i < pictures; ++i)
    BOOST_REQUIRE((seen.seen.frames[i].number == i));
  BOOST_TEST(seen.seen.decode_errors == 0u);
}

void job_cluster::check_nothing_is_published() const {
  c.wait_until("nothing is left where the result would be", [&] {
    return std::none_of(fs::directory_iterator{fs::path{result}.parent_path()}, {}, [](auto& entry) {
      auto name = entry.path().filename().string();
      return name.starts_with("result") || name.starts_with(".result");
    });
  });
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
