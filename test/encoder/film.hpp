// Sources with more in them than a picture and a sound, and the questions that tests have for what jobs make of them.
#pragma once

#include "encoder/chunks/verifier.hpp"
#include "file_job.hpp"

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace troupe::av::test {

/// A stream beside the clip's, and its packets' begin (ticks) and text; each lasts half a second.
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
  std::function<void(AVStream&)> edit{}; ///< of each stream
};

/// Writes a film with libavformat, into a file of this name.
std::string write_film(const film& from, const std::string& name);

/// A second of pictures.
stream short_picture(video_source from = {});

/// A second of pictures and as many equal sounds as that.
clip picture_and_sounds(size_t sounds);

/// Encodes nothing.
job_settings copies();

/// Encodes fast.
job_settings quick();

/// Each note of a result with its stream's number before it.
std::string all_notes(const assembly_result& x);

/// True where the text has that part; says what it has where not.
bool has(const std::string& text, const std::string& part);

/// What the verifier says of a job's result, which has to be right.
verification verified(const job_outcome& made);

} // namespace troupe::av::test
