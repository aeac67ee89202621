// Sends a job's input to the coordinator and fetches the result, if client and cluster share no folder.
//
// To resume an interrupted transfer, repeat the same command. The upload is recognised by the file itself, the job by
// file, output and settings.
#pragma once

#include "ctl/ask.hpp"
#include "ctl/options.hpp"

#include <iosfwd>
#include <string>

namespace troupe::ctl {

/// True if files are sent and fetched: on request, or if the coordinator's address is that of another machine.
bool brings_files(const options& with);

struct brought {
  options order;         ///< with input and output as the coordinator names them
  std::string upload_id; ///< empty for an input that is a URL
  std::string key;       ///< equal for equal orders
};

/// Uploads the input.
tl::expected<brought, failure> bring_input(const options& with, std::ostream& err, bool terminal);

/// True if the job with that id can no longer give a result: it failed, was cancelled, or its result was fetched.
bool is_spent(const options& with, const std::string& id);

/// Fetches the result to the output, then lets the coordinator delete its copies. Returns the exit code.
int fetch_result(const options& with, const brought& x, const std::string& id, std::ostream& err, bool terminal);

} // namespace troupe::ctl
