#include "packaging/dash_manifest.hpp"

#include "base/iso_time.hpp"
#include "packaging/text.hpp"

#include <algorithm>
#include <cassert>
#include <iterator>
#include <limits>
#include <utility>
#include <vector>

namespace troupe {

namespace {

constexpr int64_t ticks_per_ms = ticks_per_second / 1000;

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

/// A run of segments between two discontinuities.
struct period {
  int64_t first = 0;                                 ///< number of its first segment
  int64_t start = 0;                                 ///< ticks
  int64_t end = std::numeric_limits<int64_t>::max(); ///< number of the next period's first segment
};

struct track_in {
  const manifest_rendition& of;
  const track_summary& summary;
  track_window window;
};

/// The listed segments of the period, complete ones only.
std::vector<const media_segment*> segments_of(const track_window& window, const period& in) {
  std::vector<const media_segment*> result;
  auto& all = window.segments();
  for (auto i = window.listed_from(); i < all.size() && all[i].complete; ++i)
    if (all[i].number >= in.first && all[i].number < in.end)
      result.push_back(&all[i]);
  return result;
}

/// Each discontinuity begins a period. All tracks have the same ones.
std::vector<period> periods_of(const track_window& window, const delivery_times& times) {
  auto begins = [&](int64_t number, int64_t start) {
    return period{.first = number, .start = times.on_grid ? number * times.segment : start};
  };
  auto& run = window.first_run();
  std::vector<period> result{begins(run.number, run.start)};
  auto& all = window.segments();
  for (auto i = window.listed_from() + 1; i < all.size() && all[i].complete; ++i)
    if (all[i].discontinuity) {
      result.back().end = all[i].number;
      result.push_back(begins(all[i].number, all[i].start));
    }
  return result;
}

/// Some players add the latency that they aim at to it, so it is less than that.
int64_t presentation_delay(const delivery_times& times) {
  return times.on_grid ? times.latency() / 2 : times.hold_back();
}

/// Segments of constant length have their number in their name, and are told by the clock; the one that is being made
/// may be asked for as soon as it has a part. Others are listed.
std::string template_of(const track_in& x, const period& in, const delivery_times& times, const std::string& path) {
  auto segments = segments_of(x.window, in);
  auto init = joined(path, segments.front()->init, ".mp4");
  auto scale = std::to_string(ticks_per_second);
  if (times.on_grid)
    return joined("        <SegmentTemplate timescale=\"", scale, "\" duration=\"", std::to_string(times.segment),
                  "\" startNumber=\"", std::to_string(in.first), "\" presentationTimeOffset=\"",
                  std::to_string(in.start), "\" availabilityTimeOffset=\"",
                  fixed(static_cast<double>(times.segment - times.part_target()) / ticks_per_second, 3),
                  "\" availabilityTimeComplete=\"false\" initialization=\"", init, "\" media=\"", path,
                  "$Number$.m4s\"/>\n");
  auto text =
    joined("        <SegmentTemplate timescale=\"", scale, "\" presentationTimeOffset=\"", std::to_string(in.start),
           "\" initialization=\"", init, "\" media=\"", path, "t$Time$.m4s\">\n          <SegmentTimeline>\n");
  for (auto* s : segments)
    append(text, "            <S t=\"", std::to_string(s->start), "\" d=\"", std::to_string(s->duration), "\"/>\n");
  return text + "          </SegmentTimeline>\n        </SegmentTemplate>\n";
}

/// Representations between which players switch, or one track of sound or of subtitles.
struct adaptation_set {
  track_kind kind;
  std::string codec; ///< libav*'s name: players do not switch between codecs
  std::string language;
  bool on_grid = true;
  std::string representations{};
  bool captions = false; ///< of at least one representation
};

/// The set to which a track belongs.
adaptation_set& set_of(std::vector<adaptation_set>& sets, const track_format& x, bool on_grid) {
  if (x.kind == track_kind::video)
    for (auto& known : sets)
      if (known.kind == x.kind && known.codec == x.codec)
        return known;
  return sets.emplace_back(adaptation_set{x.kind, x.codec, x.language, on_grid});
}

/// Adds nothing if the track has no segment in the period.
void add_track(std::vector<adaptation_set>& sets, const track_in& x, const period& in) {
  auto segments = segments_of(x.window, in);
  auto* init = segments.empty() ? nullptr : x.window.init(segments.front()->init);
  if (init == nullptr)
    return;
  auto& f = init->format;
  auto times = x.of.of->times();
  auto path = joined(escaped(x.of.summary.folder), "/", x.summary.name, "-");
  auto& set = set_of(sets, f, times.on_grid);
  set.captions = set.captions || x.summary.captions;
  auto& to = set.representations;
  append(to, "      <Representation id=\"", escaped(x.of.of->name()), "-", x.summary.name, "\" bandwidth=\"",
         std::to_string(std::max<int64_t>(x.summary.peak_bit_rate, 1)), "\" codecs=\"", escaped(init->codec), "\"");
  if (f.kind == track_kind::video) {
    append(to, " width=\"", std::to_string(f.width), "\" height=\"", std::to_string(f.height), "\"");
    if (f.frame_rate.num > 0)
      append(to, " frameRate=\"", std::to_string(f.frame_rate.num), "/", std::to_string(f.frame_rate.den), "\"");
    to += ">\n";
  } else if (f.kind == track_kind::subtitle) {
    to += ">\n";
  } else {
    append(
      to, " audioSamplingRate=\"", std::to_string(f.sample_rate),
      "\">\n        <AudioChannelConfiguration schemeIdUri=\"urn:mpeg:dash:23003:3:audio_channel_configuration:2011\" "
      "value=\"",
      std::to_string(channel_count(f.channel_layout)), "\"/>\n");
  }
  append(to, template_of(x, in, times, path), "      </Representation>\n");
}

void add_set(std::string& to, size_t id, const adaptation_set& x) {
  auto text = x.kind == track_kind::subtitle;
  auto [content, type] = x.kind == track_kind::video ? std::pair{"video", "video/mp4"}
                         : text                      ? std::pair{"text", "application/mp4"}
                                                     : std::pair{"audio", "audio/mp4"};
  append(to, "    <AdaptationSet id=\"", std::to_string(id), "\" contentType=\"", content, "\" mimeType=\"", type,
         "\" segmentAlignment=\"true\"", x.on_grid ? " startWithSAP=\"1\"" : "");
  if (!x.language.empty())
    append(to, " lang=\"", escaped(language_tag(x.language)), "\"");
  append(to, ">\n",
         x.captions ? "      <Accessibility schemeIdUri=\"urn:scte:dash:cc:cea-608:2015\" value=\"CC1\"/>\n" : "",
         text ? "      <Role schemeIdUri=\"urn:mpeg:dash:role:2011\" value=\"subtitle\"/>\n" : "", x.representations,
         "    </AdaptationSet>\n");
}

std::string period_text(const std::vector<track_in>& tracks, const period& x, const std::string& events) {
  std::vector<adaptation_set> sets;
  for (auto& t : tracks)
    add_track(sets, t, x);
  if (sets.empty())
    return {};
  auto text = joined("  <Period id=\"", std::to_string(x.first), "\" start=\"", duration(x.start), "\">\n", events);
  for (size_t i = 0; i < sets.size(); ++i)
    add_set(text, i, sets[i]);
  return text + "  </Period>\n";
}

/// Pictures and sound of all renditions, then the subtitles of the first one that has some: sets are numbered, and
/// subtitles come and go.
std::vector<track_in> tracks_of(std::span<const manifest_rendition> renditions) {
  std::vector<track_in> result;
  std::vector<track_in> texts;
  for (auto& r : renditions) {
    auto has_texts = !texts.empty();
    for (auto& x : r.summary.tracks) {
      auto is_text = x.format.kind == track_kind::subtitle;
      auto window = is_text && has_texts ? std::nullopt : r.of->window(x.name);
      if (window && !window->segments().empty())
        (is_text ? texts : result).push_back({r, x, std::move(*window)});
    }
  }
  std::ranges::move(texts, std::back_inserter(result));
  return result;
}

} // namespace

std::string dash_manifest(std::span<const manifest_rendition> renditions, std::string_view time_address) {
  assert(!renditions.empty());
  auto times = renditions.front().of->times();
  auto clock = renditions.front().of->clock_of_times();
  auto tracks = tracks_of(renditions);
  std::string text{"<?xml version=\"1.0\" encoding=\"utf-8\"?>\n"};
  if (tracks.empty())
    return text;
  auto video = std::ranges::find_if(tracks, [](auto& x) { return x.summary.format.kind == track_kind::video; });
  auto& leading = (video != tracks.end() ? *video : tracks.front()).window;
  auto& oldest = leading.segments()[leading.listed_from()];
  auto newest = leading.segments().back().start;
  // The timeline's zero. Its times and numbers are those of the media, so nothing has to be converted.
  auto zero = std::max<int64_t>(clock.unix_ms - clock.pts / ticks_per_ms, 0);
  append(text,
         "<MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" profiles=\"urn:mpeg:dash:profile:isoff-live:2011\" "
         "type=\"dynamic\" availabilityStartTime=\"",
         base::iso_time(zero), "\" publishTime=\"", date_time(clock, newest), "\" minimumUpdatePeriod=\"",
         duration(times.segment), "\" timeShiftBufferDepth=\"",
         duration(std::clamp(newest - oldest.start, times.segment, times.window)), "\" maxSegmentDuration=\"",
         duration(times.target()), "\" minBufferTime=\"", duration(times.segment), "\" suggestedPresentationDelay=\"",
         duration(presentation_delay(times)), "\">\n");
  if (times.on_grid)
    append(text, "  <ServiceDescription id=\"0\">\n    <Latency target=\"",
           std::to_string(times.latency() / ticks_per_ms), "\"/>\n  </ServiceDescription>\n");
  auto splices = renditions.front().of->splices();
  auto periods = periods_of(leading, times);
  for (size_t i = 0; i < periods.size(); ++i) {
    auto until = i + 1 < periods.size() ? periods[i + 1].start : std::numeric_limits<int64_t>::max();
    text += period_text(tracks, periods[i], splices.event_stream(oldest.start, periods[i].start, until));
  }
  append(text, "  <UTCTiming schemeIdUri=\"urn:mpeg:dash:utc:http-iso:2014\" value=\"", escaped(time_address),
         "\"/>\n</MPD>\n");
  return text;
}

} // namespace troupe
