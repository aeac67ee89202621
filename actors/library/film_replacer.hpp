// Performs a replacement on the file system: looks what is under each name, asks core/library/replacing.hpp for the
// next step, takes it, and looks again.
//
// It may be killed at any moment. Called again with the same order, it finishes what was begun. It blocks on the disk,
// so no scheduled actor calls it.
#pragma once

#include "core/library/ledger.hpp"
#include "core/library/replacing.hpp"

#include <functional>
#include <string>
#include <vector>

#include <tl/expected.hpp>

namespace troupe {

struct replacing_failure {
  /// `lasting`: nothing has changed, and another try would fail too. `passing`: it may be half done, and is to be
  /// finished by another call.
  core::film_fault fault = core::film_fault::passing;
  std::string why;
};

struct replacing_result {
  core::replacing_end end;
  std::vector<std::string> warnings; ///< attributes that the result did not get
};

/// `before` is called with each step before it is taken.
tl::expected<replacing_result, replacing_failure> perform(const core::replacing_order& order,
                                                          const std::function<void(core::replacing_step)>& before = {});

/// Deletes a kept original, if it is still the file that was kept. True if it is gone.
bool drop_kept(const std::string& kept, const core::film_identity& original);

/// The file under a name, without following links; an inode of 0 if there is none. Only a regular file has a print.
core::film_identity identity_at(const std::string& path);

} // namespace troupe
