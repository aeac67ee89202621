// The stream contract: what becomes of each element of a film, by name, before anything is encoded; and the comparison
// of the finished file with that list, before anything is replaced.
//
// An element is a stream, or something that belongs to a stream or to the whole file: a language, a flag, a chapter,
// the mastering display of HDR. Each is copied, converted, or waived with the reason. An element that could be none of
// these forbids the conversion. Nothing may be invented either: what the film does not say, its result must not say.
#pragma once

#include "messages/media.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace troupe::core {

enum class element_kind : uint8_t { video, audio, subtitle, attachment, cover, data };

/// The display on which HDR pictures were mastered (SMPTE ST 2086).
struct mastering_display {
  std::array<double, 8> chromaticities{}; ///< x and y of red, green, blue and white, CIE 1931
  double luminance_min = 0;               ///< candela per square metre
  double luminance_max = 0;

  bool operator==(const mastering_display&) const = default;
};

/// CTA-861.3, candela per square metre.
struct light_level {
  uint32_t content_max = 0;
  uint32_t average_max = 0;

  bool operator==(const light_level&) const = default;
};

/// A stream of a film. Times are ticks from the file's earliest picture or sound.
struct described_stream {
  element_kind kind = element_kind::video;
  track_format format;
  std::set<std::string> flags;              ///< libav*'s names of its dispositions that are set: "default", "forced"
  std::map<std::string, std::string> words; ///< metadata, without what describes the old file
  std::set<std::string> held_by;            ///< of "mkv" and "mp4": those that hold the stream as it is
  uint64_t packets = 0;                     ///< of video: pictures; of subtitles: lines
  int64_t start = 0;
  int64_t end = 0;
  uint64_t bytes = 0;
  // audio
  int channels = 0;
  bool is_lossless = false;
  bool has_objects = false; ///< Atmos or DTS:X, which any encode would lose
  // subtitles
  bool is_text = false;
  bool is_made_anew = false; ///< data that a muxer writes again by itself: a time code, chapter titles
  // video: what its container and its pictures say
  uint8_t depth = 8;
  std::optional<mastering_display> mastering;
  std::optional<light_level> light;
  uint64_t hdr10_plus = 0;       ///< pictures with tone curves
  uint64_t dolby_vision = 0;     ///< pictures with Dolby Vision's metadata
  bool has_captions = false;     ///< EIA-608 or 708 inside the pictures
  std::set<std::string> records; ///< other side data by libav*'s name: "Spherical Mapping", "Stereo 3D"
};

struct described_chapter {
  int64_t begin = 0;
  int64_t end = 0;
  std::map<std::string, std::string> words;
};

struct film_description {
  std::string container; ///< "mkv", "mp4", or another name
  std::vector<described_stream> streams;
  std::vector<described_chapter> chapters;
  std::map<std::string, std::string> words;
};

/// What a library wants, and what its encoders can keep.
struct contract_rules {
  std::string video_codec = "av1";
  std::string audio_codec = "opus";
  bool converts_lossless = false; ///< lossless sound too
  bool carries_hdr10_plus = false;
  bool carries_dolby_vision = false;
  bool carries_captions = false;
  /// What a person gives up: names of codecs, and "captions", "hdr10+", "dolby vision", "data".
  std::set<std::string> waived;
};

enum class clause_way : uint8_t { copied, converted, waived };

/// What becomes of one stream. All that belongs to it is copied, unless it is named in `waived`.
struct stream_clause {
  size_t stream = 0; ///< index in the description
  clause_way way = clause_way::copied;
  std::string codec;    ///< of the result
  std::string layout;   ///< of converted sound
  int64_t bit_rate = 0; ///< of converted sound, bit/s
  std::string why;
  std::map<std::string, std::string> waived; ///< what belongs to it and is given up, with the reason
};

struct film_contract {
  film_description film;
  std::string container;              ///< of the result: "mkv" or "mp4"
  std::vector<stream_clause> clauses; ///< one for each stream, in its order
  /// What could be neither copied nor converted, and was not waived: the film must not be converted.
  std::vector<std::string> obstacles;
};

/// The plan for a film. Its container is MP4 if the film's is and MP4 holds everything, otherwise Matroska.
film_contract plan_contract(film_description film, const contract_rules& rules);

/// The contract as text, one element a line, for people.
std::vector<std::string> to_lines(const film_contract& x);

/// Every breach of the contract by a finished file, in words; none if it holds. Beginnings may differ by 5 ms, ends of
/// sound by 100 ms, chapters by 1 ms, and colours by the steps in which containers and codecs store them.
std::vector<std::string> held_against(const film_contract& contract, const film_description& result);

/// The layout of Opus that has all loudspeakers of this one, and the fewest others: libav*'s names. Opus has the
/// layouts of Vorbis (RFC 7845, section 5.1.1.2). Empty if there is none.
std::string opus_layout_of(const std::string& layout);

} // namespace troupe::core
