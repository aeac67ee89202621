// Goal: if a source changes in mid-stream (other PIDs, another program, another codec, parts whose sound is shorter
// than their picture), reading continues, with every picture once and its sound in sync. Method: clips are encoded
// here, written as parts with separate tables, and joined as broadcasters do: byte by byte, or as segments of a
// playlist. Output and input are compared picture by picture.
#include "encoder/source/demuxer.hpp"

#include "clip.hpp"
#include "reading.hpp"

extern "C" {
#include <libavutil/opt.h>
}

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

using namespace troupe::av;
using namespace troupe::av::test;

BOOST_AUTO_TEST_SUITE(source_parts_test)

namespace {

using options = std::map<std::string, std::string>;

const options other_pids{{"mpegts_start_pid", "0x200"}, {"tables_version", "1"}};
const options other_program{
  {"mpegts_start_pid", "0x300"}, {"mpegts_pmt_start_pid", "0x1010"}, {"mpegts_service_id", "7"}};
const options other_version{{"tables_version", "1"}};

/// Clips of one second, by their codecs.
const clip& made(const std::string& video, const std::string& audio) {
  static std::map<std::string, clip> clips;
  auto i = clips.find(video + audio);
  if (i == clips.end()) {
    clip_settings x;
    x.video = video;
    x.audio = audio;
    x.frames = 25;
    x.gop = 25;
    i = clips.emplace(video + audio, make_clip(x)).first;
  }
  return i->second;
}

std::string part(const std::string& name, const clip& from, int64_t at, const options& muxer = {},
                 int64_t sound = 90'000) {
  return read_bytes(write_file(
    from, "mpegts", name,
    [&](AVPacket& x) {
      auto is_sound = from.tracks[static_cast<size_t>(x.stream_index)].parameters->codec_type == AVMEDIA_TYPE_AUDIO;
      if (is_sound && x.pts >= sound)
        return false;
      return moved(at)(x);
    },
    muxer));
}

/// How many frames a client decodes without an error from these packets of a track.
int decoded(const track& info, const std::vector<const AVPacket*>& packets) {
  codec_context_ptr decoder{avcodec_alloc_context3(avcodec_find_decoder(info.parameters->codec_id))};
  BOOST_REQUIRE(avcodec_parameters_to_context(decoder.get(), info.parameters.get()) >= 0);
  BOOST_REQUIRE(avcodec_open2(decoder.get(), nullptr, nullptr) >= 0);
  auto frame = make_frame();
  auto result = 0;
  auto drain = [&](const AVPacket* packet) {
    BOOST_TEST(avcodec_send_packet(decoder.get(), packet) >= 0);
    while (avcodec_receive_frame(decoder.get(), frame.get()) >= 0)
      result += frame->decode_error_flags == 0;
  };
  for (const auto* x : packets)
    drain(x);
  drain(nullptr);
  return result;
}

/// Packets as they come, each with the codec that its track had then.
struct heard {
  std::vector<packet_ptr> packets;
  std::vector<AVCodecID> codecs;
  std::vector<track> tracks;
  uint64_t changes = 0;

  std::vector<const AVPacket*> of(AVCodecID codec) const {
    std::vector<const AVPacket*> result;
    for (size_t i = 0; i < packets.size(); ++i)
      if (codecs[i] == codec)
        result.push_back(packets[i].get());
    return result;
  }
};

heard listen(const source_options& from) {
  auto source = demuxer::open(from, never);
  BOOST_REQUIRE_MESSAGE(source, (source ? "" : source.error().what));
  heard result;
  std::map<int, int64_t> last;
  for (;;) {
    auto x = make_packet();
    auto more = source->read(*x);
    BOOST_REQUIRE_MESSAGE(more, (more ? "" : more.error().what));
    if (!*more)
      break;
    if (last.contains(x->stream_index))
      BOOST_REQUIRE(x->dts > last[x->stream_index]);
    last[x->stream_index] = x->dts;
    result.codecs.push_back(source->tracks()[static_cast<size_t>(x->stream_index)].parameters->codec_id);
    result.packets.push_back(std::move(x));
  }
  result.tracks = clone(source->tracks());
  result.changes = source->changes();
  return result;
}

int64_t first_pts(const std::vector<const AVPacket*>& x, size_t from = 0) {
  BOOST_REQUIRE(x.size() > from);
  auto result = x[from]->pts;
  for (auto i = from; i < x.size(); ++i)
    result = std::min(result, x[i]->pts);
  return result;
}

/// Removes the SEI messages, which mark pictures at which decoding can start, from H.264 in Annex B.
std::string without_sei(std::string_view packet) {
  std::string result;
  const std::string start{"\0\0\1", 3};
  for (auto at = packet.find(start); at != packet.npos;) {
    auto next = packet.find(start, at + 3);
    auto unit = packet.substr(at, next == packet.npos ? next : next - at);
    if ((unit[3] & 0x1f) != 6)
      result.append(1, '\0').append(unit);
    at = next;
  }
  return result;
}

struct intra_stream {
  std::vector<std::string> packets;
  std::vector<size_t> intra; ///< places of pictures without references that are no IDR
};

/// 40 pictures, of which one is an IDR.
intra_stream make_intra_stream() {
  codec_context_ptr encoder{avcodec_alloc_context3(avcodec_find_encoder_by_name("libx264"))};
  encoder->width = 160;
  encoder->height = 96;
  encoder->pix_fmt = AV_PIX_FMT_YUV420P;
  encoder->time_base = {1, 25};
  encoder->framerate = {25, 1};
  encoder->thread_count = 1;
  BOOST_REQUIRE(av_opt_set(encoder->priv_data, "preset", "ultrafast", 0) >= 0);
  BOOST_REQUIRE(
    av_opt_set(encoder->priv_data, "x264-params", "open-gop=1:ref=3:bframes=1:b-adapt=0:keyint=250:scenecut=0", 0)
    >= 0);
  BOOST_REQUIRE(avcodec_open2(encoder.get(), nullptr, nullptr) >= 0);
  auto frame = make_frame();
  frame->width = encoder->width;
  frame->height = encoder->height;
  frame->format = encoder->pix_fmt;
  BOOST_REQUIRE(av_frame_get_buffer(frame.get(), 0) >= 0);
  intra_stream result;
  auto packet = make_packet();
  auto drain = [&](const AVFrame* x) {
    BOOST_REQUIRE(avcodec_send_frame(encoder.get(), x) >= 0);
    while (avcodec_receive_packet(encoder.get(), packet.get()) >= 0) {
      size_t size = 0;
      const auto* stats = av_packet_get_side_data(packet.get(), AV_PKT_DATA_QUALITY_STATS, &size);
      BOOST_REQUIRE((stats != nullptr && size > 4));
      if (stats[4] == AV_PICTURE_TYPE_I && !result.packets.empty())
        result.intra.push_back(result.packets.size());
      result.packets.push_back(
        without_sei({reinterpret_cast<const char*>(packet->data), static_cast<size_t>(packet->size)}));
    }
  };
  for (int n = 0; n < 40; ++n) {
    BOOST_REQUIRE(av_frame_make_writable(frame.get()) >= 0);
    for (int plane = 0; plane < 3; ++plane)
      std::fill_n(frame->data[plane], frame->linesize[plane] * (plane == 0 ? 96 : 48), static_cast<uint8_t>(n * 4));
    frame->pts = n;
    frame->pict_type = n == 10 || n == 24 ? AV_PICTURE_TYPE_I : AV_PICTURE_TYPE_NONE;
    drain(frame.get());
  }
  drain(nullptr);
  BOOST_REQUIRE(result.packets.size() == 40u);
  BOOST_REQUIRE(result.intra.size() == 2u);
  return result;
}

/// The packets from `place` on, after the parameter sets of the first packet.
std::string bytes_from(const intra_stream& x, size_t place) {
  auto result = place == 0 ? std::string{} : x.packets[0].substr(0, x.packets[0].find(std::string{"\0\0\1\x65", 4}));
  for (auto i = place; i < x.packets.size(); ++i)
    result += x.packets[i];
  return result;
}

auto keys_of(const seen& x) {
  return std::count_if(x.packets.begin(), x.packets.end(),
                       [](const packet_ptr& p) { return (p->flags & AV_PKT_FLAG_KEY) != 0; });
}

std::string http(const std::string& type, const std::string& body) {
  return "HTTP/1.1 200 OK\r\nContent-Type: " + type
         + "\r\nConnection: close\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

} // namespace

BOOST_AUTO_TEST_CASE(a_codec_that_changes_under_its_pid_goes_on_as_another) {
  auto bytes =
    part("c1.ts", made("libx264", "aac"), 900'000) + part("c2.ts", made("libx264", "ac3"), 990'000, other_version);
  auto got = listen(from(write_bytes("codec.ts", bytes)));
  BOOST_REQUIRE(got.tracks.size() == 2u);
  BOOST_TEST(avcodec_get_name(got.tracks[1].parameters->codec_id) == std::string{"ac3"});
  BOOST_TEST(decoded(got.tracks[0], got.of(AV_CODEC_ID_H264)) == 50);
  auto ac3 = got.of(AV_CODEC_ID_AC3);
  BOOST_TEST(ac3.size() == 32u);
  BOOST_TEST(decoded(got.tracks[1], ac3) == 32);
  BOOST_TEST(std::abs(first_pts(ac3) - first_pts(got.of(AV_CODEC_ID_H264), 25)) <= 1800);
  // The new sound comes after the random-access point at which all tracks change.
  for (size_t i = 0; i < got.packets.size(); ++i)
    if (got.codecs[i] == AV_CODEC_ID_AC3) {
      auto before = std::count(got.codecs.begin(), got.codecs.begin() + static_cast<ptrdiff_t>(i), AV_CODEC_ID_H264);
      BOOST_TEST(before > 25);
      break;
    }
}

BOOST_AUTO_TEST_CASE(sound_that_changes_within_a_group_of_pictures_costs_no_picture) {
  // The table changes in the middle of the second part's group of pictures.
  auto second = part("g2.ts", made("libx264", "aac"), 900'000);
  auto third = part("g3.ts", made("libx264", "ac3"), 990'000, other_version);
  auto half = second.size() / 188 / 2 * 188;
  auto tables = third.substr(0, size_t{3} * 188);
  auto got = listen(from(write_bytes("group.ts", second.substr(0, half) + tables + second.substr(half) + third)));
  BOOST_TEST(decoded(got.tracks[0], got.of(AV_CODEC_ID_H264)) == 50);
  BOOST_TEST(got.of(AV_CODEC_ID_AC3).size() == 32u);
}

BOOST_AUTO_TEST_CASE(streams_that_move_to_other_pids_and_programs_are_the_same_tracks) {
  auto& x = made("libx264", "aac");
  auto bytes = part("p1.ts", x, 900'000) + part("p2.ts", x, 990'000, other_pids)
               + part("p3.ts", x, 1'080'000, other_program)
               + part("p4.ts", made("mpeg2video", "mp2"), 1'170'000, other_program);
  auto got = listen(from(write_bytes("pids.ts", bytes)));
  BOOST_REQUIRE(got.tracks.size() == 2u);
  auto pictures = got.of(AV_CODEC_ID_H264);
  BOOST_TEST(pictures.size() == 75u);
  track h264 = x.tracks[0].clone();
  BOOST_TEST(decoded(h264, pictures) == 75);
  BOOST_TEST(decoded(got.tracks[0], got.of(AV_CODEC_ID_MPEG2VIDEO)) == 25);
  for (size_t i = 1; i < 3; ++i)
    BOOST_TEST(std::abs(first_pts(pictures, 25 * i) - 900'000 - static_cast<int64_t>(i) * 90'000) <= 3600);
  BOOST_TEST(got.of(AV_CODEC_ID_AAC).size() >= 3 * 46u);
}

BOOST_AUTO_TEST_CASE(twenty_breaks_leave_all_pictures_and_the_sound_beside_them) {
  std::string bytes;
  const char* sounds[] = {"aac", "ac3", "mp2"};
  const options tables[] = {{}, other_pids, other_program};
  for (int i = 0; i < 21; ++i) {
    auto* name = sounds[i % 3 == 0 ? 0 : i % 2 + 1];
    auto start = i % 4 == 1 ? 126'000 : 90'000 * int64_t{1000 + (i * 7919) % 5000};
    auto muxer = tables[i % 3];
    muxer["tables_version"] = std::to_string(i % 32);
    bytes += part("b" + std::to_string(i) + ".ts", made("libx264", name), start, muxer, 90'000 - i % 5 * 15'000);
  }
  auto got = listen(from(write_bytes("breaks.ts", bytes)));
  auto pictures = got.of(AV_CODEC_ID_H264);
  BOOST_TEST(pictures.size() == 21 * 25u);
  BOOST_TEST(decoded(made("libx264", "aac").tracks[0], pictures) == 21 * 25);
  for (auto* name : sounds) {
    auto& sound = made("libx264", name).tracks[1];
    auto packets = got.of(sound.parameters->codec_id);
    BOOST_TEST(packets.size() > 7 * 15u, name);
    BOOST_TEST(decoded(sound, packets) == static_cast<int>(packets.size()), name);
  }
  // In each part the first sound belongs to the first picture; encoders of sound begin up to 1024 samples before it. If
  // the sound of two parts overlaps, the overlap is removed from the second part.
  auto begin_of = [&](size_t n) {
    auto last = no_pts;
    for (size_t i = n * 25; i < (n + 1) * 25; ++i)
      last = std::max(last, pictures[i]->pts);
    return last - 24 * 3600;
  };
  for (size_t n = 0; n < 21; ++n) {
    auto begin = begin_of(n);
    if (n > 0)
      BOOST_TEST(std::abs(begin - begin_of(n - 1) - 90'000) <= 6000, "part " << n);
    auto heard = no_pts;
    for (size_t i = 0; i < got.packets.size(); ++i) {
      auto& x = *got.packets[i];
      auto is_first = n == 0 || (x.flags & packet_flag_discontinuity) != 0;
      if (got.codecs[i] != AV_CODEC_ID_H264 && is_first && std::abs(x.pts - begin) < 45'000)
        heard = heard == no_pts ? x.pts : std::min(heard, x.pts);
    }
    BOOST_REQUIRE_MESSAGE(heard != no_pts, "no sound begins with part " << n);
    BOOST_TEST((heard - begin >= -1920 - 1800 && heard - begin <= 1800),
               "part " << n << ": sound begins " << heard - begin << " ticks off");
  }
}

BOOST_AUTO_TEST_CASE(a_looped_source_of_parts_begins_with_the_first_again) {
  auto bytes =
    part("l1.ts", made("libx264", "aac"), 900'000) + part("l2.ts", made("libx264", "ac3"), 990'000, other_version);
  auto options = from(write_bytes("looped.ts", bytes));
  options.loop = true;
  auto source = demuxer::open(options, never);
  BOOST_REQUIRE(source);
  std::map<AVCodecID, int> packets;
  auto x = make_packet();
  while (packets[AV_CODEC_ID_H264] < 150) {
    auto more = source->read(*x);
    BOOST_REQUIRE_MESSAGE(more && *more, (more ? "ended" : more.error().what));
    ++packets[source->tracks()[static_cast<size_t>(x->stream_index)].parameters->codec_id];
  }
  BOOST_TEST(packets[AV_CODEC_ID_AC3] >= 64);
  BOOST_TEST(packets[AV_CODEC_ID_AAC] >= 2 * 46);
}

BOOST_AUTO_TEST_CASE(segments_with_other_pids_and_names_of_no_media_are_read) {
  auto& x = made("libx264", "aac");
  std::map<std::string, std::string> segments{{"/0", part("s0.ts", x, 900'000)},
                                              {"/1", part("s1.ts", x, 990'000)},
                                              {"/2", part("s2.ts", x, 5'000'000, other_pids)},
                                              {"/3", part("s3.ts", x, 5'090'000, other_pids)},
                                              {"/4", part("s4.ts", x, 1'260'000)}};
  tiny_server server{[&](const std::string& path) {
    if (segments.contains(path))
      return http("application/octet-stream", segments[path]);
    return http("application/vnd.apple.mpegurl",
                "#EXTM3U\n#EXT-X-TARGETDURATION:7\n#EXTINF:1,\n0\n#EXTINF:1,\n1\n#EXT-X-DISCONTINUITY\n#EXTINF:1,\n2\n"
                "#EXTINF:1,\n3\n#EXT-X-DISCONTINUITY\n#EXTINF:1,\n4\n#EXT-X-ENDLIST\n");
  }};
  auto source = demuxer::open(from(server.url("/x.m3u8")), never);
  BOOST_REQUIRE_MESSAGE(source, (source ? "" : source.error().what));
  BOOST_TEST(source->silence_max().count() == 21'000);
  BOOST_TEST(source->is_over());
  auto got = read_all(*source);
  BOOST_TEST(got.tracks.size() == 2u);
  BOOST_TEST(got.video().size() >= 121u); // libavformat withholds the last two pictures before PIDs change
  BOOST_TEST(got.audio().size() >= 5 * 46u - 2);
  BOOST_TEST(std::abs(got.video().back()->pts - got.audio().back()->pts) <= 9000);
}

BOOST_AUTO_TEST_CASE(a_source_that_cannot_be_read_says_what_is_the_matter) {
  auto bytes = part("clear.ts", made("libx264", "aac"), 900'000);
  for (size_t at = 0; at + 188 <= bytes.size(); at += 188)
    if (auto pid = (bytes[at + 1] & 0x1f) << 8 | (bytes[at + 2] & 0xff); pid >= 0x100 && pid < 0x200) {
      auto begin = (bytes[at + 3] & 0x20) != 0 ? 5 + static_cast<size_t>(static_cast<unsigned char>(bytes[at + 4])) : 4;
      bytes[at + 3] = static_cast<char>(bytes[at + 3] | 0x80);
      for (auto i = begin; i < 188; ++i)
        bytes[at + i] = static_cast<char>(bytes[at + i] ^ 0x5a);
    }
  auto scrambled = failure(from(write_bytes("scrambled.ts", bytes)));
  BOOST_TEST(scrambled.what.find("scrambled") != std::string::npos, scrambled.what);
  tiny_server server{[](const std::string& path) {
    if (path == "/x.m3u8")
      return http("application/vnd.apple.mpegurl",
                  "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:3,\ngone.ts\n#EXT-X-ENDLIST\n");
    return std::string{"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"};
  }};
  auto busy = failure(from(server.url("/live.ts")));
  BOOST_TEST(busy.what.find("503") != std::string::npos, busy.what);
  auto list = failure(from(server.url("/x.m3u8")));
  BOOST_TEST(list.what.find("playlist") != std::string::npos, list.what);
}

BOOST_AUTO_TEST_CASE(a_server_that_says_nothing_gives_way_to_the_next_soon) {
  tiny_server server{[](const std::string&) { return std::string{"hang"}; }};
  auto options = from(server.url("/x.ts"));
  options.first_byte_timeout = std::chrono::milliseconds{200};
  auto begin = std::chrono::steady_clock::now();
  BOOST_TEST(static_cast<int>(failure(options).code) == static_cast<int>(errc::timeout));
  BOOST_TEST((std::chrono::steady_clock::now() - begin < std::chrono::seconds{5}));
}

BOOST_AUTO_TEST_CASE(a_video_that_begins_with_an_intra_picture_and_marks_no_point_to_start_from_is_read) {
  auto made = make_intra_stream();
  auto source = demuxer::open(from(write_bytes("intra.h264", bytes_from(made, made.intra[0]))), never);
  BOOST_REQUIRE_MESSAGE(source, (source ? "" : source.error().what));
  auto got = read_all(*source);
  BOOST_TEST(got.video().size() == 40 - made.intra[0]);
  // Both intra pictures are points to join at, because the stream has no IDR picture.
  BOOST_TEST(keys_of(got) == 2);
  // If there is an IDR picture, intra pictures after it are not points to join at.
  BOOST_TEST(keys_of(read_all(from(write_bytes("idr.h264", bytes_from(made, 0))))) == 1);
}

BOOST_AUTO_TEST_CASE(what_an_edit_list_cuts_away_is_not_shown_and_a_loop_of_it_goes_on) {
  clip_settings settings;
  settings.frames = 75;
  settings.gop = 25;
  settings.global_header = true;
  // The times begin below zero, as after a cut without encoding: the edit list says where the presentation begins.
  auto path = write_file(make_clip(settings), "mp4", "edit.mp4", moved(-10 * 3600), {{"use_editlist", "1"}});
  auto options = from(path);
  options.loop = true;
  auto source = demuxer::open(options, never);
  BOOST_REQUIRE_MESSAGE(source, (source ? "" : source.error().what));
  std::vector<int64_t> shown;
  auto hidden = 0;
  auto x = make_packet();
  while (shown.size() < 2 * 65) {
    auto more = source->read(*x);
    BOOST_REQUIRE_MESSAGE(more && *more, (more ? "ended" : more.error().what));
    auto is_video = source->tracks()[static_cast<size_t>(x->stream_index)].parameters->codec_type == AVMEDIA_TYPE_VIDEO;
    auto discard = (x->flags & AV_PKT_FLAG_DISCARD) != 0;
    BOOST_TEST((is_video || !discard));
    hidden += discard;
    if (is_video && !discard)
      shown.push_back(x->pts);
  }
  BOOST_TEST(hidden >= 10);
  std::sort(shown.begin(), shown.end());
  for (size_t i = 1; i < shown.size(); ++i)
    BOOST_TEST(std::abs(shown[i] - shown[i - 1] - 3600) <= 3600,
               "picture " << i << " comes after " << shown[i] - shown[i - 1]);
}

BOOST_AUTO_TEST_SUITE_END()
