// How a task comes to the files of its job: by their paths where these are proved to be the coordinator's own files, else over HTTP, with a folder of its own for what is on its way.
//
// Proof of a source is its size, the time of its last change, and its first and last 64 KiB; proof of a folder is a file with a random text that the coordinator put there. Everything blocks,
// ends early when it is told to stop, and goes on where it was after a cut.
#pragma once

#include "encoder/source/demuxer.hpp"
#include "encoder/work_control.hpp"
#include "messages/file_work.hpp"
#include "transfer/remote.hpp"

#include <tl/expected.hpp>

#include <optional>
#include <string>

namespace troupe {

/// Where a task is.
struct task_place {
  std::string work_folder;      ///< each task makes a folder of its own in it
  std::string coordinator_host; ///< as this machine reaches it
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

  /// How libavformat reads it; only as the file of that identity, where one is given.
  av::source_options source(const std::string& path_or_url, const std::string& identity = {}) const;

  /// Changes when the source does. "0" for what is at a URL.
  expected<std::string> identity(const std::string& path_or_url) const;

  /// What went wrong while the source was read: where it was read over HTTP, a coordinator that is away is no fault of the media.
  file_failure judged(const std::string& path_or_url, file_failure x) const;

  // -- chunks -----------------------------------------------------------------

  /// Where to write the chunk that the coordinator calls `path`.
  expected<std::string> chunk_destination(const std::string& path);

  /// Brings what was written there to the coordinator.
  expected<void> deliver_chunk(uint32_t number, const std::string& written);

  /// The chunk as a file of this machine, whole.
  expected<chunk_file> fetch_chunk(const chunk_file& x);

  /// Whether the coordinator has it whole; nothing where its file is at hand, and can be looked at.
  std::optional<bool> is_whole(const chunk_file& x) const;

  // -- the result -------------------------------------------------------------

  /// Where to write the result: at the staging path itself, or where `deliver_result` takes it from.
  expected<std::string> result_destination(const std::string& staging);

  /// Whether the result, written to `destination`, has to be delivered; else it is published by its path.
  bool delivers_result(const std::string& staging, const std::string& destination) const {
    return staging != destination;
  }

  expected<void> deliver_result(const std::string& written);

private:
  bool reads_by_path(const std::string& path_or_url) const;
  bool shares_folder() const;
  expected<std::string> own_path(const std::string& name);
  transfer::remote at(const std::string& resource) const;
  transfer::control with() const;
  expected<void> deliver(const std::string& written, const std::string& resource);

  const file_access& access_;
  const av::work_control& control_;
  std::string address_;
  std::string folder_; ///< this task's own
  mutable std::optional<bool> by_path_;
  mutable std::optional<bool> shares_folder_;
};

} // namespace troupe
