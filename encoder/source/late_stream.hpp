// A stream that a source shows only later than whoever opens it looks for streams: the first pass over all of it has found it, and says so to those
// who work at the source after it.
#pragma once

#include "encoder/track.hpp"

#include <map>
#include <memory>
#include <string>

namespace troupe::av {

struct late_stream {
  std::shared_ptr<const track> info; ///< of picture, sound or subtitles; `track::stream` is its number
  int disposition = 0;               ///< AV_DISPOSITION_* flags
  std::map<std::string, std::string> metadata;
};

} // namespace troupe::av
