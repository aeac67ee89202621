// A job without a cluster: it starts a node on this machine for as long as the job takes.
//
// The node is the caf-node next to this program, run as a child. It is coordinator and worker in one, on loopback ports
// that the kernel chooses, with a state folder next to the result. It does not outlive this program: the kernel kills
// it when this program dies, and its tasks end with it.
#pragma once

#include "base/descriptor.hpp"
#include "ctl/options.hpp"

#include <chrono>
#include <csignal>
#include <iosfwd>
#include <string>
#include <utility>
#include <vector>

#include <sys/types.h>
#include <tl/expected.hpp>

namespace troupe::ctl {

/// A folder that is removed with its contents on destruction. It is locked (flock(2)) as long as its owner lives.
class private_folder {
public:
  /// Makes a hidden folder next to `file`, so that it is on the same disk. Removes such folders whose owners were
  /// killed.
  static tl::expected<private_folder, std::string> beside(const std::string& file);

  private_folder(private_folder&& other) noexcept : path_{std::move(other.path_)}, lock_{std::move(other.lock_)} {
    other.path_.clear();
  }
  private_folder& operator=(private_folder&&) = delete;
  ~private_folder();

  const std::string& path() const noexcept {
    return path_;
  }

private:
  private_folder(std::string path, base::descriptor lock) : path_{std::move(path)}, lock_{std::move(lock)} {}

  std::string path_;
  base::descriptor lock_;
};

/// A caf-node child process. Destruction ends it: first by a request, then by force.
class local_node {
public:
  /// Starts `program` and returns when its API answers. `folder` holds its state and its log.
  static tl::expected<local_node, std::string> start(const std::string& program, const std::string& folder);

  local_node(local_node&& other) noexcept
    : pid_{std::exchange(other.pid_, 0)}, handle_{std::move(other.handle_)}, url_{std::move(other.url_)} {}
  local_node& operator=(local_node&&) = delete;
  ~local_node();

  /// The URL of its API.
  const std::string& url() const noexcept {
    return url_;
  }

private:
  local_node() = default;

  pid_t pid_ = 0;
  base::descriptor handle_; ///< pidfd: readable when the process has ended
  std::string url_;
};

/// The signals with which a user or the system ends a program. While this object lives, they are queued here and do not
/// end the program.
class end_signals {
public:
  end_signals();
  end_signals(const end_signals&) = delete;
  end_signals& operator=(const end_signals&) = delete;
  ~end_signals();

  /// Takes one signal; false if none came.
  bool pending();

  /// The signal that came; 0 if none did.
  int received() const noexcept {
    return received_;
  }

private:
  sigset_t before_{};
  sigset_t ends_{};
  int received_ = 0;
};

/// `transcode --local`: starts the node, orders the job there, watches it, ends the node. Returns the exit code of the
/// job, or 128 + the signal that ended it.
int transcode_here(options with, std::ostream& out, std::ostream& err, bool terminal);

} // namespace troupe::ctl
