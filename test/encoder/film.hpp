// Sources with more streams than one video and one audio, and checks of the results that jobs make from them.
#pragma once

#include "encoder/chunks/verifier.hpp"
#include "file_job.hpp"

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace troupe::av::test {

/// An additional stream, with the start (ticks) and text of each packet; each lasts half a second.
struct extra {
  AVMediaType type;
  AVCodecID codec;
  std::map<std::string, std::string> words{};
  std::vector<std::pair<int64_t, std::string>> lines{};
};

struct film {
  clip tracks;
  std::map<size_t, std::string> languages{}; ///< by track
  std::vector<extra> extras{};
  std::function<void(AVStream&)> edit{}; ///< changes each stream
};

/// Writes a film with libavformat, into a file of this name.
std::string write_film(const film& from, const std::string& name);

/// A second of pictures.
stream short_picture(video_source from = {});

/// A second of pictures, and this many equal audio tracks.
clip picture_and_sounds(size_t sounds);

/// Settings that copy all tracks.
job_settings copies();

/// Settings for a fast encode.
job_settings quick();

/// The notes of a result, each after its stream's number.
std::string all_notes(const assembly_result& x);

/// True if the text contains this part; otherwise the message shows the text.
bool has(const std::string& text, const std::string& part);

/// The verifier's answer for a job's result, which must be correct.
verification verified(const job_outcome& made);

} // namespace troupe::av::test
