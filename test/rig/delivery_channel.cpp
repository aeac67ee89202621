#include "test/rig/delivery_channel.hpp"

#include "delivery_media.hpp"

namespace troupe::bench::delivery {

std::string part_bytes(bool video, uint64_t number, uint64_t part) {
  auto time = number * 180'000 + part * 36'000;
  return video ? fragment(time, 10, 3'600, part == 0) : fragment(time, 20, 1'800, true, 300);
}

std::string segment_bytes(bool video, uint64_t number) {
  std::string result;
  for (uint64_t part = 0; part < parts; ++part)
    result += part_bytes(video, number, part);
  return result;
}

std::string part_name(bool video, uint64_t number, uint64_t part) {
  return print("%s-%d.%d.m4s", video ? "v" : "a", int(number), int(part));
}

namespace {

std::string of_segment(bool video, uint64_t number, uint64_t count, bool with_parts) {
  std::string result;
  auto second = int(number - 80) * 2;
  result += print("#EXT-X-PROGRAM-DATE-TIME:2026-11-30T10:%02d:%02d.000Z\n", second / 60, second % 60);
  for (uint64_t part = 0; with_parts && part < count; ++part)
    result += print("#EXT-X-PART:DURATION=0.40000,URI=\"%s\"%s\n", part_name(video, number, part).c_str(),
                    !video || part == 0 ? ",INDEPENDENT=YES" : "");
  if (count == parts)
    result += print("#EXTINF:2.00000,\n%s-%d.m4s\n", video ? "v" : "a", int(number));
  return result;
}

} // namespace

std::string playlist_text(bool video, position at, bool delta) {
  auto first = at.number - window;
  std::string text =
    "#EXTM3U\n#EXT-X-VERSION:9\n#EXT-X-TARGETDURATION:2\n"
    "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=12.0,HOLD-BACK=6.0,PART-HOLD-BACK=1.32\n"
    "#EXT-X-PART-INF:PART-TARGET=0.44\n";
  text += print("#EXT-X-MEDIA-SEQUENCE:%d\n#EXT-X-DISCONTINUITY-SEQUENCE:4\n", int(first));
  constexpr uint64_t skipped = 3; // the segments that end 12 s or more before the last one ends
  if (delta)
    text += print("#EXT-X-SKIP:SKIPPED-SEGMENTS=%d\n", int(skipped));
  text += print("#EXT-X-MAP:URI=\"%s.init.mp4\"\n", video ? "v" : "a");
  for (auto number = first + (delta ? skipped : 0); number < at.number; ++number)
    text += of_segment(video, number, parts, number + 3 >= at.number);
  if (at.part > 0)
    text += of_segment(video, at.number, at.part, true);
  text += "#EXT-X-DATERANGE:ID=\"ad\",START-DATE=\"2026-11-30T10:00:30.000Z\",SCTE35-OUT=0xFC3003AABBCC\n";
  text += print("#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"%s\"\n", part_name(video, at.number, at.part).c_str());
  auto last = at.part > 0 ? position{at.number, at.part - 1} : position{at.number - 1, parts - 1};
  text += print("#EXT-X-RENDITION-REPORT:URI=\"%s.m3u8\",LAST-MSN=%d,LAST-PART=%d\n", video ? "a" : "v",
                int(last.number), int(last.part));
  return text;
}

} // namespace troupe::bench::delivery
