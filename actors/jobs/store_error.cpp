#include "actors/jobs/store_error.hpp"

#include "messages/type_ids.hpp"

#include <caf/sec.hpp>

namespace troupe {

caf::error to_error(const store::error& x) {
  using enum store::error_kind;
  auto code = x.kind == not_found                                    ? ec::unknown_job
              : x.kind == invalid_transition || x.kind == constraint ? ec::conflict
              : x.kind == invalid_argument                           ? ec::invalid_argument
              : x.kind == stale_attempt                              ? ec::conflict
              : x.transient()                                        ? ec::limit
                                                                     : ec::none;
  return code == ec::none ? caf::make_error(caf::sec::runtime_error, x.text) : caf::make_error(code, x.text);
}

} // namespace troupe
