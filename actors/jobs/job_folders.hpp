// The work folders of jobs, one for each, below one folder; and those of failed jobs, whose finished chunks stay for a while, so that a retry goes on
// with them.
//
// What is kept is known in memory alone: a coordinator that starts finds the folders on its disk, and the ends of their jobs in the store.
#pragma once

#include "messages/job.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace troupe {

/// How many failed jobs keep their folders at most.
inline constexpr size_t job_folders_max = 100;

class job_folders {
public:
  /// `keep`: for how long after a failed job's end.
  job_folders(std::string root, std::chrono::milliseconds keep) : root_{std::move(root)}, keep_{keep} {}

  std::string path(job_id id) const {
    return root_ + "/" + to_string(id);
  }

  /// All that are on the disk.
  std::vector<job_id> found() const;

  /// A failed job's, which ended at that time.
  void keep(job_id id, int64_t failed_ms) {
    kept_[id] = failed_ms;
  }

  /// The job goes on: its folder is its own again.
  void use(job_id id) {
    kept_.erase(id);
  }

  /// Off the disk with it.
  void drop(job_id id);

  /// Drops what was kept long enough; the oldest first where too much is kept.
  void clean(int64_t now_ms);

  /// Where less than `percent` of the disks of work folders and of a result is free, a sentence for people; else empty.
  std::string shortage(const std::string& output, unsigned percent) const;

private:
  std::string root_;
  std::chrono::milliseconds keep_;
  std::map<job_id, int64_t> kept_;
};

} // namespace troupe
