// What the sources of this machine may reach: the policies that a task applies to them.
#pragma once

#include "base/path_roots.hpp"
#include "core/trust/url_policy.hpp"

#include <utility>

namespace troupe::av {

struct source_access {
  source_access(core::url_policy places, base::path_roots roots) : urls{std::move(places)}, files{std::move(roots)} {}

  core::url_policy urls;
  base::path_roots files;
};

} // namespace troupe::av
