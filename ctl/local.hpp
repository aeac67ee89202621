// A job without a cluster: a node of its own on this machine, for as long as the job takes.
//
// The node is caf-node beside this program, as a child: coordinator and worker in one, on ports of loopback that the kernel chooses, with a state
// folder beside the result. It does not outlive this program: the kernel kills it when this program dies, and its tasks end with it.
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

/// A folder that is removed, with all in it, when it goes out of scope. It is locked (flock(2)) as long as its owner lives.
class private_folder {
public:
  /// Beside `file`, so that it is on the same disk, and hidden. Removes those beside it whose owners were killed.
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

/// A child that is caf-node. Destruction ends it: first by asking, then by force.
class local_node {
public:
  /// Starts `program` and returns when its API answers. `folder` is where it keeps its state and its log.
  static tl::expected<local_node, std::string> start(const std::string& program, const std::string& folder);

  local_node(local_node&& other) noexcept
    : pid_{std::exchange(other.pid_, 0)}, handle_{std::move(other.handle_)}, url_{std::move(other.url_)} {}
  local_node& operator=(local_node&&) = delete;
  ~local_node();

  /// Of its API.
  const std::string& url() const noexcept {
    return url_;
  }

private:
  local_node() = default;

  pid_t pid_ = 0;
  base::descriptor handle_; ///< pidfd: readable when the process has ended
  std::string url_;
};

/// What a person or a system ends a program with. While it lives these signals wait here instead of ending the program.
class end_signals {
public:
  end_signals();
  end_signals(const end_signals&) = delete;
  end_signals& operator=(const end_signals&) = delete;
  ~end_signals();

  /// Takes one of them; false where none came.
  bool pending();

  /// The one that came; 0 where none did.
  int received() const noexcept {
    return received_;
  }

private:
  sigset_t before_{};
  sigset_t ends_{};
  int received_ = 0;
};

/// `transcode --local`: starts the node, orders the job there, watches it, ends the node. The exit code of the job, or 128 + the signal that ended it.
int transcode_here(options with, std::ostream& out, std::ostream& err, bool terminal);

} // namespace troupe::ctl
