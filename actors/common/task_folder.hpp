// Where a task keeps its files: a folder that its host removes when the task is gone.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace troupe {

/// The prefix of the names of such folders; the process id follows.
inline constexpr std::string_view task_folder_prefix = "task-";

/// The folder of the task with that process id.
inline std::string task_folder(const std::string& work_folder, int64_t pid) {
  return work_folder + "/" + std::string{task_folder_prefix} + std::to_string(pid);
}

} // namespace troupe
