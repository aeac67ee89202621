// A path is first resolved to the place that it means now. Then the kernel walks from the root to that place, and
// follows no link out of it.
#include "base/path_roots.hpp"

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

namespace troupe::base {

namespace {

namespace fs = std::filesystem;

/// The kernel asks for another try if somebody renames folders on the way.
constexpr int tries_max = 32;

constexpr std::array<unsigned long, 8> kernel_files{
  PROC_SUPER_MAGIC, SYSFS_MAGIC,   CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC,
  DEBUGFS_MAGIC,    TRACEFS_MAGIC, SECURITYFS_MAGIC,   BPF_FS_MAGIC,
};

tl::unexpected<path_error> fail(int number, const std::string& path, const std::string& why) {
  return tl::unexpected{path_error{number, "open " + path + ": " + why}};
}

tl::unexpected<path_error> failed(int number, const std::string& path) {
  if (number == ENOSYS)
    return fail(number, path, "this system has no openat2; Linux 5.6 or later is needed");
  return fail(number, path, std::strerror(number));
}

/// The place that a path means now; parts that do not exist are kept. Empty on failure, with the reason in errno.
std::string resolved(const std::string& path) {
  std::error_code failed;
  auto result = fs::weakly_canonical(fs::absolute(path, failed), failed);
  errno = failed.value();
  return failed ? std::string{} : result.string();
}

/// The path of `place` as seen from `root`; nothing if it is not there.
std::optional<std::string> below(const std::string& root, const std::string& place) {
  if (place == root)
    return ".";
  auto prefix = root.ends_with('/') ? root : root + "/";
  return place.starts_with(prefix) ? std::optional{place.substr(prefix.size())} : std::nullopt;
}

/// The innermost of these folders that holds `place`, resolved; empty if none does.
std::string nearest(const std::vector<std::string>& folders, const std::string& place) {
  std::string result;
  for (auto& folder : folders)
    if (auto x = resolved(folder); x.size() > result.size() && below(x, place))
      result = std::move(x);
  return result;
}

int open_below(int root, const std::string& path) {
  open_how how{};
  how.flags = O_PATH | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  for (auto i = 0; i < tries_max; ++i)
    if (auto fd = ::syscall(SYS_openat2, root, path.c_str(), &how, sizeof how); fd >= 0 || errno != EAGAIN)
      return static_cast<int>(fd);
  return -1;
}

/// Opens what a descriptor of O_PATH stands for.
path_result<descriptor> open_again(const descriptor& found, const std::string& path, int flags) {
  auto name = "/proc/self/fd/" + std::to_string(found.get());
  descriptor result{::open(name.c_str(), flags | O_CLOEXEC)};
  return result ? path_result<descriptor>{std::move(result)} : failed(errno, path);
}

bool is_kernels(int file) {
  struct statfs found = {};
  return ::fstatfs(file, &found) != 0
         || std::find(kernel_files.begin(), kernel_files.end(), static_cast<unsigned long>(found.f_type))
              != kernel_files.end();
}

} // namespace

path_roots::path_roots(std::vector<std::string> folders, std::string key, std::vector<std::string> closed)
  : folders_{std::move(folders)}, key_{std::move(key)}, closed_{std::move(closed)} {}

path_error path_roots::outside(const std::string& path) const {
  std::string list;
  for (auto& x : folders_)
    list += (list.empty() ? "" : ", ") + x;
  return {0, "open " + path + ": it is not below " + (list.empty() ? "any folder" : list) + "; add its folder to "
               + key_ + " to allow it"};
}

path_result<descriptor> path_roots::find(const std::string& path) const {
  auto place = resolved(path);
  if (place.empty())
    return failed(errno, path);
  auto root = key_.empty() ? "/" : nearest(folders_, place);
  // A longer path of a folder around the place is a nearer one.
  if (root.empty() || root.size() < nearest(closed_, place).size())
    return tl::unexpected{outside(path)};
  descriptor from{::open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
  descriptor found{from ? open_below(from.get(), *below(root, place)) : -1};
  if (found)
    return found;
  // The place was somewhere else by then.
  return errno == EXDEV ? tl::unexpected{outside(path)} : failed(errno, path);
}

path_result<descriptor> path_roots::open_file(const std::string& path, int flags) const {
  auto found = find(path);
  if (!found)
    return found;
  struct stat info = {};
  if (::fstat(found->get(), &info) != 0)
    return failed(errno, path);
  if (!S_ISREG(info.st_mode))
    return fail(0, path, "it is not a regular file");
  if (is_kernels(found->get()))
    return fail(0, path, "it is a file of the kernel; give a file on a disk");
  return open_again(*found, path, flags);
}

path_result<descriptor> path_roots::open_folder(const std::string& path) const {
  auto found = find(path);
  if (!found)
    return found;
  if (is_kernels(found->get()))
    return fail(0, path, "it is a folder of the kernel; give a folder on a disk");
  return open_again(*found, path, O_RDONLY | O_DIRECTORY);
}

path_result<descriptor> path_roots::open_folder_of(const std::string& path) const {
  auto folder = fs::path{path}.parent_path().string();
  return open_folder(folder.empty() ? "." : folder);
}

} // namespace troupe::base
