// The still picture of a slate, in the format that an encoder takes: a picture file between black bars, or colour bars
// with a title and the time of day.
#pragma once

#include "encoder/error.hpp"
#include "encoder/format.hpp"
#include "encoder/settings.hpp"

#include <cstdint>

namespace troupe::av {

class slate_picture {
public:
  /// `settings.show` is not `slate_settings::kind::last`. `errc::media` if the picture file cannot be decoded.
  static expected<slate_picture> open(const slate_settings& settings, const video_format& output);

  /// The picture to show at this time (ticks). It depends on nothing else. Valid until the next call.
  const AVFrame& at(int64_t pts);

private:
  slate_picture(frame_ptr still, int64_t unix_ms) : still_(std::move(still)), unix_ms_(unix_ms) {
    // nop
  }

  static expected<frame_ptr> decode(const slate_settings& settings, const video_format& output);
  static expected<frame_ptr> draw_bars(const video_format& output);
  bool prepare_text(const std::string& title, const video_format& output);

  frame_ptr still_;
  int64_t unix_ms_;                    ///< Unix time at timestamp 0
  filter_graph_ptr writer_;            ///< writes the title and the time on a picture; null if there is no text
  AVFilterContext* blank_ = nullptr;   ///< owned by the writer
  AVFilterContext* written_ = nullptr; ///< owned by the writer
  frame_ptr shown_ = make_frame();
  int64_t second_ = no_pts; ///< Unix time on `shown_`
};

} // namespace troupe::av
