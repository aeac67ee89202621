// Reads subtitles that are text, those of teletext among them, as plain text.
#pragma once

#include "encoder/error.hpp"
#include "encoder/track.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace troupe::av {

/// Text on the screen from `pts` on, in UTF-8; its lines are separated by '\n'. Empty text clears the screen.
struct subtitle_text {
  int64_t pts = 0;                 ///< ticks
  std::optional<int64_t> duration; ///< ticks; none: until the next text
  std::string text;

  bool operator==(const subtitle_text&) const = default;
};

/// A page of teletext that holds subtitles.
struct teletext_page {
  std::string number;
  std::string language; ///< as `track::language`

  bool operator==(const teletext_page&) const = default;
};

/// The pages with subtitles that a stream of teletext announces.
std::vector<teletext_page> subtitle_pages(const AVCodecParameters& stream, const AVDictionary* words);

class subtitle_reader {
public:
  /// True if libav* here decodes the codec, and to text.
  static bool reads(AVCodecID codec);

  /// `page` is a page of teletext, such as "777"; by default all pages with subtitles.
  static expected<subtitle_reader> open(const AVCodecParameters& from, const std::string& page = {});

  /// The texts that this packet completes. One that cannot be decoded gives none.
  std::vector<subtitle_text> read(const AVPacket& packet);

private:
  explicit subtitle_reader(codec_context_ptr decoder);

  codec_context_ptr decoder_;
};

/// The text of an event of ASS as libavcodec gives it: without its fields and without its codes for style.
std::string plain_text(std::string_view event);

} // namespace troupe::av
