#include "actors/disk_space.hpp"

#include <sys/statvfs.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>

namespace troupe {

namespace fs = std::filesystem;

std::optional<double> disk_free_percent(const std::string& path) {
  if (!path.starts_with('/'))
    return {};
  struct statvfs found {};
  // What is not there yet will be on the disk of the folder that is.
  fs::path at{path};
  while (::statvfs(at.c_str(), &found) != 0) {
    if (errno != ENOENT || !at.has_parent_path() || at == at.parent_path())
      return {};
    at = at.parent_path();
  }
  // As df counts: what is reserved for root is neither used nor free.
  auto used = static_cast<double>(found.f_blocks - found.f_bfree);
  auto free = static_cast<double>(found.f_bavail);
  return used + free > 0 ? std::optional{100 * free / (used + free)} : std::nullopt;
}

std::string disk_shortage(const std::string& path, unsigned percent) {
  auto free = disk_free_percent(path);
  if (!free || *free >= percent)
    return {};
  char share[32];
  std::snprintf(share, sizeof share, "%.1f", *free);
  return std::string{share} + " % of the disk of " + path + " is free, " + std::to_string(percent) + " % are wanted";
}

} // namespace troupe
