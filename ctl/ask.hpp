// One request to the coordinator's API; a failure carries its exit code.
#pragma once

#include "ctl/options.hpp"

#include <iosfwd>
#include <string>
#include <vector>

#include <boost/json/value.hpp>
#include <tl/expected.hpp>

namespace troupe::ctl {

struct failure {
  int code; ///< exit code of the program
  std::string text;
};

/// Prints why the program fails; returns its exit code.
int fail(const failure& x, std::ostream& err);

/// The body of the answer to `method` on a path below /api/v1.
tl::expected<std::string, failure> ask(const options& with, const std::string& method, const std::string& path,
                                       const std::string& body = {}, std::vector<std::string> lines = {});

/// The same, parsed as JSON.
tl::expected<boost::json::value, failure> ask_json(const options& with, const std::string& path);

} // namespace troupe::ctl
