#include "packaging/dash_manifest.hpp"

#include "packaging/text.hpp"

#include <algorithm>

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

/// The time of the timeline at which the period begins: that of the clock's epoch.
int64_t origin_of(const clock_map& clock) {
  return clock.pts - clock.unix_ms * (ticks_per_second / 1000);
}

/// The window has a segment.
void add_track(std::string& to, const rendition& of, const track_summary& x, const track_window& window,
               const std::string& folder) {
  auto& f = x.format;
  auto& first = window.segments()[window.listed_from()];
  auto video = f.kind == track_kind::video;
  auto offset = origin_of(of.clock_of_times());
  auto path = joined(escaped(folder), "/", x.name, "-");
  append(to, "    <AdaptationSet id=\"", std::to_string(video ? 0 : 1 + x.name.back() - '0'), "\" contentType=\"",
         video ? "video" : "audio", "\" mimeType=\"", video ? "video/mp4" : "audio/mp4", "\" segmentAlignment=\"true\"",
         of.times().on_grid ? " startWithSAP=\"1\"" : "");
  if (!f.language.empty())
    append(to, " lang=\"", escaped(language_tag(f.language)), "\"");
  append(to, ">\n      <Representation id=\"", escaped(of.name()), "-", x.name, "\" bandwidth=\"",
         std::to_string(std::max<int64_t>(x.peak_bit_rate, 1)), "\" codecs=\"", escaped(x.codec), "\"");
  if (video) {
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
         "          </SegmentTimeline>\n        </SegmentTemplate>\n      </Representation>\n    </AdaptationSet>\n");
}

} // namespace

std::string dash_manifest(const rendition& of, const rendition_summary& summary, const manifest_names& names) {
  auto times = of.times();
  auto clock = of.clock_of_times();
  std::string text{"<?xml version=\"1.0\" encoding=\"utf-8\"?>\n"};
  auto newest = clock.pts;
  auto oldest = newest;
  std::string tracks;
  for (auto& x : summary.tracks)
    if (auto window = of.window(x.name);
        window && !window->segments().empty() && x.format.kind != track_kind::subtitle) {
      newest = std::max(newest, window->segments().back().start);
      oldest = window->segments()[window->listed_from()].start;
      add_track(tracks, of, x, *window, summary.folder);
    }
  append(text,
         "<MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" profiles=\"urn:mpeg:dash:profile:isoff-live:2011\" "
         "type=\"dynamic\" availabilityStartTime=\"1970-01-01T00:00:00Z\" publishTime=\"",
         date_time(clock, newest), "\" minimumUpdatePeriod=\"", duration(times.segment), "\" timeShiftBufferDepth=\"",
         duration(times.window), "\" maxSegmentDuration=\"", duration(times.target()), "\" minBufferTime=\"",
         duration(times.segment), "\" suggestedPresentationDelay=\"", duration(times.hold_back()), "\">\n");
  if (!names.location.empty())
    append(text, "  <Location>", escaped(names.location), "</Location>\n");
  append(text, "  <Period id=\"0\" start=\"PT0S\">\n", of.splices().event_stream(oldest, origin_of(clock)), tracks,
         "  </Period>\n  <UTCTiming schemeIdUri=\"urn:mpeg:dash:utc:http-iso:2014\" value=\"", escaped(names.time),
         "\"/>\n</MPD>\n");
  return text;
}

} // namespace troupe
