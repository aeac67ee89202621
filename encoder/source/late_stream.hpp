// A stream that appears too late for the probing at open. The first pass over the whole source finds it, and tells
// those who open the source later.
#pragma once

#include "encoder/track.hpp"

#include <map>
#include <memory>
#include <string>

namespace troupe::av {

struct late_stream {
  std::shared_ptr<const track> info; ///< of video, audio or subtitles; `track::stream` is its number
  int disposition = 0;               ///< AV_DISPOSITION_* flags
  std::map<std::string, std::string> metadata;
};

} // namespace troupe::av
