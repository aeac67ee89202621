#include "test/rig/delivery_rehearsal.hpp"

#include "delivery_channel.hpp"
#include "delivery_media.hpp"
#include "rig/delivery/dash_judge.hpp"
#include "rig/delivery/hls_judge.hpp"

namespace troupe::bench::delivery {

namespace {

const std::string root = "http://server/live/";

observation answer(const std::string& name, double asked, double answered, std::string type, std::string cache,
                   std::string body) {
  observation result;
  result.url = root + name;
  result.asked = seconds{asked};
  result.answered = result.began = seconds{answered};
  result.status = 200;
  result.headers = {{"content-type", type}, {"cache-control", cache}, {"access-control-allow-origin", "*"}};
  if (type.find("mpegurl") != std::string::npos || type.find("dash") != std::string::npos)
    result.headers["content-encoding"] = "gzip";
  result.body = std::move(body);
  return result;
}

/// The player of the rehearsal.
class hls_rehearsal {
public:
  explicit hls_rehearsal(const plant& fault) : fault_(fault) {}

  std::vector<violation> run() {
    auto list = "application/vnd.apple.mpegurl";
    judge_.multivariant(planted(answer("index.m3u8", 0, 0.01, list, "max-age=1", multivariant_text)));
    judge_.i_frames(planted(answer("i.m3u8", 0, 0.01, list, "max-age=1", i_frames_text)));
    for (auto video : {true, false}) {
      load(video, {}, 0, 0.01, {});
      judge_.init(url(video), planted(answer(name(video) + ".init.mp4", 0.02, 0.03, "video/mp4", "max-age=3600",
                                             init_segment(video))));
    }
    for (uint64_t step = 0; step < 11 * parts; ++step)
      for (auto video : {true, false})
        follow(video, step);
    probes();
    judge_.finish();
    return found_.violations();
  }

private:
  static std::string name(bool video) {
    return video ? "v" : "a";
  }

  static std::string url(bool video) {
    return root + name(video) + ".m3u8";
  }

  observation planted(observation x) const {
    fault_(x);
    return x;
  }

  void load(bool video, position at, double asked, double answered, const reload& what) {
    auto query = what.segment ? print("?_HLS_msn=%d", int(*what.segment)) : std::string{};
    judge_.playlist(url(video),
                    planted(answer(name(video) + ".m3u8" + query, asked, answered, "application/vnd.apple.mpegurl",
                                   what.segment ? "max-age=6" : "max-age=1", playlist_text(video, at, what.skip))),
                    what);
  }

  /// Reloads the playlist, waiting for the next part, and loads the media that are new in it.
  void follow(bool video, uint64_t step) {
    auto number = first_open + step / parts;
    auto part = step % parts;
    auto asked = static_cast<double>(step) * part_s + 0.01;
    auto at = part + 1 < parts ? position{number, part + 1} : position{number + 1, 0};
    if (step % 2 == 1)
      judge_.hinted(url(video), media(part_name(video, number, part), asked, part_bytes(video, number, part)));
    // The last part of a segment completes it, so a request without a part may wait for it.
    auto whole_segment = part + 1 == parts && step % 2 == 0;
    load(video, at, asked, asked + part_s - 0.005,
         {number, whole_segment ? std::nullopt : std::optional{part}, step % 3 == 2});
    auto* latest = judge_.latest(url(video));
    if (latest == nullptr)
      return;
    for (auto& segment : latest->segments) {
      if (segment.number != number)
        continue;
      if (part < segment.parts.size())
        judge_.part(url(video), segment, part,
                    media(part_name(video, number, part), asked, part_bytes(video, number, part)));
      if (part + 1 == parts)
        judge_.segment(
          url(video), segment,
          media(print("%s-%d.m4s", name(video).c_str(), int(number)), asked, segment_bytes(video, number)));
    }
  }

  observation media(const std::string& file, double asked, std::string bytes) const {
    return planted(answer(file, asked + part_s, asked + part_s + 0.001, "video/mp4", "max-age=3600", std::move(bytes)));
  }

  void probes() {
    for (auto [what, query, status] : {std::tuple{probe::part_alone, "v.m3u8?_HLS_part=0", 400},
                                       {probe::far_segment, "v.m3u8?_HLS_msn=999", 400},
                                       {probe::far_part, "v.m3u8?_HLS_msn=111&_HLS_part=99", 400},
                                       {probe::old_segment, "v.m3u8?_HLS_msn=105", 200},
                                       {probe::unknown_media, "v-9999.m4s", 404},
                                       {probe::unknown_part, "v-9999.1.m4s", 404},
                                       {probe::expired_part, "v-107.4.m4s", 200},
                                       {probe::expired_segment, "v-100.m4s", 200}}) {
      auto is_media = std::string_view{query}.ends_with(".m4s");
      auto seen =
        answer(std::string{"probe-"} + query, 30, 30.01, is_media ? "video/mp4" : "application/vnd.apple.mpegurl",
               status == 200 ? (is_media ? "max-age=3600" : "max-age=6") : "max-age=1", "");
      seen.status = status;
      judge_.probed(what, url(true), planted(std::move(seen)));
    }
  }

  const plant& fault_;
  verdict found_;
  hls_judge judge_{found_};
};

std::string manifest(uint64_t newest) {
  auto first = newest - window + 1;
  std::string sets;
  for (auto video : {true, false})
    sets += print(R"(<AdaptationSet id="%d" contentType="%s" mimeType="%s/mp4">
<SegmentTemplate timescale="90000" media="$RepresentationID$-$Number$.m4s" initialization="$RepresentationID$.init.mp4"
 startNumber="%d" availabilityTimeOffset="1.6" availabilityTimeComplete="false">)",
                  video ? 1 : 2, video ? "video" : "audio", video ? "video" : "audio", int(first))
            + print(R"(<SegmentTimeline><S t="%d" d="180000" r="4"/><S t="%d" d="180000" r="4"/></SegmentTimeline>)",
                    int(first) * 180'000, int(first + 5) * 180'000)
            + print(R"(</SegmentTemplate><Representation id="%s" bandwidth="40000" codecs="%s"/></AdaptationSet>)",
                    video ? "v" : "a", video ? "avc1.64001f" : "mp4a.40.2");
  return R"(<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="dynamic"
 profiles="urn:mpeg:dash:profile:isoff-live:2011" availabilityStartTime="2026-11-30T10:00:00Z" minBufferTime="PT2S"
 minimumUpdatePeriod="PT1S" publishTime="2026-11-30T10:0)"
         + print("%d:%02dZ\">", int(newest * 2 / 60 % 10), int(newest * 2 % 60))
         + R"(<ServiceDescription><Latency target="2500"/></ServiceDescription>
<UTCTiming schemeIdUri="urn:mpeg:dash:utc:http-iso:2014" value="/time"/><Period id="p" start="PT0S">)"
         + sets + "</Period></MPD>";
}

} // namespace

std::vector<violation> rehearse_hls(const plant& fault) {
  return hls_rehearsal{fault}.run();
}

std::vector<violation> rehearse_dash(const plant& fault) {
  verdict found;
  dash_judge judge{found};
  auto planted = [&](observation x) {
    fault(x);
    return x;
  };
  for (uint64_t newest = first_open; newest < first_open + 10; ++newest) {
    auto now = static_cast<double>(newest - first_open) * segment_s;
    judge.manifest(planted(answer("m.mpd", now, now + 0.01, "application/dash+xml", "max-age=1", manifest(newest))));
    if (judge.latest() == nullptr)
      continue;
    for (auto& each : judge.latest()->representations) {
      auto video = each.id == "v";
      if (newest == first_open)
        judge.init(
          each, planted(answer(name_of(each.init_url()), now, now, "video/mp4", "max-age=3600", init_segment(video))));
      auto& last = each.timeline.back();
      auto load = [&](double asked, double answered) {
        auto seen = answer(name_of(each.url_of(last)), asked, answered, "video/mp4", "max-age=3600",
                           segment_bytes(video, newest));
        seen.began = seconds{asked + 0.02};
        return planted(std::move(seen));
      };
      auto seen = load(now + 0.02, now + segment_s);
      judge.segment(each, last, seen);
      if (dash_judge::was_open(each, seen))
        judge.again(each, last, seen, load(now + segment_s + 0.1, now + segment_s + 0.2));
    }
  }
  if (judge.latest() != nullptr)
    for (auto& clock : judge.latest()->clocks) {
      auto seen = answer("time", 20, 20.01, "text/plain", "no-store", "2026-11-30T10:03:40.250Z");
      seen.headers["date"] = "Mon, 30 Nov 2026 10:03:40 GMT";
      judge.clock(clock, planted(seen));
    }
  return found.violations();
}

bool is_of(const observation& seen, std::string_view name) {
  return name.empty() || name_of(seen.url) == name;
}

plant replaced(std::string name, std::string from, std::string to, seconds after) {
  return [=](observation& seen) {
    if (!is_of(seen, name) || seen.answered < after)
      return;
    for (auto at = seen.body.find(from); at != std::string::npos; at = seen.body.find(from, at + to.size()))
      seen.body.replace(at, from.size(), to);
  };
}

plant with_header(std::string name, std::string header, std::string value) {
  return [=](observation& seen) {
    if (is_of(seen, name))
      seen.headers[header] = value;
  };
}

plant answering(std::string text, int status) {
  return [=](observation& seen) {
    if (seen.url.find(text) == std::string::npos)
      return;
    seen.status = status;
    seen.headers["cache-control"] = status == 200 ? "max-age=12" : "max-age=1";
  };
}

} // namespace troupe::bench::delivery
