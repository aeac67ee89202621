// What a result takes from its source beside picture and sound: subtitles, attachments, covers, chapters, and what is written about them all.
#pragma once

#include "encoder/container.hpp"
#include "encoder/source_context.hpp"
#include "encoder/subtitle_converter.hpp"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace troupe::av {

/// Something of the source that the result has in another form, or has not.
struct assembly_note {
  int stream = -1; ///< of the source; -1 for the file as a whole
  std::string what;
};

/// Legal calls: `open`, `add_*` before the container's header is written, then `write_covers` once and `next` until it returns false.
class source_extras {
public:
  struct config {
    container into = container::mp4;
    int64_t origin = 0; ///< `source_index::origin`
    bool chapters = true;
    bool metadata = true;
    std::optional<std::vector<int>> streams; ///< subtitles, attachments, covers: all where it is not set
  };

  static expected<source_extras> open(const source_options& source, config cfg, const std::atomic<bool>& stop);

  /// Language, name, disposition, rotation and colour volume of the source's stream for the one that was made of it. Notes what an encode does not keep.
  void describe(AVStream& made, int stream, bool copied);

  /// True where the stream exists and shows or plays in time.
  bool is_track(int stream) const noexcept;

  /// The file's metadata and chapters.
  void add_words(AVFormatContext& to);

  /// Streams for subtitles, covers and attachments. Notes what cannot be carried, and each stream that is neither in `used` nor known to the result.
  expected<void> add_streams(AVFormatContext& to, const std::vector<int>& used);

  /// Writes the pictures that belong to no time.
  expected<void> write_covers(AVFormatContext& to);

  /// The next packet of a subtitle: `stream_index` of the result, times in ticks from the origin on.
  expected<bool> next(AVPacket& packet);

  const std::vector<assembly_note>& notes() const noexcept {
    return notes_;
  }

private:
  struct subtitle_track {
    int stream = -1;
    int output = -1;
    int64_t last_dts = no_pts;
    std::optional<subtitle_converter> converter;
  };

  struct cover {
    int stream = -1;
    int output = -1;
  };

  source_extras(source_context source, config cfg) : source_{std::move(source)}, config_{std::move(cfg)} {}
  void note(int stream, std::string what);
  bool is_selected(int stream) const;
  expected<void> add_subtitle(AVFormatContext& to, const AVStream& from);
  void add_attachment(AVFormatContext& to, const AVStream& from);
  void add_cover(AVFormatContext& to, const AVStream& from);
  bool place(AVPacket& packet, subtitle_track& track);

  source_context source_;
  config config_;
  std::vector<subtitle_track> subtitles_;
  std::vector<cover> covers_;
  std::vector<assembly_note> notes_;
  std::set<int> hdr10_plus_; ///< streams of the source
};

} // namespace troupe::av
