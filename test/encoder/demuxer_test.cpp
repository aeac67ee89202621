// Goal: whatever container and whatever wrongs a source has, the demuxer returns one unbroken timeline of well-formed packets, or
// an error that says what is the matter. Method: clips are encoded here, written into containers with known times and known damage, and
// read back; servers on loopback play the remote ones.
#include "encoder/demuxer.hpp"

#include "clip.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <map>
#include <random>
#include <set>
#include <thread>

using namespace troupe::av;
using namespace troupe::av::test;

namespace {

const std::atomic<bool> never{false};

struct seen {
  std::vector<packet_ptr> packets;
  std::vector<track> tracks;
  source_counters counters;

  std::vector<const AVPacket*> of(AVMediaType type) const {
    std::vector<const AVPacket*> result;
    for (const auto& x : packets)
      if (tracks[static_cast<size_t>(x->stream_index)].parameters->codec_type == type)
        result.push_back(x.get());
    return result;
  }

  std::vector<const AVPacket*> video() const {
    return of(AVMEDIA_TYPE_VIDEO);
  }

  std::vector<const AVPacket*> audio() const {
    return of(AVMEDIA_TYPE_AUDIO);
  }
};

source_options from(const std::string& url) {
  source_options result;
  result.url = url;
  return result;
}

/// Reads all of it (at most `count` packets), and checks what holds for each packet of every source.
seen read_all(demuxer& source, size_t count = 1'000'000) {
  seen result;
  std::map<int, int64_t> last;
  for (;;) {
    auto x = make_packet();
    auto more = source.read(*x);
    BOOST_REQUIRE_MESSAGE(more, (more ? "" : more.error().what));
    if (!*more || result.packets.size() == count)
      break;
    BOOST_REQUIRE(static_cast<size_t>(x->stream_index) < source.tracks().size());
    BOOST_REQUIRE(x->pts != no_pts);
    BOOST_REQUIRE(x->pts >= x->dts);
    BOOST_REQUIRE(x->buf != nullptr);
    if (last.contains(x->stream_index))
      BOOST_REQUIRE(x->dts > last[x->stream_index]);
    last[x->stream_index] = x->dts;
    result.packets.push_back(std::move(x));
  }
  result.tracks = clone(source.tracks());
  result.counters = source.counters();
  return result;
}

seen read_all(const source_options& options, size_t count = 1'000'000) {
  auto source = demuxer::open(options, never);
  BOOST_REQUIRE_MESSAGE(source, (source ? "" : source.error().what));
  return read_all(*source, count);
}

error failure(const source_options& options) {
  auto source = demuxer::open(options, never);
  BOOST_REQUIRE(!source);
  return source.error();
}

/// The number of sequence parameter sets in an H.264 packet in Annex B, or -1 where it has no start code at its begin.
int parameter_sets(const AVPacket& x) {
  if (x.size < 4 || x.data[0] != 0 || x.data[1] != 0 || (x.data[2] != 1 && x.data[3] != 1))
    return -1;
  int result = 0;
  for (int i = 0; i + 3 < x.size; ++i)
    result += x.data[i] == 0 && x.data[i + 1] == 0 && x.data[i + 2] == 1 && (x.data[i + 3] & 0x1f) == 7;
  return result;
}

int count_frames(const seen& x) {
  const auto& parameters = *x.tracks[static_cast<size_t>(x.video().front()->stream_index)].parameters;
  codec_context_ptr decoder{avcodec_alloc_context3(avcodec_find_decoder(parameters.codec_id))};
  BOOST_REQUIRE(avcodec_parameters_to_context(decoder.get(), &parameters) >= 0);
  BOOST_REQUIRE(avcodec_open2(decoder.get(), nullptr, nullptr) >= 0);
  auto frame = make_frame();
  int result = 0;
  auto drain = [&](const AVPacket* packet) {
    BOOST_REQUIRE(avcodec_send_packet(decoder.get(), packet) >= 0);
    while (avcodec_receive_frame(decoder.get(), frame.get()) >= 0) {
      BOOST_TEST(frame->decode_error_flags == 0);
      ++result;
    }
  };
  for (const auto* packet : x.video())
    drain(packet);
  drain(nullptr);
  return result;
}

const clip& plain() {
  static const auto instance = make_clip({});
  return instance;
}

const clip& with_global_header() {
  static const auto instance = [] {
    clip_settings x;
    x.global_header = true;
    return make_clip(x);
  }();
  return instance;
}

std::string http(const std::string& type, const std::string& body, bool sized = true) {
  auto result = "HTTP/1.1 200 OK\r\nContent-Type: " + type + "\r\nConnection: close\r\n";
  if (sized)
    result += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  return result + "\r\n" + body;
}

} // namespace

BOOST_AUTO_TEST_SUITE(demuxer_test)

BOOST_AUTO_TEST_CASE(every_container_gives_the_same_pictures_at_the_same_times) {
  struct form {
    const char* format;
    const char* name;
    bool global;
    int64_t rounding;
  };
  for (const auto& x : {form{"mpegts", "same.ts", false, 0}, form{"mp4", "same.mp4", true, 45},
                        form{"matroska", "same.mkv", true, 45}, form{"flv", "same.flv", true, 45}}) {
    BOOST_TEST_CONTEXT(x.format) {
      const auto& made = x.global ? with_global_header() : plain();
      auto base = int64_t{100} * 90'000;
      auto path = write_file(made, x.format, x.name, moved(base));
      auto got = read_all(from(path));
      BOOST_TEST(got.tracks.size() == 2u);
      auto video = got.video();
      BOOST_REQUIRE(video.size() == 75u);
      std::vector<int64_t> expected;
      for (const auto& y : made.packets)
        if (y->stream_index == 0)
          expected.push_back(y->pts + base);
      // Some containers begin at zero whatever they are given.
      auto offset = video[0]->pts - expected[0];
      for (size_t i = 0; i < video.size(); ++i) {
        BOOST_TEST(std::abs(video[i]->pts - expected[i] - offset) <= 2 * x.rounding);
        BOOST_TEST(parameter_sets(*video[i]) == ((video[i]->flags & AV_PKT_FLAG_KEY) != 0 ? 1 : 0));
      }
      BOOST_TEST((video[0]->flags & AV_PKT_FLAG_KEY) != 0);
      BOOST_TEST(count_frames(got) == 75);
      auto audio = got.audio();
      for (size_t i = 1; i < audio.size(); ++i)
        BOOST_TEST(audio[i]->pts == audio[i - 1]->pts + audio[i - 1]->duration);
      BOOST_TEST(std::abs(audio[0]->pts - (base + offset) + 1920) <= 2 * x.rounding + 1);
      BOOST_TEST(got.counters.discontinuities == 0u);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_transport_stream_keeps_its_times) {
  auto base = int64_t{5000} * 90'000;
  auto got = read_all(from(write_file(plain(), "mpegts", "kept.ts", moved(base))));
  BOOST_TEST(got.video()[0]->pts == base);
  BOOST_TEST(got.audio()[0]->pts == base - 1920);
}

BOOST_AUTO_TEST_CASE(a_wrap_in_mid_stream_goes_unnoticed) {
  auto base = (int64_t{1} << 33) - 90'000;
  auto got = read_all(from(write_file(plain(), "mpegts", "wrap.ts", moved(base))));
  auto video = got.video();
  BOOST_REQUIRE(video.size() == 75u);
  int64_t highest = 0;
  for (const auto* x : video)
    highest = std::max(highest, x->pts);
  BOOST_TEST(highest == base + 74 * 3600);
  BOOST_TEST(got.counters.discontinuities == 0u);
}

BOOST_AUTO_TEST_CASE(a_splice_is_closed_for_all_tracks_alike) {
  auto a = read_bytes(write_file(plain(), "mpegts", "a.ts", moved(900'000)));
  auto b = read_bytes(write_file(plain(), "mpegts", "b.ts", moved(90'000 * 5000)));
  auto got = read_all(from(write_bytes("spliced.ts", a + b)));
  BOOST_TEST(got.counters.discontinuities == 1u);
  auto video = got.video();
  BOOST_REQUIRE(video.size() == 150u);
  BOOST_TEST(std::abs(video[75]->dts - video[74]->dts - 3600) <= 20'000);
  const AVPacket* flagged = nullptr;
  for (const auto* x : got.audio())
    if ((x->flags & packet_flag_discontinuity) != 0)
      flagged = x;
  BOOST_REQUIRE(flagged != nullptr);
  // The sound of the first clip is a little longer than its picture, so the second one begins where the sound ends; there, the first sound is
  // 1920 ticks before the first picture, and the last picture decoded 73 frames after that.
  BOOST_TEST(video[149]->pts - flagged->pts == 1920 + 73 * 3600);
}

BOOST_AUTO_TEST_CASE(a_join_in_mid_gop_starts_at_the_next_random_access_point) {
  auto whole = read_bytes(write_file(plain(), "mpegts", "whole.ts", moved(900'000)));
  auto packets = whole.size() / 188;
  auto got = read_all(from(write_bytes("joined.ts", whole.substr(packets / 6 * 188))));
  auto video = got.video();
  BOOST_REQUIRE(!video.empty());
  BOOST_TEST((video[0]->flags & AV_PKT_FLAG_KEY) != 0);
  BOOST_TEST(video[0]->pts == 900'000 + 25 * 3600);
  BOOST_TEST(got.counters.dropped_packets > 0u);
  BOOST_TEST(count_frames(got) == 50);
}

BOOST_AUTO_TEST_CASE(a_video_without_random_access_point_is_refused_with_the_reason) {
  auto edit = [](AVPacket& x) {
    x.pts += 900'000;
    x.dts += 900'000;
    return x.stream_index != 0 || (x.flags & AV_PKT_FLAG_KEY) == 0;
  };
  clip_settings settings;
  settings.gop = 1000;
  auto x = failure(from(write_file(make_clip(settings), "mpegts", "no-rap.ts", edit)));
  BOOST_TEST(static_cast<int>(x.code) == static_cast<int>(errc::media));
  BOOST_TEST(x.what.find("no random-access point") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_loop_goes_on_by_the_length_of_the_longest_track) {
  for (const auto* format : {"mpegts", "mp4", "matroska"}) {
    BOOST_TEST_CONTEXT(format) {
      const auto& made = std::string_view{format} == "mpegts" ? plain() : with_global_header();
      auto options = from(write_file(made, format, std::string{"loop."} + format, moved(900'000)));
      auto once = read_all(options);
      options.loop = true;
      auto got = read_all(options, once.packets.size() * 3);
      auto video = got.video();
      auto audio = got.audio();
      BOOST_REQUIRE(video.size() >= 3 * 75u);
      auto period = video[75]->pts - video[0]->pts;
      auto length = audio[once.audio().size() - 1]->pts + audio[once.audio().size() - 1]->duration - audio[0]->pts;
      BOOST_TEST(std::abs(period - length) <= 90);
      for (size_t i = 75; i < 3 * 75; ++i) {
        BOOST_TEST(std::abs(video[i]->pts - video[i - 75]->pts - period) <= 1);
        BOOST_TEST(video[i]->size == video[i % 75]->size);
      }
      BOOST_TEST(got.counters.discontinuities == 0u);
    }
  }
}

BOOST_AUTO_TEST_CASE(an_elementary_stream_gets_its_times_from_frame_rate_and_order) {
  clip_settings settings;
  settings.audio.clear();
  for (const auto* encoder : {"libx264", "libx265"}) {
    settings.video = encoder;
    settings.options.clear();
    if (settings.video == "libx265")
      settings.options = {{"preset", "ultrafast"}, {"x265-params", "log-level=none:pools=none:frame-threads=1"}};
    BOOST_TEST_CONTEXT(encoder) {
      auto made = make_clip(settings);
      auto format = settings.video == "libx264" ? "h264" : "hevc";
      auto got = read_all(from(write_file(made, format, std::string{"raw."} + format)));
      auto video = got.video();
      BOOST_REQUIRE(video.size() == 75u);
      for (size_t i = 0; i < video.size(); ++i)
        BOOST_TEST(video[i]->pts == made.packets[i]->pts - made.packets[0]->pts);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_track_that_begins_late_is_added) {
  clip_settings settings;
  settings.frames = 200;
  auto path = write_file(make_clip(settings), "mpegts", "late.ts", [](AVPacket& x) {
    x.pts += 900'000;
    x.dts += 900'000;
    return x.stream_index == 0 || x.pts > 900'000 + 5 * 90'000;
  });
  auto source = demuxer::open(from(path), never);
  BOOST_REQUIRE(source);
  BOOST_TEST(source->tracks().size() == 1u);
  auto got = read_all(*source);
  BOOST_REQUIRE(got.tracks.size() == 2u);
  BOOST_TEST(got.tracks[1].parameters->sample_rate == 48'000);
  BOOST_TEST(std::abs(got.audio()[0]->pts - 900'000 - 5 * 90'000) < 9000);
}

BOOST_AUTO_TEST_CASE(damage_is_counted_and_survived) {
  auto whole = read_bytes(write_file(plain(), "mpegts", "sound.ts", moved(900'000)));
  for (uint32_t seed = 1; seed <= 12; ++seed) {
    BOOST_TEST_CONTEXT("seed " << seed) {
      std::mt19937 random{seed};
      auto bytes = whole;
      for (int i = 0; i < 30; ++i)
        bytes[random() % bytes.size()] = static_cast<char>(random());
      if (seed % 3 == 0)
        bytes.erase(random() % (bytes.size() / 2), random() % 5000);
      auto source = demuxer::open(from(write_bytes("damaged.ts", bytes)), never);
      if (source)
        read_all(*source);
      else
        BOOST_TEST(source.error().what.size() > 10u);
    }
  }
}

BOOST_AUTO_TEST_CASE(what_is_not_media_is_named) {
  auto html = failure(from(write_bytes("page.ts", "<!DOCTYPE html><html><body>Not found</body></html>")));
  BOOST_TEST(static_cast<int>(html.code) == static_cast<int>(errc::media));
  BOOST_TEST(html.what.find("HTML") != std::string::npos);
  auto empty = failure(from(write_bytes("empty.ts", "")));
  BOOST_TEST(empty.what.find("empty") != std::string::npos);
  BOOST_TEST(empty.terminal());
  auto missing = failure(from(temporary("missing.ts")));
  BOOST_TEST(static_cast<int>(missing.code) == static_cast<int>(errc::io));
  BOOST_TEST(missing.what.find("No such file") != std::string::npos);
  BOOST_TEST(failure(from("/")).what.find("not a regular file") != std::string::npos);
  BOOST_TEST(failure(from("/dev/zero")).terminal());
  BOOST_TEST(failure(from(std::string(100'000, 'x'))).terminal());
  auto mp4 = read_bytes(write_file(with_global_header(), "mp4", "cut.mp4"));
  BOOST_TEST(failure(from(write_bytes("cut.mp4", mp4.substr(0, mp4.size() / 2)))).what.find("cut off") != std::string::npos);
  std::mt19937 random{3};
  std::string noise(200'000, '\0');
  for (auto& x : noise)
    x = static_cast<char>(random());
  BOOST_TEST(failure(from(write_bytes("noise.ts", noise))).terminal());
}

BOOST_AUTO_TEST_CASE(schemes_and_options_beyond_the_lists_are_refused) {
  for (const auto* url : {"gopher://127.0.0.1/x", "ftp://127.0.0.1/x", "sftp://127.0.0.1/x", "unix:///tmp/x"})
    BOOST_TEST(static_cast<int>(failure(from(url)).code) == static_cast<int>(errc::option));
  // A libav* protocol without slashes is no more than an odd file name.
  for (const auto* url : {"concat:/etc/passwd|/etc/hosts", "subfile,,start,0,end,9,,:/etc/passwd", "pipe:0", "data:,x"})
    BOOST_TEST(failure(from(url)).what.find("No such file") != std::string::npos);
  auto options = from(write_file(plain(), "mpegts", "options.ts", moved(900'000)));
  options.options = {{"protocol_whitelist", "file,http"}};
  BOOST_TEST(static_cast<int>(failure(options).code) == static_cast<int>(errc::option));
  options.options = {{"user_agent", "x"}};
  BOOST_TEST(failure(options).what.find("does not apply") != std::string::npos);
  options.options = {{"probesize", "1000000"}};
  BOOST_TEST(demuxer::open(options, never).has_value());
}

BOOST_AUTO_TEST_CASE(errors_never_show_a_password) {
  auto x = failure(from("http://user:s3cret@127.0.0.1:1/live?token=s3cret"));
  BOOST_TEST(x.what.find("s3cret") == std::string::npos);
  BOOST_TEST(x.what.find("127.0.0.1:1/live") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_remote_playlist_cannot_read_local_files) {
  auto local = write_file(plain(), "mpegts", "private.ts", moved(900'000));
  tiny_server server{[&](const std::string&) {
    return http("application/vnd.apple.mpegurl",
                "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:3,\nfile://" + local + "\n#EXTINF:3,\n" + local
                  + "\n#EXT-X-ENDLIST\n");
  }};
  auto source = demuxer::open(from(server.url("/x.m3u8")), never);
  BOOST_TEST(!source);
}

BOOST_AUTO_TEST_CASE(hls_is_read_over_http) {
  auto segment = read_bytes(write_file(plain(), "mpegts", "segment.ts", moved(900'000)));
  tiny_server server{[&](const std::string& path) {
    if (path == "/x.m3u8")
      return http("application/vnd.apple.mpegurl",
                  "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:3,\ns.ts\n#EXT-X-ENDLIST\n");
    return http("video/mp2t", segment);
  }};
  auto source = demuxer::open(from(server.url("/x.m3u8")), never);
  BOOST_REQUIRE_MESSAGE(source, (source ? "" : source.error().what));
  BOOST_TEST(!source->is_live());
  BOOST_TEST(read_all(*source).video().size() == 75u);
}

BOOST_AUTO_TEST_CASE(http_that_cannot_seek_and_has_no_size_is_live) {
  auto bytes = read_bytes(write_file(plain(), "mpegts", "live.ts", moved(900'000)));
  tiny_server server{[&](const std::string& path) { return http("video/mp2t", bytes, path == "/sized.ts"); }};
  auto live = demuxer::open(from(server.url("/live.ts")), never);
  BOOST_REQUIRE(live);
  BOOST_TEST(live->is_live());
  BOOST_TEST(read_all(*live).video().size() == 75u);
  auto sized = demuxer::open(from(server.url("/sized.ts")), never);
  BOOST_REQUIRE(sized);
  BOOST_TEST(!sized->is_live());
}

BOOST_AUTO_TEST_CASE(html_over_http_and_errors_of_the_server_are_told_apart) {
  tiny_server server{[](const std::string& path) {
    if (path == "/page")
      return http("text/html", "<html><head></head></html>");
    return std::string{"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"};
  }};
  auto page = failure(from(server.url("/page")));
  BOOST_TEST(static_cast<int>(page.code) == static_cast<int>(errc::media));
  BOOST_TEST(page.what.find("HTML") != std::string::npos);
  auto gone = failure(from(server.url("/gone")));
  BOOST_TEST(static_cast<int>(gone.code) == static_cast<int>(errc::io));
  BOOST_TEST(gone.what.find("404") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_silent_server_costs_the_timeout_and_no_more) {
  tiny_server server{[](const std::string&) { return std::string{"hang"}; }};
  auto options = from(server.url("/x.ts"));
  options.open_timeout = std::chrono::milliseconds{300};
  auto begin = std::chrono::steady_clock::now();
  auto x = failure(options);
  BOOST_TEST(static_cast<int>(x.code) == static_cast<int>(errc::timeout));
  BOOST_TEST((std::chrono::steady_clock::now() - begin < std::chrono::seconds{3}));
}

BOOST_AUTO_TEST_CASE(the_caller_can_stop_an_open) {
  tiny_server server{[](const std::string&) { return std::string{"hang"}; }};
  std::atomic<bool> stop{false};
  std::thread other{[&] {
    while (server.requests().empty())
      std::this_thread::yield();
    stop = true;
  }};
  auto x = demuxer::open(from(server.url("/x.ts")), stop);
  other.join();
  BOOST_REQUIRE(!x);
  BOOST_TEST(static_cast<int>(x.error().code) == static_cast<int>(errc::interrupted));
}

BOOST_AUTO_TEST_CASE(too_many_streams_are_refused) {
  auto options = from(write_file(plain(), "mpegts", "many.ts", moved(900'000)));
  options.tracks_max = 1;
  BOOST_TEST(static_cast<int>(failure(options).code) == static_cast<int>(errc::limit));
}

BOOST_AUTO_TEST_SUITE_END()
