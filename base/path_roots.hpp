// Folders below which files may be opened. Which file a path means is decided by the kernel at the moment of opening,
// so that a link or folder that somebody swaps meanwhile leads nowhere else.
//
// A link may lead from one root into another. Never opened: devices, pipes, sockets, and the kernel's own files
// (/proc, /sys). Needs openat2: Linux 5.6.
#pragma once

#include "base/descriptor.hpp"

#include <tl/expected.hpp>

#include <string>
#include <vector>

namespace troupe::base {

struct path_error {
  int number = 0;   ///< of errno; 0 if the path is outside the roots, or is nothing that is opened
  std::string what; ///< what was tried, on which path, why it failed, and how to allow it
};

template <class T>
using path_result = tl::expected<T, path_error>;

class path_roots {
public:
  /// All paths, except those that are never opened.
  path_roots() = default;

  /// Paths in and below these folders, but not below those of `closed`: the nearest of both counts. `key` is the
  /// configuration key that holds the folders, for messages.
  path_roots(std::vector<std::string> folders, std::string key, std::vector<std::string> closed = {});

  /// Opens an existing regular file. `flags` as for open(2), without O_CREAT.
  path_result<descriptor> open_file(const std::string& path, int flags) const;

  /// Opens a folder, to create and rename files in it by its descriptor.
  path_result<descriptor> open_folder(const std::string& path) const;

  /// The folder that holds `path`, which need not exist.
  path_result<descriptor> open_folder_of(const std::string& path) const;

private:
  path_result<descriptor> find(const std::string& path) const;
  path_error outside(const std::string& path) const;

  std::vector<std::string> folders_;
  std::string key_; ///< empty: all paths
  std::vector<std::string> closed_;
};

} // namespace troupe::base
