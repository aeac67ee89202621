#include "actors/common/task_folder.hpp"

#include <signal.h>

#include <cerrno>
#include <charconv>
#include <filesystem>
#include <string_view>

namespace troupe {

namespace {

namespace fs = std::filesystem;

/// The prefix of the names of such folders; the process id follows.
constexpr std::string_view prefix = "task-";

} // namespace

std::string task_folder(const std::string& work_folder, int64_t pid) {
  return work_folder + "/" + std::string{prefix} + std::to_string(pid);
}

void remove_old_task_folders(const std::string& work_folder) {
  std::error_code failed;
  for (auto& entry : fs::directory_iterator{work_folder, failed}) {
    auto name = entry.path().filename().string();
    pid_t pid = 0;
    if (!name.starts_with(prefix)
        || std::from_chars(name.data() + prefix.size(), name.data() + name.size(), pid).ec != std::errc{})
      continue;
    std::error_code ignored;
    if (::kill(pid, 0) != 0 && errno == ESRCH)
      fs::remove_all(entry.path(), ignored);
  }
}

} // namespace troupe
