// The cage of a task: what a process that reads foreign media gives up before it reads any.
//
// It gives up privileges, the sight of files that it has no need for, and dangerous system calls, and never gets them
// back. The process does this itself, right after its start: its libraries are loaded by then, and it has one thread.
// Each measure is taken where the kernel allows it, and a text says which ones hold.
#pragma once

#include "processes/landlock.hpp"

#include <string>
#include <vector>

#include <tl/expected.hpp>

namespace troupe::cage {

struct plan {
  file_view files;                 ///< besides those of the system
  std::vector<std::string> hidden; ///< files and folders within `files` that stay out of reach
  std::vector<std::string> kept;   ///< folders within `hidden` that do not
  std::string user;                ///< the process becomes this user; empty: it keeps its own
};

/// Puts this process into the cage. The process must have one thread. Returns what enforces each measure: "secrets by
/// mount namespace, files by Landlock 6, system calls by seccomp". The error says why the process must not go on: it
/// cannot become `user`.
tl::expected<std::string, std::string> enter(const plan& x);

/// Why tasks of this process cannot become this user; nothing if they can.
tl::expected<void, std::string> check_user(const std::string& name);

/// Gives a folder to the user of a plan. The error says why that fails.
tl::expected<void, std::string> give_folder(const std::string& folder, const std::string& user);

} // namespace troupe::cage
