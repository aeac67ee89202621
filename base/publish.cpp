// Plain POSIX calls, each checked, because they decide whether a job's result becomes visible.
#include "base/publish.hpp"

#include "base/descriptor.hpp"
#include "base/identity.hpp"
#include "base/renaming.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cctype>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

namespace troupe::base {

namespace {

constexpr size_t buffer_bytes = 1 << 20;
constexpr mode_t file_mode = 0644;

/// The longest tag in a name.
constexpr size_t tag_max = 64;

tl::unexpected<file_error> fail(file_fault kind, std::string what) {
  return tl::unexpected{file_error{kind, std::move(what)}};
}

tl::unexpected<file_error> failed(const std::string& step, const std::string& path, int code = errno) {
  auto refused = code == ENOENT || code == EACCES || code == EROFS || code == EISDIR || code == ENOTDIR;
  auto kind = code == EFBIG ? file_fault::too_large : refused ? file_fault::refused : file_fault::failed;
  return fail(kind, step + " " + path + ": " + std::strerror(code));
}

file_result<void> write_all(int fd, std::span<const std::byte> bytes, const std::string& path) {
  while (!bytes.empty()) {
    auto count = ::write(fd, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR)
      continue;
    if (count <= 0)
      return failed("write", path, count < 0 ? errno : EIO);
    bytes = bytes.subspan(static_cast<size_t>(count));
  }
  return {};
}

std::string name_of(const std::string& path) {
  return std::filesystem::path{path}.filename().string();
}

file_result<void> flush(int file, const std::string& path) {
  return ::fsync(file) != 0 ? file_result<void>{failed("flush", path)} : file_result<void>{};
}

tl::unexpected<file_error> taken(const std::string& target) {
  return fail(file_fault::refused, target + " exists already; name another output, or allow to overwrite it");
}

/// Whether `path` in `folder` still names the open `file`. An error if somebody has put another file there.
file_result<void> check_same(int file, int folder, const std::string& path) {
  struct stat opened = {};
  struct stat named = {};
  if (::fstat(file, &opened) != 0 || ::fstatat(folder, path.c_str(), &named, AT_SYMLINK_NOFOLLOW) != 0)
    return failed("look at", path);
  if (opened.st_dev != named.st_dev || opened.st_ino != named.st_ino)
    return fail(file_fault::failed, "publish " + path + ": somebody else put another file in its place");
  return {};
}

file_result<void> rename_to(int from_folder, const std::string& from, int folder, const std::string& target,
                            overwrite existing) {
  auto name = name_of(target);
  if (existing == overwrite::allow) {
    if (::renameat(from_folder, from.c_str(), folder, name.c_str()) != 0)
      return failed("rename to", target);
    return {};
  }
  auto code = rename_new(from_folder, from, folder, name);
  if (code == std::errc::file_exists)
    return taken(target);
  return code ? file_result<void>{failed("rename to", target, code.value())} : file_result<void>{};
}

/// A new file `name` in `folder`, with the content of `file`. The descriptor reads and writes.
file_result<descriptor> copy_of(int file, int folder, const std::string& name) {
  ::unlinkat(folder, name.c_str(), 0);
  descriptor made{::openat(folder, name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, file_mode)};
  if (!made)
    return failed("create", name);
  std::vector<std::byte> block(buffer_bytes);
  for (off_t at = 0;;) {
    auto count = ::pread(file, block.data(), block.size(), at);
    if (count < 0 && errno == EINTR)
      continue;
    if (count == 0)
      return made;
    auto done = count < 0 ? failed("read to copy to", name)
                          : write_all(made.get(), std::span{block}.first(static_cast<size_t>(count)), name);
    if (!done) {
      ::unlinkat(folder, name.c_str(), 0);
      return tl::unexpected{std::move(done.error())};
    }
    at += count;
  }
}

/// The kind of file under the name, for messages; empty for a regular file.
std::string kind_of(mode_t mode) {
  if (S_ISREG(mode))
    return {};
  return S_ISDIR(mode)                    ? "a folder"
         : S_ISLNK(mode)                  ? "a symbolic link"
         : S_ISFIFO(mode)                 ? "a pipe"
         : S_ISCHR(mode) || S_ISBLK(mode) ? "a device"
                                          : "something else";
}

file_result<descriptor> open_target_folder(const std::string& target, const path_roots& roots) {
  auto folder = roots.open_folder_of(target);
  if (folder)
    return std::move(*folder);
  auto why = std::move(folder.error());
  auto missing = why.number == ENOENT || why.number == ENOTDIR;
  auto path = std::filesystem::path{target}.parent_path().string();
  auto text = missing ? "there is no folder " + path + "; make it, or name another output" : why.what;
  return fail(file_fault::refused, "write " + target + ": " + text);
}

file_result<void> check_free(int folder, const std::string& target, overwrite existing) {
  struct stat found = {};
  if (::fstatat(folder, name_of(target).c_str(), &found, AT_SYMLINK_NOFOLLOW) != 0)
    return errno == ENOENT ? file_result<void>{} : failed("write", target);
  if (auto kind = kind_of(found.st_mode); !kind.empty())
    return fail(file_fault::refused, "write " + target + ": it is " + kind + ", no regular file; name another output");
  if (existing == overwrite::refuse)
    return taken(target);
  return {};
}

} // namespace

std::string staging_path(const std::string& target, const std::string& tag) {
  auto clean = tag.substr(0, tag_max);
  for (auto& c : clean)
    if (std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '-' && c != '_')
      c = '_';
  std::filesystem::path path{target};
  // Keeps the result within the usual limit of 255 bytes.
  auto name = path.filename().string().substr(0, 160);
  return (path.parent_path() / ("." + name + "." + clean + ".part")).string();
}

file_result<void> check_target(const std::string& target, overwrite existing, const path_roots& roots) {
  auto folder = open_target_folder(target, roots);
  return folder ? check_free(folder->get(), target, existing) : tl::unexpected{std::move(folder.error())};
}

file_result<std::string> publish(int file, const std::string& from, const std::string& target, overwrite existing,
                                 const path_roots& roots) {
  auto opened = open_target_folder(target, roots);
  if (!opened)
    return tl::unexpected{std::move(opened.error())};
  auto folder = std::move(*opened);
  if (auto free = check_free(folder.get(), target, existing); !free)
    return tl::unexpected{std::move(free.error())};
  struct stat here = {};
  struct stat there = {};
  if (::fstat(folder.get(), &there) != 0 || ::fstat(file, &here) != 0)
    return failed("look at", target);
  auto near = from;
  auto near_folder = AT_FDCWD;
  descriptor copied;
  if (here.st_dev != there.st_dev) {
    near = name_of(staging_path(target, "copy"));
    near_folder = folder.get();
    auto made = copy_of(file, near_folder, near);
    if (!made)
      return tl::unexpected{std::move(made.error())};
    copied = std::move(*made);
    file = copied.get();
  }
  auto done =
    flush(file, near)
      .and_then([&] { return check_same(file, near_folder, near); })
      .and_then([&] { return rename_to(near_folder, near, folder.get(), target, existing); })
      .and_then([&] { return check_same(file, folder.get(), name_of(target)); })
      .and_then([&]() -> file_result<void> {
        auto code = flush_folder(folder.get());
        return code ? file_result<void>{failed("flush the folder of", target, code.value())} : file_result<void>{};
      });
  if (copied && done)
    ::unlink(from.c_str());
  else if (copied)
    ::unlinkat(near_folder, near.c_str(), 0);
  if (!done)
    return tl::unexpected{std::move(done.error())};
  return identity_of(file).value_or(std::string{});
}

file_result<std::string> publish(const std::string& from, const std::string& target, overwrite existing,
                                 const path_roots& roots) {
  descriptor file{::open(from.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)};
  struct stat found = {};
  if (!file || ::fstat(file.get(), &found) != 0)
    return failed("open", from);
  if (!S_ISREG(found.st_mode))
    return fail(file_fault::failed, "open " + from + ": somebody else put something in its place");
  return publish(file.get(), from, target, existing, roots);
}

new_file::new_file(std::string target, std::string path, int fd)
  : target_{std::move(target)}, path_{std::move(path)}, fd_{fd} {}

new_file::new_file(new_file&& other) noexcept
  : target_{std::move(other.target_)},
    path_{std::move(other.path_)},
    fd_{std::exchange(other.fd_, -1)},
    size_{other.size_},
    hash_{std::move(other.hash_)},
    buffer_{std::move(other.buffer_)} {}

new_file& new_file::operator=(new_file&& other) noexcept {
  discard();
  target_ = std::move(other.target_);
  path_ = std::move(other.path_);
  fd_ = std::exchange(other.fd_, -1);
  size_ = other.size_;
  hash_ = std::move(other.hash_);
  buffer_ = std::move(other.buffer_);
  return *this;
}

new_file::~new_file() {
  discard();
}

void new_file::discard() noexcept {
  if (fd_ < 0)
    return;
  ::close(fd_);
  ::unlink(path_.c_str());
  fd_ = -1;
}

file_result<new_file> new_file::create(const std::string& target, const std::string& tag) {
  auto path = staging_path(target, tag);
  // Does not empty the old file: a program that still writes to it must not write to the new one.
  ::unlink(path.c_str());
  auto fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, file_mode);
  if (fd < 0)
    return failed("create", path);
  return new_file{target, std::move(path), fd};
}

file_result<void> new_file::flush() {
  auto bytes = std::as_bytes(std::span{buffer_});
  hash_.add(bytes);
  auto done = write_all(fd_, bytes, path_);
  buffer_.clear();
  return done;
}

file_result<void> new_file::write(std::span<const std::byte> bytes) {
  size_ += bytes.size();
  buffer_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  return buffer_.size() < buffer_bytes ? file_result<void>{} : flush();
}

file_result<std::string> new_file::commit(overwrite existing) {
  if (auto ok = flush(); !ok)
    return tl::unexpected{std::move(ok.error())};
  if (auto ok = publish(path_, target_, existing); !ok)
    return tl::unexpected{std::move(ok.error())};
  ::close(std::exchange(fd_, -1));
  return hash_.digest();
}

} // namespace troupe::base
