// What a source's URL and options may be, and what libavformat may touch because of them.
//
// A playlist or a redirect is written by whoever runs the source. So each kind of source gets the list of protocols
// that it needs and no other: what came over the network can never name a file of this machine.
#pragma once

#include "encoder/error.hpp"

#include <map>
#include <string>
#include <string_view>

namespace troupe::av {

struct source_address {
  std::string scheme;    ///< lower case; "file" for a path
  std::string url;       ///< as libavformat takes it
  std::string shown;     ///< for people: without what opens it
  std::string protocols; ///< libavformat's protocol_whitelist

  bool is_file() const noexcept {
    return scheme == "file";
  }
};

/// Splits and checks a URL or path. A scheme that is not allowed is `errc::option`; a path that is not a regular file
/// is `errc::io`, because opening a device or a pipe can block beyond any timeout.
expected<source_address> parse_source(const std::string& url);

/// The media formats that libavformat may recognise: its format_whitelist. Playlists that name further files other
/// than HLS, images, scripts and capture devices are not among them; with `one_file` nothing that opens further places.
std::string source_formats(bool one_file = false);

/// `errc::option` for the first name that is not on the list of options that people may set on a source.
expected<void> check_source_options(const std::map<std::string, std::string>& options);

/// What the first bytes of something that is not media look like, in words: "an HTML page", "empty".
std::string_view describe_start(std::string_view bytes);

} // namespace troupe::av
