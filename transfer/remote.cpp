#include "transfer/remote.hpp"

#include "base/descriptor.hpp"
#include "base/mask_url.hpp"
#include "base/sha256.hpp"
#include "transfer/exchange.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <vector>

namespace troupe::transfer {

namespace {

constexpr size_t block_bytes = 1 << 20;

bool is_good(const answer_head& x) {
  return x.status >= 200 && x.status < 300;
}

tl::unexpected<failure> disk(const std::string& step, const std::string& path, int code = errno) {
  return tl::unexpected(failure{true, false, 0, "cannot " + step + " " + path + ": " + std::strerror(code)});
}

tl::unexpected<failure> was_stopped(const std::string& url) {
  return tl::unexpected(failure{false, true, 0, base::mask_url(url) + ": stopped"});
}

/// SHA-256 of the file's content from its start, at most `bytes`.
expected<std::string> digest_of(int fd, uint64_t bytes, const std::string& path, const control& with) {
  base::sha256 hash;
  std::vector<std::byte> block(block_bytes);
  for (uint64_t at = 0; at < bytes;) {
    if (with.stop != nullptr && with.stop->load(std::memory_order_relaxed))
      return was_stopped(path);
    auto n = ::pread(fd, block.data(), std::min<uint64_t>(block.size(), bytes - at), static_cast<off_t>(at));
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      return disk("read", path, n < 0 ? errno : EIO);
    hash.add(std::span{block}.first(static_cast<size_t>(n)));
    at += static_cast<uint64_t>(n);
  }
  return hash.digest();
}

/// Tries until there is a result other than a passing failure.
template <class Try>
auto insist(patience& waits, const std::string& url, Try once) -> decltype(once()) {
  for (;;) {
    auto result = once();
    if (result || result.error().lasting || result.error().stopped)
      return result;
    if (!waits.wait())
      return waits.stopped() ? decltype(result){was_stopped(url)} : result;
  }
}

/// The work of one connection: sends everything after the end of the file on the other side.
expected<bool> send_rest(int fd, uint64_t bytes, const std::string& path, const remote& to, const control& with,
                         patience& waits) {
  auto there = perform({"HEAD"}, to, with);
  if (!there)
    return tl::unexpected(there.error());
  if (!is_good(*there))
    return tl::unexpected(refused(*there, to));
  auto at = there->offset;
  if (at >= bytes)
    return true;
  auto began = at;
  exchange x{"PATCH"};
  x.body_bytes = bytes - at;
  x.read = [&](std::span<std::byte> into) -> int64_t {
    ssize_t n = 0;
    do
      n = ::pread(fd, into.data(), std::min<uint64_t>(into.size(), bytes - at), static_cast<off_t>(at));
    while (n < 0 && errno == EINTR);
    if (n <= 0)
      return -1; // it has become shorter, or is unreadable
    at += static_cast<uint64_t>(n);
    if (at - began > block_bytes)
      waits.reset();
    if (with.report)
      with.report(at, bytes);
    return n;
  };
  auto here = to;
  here.fields.emplace_back("Upload-Offset", std::to_string(at));
  here.fields.emplace_back("Upload-Length", std::to_string(bytes));
  auto sent = perform(x, here, with);
  if (!sent)
    return tl::unexpected(sent.error());
  if (is_good(*sent))
    return true;
  auto why = refused(*sent, to);
  // 409: another connection of ours was still alive on the other side, or ended at an unexpected offset. Try again.
  why.lasting = why.lasting && sent->status != 409;
  why.text += " (" + path + ")";
  return tl::unexpected(why);
}

} // namespace

expected<answer_head> ask(const std::string& method, const remote& of, const control& with) {
  patience waits{with};
  return insist(waits, of.url, [&]() -> expected<answer_head> {
    auto got = perform({method}, of, with);
    if (got && !is_good(*got))
      return tl::unexpected(refused(*got, of));
    return got;
  });
}

expected<void> upload(const std::string& path, const remote& to, const control& with) {
  base::descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  struct stat found {};
  if (!file || ::fstat(file.get(), &found) != 0)
    return disk("read", path);
  auto bytes = static_cast<uint64_t>(found.st_size);
  patience waits{with};
  auto sent = insist(waits, to.url, [&] { return send_rest(file.get(), bytes, path, to, with, waits); });
  if (!sent)
    return tl::unexpected(sent.error());
  auto hash = digest_of(file.get(), bytes, path, with);
  if (!hash)
    return tl::unexpected(hash.error());
  auto end = to;
  end.fields.emplace_back("Upload-Length", std::to_string(bytes));
  end.fields.emplace_back("Upload-Checksum", "sha256 " + *hash);
  auto patient = with;
  // The other side reads the whole file once more before it answers.
  patient.silence_max = std::max<std::chrono::milliseconds>(with.silence_max, std::chrono::minutes{10});
  auto done = ask("PUT", end, patient);
  if (!done)
    return tl::unexpected(done.error());
  return {};
}

namespace {

struct arriving {
  std::string path;
  base::descriptor file = {};
  uint64_t size = 0;
  std::string etag = {};
};

/// The name of the partial file, next to the target. It includes the version, so that a later try finds the right data.
std::string part_name(const std::string& path, const std::string& etag) {
  auto clean = etag.substr(0, 64);
  std::replace_if(
    clean.begin(), clean.end(), [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
  std::filesystem::path target{path};
  return (target.parent_path() / ("." + target.filename().string().substr(0, 150) + "." + clean + ".part")).string();
}

/// Asks for the current version, and opens the partial file of it that is already here.
expected<uint64_t> look(const remote& from, const std::string& path, arriving& here, const control& with) {
  auto head = perform({"HEAD"}, from, with);
  if (!head)
    return tl::unexpected(head.error());
  if (!is_good(*head))
    return tl::unexpected(refused(*head, from));
  if (here.file && head->etag != here.etag)
    ::unlink(here.path.c_str());
  here.etag = head->etag;
  here.path = part_name(path, head->etag);
  here.file = base::descriptor{::open(here.path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0644)};
  struct stat found {};
  if (!here.file || ::fstat(here.file.get(), &found) != 0)
    return disk("write", here.path);
  if (!S_ISREG(found.st_mode))
    return disk("write", here.path, EEXIST);
  here.size = static_cast<uint64_t>(found.st_size);
  // Without a version a download cannot be resumed.
  if (here.size > head->bytes || head->etag.empty()) {
    if (::ftruncate(here.file.get(), 0) != 0)
      return disk("write", here.path);
    here.size = 0;
  }
  return head->bytes;
}

expected<uint64_t> fetch_rest(const remote& from, const std::string& path, arriving& here, const control& with,
                              patience& waits) {
  auto bytes = look(from, path, here, with);
  if (!bytes || here.size == *bytes)
    return bytes;
  auto ranged = from;
  if (here.size > 0) {
    ranged.fields.emplace_back("Range", "bytes=" + std::to_string(here.size) + "-");
    ranged.fields.emplace_back("If-Range", "\"" + here.etag + "\"");
  }
  auto code = 0;
  auto began = here.size;
  exchange x{"GET"};
  x.write = [&](std::span<const std::byte> data, const answer_head& head) {
    if (began > 0 && head.status != 206 && here.size == began) {
      // The answer is another version, from its start: it does not belong in this partial file.
      return false;
    }
    while (!data.empty()) {
      auto n = ::pwrite(here.file.get(), data.data(), data.size(), static_cast<off_t>(here.size));
      if (n < 0 && errno == EINTR)
        continue;
      if (n <= 0) {
        code = n < 0 ? errno : EIO;
        return false;
      }
      here.size += static_cast<uint64_t>(n);
      data = data.subspan(static_cast<size_t>(n));
    }
    waits.reset();
    if (with.report)
      with.report(here.size, *bytes);
    return true;
  };
  auto got = perform(x, ranged, with);
  if (code != 0)
    return disk("write", here.path, code);
  if (!got)
    return tl::unexpected(got.error());
  if (!is_good(*got))
    return tl::unexpected(refused(*got, from));
  if (here.size != *bytes)
    return tl::unexpected(failure{false, false, got->status,
                                  base::mask_url(from.url) + ": " + std::to_string(here.size) + " of "
                                    + std::to_string(*bytes) + " bytes came"});
  return *bytes;
}

std::string folder_of(const std::string& path) {
  auto folder = std::filesystem::path{path}.parent_path().string();
  return folder.empty() ? "." : folder;
}

/// A device, pipe or link at the target path is never replaced.
expected<void> check_place(const std::string& path, existing there) {
  struct stat found {};
  if (::stat(folder_of(path).c_str(), &found) != 0 || !S_ISDIR(found.st_mode))
    return disk("write", path, ENOENT);
  if (::lstat(path.c_str(), &found) != 0)
    return errno == ENOENT ? expected<void>{} : disk("write", path);
  if (!S_ISREG(found.st_mode))
    return tl::unexpected(failure{true, false, 0, "cannot write " + path + ": what is there is no regular file"});
  return there == existing::replace ? expected<void>{} : disk("write", path, EEXIST);
}

expected<void> take_place(const arriving& here, const std::string& path, existing there) {
  if (::fsync(here.file.get()) != 0)
    return disk("flush", here.path);
  if (auto free = check_place(path, there); !free)
    return free;
  auto flags = there == existing::keep ? RENAME_NOREPLACE : 0U;
  auto done = ::renameat2(AT_FDCWD, here.path.c_str(), AT_FDCWD, path.c_str(), flags);
  if (done != 0 && (errno == EINVAL || errno == ENOSYS))
    done = ::rename(here.path.c_str(), path.c_str()); // for a file system without these flags
  if (done != 0)
    return disk("write", path);
  base::descriptor parent{::open(folder_of(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  ::fsync(parent.get());
  return {};
}

} // namespace

expected<uint64_t> download(const remote& from, const std::string& path, const std::string& sha256, const control& with,
                            existing there) {
  if (auto free = check_place(path, there); !free)
    return tl::unexpected(free.error());
  arriving here{path};
  patience waits{with};
  auto got = insist(waits, from.url, [&] { return fetch_rest(from, path, here, with, waits); });
  if (!got)
    return got;
  if (!sha256.empty()) {
    auto hash = digest_of(here.file.get(), *got, here.path, with);
    if (!hash)
      return tl::unexpected(hash.error());
    if (*hash != sha256) {
      ::unlink(here.path.c_str());
      return tl::unexpected(failure{false, false, 0,
                                    base::mask_url(from.url) + ": the checksum is wrong: the received data has SHA-256 "
                                      + *hash + " and not " + sha256});
    }
  }
  if (auto done = take_place(here, path, there); !done)
    return tl::unexpected(done.error());
  return got;
}

} // namespace troupe::transfer
