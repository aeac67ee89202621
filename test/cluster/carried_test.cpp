// Goal: what a source carries beside picture and sound reaches viewers of real processes: splices in MPEG-TS, HLS and
// DASH, with a random-access point where they are; subtitles as WebVTT. Method: files with such streams are channels;
// players' requests are made, and a transport stream is read back with the demuxer.
#include "encoder/source/demuxer.hpp"
#include "encoder/splice_section.hpp"
#include "packaging/muxer.hpp"
#include "test/cluster/media.hpp"
#include "test/encoder/splices.hpp"
#include "test/support/cluster.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <fstream>
#include <set>

using namespace troupe::test;
using namespace troupe::av;

namespace av = troupe::av;

BOOST_AUTO_TEST_SUITE(carried_test)

namespace {

constexpr int64_t second = 90'000;

/// Off the grid of the rendition, which is one second.
constexpr int64_t splice_after = 5 * second + 8 * 3'600;

const auto section = av::test::splice_insert({.event = 7, .out = true, .time = 1'234 * second, .duration = 3 * second});

/// The small sample with a splice; it is announced two seconds before.
std::string with_splice(const std::string& path) {
  source_options options;
  options.url = media("splices-from.ts");
  const std::atomic<bool> never{false};
  auto from = demuxer::open(std::move(options), never);
  BOOST_REQUIRE(from);
  auto tracks = clone(from->tracks());
  auto& cues = tracks.emplace_back();
  cues.parameters = make_codec_parameters();
  cues.parameters->codec_type = AVMEDIA_TYPE_DATA;
  cues.parameters->codec_id = AV_CODEC_ID_SCTE_35;
  std::ofstream file{path, std::ios::binary};
  auto out = muxer::open("mpegts", tracks, [&](std::span<const std::byte> x) {
    file.write(reinterpret_cast<const char*>(x.data()), static_cast<std::streamsize>(x.size()));
  });
  BOOST_REQUIRE(out);
  auto first = no_pts;
  auto told = false;
  auto packet = make_packet();
  for (auto more = from->read(*packet); more && *more; more = from->read(*packet)) {
    if (first == no_pts && packet->stream_index == 0)
      first = packet->pts;
    if (packet->stream_index == 0 && (packet->flags & AV_PKT_FLAG_KEY) != 0)
      BOOST_REQUIRE(out->begin_segment());
    if (first != no_pts && !told && packet->dts >= first + splice_after - 2 * second) {
      told = true;
      auto cue = make_packet();
      BOOST_REQUIRE(av_new_packet(cue.get(), static_cast<int>(section.size())) >= 0);
      std::copy(section.begin(), section.end(), cue->data);
      cue->stream_index = static_cast<int>(tracks.size()) - 1;
      cue->pts = first + splice_after;
      cue->dts = packet->dts;
      BOOST_REQUIRE(out->write(*cue));
    }
    BOOST_REQUIRE(out->write(*packet));
  }
  BOOST_REQUIRE(told);
  return path;
}

/// The lines of a playlist that begin so.
std::vector<std::string> lines(const std::string& text, const std::string& begin) {
  std::vector<std::string> result;
  std::istringstream in{text};
  for (std::string line; std::getline(in, line);)
    if (line.starts_with(begin))
      result.push_back(line);
  return result;
}

std::string attribute(const std::string& line, const std::string& name) {
  auto at = line.find(name + "=\"");
  if (at == std::string::npos)
    return {};
  at += name.size() + 2;
  return line.substr(at, line.find('"', at) - at);
}

std::string hex(const std::string& of) {
  return of.substr(of.rfind("0x") + 2);
}

} // namespace

BOOST_AUTO_TEST_CASE(splices_and_subtitles_reach_viewers) {
  temporary_folder folder;
  std::ofstream{folder.path("words.srt")} << "1\n00:00:01,000 --> 00:00:09,000\nwords & more\n";
  process ffmpeg{"/usr/bin/ffmpeg",
                 {"-hide_banner",
                  "-nostdin",
                  "-loglevel",
                  "error",
                  "-y",
                  "-i",
                  media("splices-from.ts"),
                  "-i",
                  folder.path("words.srt"),
                  "-map",
                  "0",
                  "-map",
                  "1",
                  "-c",
                  "copy",
                  "-c:s",
                  "srt",
                  "-metadata:s:s:0",
                  "language=ger",
                  folder.path("words.mkv")},
                 folder.path("ffmpeg.txt")};
  BOOST_REQUIRE_MESSAGE(ffmpeg.wait(scaled(milliseconds{15'000})) == 0, ffmpeg.output());
  cluster c{{{{"splices", with_splice(folder.path("splices.ts"))}, {"words", folder.path("words.mkv")}}, {}, {}}};
  c.start({"w1"}, 4);
  auto stream = c.watch("splices", "small");
  auto entry = [&](const std::string& channel) {
    return c.get("/live/" + channel + "/small/index.m3u8", scaled(milliseconds{20'000})).body;
  };
  auto folder_of = [](const std::string& channel) { return "/live/" + channel + "/small/"; };

  auto words = entry("words");
  auto subtitles = lines(words, "#EXT-X-MEDIA:TYPE=SUBTITLES");
  BOOST_REQUIRE_MESSAGE(subtitles.size() == 1u, words);
  BOOST_TEST(attribute(subtitles[0], "LANGUAGE") == "de");
  BOOST_TEST(lines(words, "#EXT-X-STREAM-INF").at(0).find("SUBTITLES=\"text\"") != std::string::npos);
  auto playlist = folder_of("words") + attribute(subtitles[0], "URI");
  c.wait_until("a segment has the words", [&] {
    auto text = c.get(playlist).body;
    auto here = playlist.substr(0, playlist.rfind('/') + 1);
    for (auto& name : lines(text, "s0-")) {
      auto segment = c.get(here + name);
      BOOST_REQUIRE(segment.status == 200);
      BOOST_REQUIRE(segment.field("content-type").starts_with("text/vtt"));
      if (segment.body.find("words &amp; more") != std::string::npos)
        return segment.body.starts_with("WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:");
    }
    return false;
  });

  auto told = c.get("/live/words/small/0123456789abcdef.mpd").body;
  BOOST_TEST(told.find("codecs=\"wvtt\"") != std::string::npos, told);

  auto video = entry("splices");
  video = folder_of("splices") + lines(video, video.substr(video.rfind('\n', video.rfind("/v.m3u8")) + 1, 8)).at(0);
  c.wait_until("the playlist has the splice", [&] {
    auto ranges = lines(c.get(video).body, "#EXT-X-DATERANGE");
    if (ranges.empty())
      return false;
    auto bytes = av::test::bytes_of(hex(ranges[0]));
    BOOST_TEST(ranges[0].find("PLANNED-DURATION=3.00000,SCTE35-OUT=0x") != std::string::npos);
    // The source's bytes: those that our muxer wrote into the file.
    BOOST_TEST((av::splice_at(bytes, 1'234 * second) == section));
    return true;
  });
  auto manifest = c.get("/live/splices/small/0123456789abcdef.mpd").body;
  BOOST_TEST(manifest.find("urn:scte:scte35:2014:xml+bin") != std::string::npos);

  c.wait_until("the transport stream is beyond the splice",
               [&] { return stream.read_body(700'000, scaled(milliseconds{500})); });
  std::ofstream{folder.path("seen.ts"), std::ios::binary} << stream.body();
  source_options options;
  options.url = folder.path("seen.ts");
  options.companions = [](AVCodecID x) { return x == AV_CODEC_ID_SCTE_35; };
  const std::atomic<bool> never{false};
  auto seen = demuxer::open(std::move(options), never);
  BOOST_REQUIRE(seen);
  std::set<int64_t> keys;
  std::vector<int64_t> splices;
  int64_t last = 0;
  auto packet = make_packet();
  for (auto more = seen->read(*packet); more && *more; more = seen->read(*packet)) {
    if (packet->stream_index == 0) {
      last = std::max(last, packet->pts);
      if ((packet->flags & AV_PKT_FLAG_KEY) != 0)
        keys.insert(packet->pts);
    }
    while (seen->take_companion(*packet))
      splices.push_back(packet->pts);
  }
  BOOST_REQUIRE(!splices.empty());
  BOOST_REQUIRE(splices[0] <= last);
  BOOST_TEST(keys.contains(splices[0]));
  BOOST_TEST(splices[0] % second != 0);
}

BOOST_AUTO_TEST_SUITE_END()
