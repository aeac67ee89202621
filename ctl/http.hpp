// One request to the coordinator.
#pragma once

#include <string>
#include <vector>

#include <tl/expected.hpp>

namespace troupe::ctl {

struct answer {
  unsigned status = 0;
  std::string body;
};

/// Sends `method` (and a body of JSON, where there is one, and further header lines) to `url` and waits for the whole answer, at most 15 s and
/// 64 MiB. The error says which coordinator was tried and why no answer came.
tl::expected<answer, std::string> send(const std::string& method, const std::string& url, const std::string& body = {},
                                       const std::vector<std::string>& lines = {});

/// The message where no answer came from `url`, and `why` in libcurl's words.
std::string no_coordinator(const std::string& url, const std::string& why);

/// One segment of a path, percent-encoded.
std::string encoded(const std::string& text);

} // namespace troupe::ctl
