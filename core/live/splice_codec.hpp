// The name of splice information (SCTE 35) among codecs, as libav* has it.
#pragma once

#include <string_view>

namespace troupe {

inline constexpr std::string_view splice_codec = "scte_35";

} // namespace troupe
