// Where a task keeps its files: a folder that its host removes when the task is gone.
#pragma once

#include <cstdint>
#include <string>

namespace troupe {

/// The folder of the task with that process id.
std::string task_folder(const std::string& work_folder, int64_t pid);

/// Removes the folders of tasks that are gone, such as those of an earlier host that was killed. Blocks.
void remove_old_task_folders(const std::string& work_folder);

} // namespace troupe
