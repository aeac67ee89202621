// Goal: a muxed stream reaches its reader at once, can be joined at the start of a segment, and carries the original
// times. Method: clips encoded here are muxed into memory; the output is checked as bytes and read back by the demuxer.
#include "packaging/muxer.hpp"

#include "encoder/source/demuxer.hpp"

#include "test/encoder/clip.hpp"

#include <boost/test/unit_test.hpp>

#include <stdexcept>

using namespace troupe::av;
using namespace troupe::av::test;

BOOST_AUTO_TEST_SUITE(muxer_test)

namespace {

const std::atomic<bool> never{false};
constexpr int64_t wrap33 = int64_t{1} << 33;

struct muxed {
  std::string bytes;
  std::vector<size_t> segments; ///< offsets
};

/// Muxes the clip, moved by `shift`, with a segment at each random-access point of the video.
muxed mux(const clip& from, const std::string& format, int64_t shift,
          const std::map<std::string, std::string>& options = {}) {
  muxed result;
  auto write = [&result](std::span<const std::byte> x) {
    result.bytes.append(reinterpret_cast<const char*>(x.data()), x.size());
  };
  auto out = muxer::open(format, from.tracks, write, options);
  BOOST_REQUIRE_MESSAGE(out, (out ? "" : out.error().what));
  for (const auto& x : from.packets) {
    auto before = result.bytes.size();
    if (x->stream_index == 0 && (x->flags & AV_PKT_FLAG_KEY) != 0) {
      BOOST_REQUIRE(out->begin_segment());
      result.segments.push_back(result.bytes.size());
    }
    packet_ptr y{av_packet_clone(x.get())};
    y->pts += shift;
    y->dts += shift;
    auto ok = out->write(*y);
    BOOST_REQUIRE_MESSAGE(ok, (ok ? "" : ok.error().what));
    if (format == "mpegts") {
      BOOST_TEST(result.bytes.size() > before);
      BOOST_TEST(result.bytes.size() % 188 == 0u);
    }
  }
  BOOST_REQUIRE(out->finish());
  return result;
}

std::vector<packet_ptr> read_back(const std::string& bytes, const std::string& name,
                                  std::vector<track>* tracks = nullptr) {
  source_options options;
  options.url = write_bytes(name, bytes);
  auto source = demuxer::open(options, never);
  BOOST_REQUIRE_MESSAGE(source, (source ? "" : source.error().what));
  std::vector<packet_ptr> result;
  for (;;) {
    auto x = make_packet();
    auto more = source->read(*x);
    BOOST_REQUIRE(more);
    if (!*more)
      break;
    result.push_back(std::move(x));
  }
  if (tracks != nullptr)
    *tracks = clone(source->tracks());
  return result;
}

const packet_ptr& first_of(const std::vector<packet_ptr>& packets, int index) {
  auto i =
    std::find_if(packets.begin(), packets.end(), [index](const packet_ptr& x) { return x->stream_index == index; });
  BOOST_REQUIRE(i != packets.end());
  return *i;
}

/// The payload's packet identifier of the transport packet at `offset`.
int pid_at(const std::string& bytes, size_t offset) {
  return ((bytes[offset + 1] & 0x1f) << 8) | static_cast<unsigned char>(bytes[offset + 2]);
}

} // namespace

BOOST_AUTO_TEST_CASE(times_go_through_unchanged) {
  auto from = make_clip({});
  auto got = read_back(mux(from, "mpegts", 900'000'000).bytes, "times.ts");
  BOOST_REQUIRE(got.size() == from.packets.size());
  for (int track = 0; track < 2; ++track) {
    std::vector<int64_t> a;
    std::vector<int64_t> b;
    for (const auto& x : from.packets)
      if (x->stream_index == track) {
        a.push_back(x->pts + 900'000'000);
        a.push_back(x->dts + 900'000'000);
      }
    for (const auto& x : got)
      if (x->stream_index == track) {
        b.push_back(x->pts);
        b.push_back(x->dts);
      }
    BOOST_TEST(a == b, boost::test_tools::per_element());
  }
}

BOOST_AUTO_TEST_CASE(times_below_zero_and_beyond_33_bits_are_written_modulo_33_bits) {
  auto from = make_clip({});
  for (auto shift : {int64_t{0}, 3 * wrap33 + 12'345'678, -wrap33 + 900'000}) {
    auto got = read_back(mux(from, "mpegts", shift).bytes, "modulo.ts");
    auto expected = first_of(from.packets, 0)->pts + shift;
    BOOST_TEST(((first_of(got, 0)->pts - expected) % wrap33) == 0);
    BOOST_TEST(first_of(got, 1)->pts - first_of(got, 0)->pts
               == first_of(from.packets, 1)->pts - first_of(from.packets, 0)->pts);
  }
}

BOOST_AUTO_TEST_CASE(a_reader_can_join_at_each_segment) {
  auto from = make_clip({});
  auto made = mux(from, "mpegts", 900'000);
  BOOST_REQUIRE(made.segments.size() == 3u);
  for (size_t i = 0; i < made.segments.size(); ++i) {
    auto offset = made.segments[i];
    // The tables come first: service description or not, then program association, then program map.
    std::vector<int> pids;
    for (size_t k = 0; k < 4; ++k)
      pids.push_back(pid_at(made.bytes, offset + k * 188));
    BOOST_TEST((std::find(pids.begin(), pids.end(), 0) != pids.end()));
    auto got = read_back(made.bytes.substr(offset), "join.ts");
    BOOST_TEST(first_of(got, 0)->pts == 900'000 + static_cast<int64_t>(i) * 25 * 3600);
    BOOST_TEST((first_of(got, 0)->flags & AV_PKT_FLAG_KEY) != 0);
  }
}

BOOST_AUTO_TEST_CASE(the_clock_runs_ahead_of_what_is_decoded_and_never_back) {
  auto made = mux(make_clip({}), "mpegts", 900'000);
  int64_t last = -1;
  int count = 0;
  for (size_t at = 0; at + 188 <= made.bytes.size(); at += 188) {
    auto* x = reinterpret_cast<const unsigned char*>(made.bytes.data() + at);
    if ((x[3] & 0x20) == 0 || x[4] < 7 || (x[5] & 0x10) == 0)
      continue;
    auto base = (int64_t{x[6]} << 25) | (x[7] << 17) | (x[8] << 9) | (x[9] << 1) | (x[10] >> 7);
    BOOST_TEST(base > last);
    if (last >= 0)
      BOOST_TEST(base - last <= 9000);
    last = base;
    ++count;
  }
  BOOST_TEST(count >= 30);
  BOOST_TEST(last <= 900'000 + 75 * 3600 - 45'000);
}

BOOST_AUTO_TEST_CASE(raw_aac_and_aac_with_headers_both_become_a_transport_stream) {
  clip_settings settings;
  settings.global_header = true;
  std::vector<track> tracks;
  auto got = read_back(mux(make_clip(settings), "mpegts", 900'000).bytes, "raw-aac.ts", &tracks);
  BOOST_TEST(tracks[1].parameters->sample_rate == 48'000);
  // The AAC that the demuxer returns has ADTS headers.
  clip second;
  second.tracks = std::move(tracks);
  second.packets = std::move(got);
  auto again = read_back(mux(second, "mpegts", 0).bytes, "adts.ts");
  BOOST_TEST(again.size() == second.packets.size());
}

BOOST_AUTO_TEST_CASE(opus_goes_into_a_transport_stream) {
  clip_settings settings;
  settings.audio = "libopus";
  settings.global_header = true;
  std::vector<track> tracks;
  auto from = make_clip(settings);
  auto got = read_back(mux(from, "mpegts", 900'000).bytes, "opus.ts", &tracks);
  BOOST_TEST(tracks[1].parameters->codec_id == AV_CODEC_ID_OPUS);
  BOOST_TEST(got.size() == from.packets.size());
}

BOOST_AUTO_TEST_CASE(a_codec_that_the_container_cannot_carry_is_named_with_it) {
  for (auto codec : {AV_CODEC_ID_AV1, AV_CODEC_ID_VP9, AV_CODEC_ID_FLAC}) {
    std::vector<track> tracks(1);
    tracks[0].parameters = make_codec_parameters();
    tracks[0].parameters->codec_id = codec;
    tracks[0].parameters->codec_type = avcodec_get_type(codec);
    auto out = muxer::open("mpegts", tracks, [](std::span<const std::byte>) {});
    BOOST_REQUIRE(!out);
    BOOST_TEST(static_cast<int>(out.error().code) == static_cast<int>(errc::unsupported));
    BOOST_TEST(out.error().what.find(avcodec_get_name(codec)) != std::string::npos);
    BOOST_TEST(out.error().what.find("mpegts") != std::string::npos);
  }
}

BOOST_AUTO_TEST_CASE(other_containers_are_written_in_one_pass) {
  clip_settings settings;
  settings.global_header = true;
  auto from = make_clip(settings);
  BOOST_TEST(read_back(mux(from, "matroska", 900'000).bytes, "one-pass.mkv").size() == from.packets.size());
  auto mp4 = mux(from, "mp4", 0, {{"movflags", "frag_keyframe+empty_moov+default_base_moof"}});
  BOOST_TEST(read_back(mp4.bytes, "one-pass.mp4").size() == from.packets.size());
}

BOOST_AUTO_TEST_CASE(unknown_containers_and_options_are_refused) {
  auto from = make_clip({});
  auto ignore = [](std::span<const std::byte>) {};
  BOOST_TEST(static_cast<int>(muxer::open("nothing", from.tracks, ignore).error().code)
             == static_cast<int>(errc::unsupported));
  BOOST_TEST(static_cast<int>(muxer::open("mpegts", from.tracks, ignore, {{"no_such", "1"}}).error().code)
             == static_cast<int>(errc::option));
  BOOST_TEST(!muxer::open("mpegts", {}, ignore));
}

BOOST_AUTO_TEST_CASE(a_failing_writer_ends_the_muxer_and_nothing_else) {
  auto from = make_clip({});
  bool broken = false;
  auto write = [&broken](std::span<const std::byte>) {
    if (broken)
      throw std::runtime_error{"disk full"};
  };
  auto out = muxer::open("mpegts", from.tracks, write);
  BOOST_REQUIRE(out);
  BOOST_TEST(out->write(*from.packets[0]).has_value());
  broken = true;
  BOOST_TEST(!out->write(*from.packets[1]));
  broken = false;
  BOOST_TEST(!out->write(*from.packets[2]));
  BOOST_TEST(!out->finish());
}

BOOST_AUTO_TEST_CASE(a_packet_of_no_track_is_an_error) {
  auto from = make_clip({});
  auto out = muxer::open("mpegts", from.tracks, [](std::span<const std::byte>) {});
  BOOST_REQUIRE(out);
  packet_ptr x{av_packet_clone(from.packets[0].get())};
  x->stream_index = 7;
  BOOST_TEST(!out->write(*x));
  BOOST_TEST(out->write(*from.packets[0]).has_value());
  BOOST_TEST(out->finish().has_value());
  BOOST_TEST(!out->write(*from.packets[1]));
}

BOOST_AUTO_TEST_SUITE_END()
