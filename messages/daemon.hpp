// What a worker reports about itself: who it is, what it can do, and the state of itself and its tasks. It sends a
// `registration` at each connection, and a `heartbeat` at every heartbeat interval.
#pragma once

#include "messages/gpu.hpp"
#include "messages/ids.hpp"
#include "messages/inspect.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

/// One encoder or decoder on one device, as found by a test run.
struct codec_capability {
  std::string name;   ///< libav*'s name of the encoder or decoder: "libx264"
  std::string codec;  ///< "h264"
  std::string kind;   ///< "video" or "audio"
  std::string device; ///< empty for software, else the device that the test used: "/dev/dri/renderD128", "cuda:0"
  bool works = false;
  std::string reason; ///< why it was rejected, in libav*'s words; empty if it works
  double fps = 0;     ///< frames per second in the test run, video encoders only: a rough figure
  std::string gpu{};  ///< `gpu_key` of the card behind `device`; empty for software, or if the card is unknown

  bool operator==(const codec_capability&) const = default;
};

template <class Inspector>
bool inspect(Inspector& f, codec_capability& x) {
  return f.object(x).fields(f.field("name", x.name), f.field("codec", x.codec), f.field("kind", x.kind),
                            f.field("device", x.device), f.field("works", x.works), f.field("reason", x.reason),
                            f.field("fps", x.fps), f.field("gpu", x.gpu));
}

/// What a worker proved by encoding and decoding a few pictures with every encoder and decoder that it has.
struct capabilities {
  std::string libav_version;
  std::vector<codec_capability> encoders;
  std::vector<codec_capability> decoders;
  uint32_t cores = 0;
  uint64_t memory_bytes = 0;
  double speed_fps = 0; ///< frames per second of a short 1280x720 libx264 "medium" encode
  /// Names of codecs whose software decoder opens, separated by spaces. The worker has no encoder to make a sample for
  /// them, so they are untested until work uses them. One string, because there are hundreds.
  std::string opened_decoders{};
  /// What keeps tasks away from what they do not need, and what enforces it, human-readable.
  std::string cage{};

  bool operator==(const capabilities&) const = default;
};

template <class Inspector>
bool inspect(Inspector& f, capabilities& x) {
  return f.object(x).fields(f.field("libav_version", x.libav_version), f.field("encoders", x.encoders),
                            f.field("decoders", x.decoders), f.field("cores", x.cores),
                            f.field("memory_bytes", x.memory_bytes), f.field("speed_fps", x.speed_fps),
                            f.field("opened_decoders", x.opened_decoders), f.field("cage", x.cage));
}

/// Whether `name` is one of the words of a space-separated text such as `capabilities::opened_decoders`.
inline bool has_word(std::string_view text, std::string_view name) {
  for (size_t at = 0; !name.empty() && (at = text.find(name, at)) != text.npos; ++at) {
    auto end = at + name.size();
    if ((at == 0 || text[at - 1] == ' ') && (end == text.size() || text[end] == ' '))
      return true;
  }
  return false;
}

/// Share of the time in which work waited for a resource, from the kernel's pressure stall information.
struct pressure {
  double avg10 = 0;  ///< percent over 10 s
  double avg60 = 0;  ///< percent over 60 s
  double avg300 = 0; ///< percent over 300 s
  uint64_t total_us = 0;

  bool operator==(const pressure&) const = default;
};

template <class Inspector>
bool inspect(Inspector& f, pressure& x) {
  return f.object(x).fields(f.field("avg10", x.avg10), f.field("avg60", x.avg60), f.field("avg300", x.avg300),
                            f.field("total_us", x.total_us));
}

/// A machine as measured by its worker. A value that the kernel does not report is 0.
struct machine_statistics {
  std::string hostname;
  std::string os;
  std::string arch;
  uint64_t uptime_s = 0;
  uint32_t cpu_cores = 0;
  double cpu_percent = 0; ///< 0 to 100, all cores together
  std::vector<double> cpu_per_core;
  double load_1m = 0;
  double load_5m = 0;
  double load_15m = 0;
  uint64_t memory_total_bytes = 0;
  uint64_t memory_used_bytes = 0;
  uint64_t memory_available_bytes = 0;
  double memory_percent = 0;
  uint64_t swap_total_bytes = 0;
  uint64_t swap_used_bytes = 0;
  uint64_t disk_total_bytes = 0; ///< of the file system that holds the work folder
  uint64_t disk_used_bytes = 0;
  uint64_t disk_available_bytes = 0;
  double disk_percent = 0;
  uint64_t network_sent_bytes = 0; ///< since boot, all interfaces but loopback
  uint64_t network_received_bytes = 0;
  double network_send_rate = 0; ///< byte/s
  double network_receive_rate = 0;
  pressure cpu_pressure;
  pressure memory_pressure;
  pressure io_pressure;

  bool operator==(const machine_statistics&) const = default;
};

template <class Inspector>
bool inspect(Inspector& f, machine_statistics& x) {
  return f.object(x).fields(
    f.field("hostname", x.hostname), f.field("os", x.os), f.field("arch", x.arch), f.field("uptime_s", x.uptime_s),
    f.field("cpu_cores", x.cpu_cores), f.field("cpu_percent", x.cpu_percent), f.field("cpu_per_core", x.cpu_per_core),
    f.field("load_1m", x.load_1m), f.field("load_5m", x.load_5m), f.field("load_15m", x.load_15m),
    f.field("memory_total_bytes", x.memory_total_bytes), f.field("memory_used_bytes", x.memory_used_bytes),
    f.field("memory_available_bytes", x.memory_available_bytes), f.field("memory_percent", x.memory_percent),
    f.field("swap_total_bytes", x.swap_total_bytes), f.field("swap_used_bytes", x.swap_used_bytes),
    f.field("disk_total_bytes", x.disk_total_bytes), f.field("disk_used_bytes", x.disk_used_bytes),
    f.field("disk_available_bytes", x.disk_available_bytes), f.field("disk_percent", x.disk_percent),
    f.field("network_sent_bytes", x.network_sent_bytes), f.field("network_received_bytes", x.network_received_bytes),
    f.field("network_send_rate", x.network_send_rate), f.field("network_receive_rate", x.network_receive_rate),
    f.field("cpu_pressure", x.cpu_pressure), f.field("memory_pressure", x.memory_pressure),
    f.field("io_pressure", x.io_pressure));
}

/// One process as measured by its operating system.
struct process_statistics {
  int64_t pid = 0;
  double cpu_percent = 0;    ///< 100 is one core
  uint64_t memory_bytes = 0; ///< resident
  uint64_t running_ms = 0;

  bool operator==(const process_statistics&) const = default;
};

template <class Inspector>
bool inspect(Inspector& f, process_statistics& x) {
  return f.object(x).fields(f.field("pid", x.pid), f.field("cpu_percent", x.cpu_percent),
                            f.field("memory_bytes", x.memory_bytes), f.field("running_ms", x.running_ms));
}

/// What a task has done so far. The task sends it every second, and when it ends.
struct work_statistics {
  uint64_t samples_in = 0;
  uint64_t samples_out = 0;
  uint64_t bytes_in = 0;
  uint64_t bytes_out = 0;
  uint64_t frames_decoded = 0;
  uint64_t frames_encoded = 0;
  uint64_t corrupt_packets = 0;
  uint64_t discontinuities = 0;
  double speed = 0;         ///< media time divided by wall time over the last seconds; 1 is real time
  int64_t source_shift = 0; ///< ingest: the offset last added to the source's own times, ticks
  uint64_t busy_ms = 0;     ///< transcode: time spent on this output, without the decoder that it may share

  bool operator==(const work_statistics&) const = default;
};

template <class Inspector>
bool inspect(Inspector& f, work_statistics& x) {
  return f.object(x).fields(f.field("samples_in", x.samples_in), f.field("samples_out", x.samples_out),
                            f.field("bytes_in", x.bytes_in), f.field("bytes_out", x.bytes_out),
                            f.field("frames_decoded", x.frames_decoded), f.field("frames_encoded", x.frames_encoded),
                            f.field("corrupt_packets", x.corrupt_packets),
                            f.field("discontinuities", x.discontinuities), f.field("speed", x.speed),
                            f.field("source_shift", x.source_shift), f.field("busy_ms", x.busy_ms));
}

/// One task process of a host: what the operating system measures, and what the task reports about its work.
struct task_statistics {
  task_id task;
  std::string kind; ///< a `work_kind`, or "warm" for a process that waits for work
  std::string channel;
  std::string profile;
  session_id session;
  attempt_id attempt;
  process_statistics process;
  work_statistics work;
  lease_id lease{};     ///< that the process serves; the first one if it serves several
  uint32_t outputs = 0; ///< the leases that it serves: a transcode has one for each output, and one decoder for all

  bool operator==(const task_statistics&) const = default;
};

template <class Inspector>
bool inspect(Inspector& f, task_statistics& x) {
  return f.object(x).fields(f.field("task", x.task), f.field("kind", x.kind), f.field("channel", x.channel),
                            f.field("profile", x.profile), f.field("session", x.session), f.field("attempt", x.attempt),
                            f.field("process", x.process), f.field("work", x.work), f.field("lease", x.lease),
                            f.field("outputs", x.outputs));
}

/// How healthy a worker is, from best to worst.
enum class health : uint8_t { healthy, degraded, unhealthy, draining, gone };

inline std::string_view to_string(health x) {
  constexpr std::string_view names[] = {"healthy", "degraded", "unhealthy", "draining", "gone"};
  return names[static_cast<size_t>(x)];
}

template <class Inspector>
bool inspect(Inspector& f, health& x) {
  return inspect_enum(f, x, health::gone);
}

/// How a worker introduces itself; sent to the coordinator at each connection. `version` must equal the
/// coordinator's.
struct registration {
  worker_id worker;
  std::string name;
  std::string version;
  capabilities can;
  uint32_t slots = 0;    ///< concurrent transcodes
  bool draining = false; ///< the worker was told to drain before it lost its coordinator
  std::vector<gpu_report> gpus{};

  bool operator==(const registration&) const = default;
};

template <class Inspector>
bool inspect(Inspector& f, registration& x) {
  return f.object(x).fields(f.field("worker", x.worker), f.field("name", x.name), f.field("version", x.version),
                            f.field("can", x.can), f.field("slots", x.slots), f.field("draining", x.draining),
                            f.field("gpus", x.gpus));
}

/// Sent by each worker every heartbeat interval.
struct heartbeat {
  worker_id worker;
  uint64_t sequence = 0;
  machine_statistics machine;
  std::vector<task_statistics> tasks;
  std::vector<gpu_report> gpus{}; ///< the latest measurements

  bool operator==(const heartbeat&) const = default;
};

template <class Inspector>
bool inspect(Inspector& f, heartbeat& x) {
  return f.object(x).fields(f.field("worker", x.worker), f.field("sequence", x.sequence), f.field("machine", x.machine),
                            f.field("tasks", x.tasks), f.field("gpus", x.gpus));
}

} // namespace troupe
