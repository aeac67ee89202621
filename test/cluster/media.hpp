// The sources of the cluster's tests, made when first asked for and kept for the life of the test program.
#pragma once

#include "rig/sample.hpp"

#include <string>

namespace troupe::test {

/// Small pictures with running numbers and a tone: H.264 and AAC in MPEG-TS, 25 fps, ten seconds.
bench::sample_options small_sample();

/// The path of a file with this content. The extension of `name` chooses the container; the first call with a name
/// decides about the content.
std::string media(const std::string& name, const bench::sample_options& options = small_sample());

/// Frames in ten seconds of the small sample: where the numbers of a looped source start again.
uint32_t small_sample_frames();

} // namespace troupe::test
