// Reports a header that promises more than the file has, damage, and missing pictures. Gaps between pictures are
// reported only if there are other signs of damage: a slide show has gaps, too.
#include "encoder/chunks/source_notes.hpp"

#include "encoder/codec/decode_check.hpp"

#include <algorithm>
#include <array>

namespace troupe::av {

namespace {

/// Tolerance for rounding in headers, and for subtitles after the last picture (ticks, share of the whole).
constexpr int64_t header_slack = 90'000;
constexpr int64_t header_slack_share = 100;

} // namespace

std::vector<std::string> source_notes(const source_index& index) {
  std::vector<std::string> result;
  auto length = std::max(index.end, index.end - index.origin);
  if (index.announced != no_pts
      && index.announced - length > std::max(header_slack, index.announced / header_slack_share))
    result.push_back("the source is cut off or damaged: its header says " + seconds_text(index.announced)
                     + ", its pictures and sound end at " + seconds_text(length));
  if (!index.complaint.empty())
    result.push_back("the source is damaged; reading it reported: " + index.complaint);
  if (index.corrupt_packets > 0)
    result.push_back("the source is damaged: " + std::to_string(index.corrupt_packets) + " of its packets are damaged");
  const auto* video = index.video_stream();
  if (video != nullptr && video->gaps > 0 && (!index.complaint.empty() || index.corrupt_packets > 0))
    result.push_back("about " + seconds_text(video->gap_ticks) + " of the source's pictures are missing, at "
                     + std::to_string(video->gaps) + " places");
  if (index.dropped_packets > 0)
    result.push_back(
      std::to_string(index.dropped_packets)
      + " packets of the source are left out: they precede the first random-access point, are damaged, or have no "
        "usable time");
  return result;
}

std::vector<std::string> stream_names(const source_index& x) {
  constexpr std::array kinds{"video", "audio", "subtitle", "attachment", "cover", "data"};
  std::vector<std::string> result;
  for (const auto& s : x.streams)
    result.push_back(std::string{kinds.at(static_cast<size_t>(s.kind))} + " stream (" + s.codec + ")");
  return result;
}

} // namespace troupe::av
