#include "processes/landlock.hpp"

#include "base/descriptor.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <sstream>
#include <string_view>

namespace troupe::cage {

namespace {

namespace fs = std::filesystem;

// From <linux/landlock.h>, which knows only what its own kernel has.
namespace right {

constexpr uint64_t execute = 1 << 0;
constexpr uint64_t write_file = 1 << 1;
constexpr uint64_t read_file = 1 << 2;
constexpr uint64_t read_folder = 1 << 3;
constexpr uint64_t remove_folder = 1 << 4;
constexpr uint64_t remove_file = 1 << 5;
constexpr uint64_t make_folder = 1 << 7;
constexpr uint64_t make_file = 1 << 8;
constexpr uint64_t move = 1 << 13;
constexpr uint64_t truncate = 1 << 14;
constexpr uint64_t control_device = 1 << 15;

} // namespace right

constexpr uint64_t listen_tcp = 1 << 0;
constexpr uint64_t scopes_of_signals_and_sockets = 3;

struct ruleset_attributes {
  uint64_t files;
  uint64_t ports;
  uint64_t scopes;
};

struct [[gnu::packed]] rule_attributes {
  uint64_t allowed;
  int32_t at;
};

constexpr int rule_of_path = 1;
constexpr uint32_t version_flag = 1;

constexpr uint64_t reading = right::read_file | right::read_folder;
constexpr uint64_t writing = reading | right::write_file | right::truncate | right::make_file | right::make_folder
                             | right::remove_file | right::remove_folder | right::move;
constexpr uint64_t using_device = reading | right::write_file | right::control_device;

/// The rights that a file can have; the others are those of folders.
constexpr uint64_t of_files =
  right::execute | right::write_file | right::read_file | right::truncate | right::control_device;

/// What libraries read: code, data, certificates, names of hosts and users, the machine's devices. /etc is not among
/// them as a whole, because it may hold secrets.
constexpr const char* system_files[] = {"/usr",
                                        "/lib",
                                        "/lib32",
                                        "/lib64",
                                        "/opt",
                                        "/nix/store",
                                        "/sys",
                                        "/proc",
                                        "/dev/urandom",
                                        "/dev/random",
                                        "/dev/zero",
                                        "/etc/ld.so.cache",
                                        "/etc/ld.so.conf",
                                        "/etc/ld.so.conf.d",
                                        "/etc/ssl",
                                        "/etc/pki",
                                        "/etc/ca-certificates",
                                        "/etc/hosts",
                                        "/etc/host.conf",
                                        "/etc/resolv.conf",
                                        "/etc/nsswitch.conf",
                                        "/etc/gai.conf",
                                        "/etc/services",
                                        "/etc/protocols",
                                        "/etc/passwd",
                                        "/etc/group",
                                        "/etc/localtime",
                                        "/etc/timezone",
                                        "/etc/fonts",
                                        "/etc/alternatives",
                                        "/etc/OpenCL",
                                        "/etc/glvnd",
                                        "/etc/vulkan",
                                        "/etc/drirc",
                                        "/etc/igfx_user_feature.txt",
                                        "/etc/nvidia",
                                        "/run/systemd/resolve",
                                        "/run/resolvconf",
                                        "/run/NetworkManager",
                                        "/run/nvidia-persistenced",
                                        "/run/opengl-driver"};

/// Names of graphics cards and video encoders in /dev begin with these.
constexpr std::string_view device_names[] = {"dri",      "nvidia", "kfd",   "dxg", "video",
                                             "dma_heap", "mali",   "accel", "null"};

/// Each names files or folders that libraries read, with colons between them.
constexpr const char* path_variables[] = {"LD_LIBRARY_PATH", "LIBVA_DRIVERS_PATH", "SSL_CERT_FILE", "SSL_CERT_DIR",
                                          "CURL_CA_BUNDLE"};

/// Rights that a kernel with this version of Landlock knows.
uint64_t known_rights(int version) {
  auto rights = right::move - 1;
  if (version >= 2)
    rights |= right::move;
  if (version >= 3)
    rights |= right::truncate;
  if (version >= 5)
    rights |= right::control_device;
  return rights;
}

size_t attribute_bytes(int version) {
  return version >= 6 ? sizeof(ruleset_attributes) : version >= 4 ? 2 * sizeof(uint64_t) : sizeof(uint64_t);
}

/// The files that may be reached.
class ruleset {
public:
  explicit ruleset(int version) : known_(known_rights(version)) {
    ruleset_attributes x{known_, listen_tcp, scopes_of_signals_and_sockets};
    handle_ =
      base::descriptor{static_cast<int>(::syscall(SYS_landlock_create_ruleset, &x, attribute_bytes(version), 0))};
  }

  void allow(const std::string& path, uint64_t rights) {
    base::descriptor at{::open(path.c_str(), O_PATH | O_CLOEXEC)};
    struct stat found {};
    if (!at || ::fstat(at.get(), &found) != 0)
      return;
    rights &= S_ISDIR(found.st_mode) ? known_ : known_ & of_files;
    rule_attributes rule{rights, at.get()};
    failed_ = failed_ || ::syscall(SYS_landlock_add_rule, handle_.get(), rule_of_path, &rule, 0) != 0;
  }

  bool enforce() const {
    return handle_ && !failed_ && ::syscall(SYS_landlock_restrict_self, handle_.get(), 0) == 0;
  }

private:
  uint64_t known_;
  base::descriptor handle_;
  bool failed_ = false;
};

void allow_system(ruleset& to) {
  for (auto* path : system_files)
    to.allow(path, reading);
  for (auto* name : path_variables) {
    auto* value = std::getenv(name);
    std::istringstream paths{value == nullptr ? "" : value};
    for (std::string path; std::getline(paths, path, ':');)
      to.allow(path, reading);
  }
  std::error_code failed;
  for (fs::directory_iterator i{"/dev", failed}, end; !failed && i != end; i.increment(failed)) {
    auto name = i->path().filename().string();
    for (auto known : device_names)
      if (name.starts_with(known))
        to.allow(i->path().string(), using_device);
  }
}

} // namespace

limits::enforcement restrict_files(const file_view& x) {
  auto version = static_cast<int>(::syscall(SYS_landlock_create_ruleset, nullptr, 0, version_flag));
  if (version < 1)
    return {false, errno == ENOSYS || errno == EOPNOTSUPP ? "this kernel has no Landlock"
                                                          : std::string{"Landlock: "} + std::strerror(errno)};
  ruleset rules{version};
  allow_system(rules);
  for (auto& path : x.read)
    rules.allow(path, reading);
  for (auto& path : x.write)
    rules.allow(path, writing);
  if (!rules.enforce())
    return {false, std::string{"Landlock: "} + std::strerror(errno)};
  return {true, "Landlock " + std::to_string(version)};
}

} // namespace troupe::cage
