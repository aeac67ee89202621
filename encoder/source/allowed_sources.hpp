// Checks a source's URL and options, and limits what libavformat may open because of them.
//
// Whoever runs the source writes its playlists and redirects. So each kind of source gets the list of protocols that it
// needs and no other: data from the network can never name a file of this machine.
#pragma once

#include "base/path_roots.hpp"
#include "encoder/error.hpp"

#include <map>
#include <string>
#include <string_view>

namespace troupe::av {

struct source_address {
  std::string scheme;    ///< lower case; "file" for a path
  std::string url;       ///< in the form that libavformat takes
  std::string shown;     ///< for display: without credentials
  std::string protocols; ///< libavformat's protocol_whitelist

  bool is_file() const noexcept {
    return scheme == "file";
  }
};

/// Splits and checks a URL or path. A scheme that is not allowed is `errc::option`, and so is a path outside of `files`
/// or of a device or pipe: opening those can block beyond any timeout.
expected<source_address> parse_source(const std::string& url, const base::path_roots& files = {});

/// The formats that libavformat may recognise: its format_whitelist. It has no images, scripts or capture devices. HLS
/// is its only playlist format that names other files. With `one_file`, no format that opens other places is allowed.
std::string source_formats(bool one_file = false);

/// `errc::option` for the first name that is not on the allow list of source options.
expected<void> check_source_options(const std::map<std::string, std::string>& options);

/// Describes the first bytes of a source that is not media: "an HTML page", "empty".
std::string_view describe_start(std::string_view bytes);

} // namespace troupe::av
