// The work folders of jobs, one for each, in one common folder. Those of failed jobs stay for a while, so that a retry
// can use the finished chunks.
//
// Which folders are kept is known only in memory. A starting coordinator finds the folders on its disk, and the ends of
// their jobs in the store.
#pragma once

#include "messages/job.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace troupe {

/// The most failed jobs that keep their folders.
inline constexpr size_t job_folders_max = 100;

class job_folders {
public:
  /// `keep`: how long a folder stays after its job failed.
  job_folders(std::string root, std::chrono::milliseconds keep) : root_{std::move(root)}, keep_{keep} {}

  std::string path(job_id id) const {
    return root_ + "/" + to_string(id);
  }

  /// The jobs whose folders are on the disk.
  std::vector<job_id> found() const;

  /// Keeps the folder of a job that failed at this time.
  void keep(job_id id, int64_t failed_ms) {
    kept_[id] = failed_ms;
  }

  /// The job resumes: its folder is no longer subject to cleaning.
  void use(job_id id) {
    kept_.erase(id);
  }

  /// Removes the folder from the disk.
  void drop(job_id id);

  /// Removes folders that were kept long enough; if too many are kept, the oldest first.
  void clean(int64_t now_ms);

  /// A human-readable sentence if less than `percent` is free on the disks of the work folders or of a result; else
  /// empty.
  std::string shortage(const std::string& output, unsigned percent) const;

private:
  std::string root_;
  std::chrono::milliseconds keep_;
  std::map<job_id, int64_t> kept_;
};

} // namespace troupe
