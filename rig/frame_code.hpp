// A frame number in the picture that survives an encoder.
//
// The number is drawn into the luma plane as 12 x 4 black and white cells, with position and size relative to the
// frame. So it stays readable after scaling, deinterlacing, a change of bit depth and coarse quantisation. 32 cells
// carry the number, 16 a checksum, which rejects a picture without a code, or a blend of two.
#pragma once

extern "C" {
#include <libavutil/frame.h>
}

#include <cstdint>
#include <optional>

namespace troupe::bench {

/// The smallest frame that can carry a code: below this a cell has too few pixels to survive an encoder.
inline constexpr int frame_code_width_min = 160;
inline constexpr int frame_code_height_min = 96;

/// Draws `number` into a writable 8-bit planar 4:2:0 frame: luma cells at 16 and 235, neutral chroma below them.
void draw_frame_code(AVFrame& yuv420p_frame, uint32_t number);

/// Reads the number from a frame in any YUV or grey format in memory, 8 to 16 bits, at any size from about 64x40 up.
/// Empty if the picture has no code, or if it cannot be read with certainty.
std::optional<uint32_t> read_frame_code(const AVFrame& frame);

} // namespace troupe::bench
