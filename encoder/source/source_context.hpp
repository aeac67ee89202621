// libavformat's demuxing context, opened within limits on time, protocols, formats and options.
#pragma once

#include "encoder/format_ptr.hpp"
#include "encoder/source/allowed_sources.hpp"
#include "encoder/source/demuxer.hpp"
#include "encoder/source/source_gate.hpp"
#include "encoder/source/source_io.hpp"

#include <atomic>
#include <chrono>
#include <memory>
#include <string>

namespace troupe::av {

/// A source as libavformat reads it. Every call blocks for a limited time, and ends early when the caller's flag is
/// set.
class source_context {
public:
  /// Opens and probes the source. HTML, an empty file and the like are `errc::media`, with a description of what was
  /// found.
  static expected<source_context> open(const source_options& options, const std::atomic<bool>& stop);

  AVFormatContext& format() const noexcept {
    return *format_;
  }

  /// The source's name for display, without credentials.
  const std::string& name() const noexcept {
    return address_.shown;
  }

  /// The next packet of any stream; false at the end. Damaged pieces are skipped as long as data follows.
  expected<bool> read(AVPacket& packet);

  /// Grows when the source has new streams and `format` was made again.
  uint64_t part() const noexcept {
    return part_;
  }

  /// The program to read, in formats that have programs: only changes of this program begin a new part.
  void follow(int program) {
    if (io_)
      io_->follow(program);
  }

  /// The known reason why nothing of the source can be decoded; empty if there is none.
  std::string trouble() const;

  /// How long a read may take: the caller's limit or, for a playlist with long segments, until two more segments should
  /// have come.
  std::chrono::milliseconds silence_max() const noexcept;

  /// Returns to the start, by seeking or by opening again, which begins a new part.
  expected<void> rewind();

  /// Seeks so that packets of `stream` at or before `at` (in its time base) come next, as near as the container allows.
  /// Returns false if it cannot: the position is then unknown.
  expected<bool> seek(int stream, int64_t at);

  bool is_live() const noexcept {
    return live_;
  }

  /// For a live source at its end: true if its playlist says that nothing follows.
  bool is_over();

  /// True if the sender waits while nothing is read.
  bool can_wait() const noexcept;

  /// True if the times may jump in mid-stream, because of the format or because it is a network source.
  bool may_jump() const noexcept;

private:
  /// The state for libavformat's callback. On the heap, because its address must not change.
  struct watch {
    watch(const source_options& options, const std::atomic<bool>& interrupted) : stop{&interrupted}, gate{options} {}

    const std::atomic<bool>* stop;
    source_gate gate;
    std::chrono::steady_clock::time_point deadline;
    bool expired = false;
    std::string refusal;             ///< why a place was not opened; of the present call
    bool opening = false;            ///< the source's headers are being read
    size_t opened = 0;               ///< places opened while the headers are read
    std::chrono::seconds segment{0}; ///< the longest segment that a playlist announces
    std::string playlist;            ///< the URL of the latest playlist that names segments; empty for the source's own
    /// libavformat's own function.
    int (*open)(AVFormatContext*, AVIOContext**, const char*, int, AVDictionary**) = nullptr;

    void look_at(std::string_view start, const char* url);

    static int poll(void* self) noexcept;

    /// Opens a place that a playlist names. Their number is limited, and a nested master playlist, which may name
    /// itself, is refused.
    static int open_named(AVFormatContext* format, AVIOContext** io, const char* url, int flags,
                          AVDictionary** options) noexcept;
  };

  explicit source_context(const source_options& options, source_address address, const std::atomic<bool>& stop);
  resolver_guard guard() const noexcept {
    return watch_->gate.guard(watch_->refusal);
  }

  expected<void> check() const;
  expected<void> open_all();
  int open_again(url_io_ptr& to, const std::string& url);
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
  std::unique_ptr<source_io> io_; ///< null if the format opens its connections itself
  input_context_ptr format_;
  bool live_ = false;
  uint64_t part_ = 0;
  int damaged_ = 0;
};

} // namespace troupe::av
