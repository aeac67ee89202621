// The faults of a source, in words for users whose result has the same faults.
#pragma once

#include "encoder/source/source_index.hpp"

#include <string>
#include <vector>

namespace troupe::av {

/// Says if the source is cut off, damaged, or begins with data that cannot be decoded; empty for a healthy one.
std::vector<std::string> source_notes(const source_index& index);

/// A description such as "audio stream (mp2)" of each stream, by libavformat's number.
std::vector<std::string> stream_names(const source_index& x);

} // namespace troupe::av
