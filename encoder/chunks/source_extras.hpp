// What a result takes from its source besides picture and sound: subtitles, attachments, covers, chapters and metadata.
#pragma once

#include "encoder/chunks/subtitle_converter.hpp"
#include "encoder/container.hpp"
#include "encoder/format_ptr.hpp"
#include "encoder/source/late_stream.hpp"
#include "encoder/source/source_context.hpp"

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace troupe::av {

/// An element of the source that the result lacks or has in another form.
struct assembly_note {
  int stream = -1; ///< of the source; -1 for the file as a whole
  std::string what;
};

/// The contents of a result besides pictures and sound.
struct carried {
  struct subtitle {
    int stream = -1; ///< of the source
    uint64_t packets = 0;
    int disposition = 0; ///< AV_DISPOSITION_* flags
  };

  /// A video or audio track.
  struct track {
    int stream = -1; ///< of the source
    int output = -1; ///< of the result
    int disposition = 0;
    std::vector<AVPacketSideDataType> records; ///< metadata about the pictures, if the container stores it
  };

  std::vector<track> tracks;
  std::vector<subtitle> subtitles; ///< in the result's order
  size_t files = 0;                ///< attachments and covers
  size_t chapters = 0;
};

/// Legal calls: `open`, `add_*` before the container's header is written, then `write_covers` once and `next` until it
/// returns false.
class source_extras {
public:
  struct config {
    container into = container::mp4;
    int64_t origin = 0; ///< `source_index::origin`
    bool chapters = true;
    bool metadata = true;
    std::optional<std::vector<int>> streams; ///< subtitles, attachments, covers: all if it is not set
    /// The source's streams, as a pass over the whole source found them: some begin too late for `open` to see them.
    std::vector<std::string> names;
  };

  static expected<source_extras> open(const source_options& source, config cfg, const std::vector<late_stream>& late,
                                      const std::atomic<bool>& stop);

  /// Copies language, name, disposition, rotation and colour volume from the source's stream to the one made of it.
  /// Notes what an encode does not keep.
  void describe(AVStream& made, int stream, bool copied);

  /// The file's metadata and chapters.
  void add_words(AVFormatContext& to);

  /// Adds streams for subtitles, covers and attachments. Notes what cannot be carried, and each stream of the source
  /// that is neither in `used` nor carried.
  expected<void> add_streams(AVFormatContext& to, const std::vector<int>& used);

  /// Writes the cover pictures, which have no time.
  expected<void> write_covers(AVFormatContext& to);

  /// Takes a packet of an encoded video, in the result's order; `stream` is the video's stream in the source.
  void look_at(int stream, const AVPacket& packet);

  /// Notes captions that the packets given to `look_at` lack, and subtitles that were lost. Call it after the last
  /// packet.
  void note_rest();

  /// The next packet of a subtitle: `stream_index` of the result, times in ticks from the origin.
  expected<bool> next(AVPacket& packet);

  const carried& list() const noexcept {
    return list_;
  }
  void note(int stream, std::string what);

  const std::vector<assembly_note>& notes() const noexcept {
    return notes_;
  }

private:
  struct subtitle_track {
    int stream = -1;
    int output = -1;
    size_t place = 0; ///< index in `carried::subtitles`
    int64_t last_dts = no_pts;
    std::optional<subtitle_converter> converter;
    uint64_t unconverted = 0; ///< lines that could not be converted
  };

  struct cover {
    int stream = -1;
    int output = -1;
  };

  source_extras(source_context source, config cfg) : source_{std::move(source)}, config_{std::move(cfg)} {}
  std::string why_left_out(const AVStream& x, const std::vector<int>& used) const;
  void add_late(const std::vector<late_stream>& xs);
  /// The source's stream with this number, even if it appears too late for `open` to see it; null if there is none.
  const AVStream* find(int stream) const noexcept;
  bool is_selected(int stream) const;
  expected<void> add_stream(AVFormatContext& to, const AVStream& from, const std::vector<int>& used);
  expected<void> add_subtitle(AVFormatContext& to, const AVStream& from);
  void add_attachment(AVFormatContext& to, const AVStream& from);
  void add_cover(AVFormatContext& to, const AVStream& from);
  bool place(AVPacket& packet, subtitle_track& track);

  source_context source_;
  /// Holds the streams that appear later in the source, or null.
  input_context_ptr late_;
  config config_;
  std::vector<subtitle_track> subtitles_;
  std::vector<cover> covers_;
  std::vector<assembly_note> notes_;
  carried list_;
  std::set<int> hdr10_plus_;    ///< streams of the source with HDR10+ tone curves
  std::map<int, int> captions_; ///< Streams of the source with captions, and how many packets of their result had none.
};

} // namespace troupe::av
