// From a source's pictures to the encoder's: deinterlaced, turned upright, scaled, converted; at the rate that is wanted.
#pragma once

#include "encoder/format.hpp"
#include "encoder/settings.hpp"

#include <functional>
#include <optional>

namespace troupe::av {

/// Receives frames in order. May move the frame's references away.
using on_picture = std::function<expected<void>(AVFrame&)>;

/// Makes each frame what `output` says. Frames that are so already pass untouched; a filter graph exists only where something is to be done, and
/// is built anew when the source's format changes. An interlaced frame switches the deinterlacer on for good.
///
/// Frames in a device's memory are scaled there, and leave it only for an encoder or a filter that takes none: they are transferred once.
class video_filter {
public:
  struct config {
    video_format output;
    deinterlace deinterlacing = deinterlace::automatic;
    bool interlaced = false;                       ///< the source says that it is: deinterlace from the first frame on
    int threads = 0;                               ///< 0 is libav*'s choice
    AVPixelFormat device_format = AV_PIX_FMT_NONE; ///< the encoder takes such frames as they are
    orientation turn{};
    bool exact_shape = false; ///< black fills what the picture's shape leaves of the output, however little that is
  };

  explicit video_filter(const config& cfg) : config_(cfg), interlaced_(cfg.interlaced) {
    // nop
  }

  /// Frames that the deinterlacer needs before and after one to get it right.
  static constexpr int memory_frames = 2;

  /// Takes a frame with its PTS in ticks, leaves it empty. Output PTS are in ticks and strictly monotone: a frame that is not later than the one
  /// before is dropped.
  expected<void> send(AVFrame& frame, const on_picture& deliver);

  /// Delivers what the graph still holds. Further frames start afresh.
  expected<void> drain(const on_picture& deliver);

private:
  struct input {
    int width = 0;
    int height = 0;
    int format = -1;
    AVRational sample_aspect{0, 1};
    AVColorRange range = AVCOL_RANGE_UNSPECIFIED;
    bool deinterlaced = false;
    AVPixelFormat layout = AV_PIX_FMT_NONE; ///< of the pixels of a frame in a device's memory, else none
    const void* pool = nullptr;             ///< of such a frame; compared alone

    bool operator==(const input& other) const noexcept;
  };

  struct size {
    int width;
    int height;
  };

  bool needs_graph(const input& in) const noexcept;
  /// The part of the output that shows the picture: all of it, unless the source's shape has changed; the rest is black.
  size fit(const input& in) const noexcept;
  std::string description(const input& in) const;
  std::string device_description(const input& in) const;
  std::string software_description(const input& in) const;
  expected<void> build_any(const input& in, AVBufferRef* pool);
  expected<void> build(const input& in, AVBufferRef* pool);
  tl::unexpected<error> failed(int code) const;
  expected<void> push(AVFrame* frame, const on_picture& deliver);
  expected<void> pull(const on_picture& deliver);
  expected<void> pass(AVFrame& frame, const on_picture& deliver);

  config config_;
  bool interlaced_;
  bool scales_on_device_ = true;
  std::optional<input> input_;
  filter_graph_ptr graph_;
  AVFilterContext* source_ = nullptr; ///< owned by the graph
  AVFilterContext* sink_ = nullptr;   ///< owned by the graph
  frame_ptr received_ = make_frame();
  frame_ptr previous_ = make_frame(); ///< context for a deinterlacer that may be switched on
  int64_t last_pts_ = no_pts;
};

/// Puts frames on the grid m / frame_rate: each point of the grid shows the frame whose own time is nearest to it or before it. Frames are
/// repeated and dropped as that needs. What becomes of a frame depends on its own time alone, not on those before it.
///
/// Where the source is known as a whole, the grid begins at its first picture, evenly spaced frames are counted, and any pause is filled. Else the grid is
/// counted from timeline zero, and a gap beyond `gap_max`, which may be a source that was away, stays a gap.
class frame_rate_converter {
public:
  static constexpr int64_t gap_max = 10 * 90'000; ///< ticks

  /// `source_rate` is what the source says of its frames, or 0.
  explicit frame_rate_converter(AVRational frame_rate, const std::optional<frame_grid>& source = {},
                                AVRational source_rate = {0, 1});

  /// Takes a frame with PTS and duration in ticks, leaves it empty.
  expected<void> send(AVFrame& frame, const on_picture& deliver);

  expected<void> drain(const on_picture& deliver);

private:
  int64_t slot_of(int64_t pts) const;
  expected<void> show(int64_t first, int64_t end, const on_picture& deliver);

  AVRational frame_rate_;
  frame_grid source_;
  bool is_whole_;
  int64_t ahead_; ///< ticks: a frame that is by less before a point of the grid belongs to it
  bool any_shown_ = false;
  frame_ptr held_ = make_frame();
  frame_ptr shown_ = make_frame();
  int64_t slot_ = no_pts; ///< of the frame held
};

} // namespace troupe::av
