// What a source lacks of what it says that it has, in words for who gets a result that lacks it, too.
#pragma once

#include "encoder/source/source_index.hpp"

#include <string>
#include <vector>

namespace troupe::av {

/// Where the source is cut off, damaged, or begins with what cannot be decoded; empty for a healthy one.
std::vector<std::string> source_notes(const source_index& index);

/// "audio stream (mp2)" for each of the streams, by libavformat's number.
std::vector<std::string> stream_names(const source_index& x);

} // namespace troupe::av
