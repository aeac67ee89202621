// Shows a judge a correct channel, with one thing changed: the fault that a test plants.
#pragma once

#include "rig/delivery/observation.hpp"

#include <functional>
#include <set>
#include <string>

namespace troupe::bench::delivery {

/// Changes an observation before the judge gets it.
using plant = std::function<void(observation&)>;

/// 22 s of a low-latency channel: a rendition of video ("v.m3u8", 2 s segments of five parts) and one of audio
/// ("a.m3u8"). Returns the violations.
std::vector<violation> rehearse_hls(const plant& fault);

/// 20 s of a low-latency DASH channel ("m.mpd", representations "v" and "a").
std::vector<violation> rehearse_dash(const plant& fault);

/// Whether an observation is of a URL with this file name.
bool is_of(const observation& seen, std::string_view name);

/// In answers for the file `name` at `after` or later, replaces each `from` in the body by `to`. Empty: all files.
plant replaced(std::string name, std::string from, std::string to, seconds after = seconds{0});

/// Changes a header in the answers for one file name.
plant with_header(std::string name, std::string header, std::string value);

/// Changes the status of URLs that contain a text, and their caching to what is correct for that status.
plant answering(std::string text, int status);

} // namespace troupe::bench::delivery
