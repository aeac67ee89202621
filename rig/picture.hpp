// The moving picture of our test media: a textured ground that scrolls, discs that cross it at other speeds, and the
// frame number, for humans (seven segments) and for programs (rig/frame_code.hpp). Equal numbers give equal pictures
// everywhere.
#pragma once

#include "encoder/av_ptr.hpp"

#include <cstdint>
#include <vector>

namespace troupe::bench {

struct picture_options {
  bool interlaced = false; ///< two fields a frame, top first; each shows its own moment of the motion
  int grain = 0;           ///< peak of the noise added to each frame, luma steps: cameras have some 3 to 5
  bool coded = true;       ///< with the frame code
};

class picture_source {
public:
  /// Width and height in pixels, even, at least those of a frame code.
  picture_source(int width, int height, const picture_options& options);

  /// Draws picture `number` into a writable yuv420p frame of the source's size.
  void draw(AVFrame& frame, uint32_t number) const;

private:
  void draw_rows(AVFrame& frame, int plane, int64_t half_frame, int first_row, int step) const;
  void draw_discs(AVFrame& frame, int64_t half_frame, int first_row, int step) const;
  void draw_digits(AVFrame& frame, uint32_t number) const;
  void add_grain(AVFrame& frame, uint32_t number) const;

  int width_;
  int height_;
  bool interlaced_;
  bool coded_;
  int margin_;      // the ground is larger than the frame by this on each side, in luma pixels
  int ground_line_; // of the luma ground; chroma's is half
  std::vector<uint8_t> ground_[3];
  std::vector<int8_t> noise_;
};

} // namespace troupe::bench
