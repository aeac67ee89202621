// Files that appear whole or not at all: written under another name, flushed to the disk, and renamed.
#pragma once

#include "encoder/error.hpp"
#include "files/sha256.hpp"

#include <cstddef>
#include <span>
#include <string>

namespace troupe::av {

enum class overwrite { refuse, allow };

/// A name beside `target`, hidden, for what is to become it. `tag` tells the writers apart: a job and its attempt. Equal arguments give equal names, so
/// that the next attempt finds and replaces what a killed one left behind.
std::string staging_path(const std::string& target, const std::string& tag);

/// Makes the finished file `from` appear as `target`: flushes it, renames it and flushes the folder. On another file system it is copied first. What exists
/// under the name is `errc::option` unless `existing` allows to replace it. On failure `from` stays.
expected<void> publish(const std::string& from, const std::string& target, overwrite existing);

using files::sha256;

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
