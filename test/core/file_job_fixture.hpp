// The common part of the file job tests: recorded effects, and a source that is never read.
#pragma once

#include "core/jobs/file_job.hpp"

#include <map>
#include <optional>
#include <set>
#include <vector>

namespace troupe::core {

inline constexpr int64_t second = ticks_per_second;

struct file_job_recorder : file_job_effects {
  std::map<attempt_id, lease_request> asked;
  std::vector<attempt_id> unanswered;
  std::map<attempt_id, file_work> started;
  std::vector<attempt_id> attached;
  std::map<attempt_id, std::string> stopped;
  std::set<attempt_id> blamed;               ///< attempts whose processes died or hung
  std::map<attempt_id, std::string> refused; ///< attempts that a device refused, with the reason
  std::vector<file_chunk> chunks;
  int plans = 0;
  std::map<uint32_t, uint32_t> encoded; ///< how often each chunk was encoded
  std::vector<uint32_t> waits;
  std::vector<uint32_t> spoiled;
  std::optional<file_published> result;
  std::optional<std::pair<failure_kind, std::string>> failure;

  void lease(attempt_id attempt, const lease_request& x) override {
    asked[attempt] = x;
    unanswered.push_back(attempt);
  }
  void start(const file_work& x) override {
    started[x.attempt] = x;
  }
  void attach(attempt_id attempt) override {
    attached.push_back(attempt);
  }
  void stop(attempt_id attempt, const lease_end& how) override {
    stopped[attempt] = how.reason;
    if (how.process_failed)
      blamed.insert(attempt);
  }
  void device_failed(attempt_id attempt, const std::string& why) override {
    refused[attempt] = why;
  }
  void planned(const std::vector<file_chunk>& xs) override {
    chunks = xs;
    ++plans;
  }
  void chunk_began(uint32_t, const troupe::lease&) override {}
  void chunk_ended(uint32_t number, const std::string& path, const chunk_done& x) override {
    ++encoded[number];
    for (auto& c : chunks)
      if (c.number == number) {
        c.done = true;
        c.path = path;
        c.result = x;
      }
  }
  void chunk_waits(uint32_t number, uint32_t, const std::string&) override {
    waits.push_back(number);
  }
  void chunk_spoiled(uint32_t number, const std::string&) override {
    spoiled.push_back(number);
  }
  void completed(const file_published& x) override {
    result = x;
  }
  void failed(failure_kind kind, const std::string& why) override {
    failure = {kind, why};
  }
};

/// A store that writes at once: everything that the job reported is durable.
inline void store_all(file_job& x, time_point now) {
  x.handed_over();
  x.stored(now);
}

/// Four access points in forty seconds, 25 pictures a second, and sound.
inline source_summary source() {
  source_summary x;
  x.identity = "a";
  x.end = 40 * second;
  x.exact = x.countable = true;
  x.streams = {{0, true, "h264", "", 1280, 720, 1000, 0, 40 * second},
               {1, false, "aac", "eng", 0, 0, 1875, 0, 40 * second}};
  x.streams[0].even_rate = {25, 1};
  for (int i = 0; i < 4; ++i)
    x.cuts.push_back({i * 10 * second, static_cast<uint64_t>(i) * 250});
  return x;
}

} // namespace troupe::core
