// One HTTP request to the coordinator.
#pragma once

#include <string>
#include <vector>

#include <tl/expected.hpp>

namespace troupe::ctl {

struct answer {
  unsigned status = 0;
  std::string body;
};

/// Sends `method` to `url`, with a JSON body and further header lines if given. Waits for the whole answer, at most 15
/// s and 64 MiB. The error names the coordinator and says why no answer came.
tl::expected<answer, std::string> send(const std::string& method, const std::string& url, const std::string& body = {},
                                       const std::vector<std::string>& lines = {});

/// The header line that shows a key.
inline std::string key_line(const std::string& key) {
  return "Authorization: Bearer " + key;
}

/// The message if no answer came from `url`; `why` is libcurl's reason.
std::string no_coordinator(const std::string& url, const std::string& why);

/// True if the host of a URL is "localhost" or an address of loopback.
bool is_this_machine(const std::string& url);

/// One path segment, percent-encoded.
std::string encoded(const std::string& text);

/// A path, percent-encoded, with its slashes.
std::string encoded_path(const std::string& text);

} // namespace troupe::ctl
