#include "processes/hidden_files.hpp"

#include "base/descriptor.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <utility>

namespace troupe::cage {

namespace {

namespace fs = std::filesystem;

constexpr unsigned long quiet = MS_NOSUID | MS_NODEV | MS_NOEXEC;

std::string reason() {
  return std::strerror(errno);
}

bool write_text(const char* file, const std::string& text) {
  std::ofstream out{file};
  out << text << std::flush;
  return out.good();
}

/// A mount namespace whose changes nobody else sees. Users and groups keep their numbers.
bool leave_mounts() {
  auto user = ::geteuid();
  auto group = ::getegid();
  if (user == 0)
    return ::unshare(CLONE_NEWNS) == 0 && ::mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) == 0;
  if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0)
    return false;
  auto itself = [](auto id) { return std::to_string(id) + " " + std::to_string(id) + " 1"; };
  return write_text("/proc/self/setgroups", "deny") && write_text("/proc/self/uid_map", itself(user))
         && write_text("/proc/self/gid_map", itself(group));
}

/// A folder that keeps its place, and a way to it while something else lies over that place.
struct kept_folder {
  std::string path;
  base::descriptor at;
};

bool cover_folder(const std::string& folder, const std::vector<kept_folder>& kept) {
  if (::mount("tmpfs", folder.c_str(), "tmpfs", quiet, "mode=0755,size=64k") != 0)
    return false;
  for (auto& x : kept) {
    if (!x.path.starts_with(folder + "/"))
      continue;
    std::error_code failed;
    fs::create_directories(x.path, failed);
    auto source = "/proc/self/fd/" + std::to_string(x.at.get());
    if (failed || ::mount(source.c_str(), x.path.c_str(), nullptr, MS_BIND, nullptr) != 0)
      return false;
  }
  return ::mount(nullptr, folder.c_str(), nullptr, MS_REMOUNT | MS_RDONLY | quiet, "size=64k") == 0;
}

/// Its real name; empty if it does not exist.
std::string real_path(const std::string& path) {
  std::error_code failed;
  auto result = fs::canonical(path, failed);
  return failed ? std::string{} : result.string();
}

} // namespace

limits::enforcement hide(const std::vector<std::string>& hidden, const std::vector<std::string>& kept) {
  std::vector<std::string> paths;
  for (auto& x : hidden)
    if (auto path = real_path(x); !path.empty())
      paths.push_back(std::move(path));
  auto here = real_path(".");
  if (!leave_mounts())
    return {false, "mount namespace: " + reason()};
  // Opened here, because only what is in this namespace can be mounted in it.
  std::vector<kept_folder> stay;
  for (auto& x : kept)
    if (auto path = real_path(x); !path.empty())
      stay.push_back({path, base::descriptor{::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)}});
  for (auto& path : paths) {
    // An earlier one may lie above this one.
    struct stat found {};
    if (::stat(path.c_str(), &found) != 0)
      continue;
    auto covered = S_ISDIR(found.st_mode) ? cover_folder(path, stay)
                                          : ::mount("/dev/null", path.c_str(), nullptr, MS_BIND, nullptr) == 0;
    if (!covered)
      return {false, "mount namespace, " + path + ": " + reason()};
  }
  // The current folder is still the one below. Entered again, it is what its name now means.
  if ((here.empty() || ::chdir(here.c_str()) != 0) && ::chdir("/") != 0)
    return {false, "mount namespace, /: " + reason()};
  return {true, "mount namespace"};
}

} // namespace troupe::cage
