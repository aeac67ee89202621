// What a result takes from its source beside picture and sound: subtitles, attachments, covers, chapters, and what is written about them all.
#pragma once

#include "encoder/chunks/subtitle_converter.hpp"
#include "encoder/container.hpp"
#include "encoder/source/late_stream.hpp"
#include "encoder/source/source_context.hpp"

#include <map>
#include <memory>
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

/// What a result was given beside pictures and sound.
struct carried {
  struct subtitle {
    int stream = -1; ///< of the source
    uint64_t packets = 0;
    int disposition = 0; ///< AV_DISPOSITION_* flags
  };

  /// A video or a sound.
  struct track {
    int stream = -1; ///< of the source
    int output = -1; ///< of the result
    int disposition = 0;
    std::vector<AVPacketSideDataType> records; ///< what a container says of its pictures, if it can
  };

  std::vector<track> tracks;
  std::vector<subtitle> subtitles; ///< in the result's order
  size_t files = 0;                ///< attachments and covers
  size_t chapters = 0;
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
    /// The source's streams as a reading of all of it found them: some begin later than `open` looks for them.
    std::vector<std::string> names;
  };

  static expected<source_extras> open(const source_options& source, config cfg, const std::vector<late_stream>& late,
                                      const std::atomic<bool>& stop);

  /// Language, name, disposition, rotation and colour volume of the source's stream for the one that was made of it. Notes what an encode does not keep.
  void describe(AVStream& made, int stream, bool copied);

  /// The file's metadata and chapters.
  void add_words(AVFormatContext& to);

  /// Streams for subtitles, covers and attachments. Notes what cannot be carried, and each stream that is neither in `used` nor known to the result.
  expected<void> add_streams(AVFormatContext& to, const std::vector<int>& used);

  /// Writes the pictures that belong to no time.
  expected<void> write_covers(AVFormatContext& to);

  /// A packet of the picture that was encoded from a stream, in the order of the result.
  void look_at(int stream, const AVPacket& packet);

  /// Notes what none of those packets had, and which subtitles did not come through. After the last one.
  void note_rest();

  /// The next packet of a subtitle: `stream_index` of the result, times in ticks from the origin on.
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
    size_t place = 0; ///< in the list
    int64_t last_dts = no_pts;
    std::optional<subtitle_converter> converter;
    uint64_t unconverted = 0; ///< lines that it made nothing of
  };

  struct cover {
    int stream = -1;
    int output = -1;
  };

  struct deleter_of_late {
    void operator()(AVFormatContext* ptr) const noexcept {
      avformat_free_context(ptr);
    }
  };

  source_extras(source_context source, config cfg) : source_{std::move(source)}, config_{std::move(cfg)} {}
  std::string why_left_out(const AVStream& x, const std::vector<int>& used) const;
  void add_late(const std::vector<late_stream>& xs);
  /// The source's stream of that number, which it may not have shown yet; null where there is none.
  const AVStream* find(int stream) const noexcept;
  bool is_selected(int stream) const;
  expected<void> add_stream(AVFormatContext& to, const AVStream& from, const std::vector<int>& used);
  expected<void> add_subtitle(AVFormatContext& to, const AVStream& from);
  void add_attachment(AVFormatContext& to, const AVStream& from);
  void add_cover(AVFormatContext& to, const AVStream& from);
  bool place(AVPacket& packet, subtitle_track& track);

  source_context source_;
  std::unique_ptr<AVFormatContext, deleter_of_late> late_; ///< holds the streams that the source shows later, or null
  config config_;
  std::vector<subtitle_track> subtitles_;
  std::vector<cover> covers_;
  std::vector<assembly_note> notes_;
  carried list_;
  std::set<int> hdr10_plus_; ///< streams of the source
  std::map<int, int>
    captions_; ///< streams of the source that have some, and how many packets of what was made of them had none
};

} // namespace troupe::av
