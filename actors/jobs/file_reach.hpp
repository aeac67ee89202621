// How a task reaches the files of its job. It opens a path only if that is provably the coordinator's own file.
// Otherwise it uses HTTP, and a folder of its own for files in transit.
//
// A source is proved by its size, its modification time, and its first and last 64 KiB. A folder is proved by a file
// with random text that the coordinator put there. All functions block, stop early when told to, and resume an
// interrupted transfer.
#pragma once

#include "encoder/source/demuxer.hpp"
#include "encoder/source/source_access.hpp"
#include "encoder/work_control.hpp"
#include "messages/file_work.hpp"
#include "transfer/remote.hpp"

#include <tl/expected.hpp>

#include <memory>
#include <optional>
#include <string>

namespace troupe {

/// The task's environment.
struct task_place {
  std::string work_folder;      ///< each task creates its own folder in it
  std::string coordinator_host; ///< as seen from this machine
  /// What sources may reach; null: everything.
  std::shared_ptr<const av::source_access> access{};
  base::path_roots results{}; ///< where results may be written
};

class file_reach {
public:
  template <class T>
  using expected = tl::expected<T, file_failure>;

  file_reach(const file_access& access, const task_place& place, const av::work_control& control);

  file_reach(const file_reach&) = delete;
  file_reach& operator=(const file_reach&) = delete;

  /// Removes the task's folder.
  ~file_reach();

  // -- the source -------------------------------------------------------------

  /// How libavformat reads the source; if an identity is given, only the file with that identity.
  av::source_options source(const std::string& path_or_url, const std::string& identity = {}) const;

  /// A text that changes when the source changes. "0" for a source at a URL.
  expected<std::string> identity(const std::string& path_or_url) const;

  /// The failure to report if reading the source failed with `x`. It is not terminal if the source was read over HTTP
  /// and the coordinator is away, because then the media is not to blame.
  file_failure judged(const std::string& path_or_url, file_failure x) const;

  // -- chunks -----------------------------------------------------------------

  /// Where to write the chunk that the coordinator calls `path`.
  expected<std::string> chunk_destination(const std::string& path);

  /// Delivers the file that was written to `chunk_destination` to the coordinator.
  expected<void> deliver_chunk(uint32_t number, const std::string& written);

  /// The complete chunk as a file of this machine.
  expected<chunk_file> fetch_chunk(const chunk_file& x);

  /// Whether the coordinator has the whole chunk; empty if its file is accessible and can be checked directly.
  std::optional<bool> is_whole(const chunk_file& x) const;

  // -- the result -------------------------------------------------------------

  /// Where to write the result: the staging path itself, or the place from which `deliver_result` takes it.
  expected<std::string> result_destination(const std::string& staging);

  /// Whether the result, written to `destination`, must be delivered; otherwise it is published by its path.
  bool delivers_result(const std::string& staging, const std::string& destination) const {
    return staging != destination;
  }

  expected<void> deliver_result(const std::string& written);

  /// Where this task may write files.
  const base::path_roots& results() const noexcept {
    return place_.results;
  }

private:
  std::optional<std::string> identity_of(const std::string& path) const;
  bool reads_by_path(const std::string& path_or_url) const;
  bool shares_folder() const;
  expected<std::string> own_path(const std::string& name);
  transfer::remote at(const std::string& resource) const;
  transfer::control with() const;
  expected<void> deliver(const std::string& written, const std::string& resource);

  const file_access& access_;
  const task_place& place_;
  const av::work_control& control_;
  std::string address_;
  std::string folder_; ///< this task's own
  mutable std::optional<bool> by_path_;
  mutable std::optional<bool> shares_folder_;
};

} // namespace troupe
