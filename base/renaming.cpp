#include "base/renaming.hpp"

#include "base/descriptor.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

namespace troupe::base {

namespace {

std::error_code last_error() {
  return {errno, std::generic_category()};
}

/// True if the call or its flags are unknown to the kernel or the file system.
bool is_unsupported(int code) noexcept {
  return code == EINVAL || code == ENOSYS || code == EOPNOTSUPP;
}

} // namespace

std::error_code rename_new(int from_folder, const std::string& from, int to_folder, const std::string& to) {
  if (::renameat2(from_folder, from.c_str(), to_folder, to.c_str(), RENAME_NOREPLACE) == 0)
    return {};
  if (!is_unsupported(errno))
    return last_error();
  // On a file system without RENAME_NOREPLACE: adds a second name that must be new, then removes the first one.
  if (::linkat(from_folder, from.c_str(), to_folder, to.c_str(), 0) != 0)
    return last_error();
  ::unlinkat(from_folder, from.c_str(), 0);
  return {};
}

std::error_code rename_new(const std::string& from, const std::string& to) {
  return rename_new(AT_FDCWD, from, AT_FDCWD, to);
}

std::error_code exchange_names(const std::string& a, const std::string& b) {
  if (::renameat2(AT_FDCWD, a.c_str(), AT_FDCWD, b.c_str(), RENAME_EXCHANGE) == 0)
    return {};
  return is_unsupported(errno) ? make_error_code(std::errc::invalid_argument) : last_error();
}

std::error_code flush_folder(int folder) {
  return ::fsync(folder) == 0 || errno == EINVAL ? std::error_code{} : last_error();
}

std::error_code flush_folder(const std::string& folder) {
  descriptor opened{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  return opened ? flush_folder(opened.get()) : last_error();
}

} // namespace troupe::base
