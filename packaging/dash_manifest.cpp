#include "packaging/dash_manifest.hpp"

#include "packaging/text.hpp"

#include <algorithm>
#include <cassert>
#include <vector>

namespace troupe {

namespace {

/// Segments before this one are removed from the playlist of HLS, too.
std::string timeline_of(const track_window& window) {
  std::string result;
  auto& segments = window.segments();
  for (auto i = window.listed_from(); i < segments.size() && segments[i].complete; ++i)
    append(result, "          <S t=\"", std::to_string(segments[i].start), "\" d=\"",
           std::to_string(segments[i].duration), "\"/>\n");
  return result;
}

std::string escaped(std::string_view text) {
  std::string result;
  for (auto c : text)
    switch (c) {
    case '&':
      result += "&amp;";
      break;
    case '<':
      result += "&lt;";
      break;
    case '>':
      result += "&gt;";
      break;
    case '"':
      result += "&quot;";
      break;
    default:
      result += c;
    }
  return result;
}

std::string duration(int64_t ticks) {
  return joined("PT", fixed(static_cast<double>(ticks) / ticks_per_second, 3), "S");
}

/// Representations between which players switch, or one track of sound.
struct adaptation_set {
  track_kind kind;
  std::string codec; ///< libav*'s name: players do not switch between codecs
  std::string language;
  bool on_grid = true;
  std::string representations;
};

/// The set to which a track belongs.
adaptation_set& set_of(std::vector<adaptation_set>& sets, const track_format& x, bool on_grid) {
  if (x.kind == track_kind::video)
    for (auto& known : sets)
      if (known.kind == x.kind && known.codec == x.codec)
        return known;
  return sets.emplace_back(adaptation_set{x.kind, x.codec, x.language, on_grid, {}});
}

/// The window has a segment.
void add_representation(std::string& to, const manifest_rendition& of, const track_summary& x,
                        const track_window& window) {
  auto& f = x.format;
  auto& first = window.segments()[window.listed_from()];
  auto clock = of.of->clock_of_times();
  auto offset = clock.pts - clock.unix_ms * (ticks_per_second / 1000);
  auto path = joined(escaped(of.summary.folder), "/", x.name, "-");
  append(to, "      <Representation id=\"", escaped(of.of->name()), "-", x.name, "\" bandwidth=\"",
         std::to_string(std::max<int64_t>(x.peak_bit_rate, 1)), "\" codecs=\"", escaped(x.codec), "\"");
  if (f.kind == track_kind::video) {
    append(to, " width=\"", std::to_string(f.width), "\" height=\"", std::to_string(f.height), "\"");
    if (f.frame_rate.num > 0)
      append(to, " frameRate=\"", std::to_string(f.frame_rate.num), "/", std::to_string(f.frame_rate.den), "\"");
    to += ">\n";
  } else {
    append(
      to, " audioSamplingRate=\"", std::to_string(f.sample_rate),
      "\">\n        <AudioChannelConfiguration schemeIdUri=\"urn:mpeg:dash:23003:3:audio_channel_configuration:2011\" "
      "value=\"",
      std::to_string(channel_count(f.channel_layout)), "\"/>\n");
  }
  append(to, "        <SegmentTemplate timescale=\"", std::to_string(ticks_per_second), "\" presentationTimeOffset=\"",
         std::to_string(offset), "\" initialization=\"", path, first.init, ".mp4\" media=\"", path,
         "t$Time$.m4s\">\n          <SegmentTimeline>\n", timeline_of(window),
         "          </SegmentTimeline>\n        </SegmentTemplate>\n      </Representation>\n");
}

void add_set(std::string& to, size_t id, const adaptation_set& x) {
  auto video = x.kind == track_kind::video;
  append(to, "    <AdaptationSet id=\"", std::to_string(id), "\" contentType=\"", video ? "video" : "audio",
         "\" mimeType=\"", video ? "video/mp4" : "audio/mp4", "\" segmentAlignment=\"true\"",
         x.on_grid ? " startWithSAP=\"1\"" : "");
  if (!x.language.empty())
    append(to, " lang=\"", escaped(language_tag(x.language)), "\"");
  append(to, ">\n", x.representations, "    </AdaptationSet>\n");
}

} // namespace

std::string dash_manifest(std::span<const manifest_rendition> renditions, const manifest_names& names) {
  assert(!renditions.empty());
  auto times = renditions.front().of->times();
  auto clock = renditions.front().of->clock_of_times();
  std::string text{"<?xml version=\"1.0\" encoding=\"utf-8\"?>\n"};
  auto newest = clock.pts;
  std::vector<adaptation_set> sets;
  for (auto& r : renditions)
    for (auto& x : r.summary.tracks)
      if (auto window = r.of->window(x.name); window && !window->segments().empty()) {
        newest = std::max(newest, window->segments().back().start);
        add_representation(set_of(sets, x.format, times.on_grid).representations, r, x, *window);
      }
  std::string tracks;
  for (size_t i = 0; i < sets.size(); ++i)
    add_set(tracks, i, sets[i]);
  append(text,
         "<MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" profiles=\"urn:mpeg:dash:profile:isoff-live:2011\" "
         "type=\"dynamic\" availabilityStartTime=\"1970-01-01T00:00:00Z\" publishTime=\"",
         date_time(clock, newest), "\" minimumUpdatePeriod=\"", duration(times.segment), "\" timeShiftBufferDepth=\"",
         duration(times.window), "\" maxSegmentDuration=\"", duration(times.target()), "\" minBufferTime=\"",
         duration(times.segment), "\" suggestedPresentationDelay=\"", duration(times.hold_back()), "\">\n");
  if (!names.location.empty())
    append(text, "  <Location>", escaped(names.location), "</Location>\n");
  append(text, "  <Period id=\"0\" start=\"PT0S\">\n", tracks,
         "  </Period>\n  <UTCTiming schemeIdUri=\"urn:mpeg:dash:utc:http-iso:2014\" value=\"", escaped(names.time),
         "\"/>\n</MPD>\n");
  return text;
}

} // namespace troupe
