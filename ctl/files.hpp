// Files that travel with an order: the input goes to the coordinator, the result comes back, where client and cluster share no folder.
//
// What is interrupted is gone on with by the same command: the upload is known by the file itself, the job by the file, the output and the settings.
#pragma once

#include "ctl/ask.hpp"
#include "ctl/options.hpp"

#include <iosfwd>
#include <string>

namespace troupe::ctl {

/// Whether they do: asked for, or the coordinator is on another machine, as its address says.
bool brings_files(const options& with);

struct brought {
  options order;         ///< with input and output as the coordinator will have them
  std::string upload_id; ///< empty for an input that is a URL
  std::string key;       ///< equal for equal orders
};

/// Uploads the input.
tl::expected<brought, failure> bring_input(const options& with, std::ostream& err, bool terminal);

/// Whether the job with that id can no longer lead to a result: it failed, or its result was fetched.
bool is_spent(const options& with, const std::string& id);

/// Fetches the result to the output, and has the coordinator forget its copies. Returns the exit code.
int fetch_result(const options& with, const brought& x, const std::string& id, std::ostream& err, bool terminal);

} // namespace troupe::ctl
