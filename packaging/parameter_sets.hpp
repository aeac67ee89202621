// The headers that a decoder needs before the first picture: parameter sets of H.264 and HEVC, the sequence header of
// AV1. They stand in key samples, in a track's extradata, or in both.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace troupe {

/// NAL units without start code, or OBUs with their size field, in the order in which they were found.
using parameter_sets = std::vector<std::vector<std::byte>>;

/// The parameter sets before the first picture of a sample: Annex B for "h264" and "hevc", OBUs with size fields for
/// "av1". Other codecs have none.
parameter_sets parameter_sets_in_sample(const std::string& codec, std::span<const std::byte> sample);

/// The parameter sets in extradata, which has the form of a sample or is an avcC, hvcC or av1C record. A damaged record
/// yields the sets before the damage.
parameter_sets parameter_sets_in_extradata(const std::string& codec, std::span<const std::byte> extradata);

/// True if a decoder can start with these sets: each kind that the codec needs is among them.
bool is_complete(const std::string& codec, const parameter_sets& sets);

/// Writes parameter sets as extradata that have the form of a sample.
std::vector<std::byte> to_extradata(const std::string& codec, const parameter_sets& sets);

} // namespace troupe
