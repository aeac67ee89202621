// Files that appear whole or not at all: written under another name, flushed to the disk, and renamed.
#pragma once

#include "base/path_roots.hpp"
#include "base/sha256.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include <tl/expected.hpp>

namespace troupe::base {

enum class overwrite { refuse, allow };

enum class file_fault : uint8_t {
  refused,   ///< the target is taken, or no file can be made there: trying again does not help
  too_large, ///< for the file system, or for the process
  failed     ///< a disk error, or another program replaced the file: trying again may help
};

struct file_error {
  file_fault kind = file_fault::failed;
  std::string what;
};

template <class T>
using file_result = tl::expected<T, file_error>;

/// The hidden name, in the folder of `target`, under which `target` is written. `tag` distinguishes the writers: a job
/// and its attempt. Equal arguments give equal names, so that a retry of the same attempt replaces the file of a killed
/// task.
std::string staging_path(const std::string& target, const std::string& tag);

/// Whether a result may appear as `target`: its folder is there, and nothing is in its way but a regular file that may
/// be replaced. A device, a pipe, a folder or a link is never replaced, and nothing appears outside of `roots`. Else
/// `file_fault::refused`.
file_result<void> check_target(const std::string& target, overwrite existing, const path_roots& roots = {});

/// Makes the finished file `from`, which is open as `file`, appear as `target`: flushes it, renames it and flushes the
/// folder. On another file system it is copied first. An existing file that must not be replaced is
/// `file_fault::refused`, as in `check_target`. If somebody replaces the file meanwhile, that is an error: it does not
/// count as published. If anything fails before the renaming, `from` stays. Returns the identity of what is published
/// (base/identity.hpp).
file_result<std::string> publish(int file, const std::string& from, const std::string& target, overwrite existing,
                                 const path_roots& roots = {});

/// The same for a file that is not open. A link is not followed.
file_result<std::string> publish(const std::string& from, const std::string& target, overwrite existing,
                                 const path_roots& roots = {});

/// A file that is written in order. The destructor removes it unless it was committed.
class new_file {
public:
  /// Creates the file `staging_path(target, tag)`. Removes an older file of that name first.
  static file_result<new_file> create(const std::string& target, const std::string& tag);

  new_file(new_file&& other) noexcept;
  new_file& operator=(new_file&& other) noexcept;
  ~new_file();

  /// Buffered. A full disk is `file_fault::failed`, here or in `commit`.
  file_result<void> write(std::span<const std::byte> bytes);

  /// Publishes the file. Returns its SHA-256.
  file_result<std::string> commit(overwrite existing);

  uint64_t size() const noexcept {
    return size_;
  }

private:
  new_file(std::string target, std::string path, int fd);
  file_result<void> flush();
  void discard() noexcept;

  std::string target_;
  std::string path_;
  int fd_ = -1;
  uint64_t size_ = 0;
  sha256 hash_;
  std::string buffer_;
};

} // namespace troupe::base
