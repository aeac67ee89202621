#include "processes/cage.hpp"

#include "processes/hidden_files.hpp"
#include "processes/system_calls.hpp"

#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <iterator>

namespace troupe::cage {

namespace {

using limits::enforcement;
using limits::outcome_of;

/// The rights of root over other people's files. Root's tasks keep them, because they read and write such files.
constexpr uint32_t rights_over_files = 1U << CAP_CHOWN | 1U << CAP_DAC_OVERRIDE | 1U << CAP_FOWNER;

/// Keeps only rights over files, if the process has them at all.
enforcement drop_capabilities() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3]{};
  if (::syscall(SYS_capget, &header, data) != 0)
    return outcome_of(false, "capset");
  auto kept = ::geteuid() == 0 ? data[0].permitted & rights_over_files : 0;
  data[0] = {kept, kept, 0};
  data[1] = {};
  return outcome_of(::syscall(SYS_capset, &header, data) == 0, "capset");
}

/// Where services listen that start programs for whoever may connect.
constexpr const char* doors[] = {"/run/dbus",       "/run/user",   "/run/systemd/private", "/run/docker.sock",
                                 "/run/containerd", "/run/podman", "/run/libvirt"};

tl::unexpected<std::string> no_user(const std::string& name, const std::string& why) {
  return tl::unexpected("tasks cannot run as the user '" + name + "' of task.user: " + why);
}

/// The entry of a user; the error says that there is none.
tl::expected<passwd, std::string> entry_of(const std::string& name) {
  errno = 0;
  auto* entry = ::getpwnam(name.c_str());
  if (entry == nullptr)
    return no_user(name, errno == 0 ? "there is no such user" : std::strerror(errno));
  return *entry;
}

/// The user's groups come along: graphics cards belong to groups.
tl::expected<void, std::string> become(const std::string& name) {
  auto entry = entry_of(name);
  if (!entry)
    return tl::unexpected(entry.error());
  if (entry->pw_uid == ::geteuid())
    return {};
  if (::initgroups(name.c_str(), entry->pw_gid) != 0 || ::setresgid(entry->pw_gid, entry->pw_gid, entry->pw_gid) != 0
      || ::setresuid(entry->pw_uid, entry->pw_uid, entry->pw_uid) != 0)
    return no_user(name, std::strerror(errno));
  return {};
}

} // namespace

tl::expected<std::string, std::string> enter(const plan& x) {
  std::string said;
  auto hidden = x.hidden;
  hidden.insert(hidden.end(), std::begin(doors), std::end(doors));
  limits::say(said, "secrets", hide(hidden, x.kept));
  if (!x.user.empty()) {
    if (auto done = become(x.user); !done)
      return tl::unexpected(done.error());
    limits::say(said, "user " + x.user, {true, "setresuid"});
  }
  limits::say(said, "capabilities", drop_capabilities());
  limits::say(said, "privileges", outcome_of(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "no_new_privs"));
  limits::say(said, "files", restrict_files(x.files));
  limits::say(said, "system calls", refuse_system_calls());
  return said;
}

tl::expected<void, std::string> check_user(const std::string& name) {
  auto entry = entry_of(name);
  if (!entry)
    return tl::unexpected(entry.error());
  if (::geteuid() != 0 && entry->pw_uid != ::geteuid())
    return no_user(name, "only root can start such a node");
  return {};
}

tl::expected<void, std::string> give_folder(const std::string& folder, const std::string& user) {
  auto entry = entry_of(user);
  if (!entry)
    return tl::unexpected(entry.error());
  if (::chown(folder.c_str(), entry->pw_uid, entry->pw_gid) != 0)
    return no_user(user, folder + ": " + std::strerror(errno));
  return {};
}

} // namespace troupe::cage
