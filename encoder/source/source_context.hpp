// libavformat's demuxing context, opened within limits: time, protocols, formats, options.
#pragma once

#include "encoder/av_ptr.hpp"
#include "encoder/source/demuxer.hpp"
#include "encoder/source/source_address.hpp"
#include "encoder/source/source_io.hpp"

#include <atomic>
#include <chrono>
#include <memory>
#include <string>

namespace troupe::av {

/// A source as libavformat reads it. Every call blocks for a limited time and ends early when the caller's flag is set.
class source_context {
public:
  /// Opens and probes. HTML, an empty file and the like are `errc::media`, with words for what was found instead.
  static expected<source_context> open(const source_options& options, const std::atomic<bool>& stop);

  AVFormatContext& format() const noexcept {
    return *format_;
  }

  /// The source for people, without what opens it.
  const std::string& name() const noexcept {
    return address_.shown;
  }

  /// The next packet of any stream. False at the end. Damaged pieces are skipped, as long as something follows.
  expected<bool> read(AVPacket& packet);

  /// Grows where the streams are others from here on: `format` was made anew.
  uint64_t part() const noexcept {
    return part_;
  }

  /// The program that is read, where the format has programs: only what happens to that one begins a new part.
  void follow(int program) {
    if (io_)
      io_->follow(program);
  }

  /// What is known to be the matter with a source of which nothing can be decoded; empty for nothing.
  std::string trouble() const;

  /// How long a read may take: as long as the caller said, or, of a playlist of long segments, until two more of them should have come.
  std::chrono::milliseconds silence_max() const noexcept;

  /// Back to the start, by seeking or by opening again, which begins a new part.
  expected<void> rewind();

  /// To a place from which packets of `stream` at or before `at` (in its time base) come next, as far as the container can tell. False where it
  /// cannot: the place is then anywhere.
  expected<bool> seek(int stream, int64_t at);

  bool is_live() const noexcept {
    return live_;
  }

  /// For a live source at its end: true where its playlist says that nothing follows.
  bool is_over();

  /// True where the other end waits while nobody reads.
  bool can_wait() const noexcept;

  /// True where the times may jump in mid-stream by the nature of the format or of a network source.
  bool may_jump() const noexcept;

private:
  /// What libavformat's callback looks at. On the heap: its address must not move.
  struct watch {
    const std::atomic<bool>* stop = nullptr;
    std::chrono::steady_clock::time_point deadline;
    bool expired = false;
    std::string refusal;             ///< why what the source names is not opened
    bool opening = false;            ///< the source's headers are being read
    size_t opened = 0;               ///< places, for those
    std::chrono::seconds segment{0}; ///< the longest that a playlist announces
    std::string playlist;            ///< the URL of the latest that names segments; empty for the source's own
    int (*open)(AVFormatContext*, AVIOContext**, const char*, int, AVDictionary**) = nullptr; ///< libavformat's own

    void look_at(std::string_view start, const char* url);

    static int poll(void* self) noexcept;

    /// Opens what a playlist names: not more than so many, and no playlist of playlists in one, which may be itself.
    static int open_named(AVFormatContext* format, AVIOContext** io, const char* url, int flags,
                          AVDictionary** options) noexcept;
  };

  struct closer {
    void operator()(AVFormatContext* ptr) const noexcept {
      avformat_close_input(&ptr);
    }
  };

  explicit source_context(const source_options& options, source_address address, const std::atomic<bool>& stop);
  expected<void> open_all();
  expected<void> open_format(AVDictionary** options);
  expected<void> next_part();
  void limit_probing(AVFormatContext& format) const;
  void begin(std::chrono::milliseconds timeout);
  tl::unexpected<error> failure(errc fallback, std::string_view step, int code,
                                std::chrono::milliseconds timeout) const;
  tl::unexpected<error> not_media(int code, const std::string& said);
  tl::unexpected<error> too_many_streams() const;
  bool looks_live() const noexcept;

  source_options options_;
  source_address address_;
  std::unique_ptr<watch> watch_;
  std::unique_ptr<source_io> io_; ///< null where the format opens its connections itself
  std::unique_ptr<AVFormatContext, closer> format_;
  bool live_ = false;
  uint64_t part_ = 0;
  int damaged_ = 0;
};

} // namespace troupe::av
