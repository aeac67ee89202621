// The rules of HLS, LL-HLS, CMAF and DASH that servers often break. Sources: rfc8216bis (draft-pantos-hls-rfc8216bis),
// Apple's HLS authoring specification, ISO 23000-19 (CMAF), and DASH-IF's guidelines (IOP, low-latency modes).
#include "rig/delivery/verdict.hpp"

#include <algorithm>
#include <array>
#include <cassert>

namespace troupe::bench::delivery {

namespace {

constexpr std::array table{
  rule{"hls-0.1", "a playlist answers 200 with a text that begins with #EXTM3U and parses"},
  rule{"hls-1.1", "TARGETDURATION never changes"},
  rule{"hls-1.2", "TARGETDURATION is equal in all media playlists"},
  rule{"hls-1.3", "EXTINF, rounded, is at most TARGETDURATION"},
  rule{"hls-1.4", "the sum of EXTINF agrees with the media's timestamps within one picture"},
  rule{"hls-1.5", "a media playlist has TARGETDURATION"},
  rule{"hls-2.1", "a part is at most PART-TARGET long"},
  rule{"hls-2.2",
       "a part has 85 % of PART-TARGET, unless it is independent, a gap, before a gap, or its segment's last"},
  rule{"hls-2.3", "the parts of a segment, joined, are the segment"},
  rule{"hls-2.4", "a part's DURATION is that of its samples, within one picture"},
  rule{"hls-2.5", "if one media playlist has parts, all have"},
  rule{"hls-2.6", "INDEPENDENT=YES marks exactly the parts that begin with a random-access point"},
  rule{"hls-2.7", "the parts of a segment are together as long as its EXTINF"},
  rule{"hls-3.1", "a playlist with parts has PART-HOLD-BACK of at least twice PART-TARGET"},
  rule{"hls-3.2", "PART-HOLD-BACK is at least three times PART-TARGET"},
  rule{"hls-3.3", "HOLD-BACK is at least three times TARGETDURATION"},
  rule{"hls-3.4", "CAN-SKIP-UNTIL is at least six times TARGETDURATION"},
  rule{"hls-3.5", "SERVER-CONTROL never changes, and is equal in all media playlists"},
  rule{"hls-3.6", "PART-TARGET never changes, and is equal in all media playlists"},
  rule{"hls-3.7", "a playlist with parts has CAN-BLOCK-RELOAD=YES"},
  rule{"hls-4.1", "a new part is listed within PART-TARGET"},
  rule{"hls-4.2", "a new segment is listed within 1.5 times TARGETDURATION"},
  rule{"hls-4.3", "PART tags leave the playlist three times TARGETDURATION behind its end"},
  rule{"hls-4.4", "PART tags stay for three times TARGETDURATION"},
  rule{"hls-4.5", "a part that left the playlist stays loadable for three times TARGETDURATION"},
  rule{"hls-4.6", "a segment that left the playlist stays loadable for its duration and the playlist's"},
  rule{"hls-4.7", "a playlist is at least three times TARGETDURATION long"},
  rule{"hls-4.8", "a segment that never was answers 404"},
  rule{"hls-5.1", "DISCONTINUITY, MAP and PROGRAM-DATE-TIME stand before the first part of their segment"},
  rule{"hls-6.1", "_HLS_msn alone waits for the whole segment"},
  rule{"hls-6.2", "a blocking answer has what was asked for; a part past the last is the next segment's first"},
  rule{"hls-6.3", "an old _HLS_msn is answered at once"},
  rule{"hls-6.4", "_HLS_part without _HLS_msn answers 400"},
  rule{"hls-6.5", "_HLS_msn more than two past the last segment answers 400"},
  rule{"hls-6.6", "_HLS_part far past the last part answers 400"},
  rule{"hls-6.7", "no blocking request is held longer than three times TARGETDURATION"},
  rule{"hls-7.1", "a playlist with SKIP has VERSION 9 (10 with removed date ranges)"},
  rule{"hls-7.2", "SKIP replaces only segments past the skip boundary"},
  rule{"hls-7.3", "a delta update, merged, is the full playlist"},
  rule{"hls-7.4", "a playlist with MAP has VERSION 6 (5 for I-frames)"},
  rule{"hls-8.1", "a live playlist with parts has a preload hint of the next part"},
  rule{"hls-8.2", "the hinted URI is that of the next part"},
  rule{"hls-8.3", "a request for a hinted part gets the whole part"},
  rule{"hls-8.4", "a part that is not hinted answers 404"},
  rule{"hls-8.5", "a new MAP is hinted with TYPE=MAP"},
  rule{"hls-9.1", "a low-latency playlist has PROGRAM-DATE-TIME"},
  rule{"hls-9.2", "a low-latency playlist has a RENDITION-REPORT for every other playlist"},
  rule{"hls-9.3", "a RENDITION-REPORT is at most one part behind"},
  rule{"hls-9.4", "playlists and manifests are compressed with gzip if the client accepts it"},
  rule{"hls-9.5", "a low-latency server speaks HTTP/2 over TLS"},
  rule{"hls-9.6",
       "caching: playlists at most TARGETDURATION / 2, blocking ones 6x TARGETDURATION, failures 4x (blocking) or 1 s"},
  rule{"hls-9.7", "parts and segments may be cached for six times TARGETDURATION or longer"},
  rule{"hls-9.8", "pages of other origins may read everything (CORS)"},
  rule{"hls-9.9", "renditions are in step within one part (a segment, if there are no parts)"},
  rule{"hls-9.10",
       "PROGRAM-DATE-TIME of a segment number is equal in all media playlists, within 1 ms (sound: a frame)"},
  rule{"hls-9.11", "PROGRAM-DATE-TIME agrees with EXTINF within 50 ms between discontinuities"},
  rule{"hls-10.1", "DISCONTINUITY-SEQUENCE never falls"},
  rule{"hls-10.2", "the discontinuity counter of a segment number is equal in all media playlists"},
  rule{"hls-10.3", "MEDIA-SEQUENCE never falls"},
  rule{"hls-10.4", "a change of MAP, tracks or timestamps has a DISCONTINUITY"},
  rule{"hls-10.5", "listed media answer 200; missing media are a GAP"},
  rule{"hls-10.6", "a segment number always means the same segment"},
  rule{"hls-11.1", "no run of segments of 0.5 to 1.5 times TARGETDURATION exceeds 125 % of BANDWIDTH"},
  rule{"hls-11.2", "the mean rate stays below 110 % of AVERAGE-BANDWIDTH"},
  rule{"hls-11.3", "a variant has CODECS"},
  rule{"hls-11.4", "a variant with video has RESOLUTION"},
  rule{"hls-11.5", "a variant with video has FRAME-RATE"},
  rule{"hls-11.6", "a variant has AVERAGE-BANDWIDTH"},
  rule{"hls-11.7", "audio and subtitle renditions have LANGUAGE"},
  rule{"hls-11.8", "video has I-frame playlists (from VERSION 4 on), and they have I-FRAMES-ONLY"},
  rule{"hls-11.9", "a segment of video begins with a random-access point"},
  rule{"hls-11.10", "decoding times of consecutive segments and parts follow each other without a hole"},
  rule{"hls-11.11", "media are not redirected"},
  rule{"hls-11.12", "HEVC is in fMP4 only, as hvc1"},
  rule{"hls-11.13", "a variant has BANDWIDTH, and its URI"},
  rule{"hls-12.1", "a variant names only groups that exist"},
  rule{"hls-12.2", "CODECS covers every member of the variant's groups"},
  rule{"hls-12.3", "groups of one type have members of equal names"},
  rule{"hls-12.4", "a group has at most one DEFAULT member"},
  rule{"hls-12.5", "FORCED appears only on SUBTITLES"},
  rule{"hls-12.6", "CODECS names the codecs of the media"},
  rule{"hls-13.1", "a TS segment begins with PAT and PMT"},
  rule{"hls-13.2", "TS continuity counters run on through all segments"},
  rule{"hls-13.3", "playlists have the type application/vnd.apple.mpegurl"},
  rule{"hls-13.4",
       "media have the type of their format: video/mp4, audio/mp4, video/iso.segment, video/mp2t, text/vtt"},
  rule{"hls-13.5", "a WebVTT segment begins with WEBVTT"},
  rule{"hls-13.6", "a TS segment is whole packets, each with its sync byte"},
  rule{"hls-13.7", "a TS segment has the clock (PCR) every 100 ms, and it never goes back"},
  rule{"hls-14.1", "the attributes of a DATERANGE never change"},
  rule{"hls-14.2", "SCTE35-CMD, -OUT and -IN hold one whole splice_info_section in hex"},
  rule{"hls-14.3", "a playlist with DATERANGE has PROGRAM-DATE-TIME"},
  rule{"hls-14.4", "a DATERANGE has ID and START-DATE"},
  rule{"cmaf-1", "each traf has a tfdt"},
  rule{"cmaf-2", "data offsets are relative to the moof (default-base-is-moof)"},
  rule{"cmaf-3", "durations in mvhd and tkhd are 0"},
  rule{"cmaf-4", "the init segment has a brand that allows this form (iso6 or later, or cmfc)"},
  rule{"cmaf-5", "a file has one track"},
  rule{"dash-0.1", "a manifest answers 200 with an MPD that parses and has periods, sets and representations"},
  rule{"dash-1", "availabilityStartTime is there and never changes"},
  rule{"dash-2", "availabilityTimeOffset is above 0 and below the segment's duration"},
  rule{"dash-3", "availabilityTimeComplete=false and availabilityTimeOffset appear only together"},
  rule{"dash-4", "availabilityTimeOffset and -Complete are equal for all adaptation sets"},
  rule{"dash-5", "a low-latency MPD has ServiceDescription/Latency with a target above segment minus offset"},
  rule{"dash-6", "a dynamic MPD has UTCTiming"},
  rule{"dash-7", "UTCTiming answers 200 with the server's time, within two seconds of its Date header"},
  rule{"dash-8", "a SegmentTimeline has no hole and no overlap"},
  rule{"dash-9", "listed, available segments and init segments answer 200"},
  rule{"dash-10", "availabilityTimeOffset=INF appears only with $Number$, and without a timeline"},
  rule{"dash-11", "start numbers, publishTime and the timeline's begin never fall"},
  rule{"dash-12", "the MPD has the type application/dash+xml"},
  rule{"dash-13", "a segment begins at the time that the MPD gives it"},
  rule{"dash-14", "the MPD is published again before its timeline runs out (1.5 segments)"},
  rule{"dash-15", "a period keeps its id and start"},
  rule{"dash-16", "the number and duration of a listed segment never change"},
  rule{"dash-17", "a dynamic MPD has publishTime, minimumUpdatePeriod, minBufferTime and profiles"},
  rule{"dash-18", "a representation has id, bandwidth, codecs and mimeType"},
  rule{"dash-19", "codecs names the codecs of the media"},
  rule{"dash-20", "a segment of video begins with a random-access point"},
  rule{"dash-21", "a segment that may be asked for before its end (availabilityTimeComplete) is sent while it is made"},
  rule{"dash-22", "a segment that was sent while it was made has the same bytes later"},
  rule{"dash-23", "samples of subtitles in MP4 (wvtt) are cues, and follow one another without a gap"},
};

} // namespace

std::span<const rule> rules() {
  return table;
}

void verdict::add(std::string_view id, std::string_view place, std::string found) {
  auto of = std::find_if(table.begin(), table.end(), [&](auto& x) { return x.id == id; });
  assert(of != table.end());
  // Much of the text comes from the server, and it may go to a terminal.
  for (auto& c : found)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      c = ' ';
  auto key = std::pair{static_cast<size_t>(of - table.begin()), std::string{place}};
  auto [at, added] = found_.try_emplace(key);
  if (added)
    at->second = {std::string{id}, std::string{of->sentence}, key.second, std::move(found), 1};
  else
    ++at->second.count;
}

std::vector<violation> verdict::violations() const {
  std::vector<violation> result;
  for (auto& [key, value] : found_)
    result.push_back(value);
  return result;
}

} // namespace troupe::bench::delivery
