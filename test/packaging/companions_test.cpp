// Goal: splice information and subtitles come out of a transport stream as they went in: the sections byte by byte
// except for their time, at the right place. Method: our muxer writes a stream, and our demuxer reads it, as a second
// Troupe would.
#include "encoder/source/demuxer.hpp"
#include "encoder/splice_section.hpp"
#include "packaging/muxer.hpp"

#include "test/encoder/clip.hpp"
#include "test/encoder/splices.hpp"

#include <boost/test/unit_test.hpp>

#include <cstring>
#include <string>
#include <vector>

using namespace troupe::av;
using namespace troupe::av::test;

BOOST_AUTO_TEST_SUITE(companions_test)

namespace {

constexpr int64_t second = 90'000;

track beside(AVMediaType type, AVCodecID codec, const std::string& language = {}) {
  track result;
  result.parameters = make_codec_parameters();
  result.parameters->codec_type = type;
  result.parameters->codec_id = codec;
  result.language = language;
  return result;
}

struct companion_packet {
  int track;
  int64_t pts, dts;
  std::vector<uint8_t> bytes;
};

/// Writes pictures and sound, moved by `shift`, with these packets among them.
std::string written(const track& more, const std::vector<companion_packet>& packets, int64_t shift,
                    const std::string& name) {
  clip_settings settings;
  settings.frames = 100;
  settings.global_header = true;
  auto from = make_clip(settings);
  std::string bytes;
  auto tracks = clone(from.tracks);
  tracks.push_back(more.clone());
  auto out = muxer::open("mpegts", tracks, [&](std::span<const std::byte> x) {
    bytes.append(reinterpret_cast<const char*>(x.data()), x.size());
  });
  BOOST_REQUIRE(out);
  size_t next = 0;
  for (auto& x : from.packets) {
    x->pts += shift;
    x->dts += shift;
    for (; next < packets.size() && packets[next].dts <= x->dts; ++next) {
      auto y = make_packet();
      BOOST_REQUIRE(av_new_packet(y.get(), static_cast<int>(packets[next].bytes.size())) >= 0);
      std::copy(packets[next].bytes.begin(), packets[next].bytes.end(), y->data);
      y->stream_index = static_cast<int>(from.tracks.size()) + packets[next].track;
      y->pts = packets[next].pts;
      y->dts = packets[next].dts;
      BOOST_REQUIRE(out->write(*y));
    }
    if (x->stream_index == 0 && (x->flags & AV_PKT_FLAG_KEY) != 0)
      BOOST_REQUIRE(out->begin_segment());
    BOOST_REQUIRE(out->write(*x));
  }
  BOOST_TEST(next == packets.size());
  return write_bytes(name, bytes);
}

/// Times count from the first picture.
struct read_back {
  std::vector<track> companions;
  std::vector<companion_packet> packets;
  std::vector<std::string> left_out;
  size_t tracks = 0;
  uint64_t corrupt = 0;
};

read_back read(const std::string& path, bool (*wanted)(AVCodecID)) {
  source_options options;
  options.url = path;
  options.companions = wanted;
  const std::atomic<bool> never{false};
  auto source = demuxer::open(std::move(options), never);
  BOOST_REQUIRE(source);
  read_back result;
  auto packet = make_packet();
  auto first = no_pts;
  for (auto more = source->read(*packet); more && *more; more = source->read(*packet)) {
    if (first == no_pts && packet->stream_index == 0)
      first = packet->pts;
    while (source->take_companion(*packet)) {
      BOOST_TEST(packet->flags == 0);
      result.packets.push_back(
        {packet->stream_index, packet->pts - first, packet->dts - first, {packet->data, packet->data + packet->size}});
    }
  }
  result.companions = clone(source->companions());
  result.left_out = source->left_out();
  result.tracks = source->tracks().size();
  result.corrupt = source->counters().corrupt_packets;
  return result;
}

bool all(AVCodecID) {
  return true;
}

} // namespace

BOOST_AUTO_TEST_CASE(splice_sections_come_back_with_their_times_moved) {
  // The stream's clock wraps between two splices.
  constexpr auto shift = clock_turn - 2 * second;
  auto out = splice_insert({.event = 7, .out = true, .time = 1'000 * second, .duration = 30 * second});
  auto in = segment_signal(50 * second, 9, 0x35);
  auto now = splice_insert({.event = 8, .out = true});
  auto path = written(beside(AVMEDIA_TYPE_DATA, AV_CODEC_ID_SCTE_35),
                      {{0, shift + 3 * second, shift + second, out},
                       {0, shift + 2 * second, shift + 2 * second, now},
                       {0, shift + 9 * second, shift + 3 * second, in}},
                      shift, "splices.ts");
  auto back = read(path, all);
  BOOST_TEST(back.tracks == 2u);
  BOOST_REQUIRE(back.companions.size() == 1u);
  BOOST_TEST((back.companions[0].parameters->codec_id == AV_CODEC_ID_SCTE_35));
  BOOST_TEST(back.corrupt == 0u);
  BOOST_REQUIRE(back.packets.size() == 3u);
  BOOST_TEST((back.packets[0].bytes == splice_at(out, shift + 3 * second)));
  BOOST_TEST((back.packets[1].bytes == now));
  BOOST_TEST((back.packets[2].bytes == splice_at(in, shift + 9 * second)));
  BOOST_TEST(back.packets[0].pts == 3 * second);
  BOOST_TEST(back.packets[2].pts == 9 * second);
  // They come a little ahead of the pictures beside them, as the clock does.
  for (size_t i = 0; i < 3; ++i) {
    auto sent = static_cast<int64_t>(i + 1) * second;
    BOOST_TEST(back.packets[i].dts <= sent);
    BOOST_TEST(back.packets[i].dts > sent - second);
  }
}

BOOST_AUTO_TEST_CASE(a_long_section_takes_several_packets) {
  auto section = segment_signal(5 * second, 9, 0x10);
  // Private descriptors follow the one that counts.
  std::vector<uint8_t> more(1'000, 0x80);
  for (size_t i = 0; i < more.size(); i += 250)
    more[i + 1] = 248;
  auto bytes = section;
  bytes.insert(bytes.end() - 4, more.begin(), more.end());
  auto length = bytes.size() - 3;
  bytes[1] = static_cast<uint8_t>((bytes[1] & 0xf0) | length >> 8);
  bytes[2] = static_cast<uint8_t>(length & 0xff);
  auto loop = size_t{14} + 5;
  auto descriptors = bytes.size() - loop - 2 - 4;
  bytes[loop] = static_cast<uint8_t>(descriptors >> 8);
  bytes[loop + 1] = static_cast<uint8_t>(descriptors & 0xff);
  auto crc = section_crc(std::span{bytes}.first(bytes.size() - 4));
  for (size_t i = 0; i < 4; ++i)
    bytes[bytes.size() - 4 + i] = static_cast<uint8_t>(crc >> (24 - 8 * i));
  BOOST_REQUIRE(read_splice(bytes));
  auto path = written(beside(AVMEDIA_TYPE_DATA, AV_CODEC_ID_SCTE_35), {{0, 13 * second, 11 * second, bytes}},
                      10 * second, "long-splice.ts");
  auto back = read(path, all);
  BOOST_REQUIRE(back.packets.size() == 1u);
  BOOST_TEST((back.packets[0].bytes == splice_at(bytes, 13 * second)));
}

BOOST_AUTO_TEST_CASE(teletext_comes_back_as_it_was) {
  std::vector<uint8_t> page(1 + 3 * 46, 0xff);
  page[0] = 0x10;
  for (size_t i = 1; i < page.size(); i += 46) {
    page[i] = 0x03;
    page[i + 1] = 0x2c;
    page[i + 2] = 0xe8;
    page[i + 3] = 0xe4;
  }
  auto path =
    written(beside(AVMEDIA_TYPE_SUBTITLE, AV_CODEC_ID_DVB_TELETEXT, "ger"),
            {{0, 11 * second, 11 * second, page}, {0, 12 * second, 12 * second, page}}, 10 * second, "pages.ts");
  auto back = read(path, all);
  BOOST_REQUIRE(back.companions.size() == 1u);
  BOOST_TEST(back.companions[0].language == "ger");
  BOOST_REQUIRE(back.packets.size() == 2u);
  BOOST_TEST((back.packets[0].bytes == page));
  // libavformat reads a page as due when it arrives, which is ahead of the pictures by the muxer's delay.
  BOOST_TEST(back.packets[0].pts <= 1 * second);
  BOOST_TEST(back.packets[1].pts - back.packets[0].pts == 1 * second);
  // Who does not ask for them gets none.
  auto without = read(path, [](AVCodecID x) { return x == AV_CODEC_ID_SCTE_35; });
  BOOST_TEST(without.companions.empty());
  BOOST_TEST(without.packets.empty());
  BOOST_REQUIRE(without.left_out.size() == 1u);
  BOOST_TEST(without.left_out[0].find("dvb_teletext") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
