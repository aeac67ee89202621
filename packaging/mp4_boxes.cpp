#include "packaging/mp4_boxes.hpp"

extern "C" {
#include <libavutil/intreadwrite.h>
}

#include <optional>
#include <string_view>

namespace troupe {

namespace {

uint32_t read32(std::span<const std::byte> x, size_t at) {
  return AV_RB32(reinterpret_cast<const uint8_t*>(x.data()) + at);
}

/// The content of the first box of this type among those in `x`.
std::optional<std::span<const std::byte>> box(std::span<const std::byte> x, std::string_view type) {
  while (x.size() >= 8) {
    auto size = read32(x, 0);
    if (size < 8 || size > x.size())
      return std::nullopt;
    std::string_view name{reinterpret_cast<const char*>(x.data()) + 4, 4};
    if (name == type)
      return x.subspan(8, size - 8);
    x = x.subspan(size);
  }
  return std::nullopt;
}

// Flags of "tfhd" (8.8.7) and "trun" (8.8.8).
constexpr uint32_t tfhd_base_offset = 1;
constexpr uint32_t tfhd_description = 2;
constexpr uint32_t tfhd_duration = 8;
constexpr uint32_t tfhd_size = 0x10;
constexpr uint32_t trun_offset = 1;
constexpr uint32_t trun_first_flags = 4;
constexpr uint32_t trun_duration = 0x100;
constexpr uint32_t trun_size = 0x200;

std::optional<uint32_t> default_size(std::span<const std::byte> tfhd) {
  if (tfhd.size() < 8)
    return std::nullopt;
  auto flags = read32(tfhd, 0) & 0xffffff;
  size_t at =
    8 + (flags & tfhd_base_offset ? 8u : 0u) + (flags & tfhd_description ? 4u : 0u) + (flags & tfhd_duration ? 4u : 0u);
  return (flags & tfhd_size) != 0 && tfhd.size() >= at + 4 ? std::optional{read32(tfhd, at)} : std::nullopt;
}

} // namespace

uint64_t first_sample_end(std::span<const std::byte> fragment) {
  auto moof = box(fragment, "moof");
  auto traf = moof ? box(*moof, "traf") : std::nullopt;
  auto trun = traf ? box(*traf, "trun") : std::nullopt;
  if (!trun || trun->size() < 8)
    return 0;
  auto flags = read32(*trun, 0) & 0xffffff;
  size_t at =
    8 + (flags & trun_offset ? 4u : 0u) + (flags & trun_first_flags ? 4u : 0u) + (flags & trun_duration ? 4u : 0u);
  std::optional<uint32_t> size;
  if ((flags & trun_size) == 0) {
    auto tfhd = box(*traf, "tfhd");
    size = tfhd ? default_size(*tfhd) : std::nullopt;
  } else if (trun->size() >= at + 4) {
    size = read32(*trun, at);
  }
  return size ? read32(fragment, 0) + 8 + *size : 0;
}

} // namespace troupe
