#include "base/private_folder.hpp"

#include <sys/stat.h>

#include <cerrno>
#include <filesystem>

namespace troupe::base {

std::error_code make_private_folder(const std::string& path) {
  std::error_code failed;
  if (std::filesystem::is_directory(path, failed))
    return {};
  if (auto above = std::filesystem::path{path}.parent_path().string(); !above.empty() && above != path)
    if (auto why = make_private_folder(above))
      return why;
  if (::mkdir(path.c_str(), 0700) == 0)
    return {};
  auto why = std::error_code{errno, std::generic_category()};
  // Another thread has just made the folder, or the path ends with a slash, and the call above has made it.
  return std::filesystem::is_directory(path, failed) ? std::error_code{} : why;
}

} // namespace troupe::base
