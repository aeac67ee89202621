#include "nodes/node_prove.hpp"

#include "base/json.hpp"
#include "config/load.hpp"
#include "encoder/codec/capability.hpp"
#include "encoder/window/scheduling.hpp"
#include "nodes/node_cage.hpp"
#include "processes/child_process.hpp"
#include "telemetry/drm.hpp"
#include "telemetry/log.hpp"
#include "telemetry/nvml.hpp"

#include <boost/json.hpp>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>
#include <thread>

namespace troupe::nodes {

namespace {

namespace json = boost::json;
namespace log = telemetry::log;
namespace fs = std::filesystem;
using namespace base::reading;

/// A trial encodes a few small frames: it hangs if it is silent for this long.
constexpr auto trial_timeout = std::chrono::seconds{20};

/// How quickly a trial is aborted when the node stops.
constexpr std::chrono::milliseconds stop_interval{100};

constexpr size_t line_bytes_max = 64 * 1024;
constexpr size_t cache_bytes_max = 4 * 1024 * 1024;

// -- one trial as a line of JSON ------------------------------------------------

json::object to_json(const av::codec_trial& x) {
  return {{"name", x.name},   {"codec", x.codec},   {"kind", x.kind}, {"encoder", x.encoder}, {"device", x.device},
          {"works", x.works}, {"reason", x.reason}, {"fps", x.fps},   {"gpu", x.gpu},         {"opened", x.opened}};
}

av::codec_trial trial_from(const json::value& x) {
  return {text(x, "name"),   text(x, "codec"),  text(x, "kind"),  truth(x, "encoder"), text(x, "device"),
          truth(x, "works"), text(x, "reason"), number(x, "fps"), text(x, "gpu"),      truth(x, "opened")};
}

// -- the machine's GPUs -----------------------------------------------------------

/// The GPUs that drivers name. A GPU without identity cannot be told from another, and is tried as libav*'s default
/// device.
std::vector<gpu_description> find_cards() {
  std::vector<gpu_description> result;
  auto add = [&](std::vector<telemetry::gpu_measurement> measured) {
    for (auto& x : measured)
      if (!gpu_key(x.card).empty())
        result.push_back(std::move(x.card));
  };
  if (auto library = telemetry::nvml::open(); library)
    add(library->measure());
  add(telemetry::drm_probe{}.measure(std::chrono::steady_clock::now()));
  return result;
}

std::vector<av::trial_device> trial_devices(const std::vector<gpu_description>& cards) {
  std::vector<av::trial_device> result;
  result.reserve(cards.size());
  for (auto& x : cards)
    result.push_back({x.device, gpu_key(x), x.vendor == gpu_vendor::intel});
  return result;
}

/// True if there is something to open under the name that libav* uses by default.
bool is_there(const std::string& device) {
  auto prefix = device.starts_with("cuda:") ? std::string{"/dev/nvidia"} : device;
  std::error_code ignored;
  auto entries = fs::directory_iterator{fs::path{prefix}.parent_path(), ignored};
  return std::any_of(begin(entries), end(entries),
                     [&](const auto& x) { return x.path().string().starts_with(prefix); });
}

/// If some GPUs are hidden, a GPU without identity may be one of them, so its successful trials must not be used.
void leave_out_hidden(std::vector<av::codec_trial>& trials) {
  if (std::getenv("CUDA_VISIBLE_DEVICES") == nullptr)
    return;
  for (auto& x : trials)
    if (x.gpu.empty() && x.device.starts_with("cuda:")) {
      x.works = false;
      x.reason = "CUDA_VISIBLE_DEVICES hides the GPUs that can be identified";
    }
}

std::string to_text(const std::vector<av::trial_device>& devices) {
  json::array list;
  for (auto& x : devices)
    list.push_back(json::object{{"device", x.device}, {"gpu", x.gpu}, {"quick_sync", x.quick_sync}});
  return json::serialize(list);
}

std::vector<av::trial_device> devices_from(std::string_view list) {
  std::vector<av::trial_device> result;
  auto all = parsed(list);
  if (auto* devices = all.if_array())
    for (auto& x : *devices)
      if (x.is_object())
        result.push_back({text(x, "device"), text(x, "gpu"), truth(x, "quick_sync")});
  return result;
}

// -- the parent -----------------------------------------------------------------

/// Reads a child's output line by line, each within the trial's time limit.
class line_reader {
public:
  line_reader(int fd, const std::atomic<bool>& stop) : fd_(fd), stop_(stop) {}

  /// The next line. Empty at the end, if no line came in time, or if `stop` was set.
  std::optional<std::string> next() {
    auto deadline = std::chrono::steady_clock::now() + trial_timeout;
    for (;;) {
      if (auto end = buffer_.find('\n'); end != std::string::npos) {
        auto line = buffer_.substr(0, end);
        buffer_.erase(0, end + 1);
        return line;
      }
      auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
      pollfd p{fd_, POLLIN, 0};
      if (left.count() <= 0 || stop_) {
        timed_out_ = true;
        return std::nullopt;
      }
      auto ready = ::poll(&p, 1, static_cast<int>(std::min(left, stop_interval).count()));
      if (ready == 0 || (ready < 0 && errno == EINTR))
        continue;
      char bytes[4096];
      auto n = ::read(fd_, bytes, sizeof(bytes));
      if (n <= 0 || buffer_.size() > line_bytes_max)
        return std::nullopt;
      buffer_.append(bytes, static_cast<size_t>(n));
    }
  }

  bool timed_out() const noexcept {
    return timed_out_;
  }

private:
  int fd_;
  const std::atomic<bool>& stop_;
  std::string buffer_;
  bool timed_out_ = false;
};

struct trial_run {
  double speed_fps = 0;
  /// At least one trial was silent for too long, or was not started. A busy machine can cause that, so the result is
  /// not cached.
  bool incomplete = false;
};

/// Runs the trials in child processes; each continues after the trial at which the last one crashed or hung.
trial_run run_all(std::vector<av::codec_trial>& trials, const std::vector<av::trial_device>& devices,
                  const std::vector<std::string>& task_arguments, const std::atomic<bool>& stop) {
  trial_run result;
  size_t at = 0;
  while (at <= trials.size()) {
    std::vector<std::string> arguments{prove_command, std::to_string(at), to_text(devices)};
    arguments.insert(arguments.end(), task_arguments.begin(), task_arguments.end());
    auto child = start_child(arguments, true);
    if (!child) {
      log::error("codecs cannot be tried", {{"reason", child.error()}});
      result.incomplete = true;
      return result;
    }
    line_reader lines{child->output, stop};
    auto from = at;
    while (auto line = lines.next()) {
      auto x = parsed(*line);
      if (!member(x, "speed_fps").is_null())
        result.speed_fps = number(x, "speed_fps");
      else if (x.is_object() && at < trials.size())
        trials[at] = trial_from(x);
      ++at;
    }
    if (lines.timed_out()) {
      result.incomplete = true;
      ::kill(child->pid, SIGKILL);
    }
    close_input(*child);
    ::close(child->output);
    auto how = describe_exit(wait_for(child->pid));
    if (stop) {
      result.incomplete = result.incomplete || at <= trials.size();
      return result;
    }
    if (at > trials.size())
      break;
    if (how.empty() && at == from)
      how = "its trial ended without a result";
    // The process ended during the trial with number `at`.
    if (at < trials.size()) {
      trials[at].works = false;
      trials[at].reason = lines.timed_out() ? "its trial hung" : "its trial crashed: " + how;
    }
    ++at;
  }
  return result;
}

codec_capability to_capability(const av::codec_trial& x) {
  return {x.name, x.codec, x.kind, x.device, x.works, x.reason, x.fps, x.gpu};
}

capabilities to_capabilities(std::vector<av::codec_trial> trials, double speed) {
  leave_out_hidden(trials);
  capabilities result;
  result.libav_version = av::libav_version();
  for (auto& t : trials)
    if (t.works && t.opened)
      result.opened_decoders += (result.opened_decoders.empty() ? "" : " ") + t.codec;
    else
      (t.encoder ? result.encoders : result.decoders).push_back(to_capability(t));
  result.cores = std::max(1U, std::thread::hardware_concurrency());
  struct sysinfo info {};
  if (::sysinfo(&info) == 0)
    result.memory_bytes = static_cast<uint64_t>(info.totalram) * info.mem_unit;
  result.speed_fps = speed;
  return result;
}

/// The devices whose change invalidates a cached result.
std::string device_files() {
  std::vector<std::string> names;
  std::error_code ignored;
  for (auto folder : {"/dev/dri", "/dev"})
    for (fs::directory_iterator i{folder, ignored}, end; !ignored && i != end; i.increment(ignored)) {
      auto name = i->path().filename().string();
      if (name.starts_with("renderD") || name.starts_with("nvidia"))
        names.push_back(i->path().string());
    }
  std::sort(names.begin(), names.end());
  std::string result;
  for (auto& n : names)
    result += n + ' ';
  return result;
}

std::string cache_key(const std::vector<gpu_description>& cards, size_t trials, bool caged) {
  auto result = std::string{TROUPE_VERSION} + " | " + av::libav_version() + " | " + std::to_string(trials)
                + " codecs | " + device_files() + "|" + (caged ? " in a cage |" : "");
  for (auto& x : cards)
    result += " " + x.device + " is " + gpu_key(x) + " with driver " + x.driver + ";";
  return result;
}

std::optional<std::pair<std::vector<av::codec_trial>, double>> read_cache(const std::string& file,
                                                                          const std::string& key) {
  std::error_code error;
  if (file.empty() || fs::file_size(file, error) > cache_bytes_max || error)
    return std::nullopt;
  std::ifstream in{file};
  std::stringstream all;
  all << in.rdbuf();
  auto x = parsed(all.str());
  if (text(x, "key") != key || !member(x, "trials").is_array())
    return std::nullopt;
  std::vector<av::codec_trial> trials;
  for (auto& t : list(x, "trials"))
    if (t.is_object())
      trials.push_back(trial_from(t));
  return std::pair{std::move(trials), number(x, "speed_fps")};
}

void write_cache(const std::string& file, const std::string& key, const std::vector<av::codec_trial>& trials,
                 double speed) {
  if (file.empty())
    return;
  json::array list;
  for (auto& t : trials)
    list.push_back(to_json(t));
  json::object x{{"key", key}, {"speed_fps", speed}, {"trials", std::move(list)}};
  std::error_code error;
  fs::create_directories(fs::path{file}.parent_path(), error);
  // Workers of one machine may share the file: each writes its own copy and renames it, so that a reader sees a
  // complete one.
  auto temporary = file + "." + std::to_string(::getpid());
  {
    std::ofstream out{temporary};
    out << json::serialize(x) << '\n';
  }
  fs::rename(temporary, file, error);
  if (error)
    log::warning("the result of the codec tests cannot be saved", {{"file", file}, {"reason", error.message()}});
}

} // namespace

int run_trials(int argc, char** argv, const av::engine& codecs) {
  av::forgo_real_time();
  std::vector<std::string> of_tasks{argv + std::min(argc, 4), argv + argc};
  auto settings = config::load(of_tasks, {});
  auto cage = settings ? enter_cage(settings->config, false) : tl::unexpected(std::string{"its settings are no good"});
  if (!cage) {
    log::error("codecs cannot be tried", {{"reason", cage.error()}});
    return 1;
  }
  auto trials = av::list_trials(devices_from(argc >= 4 ? argv[3] : "[]"));
  size_t from = argc >= 3 ? std::strtoul(argv[2], nullptr, 10) : 0;
  for (auto i = from; i < trials.size(); ++i)
    std::cout << json::serialize(to_json(av::run_trial(trials[i], codecs))) << std::endl;
  std::cout << json::serialize(json::object{{"speed_fps", av::measure_speed()}}) << std::endl;
  // All output is written. Exit handlers of drivers may crash or hang, and libavcodec leaks a queue if a QSV session
  // does not open, which a leak checker would report as ours.
  std::_Exit(0);
}

capabilities prove(const config::configuration& x, const std::vector<std::string>& task_arguments,
                   const std::atomic<bool>& stop) {
  auto& cache_file = x.worker.capability_cache;
  auto cards = find_cards();
  auto devices = trial_devices(cards);
  auto trials = av::list_trials(devices);
  auto key = cache_key(cards, trials.size(), x.task.cage);
  if (auto known = read_cache(cache_file, key))
    return to_capabilities(known->first, known->second);
  if (!x.worker.prove) {
    log::warning("no codec is proven: worker.prove is off, and there is no earlier result", {{"file", cache_file}});
    return to_capabilities({}, 0);
  }
  log::info("testing which codecs work on this machine");
  auto started = std::chrono::steady_clock::now();
  auto result = run_all(trials, devices, task_arguments, stop);
  auto works = std::count_if(trials.begin(), trials.end(), [](auto& t) { return t.works; });
  log::info("the codecs were tested",
            {{"codecs", trials.size()}, {"work", works}, {"took_ms", std::chrono::steady_clock::now() - started}});
  if (!result.incomplete)
    write_cache(cache_file, key, trials, result.speed_fps);
  return to_capabilities(trials, result.speed_fps);
}

capabilities assume() {
  auto trials = av::list_trials(trial_devices(find_cards()));
  for (auto& x : trials) {
    x.works = x.device.empty() || !x.gpu.empty() || is_there(x.device);
    x.reason = x.works ? "" : "no such device was found";
    x.opened = x.works && !x.encoder && x.device.empty();
  }
  return to_capabilities(trials, 0);
}

} // namespace troupe::nodes
