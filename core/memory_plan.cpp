#include "core/memory_plan.hpp"

#include <algorithm>

namespace troupe::core {

namespace {

/// Libraries, packets, audio, subtitles, attachments.
constexpr int64_t base_bytes = int64_t{1536} << 20;

/// 4:2:0 takes 1.5 with 8 bits and 3 with more. 4:4:4 with more than 8 bits takes 6, but is rare at large sizes.
constexpr int64_t bytes_per_pixel = 4;

/// Smaller pictures count as this many pixels, because a source may grow to this size in mid-stream.
constexpr int64_t pixels_min = 1920 * 1080;

constexpr int64_t pixels_max = int64_t{1} << 32;

/// 16 threads with a picture each, 16 reference pictures, and another 32 on their way to the encoder.
constexpr int64_t decoder_pictures = 64;

/// Includes lookahead, references and what an encoder keeps with each picture (x265: reconstruction, lowres planes,
/// motion), counted in pictures. SVT-AV1 looks 120 pictures ahead.
int64_t encoder_pictures(const std::string& codec) {
  auto has = [&codec](const char* part) { return codec.find(part) != std::string::npos; };
  return has("av1") ? 384 : has("hevc") || has("265") ? 224 : 128;
}

int64_t bounded(int64_t pixels) {
  return std::clamp(pixels, pixels_min, pixels_max);
}

} // namespace

int64_t pixels_of(int32_t width, int32_t height, int32_t source_width, int32_t source_height) {
  auto w = int64_t{std::max(source_width, 1)};
  auto h = int64_t{std::max(source_height, 1)};
  if (width > 0 && height > 0)
    return int64_t{width} * height;
  if (width > 0)
    return int64_t{width} * std::max<int64_t>(width * h / w, 1);
  if (height > 0)
    return int64_t{height} * std::max<int64_t>(height * w / h, 1);
  return w * h;
}

uint64_t memory_limit(const memory_rules& rules, work_kind kind, const picture_work& x) {
  auto encodes = kind == work_kind::transcode || kind == work_kind::chunk;
  if (!encodes && kind != work_kind::assemble)
    return rules.bytes;
  // A result is decoded once more before it is published.
  auto pictures = bounded(x.decoded) * decoder_pictures;
  if (encodes)
    pictures += bounded(x.encoded) * encoder_pictures(x.codec);
  auto estimate = static_cast<uint64_t>(base_bytes + pictures * bytes_per_pixel);
  if (!encodes)
    return rules.bytes > 0 ? std::max(rules.bytes, estimate) : 0;
  return estimate / 100 * rules.encode_percent;
}

std::string memory_key(work_kind kind, bool ordered) {
  if (ordered)
    return "limits.memory of the order";
  return kind == work_kind::transcode || kind == work_kind::chunk ? "task.encode_memory_percent" : "task.memory";
}

} // namespace troupe::core
