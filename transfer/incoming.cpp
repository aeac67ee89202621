#include "transfer/incoming.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>
#include <vector>

namespace troupe::transfer {

namespace {

constexpr size_t upload_block_bytes = 1 << 20;
constexpr mode_t file_mode = 0600;

tl::unexpected<refusal> failed(const std::string& step, int code = errno) {
  auto full = code == ENOSPC || code == EDQUOT || code == EFBIG;
  return refuse(full ? reason::full : reason::failed,
                "the coordinator cannot " + step + " the file: " + std::strerror(code));
}

} // namespace

incoming::incoming(std::string path, uint64_t bytes_max, placer place, begin_with first, base::path_roots roots)
  : path_(std::move(path)), bytes_max_(bytes_max), place_(std::move(place)), first_(first), roots_(std::move(roots)) {}

answer<void> incoming::open() {
  if (auto wanted = still_wanted(); !wanted || file_)
    return wanted;
  auto folder = roots_.open_folder_of(path_);
  if (!folder)
    return refuse(reason::failed, folder.error().what);
  auto name = std::filesystem::path{path_}.filename().string();
  auto flags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_APPEND | O_NONBLOCK;
  if (first_ == begin_with::nothing) {
    // Others may write to the folder: an existing file may be theirs, and is not written to.
    ::unlinkat(folder->get(), name.c_str(), 0);
    flags |= O_EXCL;
  }
  file_ = base::descriptor{::openat(folder->get(), name.c_str(), flags, file_mode)};
  struct stat found {};
  if (!file_ || ::fstat(file_.get(), &found) != 0)
    return failed("open");
  if (!S_ISREG(found.st_mode)) {
    file_ = {};
    return failed("open", EINVAL);
  }
  size_ = static_cast<uint64_t>(found.st_size);
  return {};
}

answer<uint64_t> incoming::size() {
  std::lock_guard guard{mutex_};
  if (!done_.empty())
    return total_;
  return open().map([this] { return size_; });
}

answer<uint64_t> incoming::resume() {
  {
    std::lock_guard guard{mutex_};
    ++writer_;
  }
  return size();
}

answer<uint64_t> incoming::begin(uint64_t offset, uint64_t total) {
  std::lock_guard guard{mutex_};
  if (total > bytes_max_)
    return refuse(reason::too_large, "the file has " + std::to_string(total) + " bytes, and no more than "
                                       + std::to_string(bytes_max_) + " are taken");
  if (!done_.empty())
    return refuse(reason::stale, "this upload is finished");
  if (auto ready = open(); !ready)
    return tl::unexpected(ready.error());
  if (offset != size_)
    return refuse(reason::stale, "the file ends at " + std::to_string(size_) + ": resume from there");
  if (offset > total)
    return refuse(reason::malformed, "the offset lies behind the end of the file");
  total_ = total;
  return ++writer_;
}

answer<void> incoming::append(uint64_t writer, std::span<const std::byte> bytes) {
  std::lock_guard guard{mutex_};
  if (abandoned_ || writer != writer_ || !done_.empty())
    return refuse(reason::stale, "another connection has resumed this upload, or it is over");
  if (bytes.size() > total_ - size_)
    return refuse(reason::too_large,
                  "more data arrived than the " + std::to_string(total_) + " bytes that were announced");
  auto rest = bytes;
  while (!rest.empty()) {
    auto n = ::write(file_.get(), rest.data(), rest.size());
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      return failed("write", n < 0 ? errno : EIO);
    auto taken = static_cast<size_t>(n);
    if (hashed_ == size_) {
      hash_.add(rest.first(taken));
      hashed_ += taken;
    }
    size_ += taken;
    rest = rest.subspan(taken);
  }
  return still_wanted();
}

answer<void> incoming::still_wanted() {
  if (!abandoned_)
    return {};
  remove();
  return refuse(reason::stale, "this upload is over: its job or attempt has ended");
}

answer<void> incoming::hash_rest() {
  std::vector<std::byte> block(upload_block_bytes);
  while (hashed_ < size_) {
    auto n = ::pread(file_.get(), block.data(), block.size(), static_cast<off_t>(hashed_));
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      return failed("read", n < 0 ? errno : EIO);
    hash_.add(std::span{block}.first(static_cast<size_t>(n)));
    hashed_ += static_cast<uint64_t>(n);
  }
  return {};
}

answer<void> incoming::prove(uint64_t total, const std::string& sha256) {
  if (size_ < total)
    return refuse(reason::stale, "the file ends at " + std::to_string(size_) + " of " + std::to_string(total)
                                   + " bytes: resume from there");
  if (size_ > total)
    return refuse(reason::damaged, "the file has " + std::to_string(size_) + " bytes and not " + std::to_string(total));
  if (auto read = hash_rest(); !read)
    return read;
  if (auto found = hash_.digest(); found != sha256)
    return refuse(reason::damaged, "the checksum is wrong: the received data has SHA-256 " + found + " and not "
                                     + sha256 + "; send it again");
  return {};
}

answer<void> incoming::finish(uint64_t total, const std::string& sha256) {
  std::lock_guard guard{mutex_};
  if (!done_.empty()) {
    if (done_ == sha256 && total_ == total)
      return {};
    return refuse(reason::stale, "this upload is finished, with another content");
  }
  if (auto ready = open(); !ready)
    return ready;
  ++writer_;
  if (auto right = prove(total, sha256); !right) {
    if (right.error().reason == reason::damaged)
      remove();
    return right;
  }
  if (::fsync(file_.get()) != 0) {
    auto result = failed("flush");
    remove(); // what is on the disk now is unknown
    return result;
  }
  if (auto wanted = still_wanted(); !wanted)
    return wanted;
  if (auto placed = place_(path_, file_.get()); !placed) {
    remove();
    return placed;
  }
  file_ = {};
  total_ = total;
  done_ = sha256;
  return {};
}

void incoming::abandon() {
  abandoned_ = true;
  if (std::unique_lock guard{mutex_, std::try_to_lock}; guard && done_.empty())
    remove();
}

void incoming::remove() {
  file_ = {};
  ::unlink(path_.c_str());
  size_ = hashed_ = 0;
  hash_ = base::sha256{};
}

} // namespace troupe::transfer
