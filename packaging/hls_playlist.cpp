#include "packaging/hls_playlist.hpp"

#include "packaging/text.hpp"

#include <algorithm>

namespace troupe {

namespace {

constexpr std::string_view type_of_version = "#EXTM3U\n#EXT-X-VERSION:9\n";

/// Segments that end less than this before the playlist's end still list their parts (RFC 8216bis, 4.4.4.9).
int64_t parts_listed(const delivery_times& times) {
  return 3 * times.target();
}

void add_map(std::string& to, std::string_view track, const std::string& init) {
  append(to, "#EXT-X-MAP:URI=\"", init_name(track, init), "\"\n");
}

void add_part(std::string& to, std::string_view track, int64_t number, size_t index, const media_part& x) {
  append(to, "#EXT-X-PART:DURATION=", seconds(x.duration), ",URI=\"",
         part_name(track, number, static_cast<int64_t>(index)), x.independent ? "\",INDEPENDENT=YES\n" : "\"\n");
}

/// The tags that are equal in all tracks, but for the numbers.
void add_head(std::string& to, const track_window& window, const delivery_times& times) {
  auto& segments = window.segments();
  append(to, "#EXT-X-TARGETDURATION:", std::to_string(times.target() / ticks_per_second),
         "\n#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=", seconds(times.skip_until()),
         ",HOLD-BACK=", seconds(times.hold_back()), ",PART-HOLD-BACK=", seconds(times.part_hold_back()),
         "\n#EXT-X-PART-INF:PART-TARGET=", seconds(times.part_target()),
         "\n#EXT-X-MEDIA-SEQUENCE:", std::to_string(segments.empty() ? 0 : segments[window.listed_from()].number),
         "\n#EXT-X-DISCONTINUITY-SEQUENCE:", std::to_string(window.discontinuities_before()), "\n");
}

/// The first segment that an update has.
size_t skipped_until(const track_window& window, const delivery_times& times, int64_t end) {
  auto& segments = window.segments();
  auto result = window.listed_from();
  while (result < segments.size() && end - segments[result].start - segments[result].duration >= times.skip_until())
    ++result;
  return result;
}

void add_reports(std::string& to, std::span<const rendition_report> others) {
  for (auto& x : others) {
    append(to, "#EXT-X-RENDITION-REPORT:URI=\"", x.uri, "\",LAST-MSN=", std::to_string(x.latest.number));
    if (x.latest.part)
      append(to, ",LAST-PART=", std::to_string(*x.latest.part));
    to += '\n';
  }
}

std::string quoted(std::string_view text) {
  std::string result{"\""};
  for (auto c : text)
    if (c != '"' && static_cast<unsigned char>(c) >= 0x20 && c != 0x7f)
      result += c;
  return result + '"';
}

/// The bit rate that a playlist declares: a tenth above the measured one, because slightly more bits are sent than are
/// measured.
int64_t declared(int64_t measured) {
  return measured + measured / 10;
}

/// The subtitles of the first rendition that has some. False if none has.
bool add_subtitles(std::string& to, std::span<const rendition_summary> renditions) {
  auto is_text = [](const track_summary& x) { return x.format.kind == track_kind::subtitle; };
  auto r = std::ranges::find_if(renditions, [&](auto& x) { return std::ranges::any_of(x.tracks, is_text); });
  if (r == renditions.end())
    return false;
  for (auto& x : r->tracks) {
    if (!is_text(x))
      continue;
    auto language = x.format.language.empty() ? std::string{"und"} : language_tag(x.format.language);
    append(to, "#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"text\",NAME=", quoted(joined(language, " ", x.name)),
           ",LANGUAGE=", quoted(language), ",DEFAULT=NO,AUTOSELECT=YES,FORCED=NO,URI=\"", r->folder, "/",
           playlist_name(x.name), "\"\n");
  }
  return true;
}

} // namespace

std::string playlist_name(std::string_view track) {
  return std::string{track} + ".m3u8";
}

std::string init_name(std::string_view track, std::string_view init) {
  return joined(track, "-", init, ".mp4");
}

std::string segment_name(std::string_view track, int64_t number) {
  return joined(track, "-", std::to_string(number), ".m4s");
}

std::string transport_segment_name(int64_t number) {
  return joined(transport_name, "-", std::to_string(number), ".ts");
}

std::string part_name(std::string_view track, int64_t number, int64_t part) {
  return joined(track, "-", std::to_string(number), ".", std::to_string(part), ".m4s");
}

std::string subtitle_name(std::string_view track, int64_t number) {
  return joined(track, "-", std::to_string(number), ".vtt");
}

std::string media_playlist(std::string_view track, const track_window& window, const delivery_times& times,
                           const clock_map& clock, std::span<const rendition_report> others,
                           const playlist_options& options) {
  auto& segments = window.segments();
  auto first = window.listed_from();
  auto end = segments.empty() ? 0 : segments.back().start + segments.back().duration;
  std::string text{type_of_version};
  add_head(text, window, times);
  auto from = first;
  if (options.skip)
    from = skipped_until(window, times, end);
  if (from > first)
    append(text, "#EXT-X-SKIP:SKIPPED-SEGMENTS=", std::to_string(from - first), "\n");
  if (options.splices != nullptr && !segments.empty())
    text += options.splices->date_ranges(segments[first].start, clock);
  std::string map = from > first ? segments[from - 1].init : std::string{};
  for (auto i = from; i < segments.size(); ++i) {
    auto& s = segments[i];
    if (s.parts.empty() && !s.complete)
      continue;
    if (s.discontinuity)
      text += "#EXT-X-DISCONTINUITY\n";
    if (s.init != map && !s.init.empty())
      add_map(text, track, s.init);
    if (!s.init.empty())
      map = s.init;
    append(text, "#EXT-X-PROGRAM-DATE-TIME:", date_time(clock, s.start), "\n");
    if (end - s.start - s.duration < parts_listed(times))
      for (size_t n = 0; n < s.parts.size(); ++n)
        add_part(text, track, s.number, n, s.parts[n]);
    if (!s.complete)
      continue;
    if (s.gap)
      text += "#EXT-X-GAP\n";
    append(text, "#EXTINF:", seconds(s.duration), ",\n", segment_name(track, s.number), "\n");
  }
  if (auto next = window.next())
    append(text, "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"", part_name(track, next->number, next->part.value_or(0)),
           "\"\n");
  else if (window.ended())
    text += "#EXT-X-ENDLIST\n";
  add_reports(text, others);
  return text;
}

std::string subtitle_playlist(std::string_view track, const track_window& window, const delivery_times& times,
                              const clock_map& clock, std::span<const rendition_report> others,
                              const playlist_options& options) {
  auto& segments = window.segments();
  auto first = window.listed_from();
  std::string text{type_of_version};
  add_head(text, window, times);
  auto from = first;
  if (options.skip && !segments.empty())
    from = skipped_until(window, times, segments.back().start + segments.back().duration);
  if (from > first)
    append(text, "#EXT-X-SKIP:SKIPPED-SEGMENTS=", std::to_string(from - first), "\n");
  for (auto i = from; i < segments.size() && segments[i].complete; ++i) {
    auto& s = segments[i];
    if (s.discontinuity)
      text += "#EXT-X-DISCONTINUITY\n";
    append(text, "#EXT-X-PROGRAM-DATE-TIME:", date_time(clock, s.start), s.gap ? "\n#EXT-X-GAP" : "",
           "\n#EXTINF:", seconds(s.duration), ",\n", subtitle_name(track, s.number), "\n");
  }
  if (window.ended())
    text += "#EXT-X-ENDLIST\n";
  add_reports(text, others);
  return text;
}

std::string transport_playlist(const track_window& window, const delivery_times& times, const clock_map& clock,
                               const splice_list& splices) {
  auto& segments = window.segments();
  auto first = window.listed_from();
  std::string text{"#EXTM3U\n#EXT-X-VERSION:3\n"};
  append(text, "#EXT-X-TARGETDURATION:", std::to_string(times.target() / ticks_per_second),
         "\n#EXT-X-MEDIA-SEQUENCE:", std::to_string(segments.empty() ? 0 : segments[first].number),
         "\n#EXT-X-DISCONTINUITY-SEQUENCE:", std::to_string(window.discontinuities_before()), "\n");
  if (!segments.empty())
    text += splices.date_ranges(segments[first].start, clock);
  for (auto i = first; i < segments.size() && segments[i].complete; ++i) {
    auto& s = segments[i];
    append(text, s.discontinuity ? "#EXT-X-DISCONTINUITY\n" : "",
           "#EXT-X-PROGRAM-DATE-TIME:", date_time(clock, s.start), "\n", s.gap ? "#EXT-X-GAP\n" : "",
           "#EXTINF:", seconds(s.duration), ",\n", transport_segment_name(s.number), "\n");
  }
  if (window.ended())
    text += "#EXT-X-ENDLIST\n";
  return text;
}

std::string key_playlist(std::string_view track, const track_window& window, const delivery_times& times,
                         const clock_map& clock) {
  auto& segments = window.segments();
  std::string text{type_of_version};
  auto first = window.listed_from();
  append(text, "#EXT-X-TARGETDURATION:", std::to_string(times.target() / ticks_per_second),
         "\n#EXT-X-MEDIA-SEQUENCE:", std::to_string(segments.empty() ? 0 : segments[first].number),
         "\n#EXT-X-DISCONTINUITY-SEQUENCE:", std::to_string(window.discontinuities_before()),
         "\n#EXT-X-I-FRAMES-ONLY\n");
  std::string map;
  for (auto i = first; i < segments.size() && segments[i].complete; ++i) {
    auto& s = segments[i];
    if (s.discontinuity)
      text += "#EXT-X-DISCONTINUITY\n";
    if (!s.init.empty() && s.init != map)
      add_map(text, track, map = s.init);
    append(text, "#EXT-X-PROGRAM-DATE-TIME:", date_time(clock, s.start), "\n");
    auto has_key = !s.parts.empty() && s.parts.front().independent && s.parts.front().key_bytes > 0;
    if (!has_key)
      text += "#EXT-X-GAP\n";
    append(text, "#EXTINF:", seconds(s.duration), ",\n");
    if (has_key)
      append(text, "#EXT-X-BYTERANGE:", std::to_string(s.parts.front().key_bytes), "@0\n");
    append(text, segment_name(track, s.number), "\n");
  }
  if (window.ended())
    text += "#EXT-X-ENDLIST\n";
  return text;
}

namespace {

void add_transport_variant(std::string& text, const transport_summary& of) {
  std::vector<std::string> codecs;
  auto named = true;
  std::string picture;
  for (auto& x : of.tracks) {
    named = named && !x.codec.empty();
    if (std::ranges::find(codecs, x.codec) == codecs.end())
      codecs.push_back(x.codec);
    if (x.format.kind != track_kind::video || !picture.empty())
      continue;
    picture = joined(",RESOLUTION=", std::to_string(x.format.width), "x", std::to_string(x.format.height));
    if (x.format.frame_rate.num > 0)
      append(picture, ",FRAME-RATE=", fixed(x.format.frame_rate.value(), 3));
  }
  append(text, "#EXT-X-STREAM-INF:BANDWIDTH=", std::to_string(declared(of.peak_bit_rate)),
         ",AVERAGE-BANDWIDTH=", std::to_string(declared(of.mean_bit_rate)));
  if (named && !codecs.empty()) {
    std::string all;
    for (auto& x : codecs)
      append(all, all.empty() ? "" : ",", x);
    append(text, ",CODECS=", quoted(all));
  }
  append(text, picture, "\n", of.folder, "/", playlist_name(transport_name), "\n");
}

} // namespace

std::string transport_multivariant_playlist(std::span<const transport_summary> renditions) {
  std::string text{"#EXTM3U\n#EXT-X-VERSION:3\n"};
  for (auto& x : renditions)
    add_transport_variant(text, x);
  return text;
}

std::string multivariant_playlist(std::span<const rendition_summary> renditions, const delivery_times& times) {
  std::string text{type_of_version};
  if (times.on_grid)
    text += "#EXT-X-INDEPENDENT-SEGMENTS\n";
  auto is = [](track_kind kind) { return [kind](const track_summary& x) { return x.format.kind == kind; }; };
  auto has_sound = [&](const rendition_summary& x) { return std::ranges::any_of(x.tracks, is(track_kind::audio)); };
  auto has_video = std::ranges::any_of(
    renditions, [&](const rendition_summary& x) { return std::ranges::any_of(x.tracks, is(track_kind::video)); });
  auto sound = std::ranges::find_if(renditions, has_sound);
  std::vector<std::string> sound_codecs;
  int64_t sound_peak = 0;
  int64_t sound_mean = 0;
  if (sound != renditions.end()) {
    auto first = true;
    for (auto& x : sound->tracks) {
      if (x.format.kind != track_kind::audio)
        continue;
      if (std::ranges::find(sound_codecs, x.codec) == sound_codecs.end())
        sound_codecs.push_back(x.codec);
      sound_peak = std::max(sound_peak, x.peak_bit_rate);
      sound_mean = std::max(sound_mean, x.mean_bit_rate);
      if (!has_video) {
        append(text, "#EXT-X-STREAM-INF:BANDWIDTH=", std::to_string(declared(x.peak_bit_rate)),
               ",AVERAGE-BANDWIDTH=", std::to_string(declared(x.mean_bit_rate)), ",CODECS=", quoted(x.codec), "\n",
               sound->folder, "/", playlist_name(x.name), "\n");
        continue;
      }
      auto language = x.format.language.empty() ? std::string{"und"} : language_tag(x.format.language);
      append(text, "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"sound\",NAME=", quoted(joined(language, " ", x.name)),
             ",LANGUAGE=", quoted(language));
      append(text, first ? ",DEFAULT=YES" : ",DEFAULT=NO", ",AUTOSELECT=YES,CHANNELS=\"",
             std::to_string(channel_count(x.format.channel_layout)), "\",URI=\"", sound->folder, "/",
             playlist_name(x.name), "\"\n");
      first = false;
    }
  }
  auto has_text = has_video && add_subtitles(text, renditions);
  auto has_captions = std::ranges::any_of(
    renditions, [](const rendition_summary& x) { return std::ranges::any_of(x.tracks, &track_summary::captions); });
  if (has_captions)
    text += "#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID=\"captions\",NAME=\"CC1\",DEFAULT=YES,AUTOSELECT=YES,"
            "INSTREAM-ID=\"CC1\"\n";
  for (auto& r : renditions)
    for (auto& x : r.tracks) {
      if (x.format.kind != track_kind::video)
        continue;
      auto codecs = x.codec;
      for (auto& c : sound_codecs)
        codecs += "," + c;
      auto size = joined(",RESOLUTION=", std::to_string(x.format.width), "x", std::to_string(x.format.height));
      append(text, "#EXT-X-STREAM-INF:BANDWIDTH=", std::to_string(declared(x.peak_bit_rate + sound_peak)),
             ",AVERAGE-BANDWIDTH=", std::to_string(declared(x.mean_bit_rate + sound_mean)), ",CODECS=", quoted(codecs),
             size);
      if (x.format.frame_rate.num > 0)
        append(text, ",FRAME-RATE=", fixed(x.format.frame_rate.value(), 3));
      append(text, sound_codecs.empty() ? "" : ",AUDIO=\"sound\"", has_text ? ",SUBTITLES=\"text\"" : "",
             has_captions ? ",CLOSED-CAPTIONS=\"captions\"\n" : ",CLOSED-CAPTIONS=NONE\n", r.folder, "/",
             playlist_name(x.name), "\n");
    }
  for (auto& r : renditions)
    for (auto& x : r.tracks)
      if (x.format.kind == track_kind::video)
        append(text, "#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=", std::to_string(declared(x.peak_bit_rate)),
               ",CODECS=", quoted(x.codec), ",RESOLUTION=", std::to_string(x.format.width), "x",
               std::to_string(x.format.height), ",URI=\"", r.folder, "/", x.name, ".keys.m3u8\"\n");
  return text;
}

} // namespace troupe
