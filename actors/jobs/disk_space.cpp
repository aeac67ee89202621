#include "actors/jobs/disk_space.hpp"

#include <sys/statvfs.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>

namespace troupe {

namespace fs = std::filesystem;

std::optional<double> disk_free_percent(const std::string& path, uint64_t more_bytes) {
  if (!path.starts_with('/'))
    return {};
  struct statvfs found {};
  // A path that does not exist yet will lie on the disk of its nearest existing folder.
  fs::path at{path};
  while (::statvfs(at.c_str(), &found) != 0) {
    if (errno != ENOENT || !at.has_parent_path() || at == at.parent_path())
      return {};
    at = at.parent_path();
  }
  // As df counts: what is reserved for root is neither used nor free.
  auto used = static_cast<double>(found.f_blocks - found.f_bfree);
  auto free = static_cast<double>(found.f_bavail);
  if (used + free <= 0)
    return {};
  auto more = static_cast<double>(more_bytes) / static_cast<double>(std::max(found.f_frsize, 1UL));
  return 100 * (free - more) / (used + free);
}

std::string disk_shortage(const std::string& path, unsigned percent, uint64_t more_bytes) {
  auto free = disk_free_percent(path, more_bytes);
  if (!free || *free >= percent)
    return {};
  char share[32];
  std::snprintf(share, sizeof share, "%.1f", std::max(*free, 0.0));
  auto then = more_bytes > 0 ? " % of the disk of " + path + " would be free with " + std::to_string(more_bytes)
                                 + " bytes more that are to come, "
                             : " % of the disk of " + path + " is free, ";
  return share + then + std::to_string(percent) + " % are wanted";
}

} // namespace troupe
