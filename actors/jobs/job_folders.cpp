#include "actors/jobs/job_folders.hpp"

#include "actors/jobs/disk_space.hpp"

#include <algorithm>
#include <filesystem>

namespace troupe {

namespace fs = std::filesystem;

std::vector<job_id> job_folders::found() const {
  std::vector<job_id> result;
  std::error_code ignored;
  for (auto& entry : fs::directory_iterator{root_, ignored})
    if (auto id = parse_job_id(entry.path().filename().string()))
      result.push_back(*id);
  return result;
}

void job_folders::drop(job_id id) {
  std::error_code ignored;
  kept_.erase(id);
  fs::remove_all(path(id), ignored);
}

void job_folders::clean(int64_t now_ms) {
  std::vector<job_id> due;
  for (auto& [id, failed_ms] : kept_)
    if (now_ms - failed_ms >= keep_.count())
      due.push_back(id);
  for (auto id : due)
    drop(id);
  while (kept_.size() > job_folders_max)
    drop(std::min_element(kept_.begin(), kept_.end(), [](auto& a, auto& b) { return a.second < b.second; })->first);
}

std::string job_folders::shortage(const std::string& output, unsigned percent) const {
  auto said = disk_shortage(root_, percent);
  if (auto more = disk_shortage(fs::path{output}.parent_path().string(), percent); !more.empty())
    said += (said.empty() ? "" : "; ") + more;
  return said;
}

} // namespace troupe
