// Plain POSIX calls, each checked: this is where a job's result becomes visible, or does not.
#include "encoder/publish.hpp"

#include "files/descriptor.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cctype>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <utility>

namespace troupe::av {

namespace {

constexpr size_t buffer_bytes = 1 << 20;
constexpr mode_t file_mode = 0644;

/// The longest tag that goes into a name.
constexpr size_t tag_max = 64;

tl::unexpected<error> failed(const std::string& step, const std::string& path, int code = errno) {
  auto kind = code == EFBIG                                                                            ? errc::limit
              : code == ENOENT || code == EACCES || code == EROFS || code == EISDIR || code == ENOTDIR ? errc::option
                                                                                                       : errc::io;
  return fail(kind, step + " " + path + ": " + std::strerror(code));
}

expected<void> write_all(int fd, std::span<const std::byte> bytes, const std::string& path) {
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

std::string folder_of(const std::string& path) {
  auto folder = std::filesystem::path{path}.parent_path().string();
  return folder.empty() ? "." : folder;
}

/// Flushes a file or folder that was written by whomever.
expected<void> flush_path(const std::string& path, int flags) {
  files::descriptor file{::open(path.c_str(), flags | O_CLOEXEC)};
  if (file.get() < 0)
    return failed("open", path);
  // Some network file systems cannot flush a folder.
  if (::fsync(file.get()) != 0 && (errno != EINVAL || (flags & O_DIRECTORY) == 0))
    return failed("flush", path);
  return {};
}

expected<void> rename_to(const std::string& from, const std::string& target, overwrite existing) {
  if (existing == overwrite::allow) {
    if (::rename(from.c_str(), target.c_str()) != 0)
      return failed("rename to", target);
    return {};
  }
  auto taken = [&target] {
    return fail(errc::option, "write " + target + ": the file exists; choose another name or allow to overwrite it");
  };
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, target.c_str(), RENAME_NOREPLACE) == 0)
    return {};
  if (errno == EEXIST)
    return taken();
  if (errno != EINVAL && errno != ENOSYS)
    return failed("rename to", target);
  // A file system without that: a second name that must be new, then the first one goes.
  if (::link(from.c_str(), target.c_str()) != 0)
    return errno == EEXIST ? taken() : failed("rename to", target);
  ::unlink(from.c_str());
  return {};
}

expected<void> copy_file(const std::string& from, const std::string& to) {
  std::error_code code;
  std::filesystem::copy_file(from, to, std::filesystem::copy_options::overwrite_existing, code);
  if (code) {
    ::unlink(to.c_str());
    return failed("copy to", to, code.value());
  }
  return {};
}

bool is_on_same_device(const std::string& a, const std::string& b) {
  struct stat x = {};
  struct stat y = {};
  return ::stat(a.c_str(), &x) == 0 && ::stat(b.c_str(), &y) == 0 && x.st_dev == y.st_dev;
}

} // namespace

std::string staging_path(const std::string& target, const std::string& tag) {
  auto clean = tag.substr(0, tag_max);
  for (auto& c : clean)
    if (std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '-' && c != '_')
      c = '_';
  std::filesystem::path path{target};
  // A name of the usual 255 bytes stays one.
  auto name = path.filename().string().substr(0, 160);
  return (path.parent_path() / ("." + name + "." + clean + ".part")).string();
}

expected<void> publish(const std::string& from, const std::string& target, overwrite existing) {
  if (existing == overwrite::refuse && ::access(target.c_str(), F_OK) == 0)
    return fail(errc::option, "write " + target + ": the file exists; choose another name or allow to overwrite it");
  auto folder = folder_of(target);
  auto near = from;
  if (!is_on_same_device(from, folder)) {
    near = staging_path(target, "copy");
    if (auto ok = copy_file(from, near); !ok)
      return ok;
  }
  auto done = flush_path(near, O_RDONLY).and_then([&] { return rename_to(near, target, existing); }).and_then([&] {
    return flush_path(folder, O_RDONLY | O_DIRECTORY);
  });
  if (near != from)
    ::unlink(done ? from.c_str() : near.c_str());
  return done;
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

expected<new_file> new_file::create(const std::string& target, const std::string& tag) {
  auto path = staging_path(target, tag);
  // Not the old one, emptied: whoever still writes that must not write here.
  ::unlink(path.c_str());
  auto fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, file_mode);
  if (fd < 0)
    return failed("create", path);
  return new_file{target, std::move(path), fd};
}

expected<void> new_file::flush() {
  auto bytes = std::as_bytes(std::span{buffer_});
  hash_.add(bytes);
  auto done = write_all(fd_, bytes, path_);
  buffer_.clear();
  return done;
}

expected<void> new_file::write(std::span<const std::byte> bytes) {
  size_ += bytes.size();
  buffer_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  return buffer_.size() < buffer_bytes ? expected<void>{} : flush();
}

expected<std::string> new_file::commit(overwrite existing) {
  if (auto ok = flush(); !ok)
    return tl::unexpected{std::move(ok.error())};
  if (auto ok = publish(path_, target_, existing); !ok)
    return tl::unexpected{std::move(ok.error())};
  ::close(std::exchange(fd_, -1));
  return hash_.digest();
}

} // namespace troupe::av
