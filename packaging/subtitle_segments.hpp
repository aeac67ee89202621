// Subtitles as segments of WebVTT (RFC 8216bis, 3.1.4). Pure: texts go in as they come, segments are cut from them.
//
// A text that lasts beyond a segment is written into each segment that it is seen in, as far as it is seen there. So a
// segment needs no other one, and a text whose end is not known yet can be written.
#pragma once

#include <cstdint>
#include <deque>
#include <limits>
#include <string>
#include <vector>

namespace troupe {

struct text_cue {
  int64_t from = 0; ///< ticks
  int64_t to = 0;   ///< after `from`
  std::string text; ///< as in WebVTT: with entities, and without an empty line
};

class subtitle_segments {
public:
  /// A text that is seen from `pts` on (ticks): for `duration`, or until the next one if that is 0. Empty text clears
  /// the screen.
  void add(int64_t pts, int64_t duration, std::string text);

  /// What is seen from `from` to `to`, as far as it is seen there.
  std::vector<text_cue> cues(int64_t from, int64_t to) const;

  /// The segment of that time. It maps its zero to `from` in the media's time.
  std::string segment(int64_t from, int64_t to) const;

  /// Nothing before this time is asked for any more.
  void forget(int64_t before);

private:
  /// More texts than this at a time are dropped, the oldest first.
  static constexpr size_t texts_max = 512;

  struct entry {
    int64_t from = 0;
    int64_t to = std::numeric_limits<int64_t>::max();
    std::string text;
  };

  std::deque<entry> entries_; ///< in the order in which they came
};

} // namespace troupe
