// The kernel shows access control lists as extended attributes, so that no further library is needed.
#include "base/attributes.hpp"

#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <string_view>

namespace troupe::base {

namespace {

/// Limits of the kernel (XATTR_LIST_MAX and XATTR_SIZE_MAX of linux/limits.h).
constexpr size_t attribute_bytes_max = 64 * 1024;

constexpr std::array<std::string_view, 2> access_lists{"system.posix_acl_access", "system.nfs4_acl"};

std::string fault(const std::string& what) {
  return what + " cannot be copied: " + std::strerror(errno);
}

bool is_copied(std::string_view name) {
  return name.starts_with("user.") || std::ranges::find(access_lists, name) != access_lists.end();
}

std::vector<std::string> names_of(int file) {
  std::string list(attribute_bytes_max, '\0');
  auto size = ::flistxattr(file, list.data(), list.size());
  list.resize(size > 0 ? static_cast<size_t>(size) : 0);
  std::vector<std::string> result;
  for (size_t at = 0; at < list.size(); at += result.back().size() + 1)
    result.emplace_back(list.c_str() + at);
  std::erase_if(result, [](const auto& x) { return !is_copied(x); });
  return result;
}

std::optional<std::string> value_of(int file, const std::string& name) {
  std::string value(attribute_bytes_max, '\0');
  auto size = ::fgetxattr(file, name.c_str(), value.data(), value.size());
  if (size < 0)
    return {};
  value.resize(static_cast<size_t>(size));
  return value;
}

void copy_extended(int from, int to, std::vector<std::string>& faults) {
  auto wanted = names_of(from);
  // A folder may give its new files a list that the other file does not have.
  for (const auto& name : names_of(to))
    if (std::ranges::find(wanted, name) == wanted.end())
      ::fremovexattr(to, name.c_str());
  for (const auto& name : wanted) {
    auto value = value_of(from, name);
    if (!value || ::fsetxattr(to, name.c_str(), value->data(), value->size(), 0) != 0)
      faults.push_back(fault("the attribute " + name));
  }
}

} // namespace

std::vector<std::string> copy_attributes(int from, int to) {
  std::vector<std::string> faults;
  struct stat like = {};
  if (::fstat(from, &like) != 0)
    return {fault("what a file has besides its content")};
  // A change of the owner clears bits of the mode, and an access control list changes others: so in this order.
  if (::fchown(to, like.st_uid, like.st_gid) != 0) {
    faults.push_back(fault("the owner"));
    if (::fchown(to, static_cast<uid_t>(-1), like.st_gid) != 0)
      faults.push_back(fault("the group"));
  }
  if (::fchmod(to, like.st_mode & 07777) != 0)
    faults.push_back(fault("the mode"));
  copy_extended(from, to, faults);
  const std::array times{like.st_atim, like.st_mtim};
  if (::futimens(to, times.data()) != 0)
    faults.push_back(fault("the time of the last change"));
  return faults;
}

} // namespace troupe::base
