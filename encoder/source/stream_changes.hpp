// What a stream of the result does not have, or has in another form, though its source has it.
#pragma once

#include "encoder/container.hpp"

extern "C" {
#include <libavformat/avformat.h>
}

#include <string>
#include <vector>

namespace troupe::av {

/// True where the pictures are transparent, as far as is known without decoding them. A palette may be, and is not as a rule.
bool has_alpha(const AVStream& x);

/// Compares a stream with what was made of it: loudspeakers, shape, transparency, language. One sentence each, without the stream's number.
std::vector<std::string> changes_of(const AVStream& from, const AVStream& made, container into, bool copied);

/// What is said where the container cannot name this language; empty where it can.
std::string language_loss(const AVDictionary* words, container into);

} // namespace troupe::av
