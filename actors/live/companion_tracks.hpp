// The tracks of a source that go to viewers beside picture and sound: subtitles and splice information. Subtitles that
// are text get a second track with their text, in the form in which HLS wants it; the first one stays as it is.
#pragma once

#include "encoder/codec/subtitle_reader.hpp"
#include "encoder/source/demuxer.hpp"
#include "messages/media.hpp"

#include <functional>
#include <string>
#include <vector>

namespace troupe {

class companion_tracks {
public:
  /// True for streams that are wanted from a source.
  static bool wants(AVCodecID codec);

  /// Takes the present tracks of the source, and appends what viewers get to its format. Returns what only some of them
  /// get, in words.
  std::vector<std::string> announce(const av::demuxer& source, stream_format& to);

  /// Gives the packets for the tracks that were announced, with the numbers of those tracks.
  void pass(AVPacket& packet, const std::function<void(const AVPacket&)>& to);

private:
  struct text_track {
    int companion; ///< that it is made from
    av::subtitle_reader reader;
  };

  int first_ = 0; ///< number of the first companion's track
  int companions_ = 0;
  std::vector<text_track> texts_;
};

} // namespace troupe
