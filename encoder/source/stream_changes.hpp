// Names the properties of a source's stream that the result lacks or has in another form.
#pragma once

#include "encoder/container.hpp"

extern "C" {
#include <libavformat/avformat.h>
}

#include <string>
#include <vector>

namespace troupe::av {

/// True if the pictures are transparent, as far as is known without decoding. A palette may be transparent but usually
/// is not, so it does not count.
bool has_alpha(const AVStream& x);

/// Compares a stream with its result: loudspeakers, shape, transparency, language. One sentence each, without the
/// stream's number.
std::vector<std::string> changes_of(const AVStream& from, const AVStream& made, container into, bool copied);

/// The note for a language that the container cannot name; empty if it can.
std::string language_loss(const AVDictionary* words, container into);

} // namespace troupe::av
