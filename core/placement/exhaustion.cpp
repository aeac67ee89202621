#include "core/placement/exhaustion.hpp"

#include <algorithm>

namespace troupe::core {

namespace {

/// Hardware families, by the suffixes of libav*'s encoder names, in the order of the ladder.
constexpr std::string_view hardware[] = {"_nvenc", "_qsv", "_vaapi", "_amf", "_videotoolbox", "_v4l2m2m"};

struct codec_row {
  std::string_view codec;
  std::string_view software[2]; ///< best first
  bool in_hardware = true;
  std::string_view in_names{}; ///< prefix of the names of hardware encoders, if it is not the codec's name
};

constexpr codec_row codecs[] = {
  {"h264", {"libx264", "libx264rgb"}},
  {"hevc", {"libx265", ""}},
  {"av1", {"libsvtav1", "libaom-av1"}},
  {"vp9", {"libvpx-vp9", ""}},
  {"vp8", {"libvpx", ""}},
  {"mpeg2video", {"mpeg2video", ""}, true, "mpeg2"},
  {"mjpeg", {"mjpeg", ""}},
};

std::string_view prefix_of(const codec_row& row) {
  return row.in_names.empty() ? row.codec : row.in_names;
}

const codec_row* row_of(std::string_view encoder) {
  if (encoder == "h265")
    encoder = "hevc";
  for (auto& row : codecs) {
    if (encoder == row.codec || encoder == row.software[0] || (!encoder.empty() && encoder == row.software[1]))
      return &row;
    for (auto family : hardware)
      if (encoder.starts_with(prefix_of(row)) && encoder.substr(prefix_of(row).size()) == family)
        return &row;
  }
  return nullptr;
}

void add(std::vector<rung>& to, std::string encoder, bool fallback) {
  for (auto& x : to)
    if (x.encoder == encoder)
      return;
  auto in_hardware = is_hardware_encoder(encoder);
  to.push_back({std::move(encoder), in_hardware, fallback});
}

/// All encoders of the codec: hardware by family, then software.
void add_ladder(std::vector<rung>& to, const codec_row& row, bool fallback) {
  for (auto family : hardware)
    add(to, std::string{prefix_of(row)} + std::string{family}, fallback);
  for (auto name : row.software)
    if (!name.empty())
      add(to, std::string{name}, fallback);
}

} // namespace

std::optional<exhaustion_policy> exhaustion_policy_from(std::string_view name) {
  for (auto x : {exhaustion_policy::queue, exhaustion_policy::fallback, exhaustion_policy::reject})
    if (name == to_string(x))
      return x;
  return std::nullopt;
}

std::string_view codec_of(std::string_view encoder) {
  auto* row = row_of(encoder);
  return row == nullptr ? std::string_view{} : row->codec;
}

bool is_hardware_encoder(std::string_view encoder) {
  return std::any_of(std::begin(hardware), std::end(hardware),
                     [&](std::string_view family) { return encoder.ends_with(family); });
}

tl::expected<std::vector<rung>, std::string> rungs_of(const encoder_wish& x) {
  std::vector<rung> result;
  auto* row = row_of(x.encoder);
  auto names_codec =
    row != nullptr && (x.encoder == row->codec || x.encoder == "h265") && x.encoder != row->software[0];
  if (!x.fallback_encoder.empty() && codec_of(x.fallback_encoder) != codec_of(x.encoder))
    return tl::unexpected{"the fallback_encoder " + x.fallback_encoder + " does not make what " + x.encoder
                          + " makes: name one for the same codec"};
  if (names_codec) {
    add_ladder(result, *row, false);
  } else {
    add(result, x.encoder, false);
    // Software has no sessions that could be in use: like all work, it waits for a slot.
    if (x.policy == exhaustion_policy::fallback && is_hardware_encoder(x.encoder) && row != nullptr) {
      if (!x.fallback_encoder.empty())
        add(result, x.fallback_encoder, true);
      add_ladder(result, *row, true);
    }
  }
  if (x.never_software)
    std::erase_if(result, [](const rung& r) { return !r.hardware; });
  if (result.empty())
    return tl::unexpected{"the encoder " + x.encoder
                          + " is software, which never_software forbids: name a codec or an encoder in hardware"};
  return result;
}

std::string fallback_warning(const encoder_wish& x, const rung& taken) {
  return "no session of " + x.encoder + " was free: " + taken.encoder + " is used instead";
}

} // namespace troupe::core
