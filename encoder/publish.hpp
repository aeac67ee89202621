// Files that appear whole or not at all: written under another name, flushed to the disk, and renamed.
#pragma once

#include "encoder/error.hpp"
#include "base/sha256.hpp"

#include <cstddef>
#include <span>
#include <string>

namespace troupe::av {

enum class overwrite { refuse, allow };

/// A name beside `target`, hidden, for what is to become it. `tag` tells the writers apart: a job and its attempt. Equal arguments give equal names, so
/// that the next attempt finds and replaces what a killed one left behind.
std::string staging_path(const std::string& target, const std::string& tag);

/// Whether a result may appear as `target`: its folder is there, and nothing is in its way but a regular file that may be replaced. A device, a pipe, a
/// folder or a link is never replaced. Else `errc::option`.
expected<void> check_target(const std::string& target, overwrite existing);

/// Makes the finished file `from`, which is open as `file`, appear as `target`: flushes it, renames it and flushes the folder. On another file system it is
/// copied first. What must not be replaced is `errc::option`, as `check_target` has it. Where somebody puts another file in its place meanwhile, nothing is
/// said to be published. On failure `from` stays. Returns the identity of what is published (base/identity.hpp).
expected<std::string> publish(int file, const std::string& from, const std::string& target, overwrite existing);

/// The same of a file that is not open. A link is not followed.
expected<std::string> publish(const std::string& from, const std::string& target, overwrite existing);

using base::sha256;

/// A file that is being written, in order. Removed by the destructor unless it was committed.
class new_file {
public:
  /// Creates the file of `staging_path(target, tag)`, or empties it.
  static expected<new_file> create(const std::string& target, const std::string& tag);

  new_file(new_file&& other) noexcept;
  new_file& operator=(new_file&& other) noexcept;
  ~new_file();

  /// Buffered. A full disk is `errc::io`, here or at the end.
  expected<void> write(std::span<const std::byte> bytes);

  /// Publishes the file. Returns its SHA-256.
  expected<std::string> commit(overwrite existing);

  uint64_t size() const noexcept {
    return size_;
  }

private:
  new_file(std::string target, std::string path, int fd);
  expected<void> flush();
  void discard() noexcept;

  std::string target_;
  std::string path_;
  int fd_ = -1;
  uint64_t size_ = 0;
  sha256 hash_;
  std::string buffer_;
};

} // namespace troupe::av
