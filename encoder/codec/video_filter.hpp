// From a source's pictures to the encoder's: deinterlaced, turned upright, scaled, converted, and put at the wanted
// frame rate.
#pragma once

#include "encoder/format.hpp"
#include "encoder/settings.hpp"

#include <functional>
#include <optional>

namespace troupe::av {

/// Receives frames in order. May move the frame's references away.
using on_picture = std::function<expected<void>(AVFrame&)>;

/// Converts each frame to the format `output`. A frame in that format passes untouched. A filter graph exists only if
/// it is needed, and is rebuilt when the source's format changes. An interlaced frame switches the deinterlacer on for
/// good.
///
/// Frames in device memory are scaled there. They leave it only for an encoder or filter that does not take them, and
/// are transferred once.
class video_filter {
public:
  struct config {
    video_format output;
    deinterlace deinterlacing = deinterlace::automatic;
    bool interlaced = false;                       ///< the source says so: deinterlace from the first frame on
    int threads = 0;                               ///< 0: libav* chooses
    AVPixelFormat device_format = AV_PIX_FMT_NONE; ///< the encoder takes such frames directly
    orientation turn{};
    bool exact_shape = false; ///< black bars fill the rest of the output exactly, however small it is
  };

  explicit video_filter(const config& cfg) : config_(cfg), interlaced_(cfg.interlaced) {
    // nop
  }

  /// How many frames before a frame, and how many after it, the deinterlacer needs.
  static constexpr int memory_frames = 2;

  /// Takes a frame with its PTS in ticks, and leaves it empty. Output PTS are in ticks and strictly monotone: a frame
  /// that is not later than the one before is dropped.
  expected<void> send(AVFrame& frame, const on_picture& deliver);

  /// Delivers the frames that the graph still holds. Later frames start afresh.
  expected<void> drain(const on_picture& deliver);

private:
  struct input {
    int width = 0;
    int height = 0;
    int format = -1;
    AVRational sample_aspect{0, 1};
    AVColorRange range = AVCOL_RANGE_UNSPECIFIED;
    bool deinterlaced = false;
    AVPixelFormat layout = AV_PIX_FMT_NONE; ///< pixel layout of a frame in device memory, otherwise none
    const void* pool = nullptr;             ///< frame pool of such a frame; only compared

    bool operator==(const input& other) const noexcept;
  };

  struct size {
    int width;
    int height;
  };

  bool needs_graph(const input& in) const noexcept;
  /// The part of the output that shows the picture: all of it, unless the source's shape has changed. The rest is
  /// black.
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
  frame_ptr previous_ = make_frame(); ///< context for a deinterlacer that may be switched on later
  int64_t last_pts_ = no_pts;
};

/// Puts frames on the grid m / frame_rate. A grid point shows the frame nearest to it, or else the last frame before
/// it. Frames are repeated and dropped as needed. The result for a frame depends only on its own time, not on earlier
/// frames.
///
/// If the whole source is known, the grid begins at its first picture, evenly spaced frames are counted, and any pause
/// is filled. Otherwise the grid is counted from timeline zero. A gap beyond `gap_max`, which may be an interruption of
/// the source, then stays a gap.
class frame_rate_converter {
public:
  static constexpr int64_t gap_max = 10 * 90'000; ///< ticks

  /// `source_rate` is the source's own frame rate, or 0.
  explicit frame_rate_converter(AVRational frame_rate, const std::optional<frame_grid>& source = {},
                                AVRational source_rate = {0, 1});

  /// Takes a frame with PTS and duration in ticks, and leaves it empty.
  expected<void> send(AVFrame& frame, const on_picture& deliver);

  expected<void> drain(const on_picture& deliver);

private:
  int64_t slot_of(int64_t pts) const;
  expected<void> show(int64_t first, int64_t end, const on_picture& deliver);

  AVRational frame_rate_;
  frame_grid source_;
  bool is_whole_;
  int64_t ahead_; ///< ticks: a frame that is less than this before a grid point belongs to that point
  bool any_shown_ = false;
  frame_ptr held_ = make_frame();
  frame_ptr shown_ = make_frame();
  int64_t slot_ = no_pts; ///< the grid point of the frame held
};

} // namespace troupe::av
