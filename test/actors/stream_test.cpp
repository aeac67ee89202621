// The stream between a session and its clients, and the translation between messages and libav*. The tests compare what
// a client reads and what a decoder would get.
#include "actors/live/block_builder.hpp"
#include "actors/live/live_plan.hpp"
#include "encoder/source/demuxer.hpp"
#include "packaging/samples.hpp"
#include "packaging/variant_stream.hpp"

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <thread>

using namespace troupe;

BOOST_AUTO_TEST_SUITE(stream_test)

namespace {

core::chunk chunk_of(int64_t ticks, bool random_access) {
  return {shared_bytes{shared_bytes::container(4, static_cast<std::byte>(ticks))}, random_access, ticks};
}

std::vector<shared_bytes> all_of(variant_stream::reader& reader) {
  std::vector<shared_bytes> result;
  while (reader.read(result, 1 << 20) == variant_stream::reader::outcome::data) {
  }
  return result;
}

} // namespace

BOOST_AUTO_TEST_CASE(readers_share_the_very_same_bytes) {
  auto stream = std::make_shared<variant_stream>(core::client_ring::limits{});
  variant_stream::reader a{stream}, b{stream};
  stream->push(chunk_of(1, true));
  auto from_a = all_of(a);
  auto from_b = all_of(b);
  BOOST_REQUIRE(from_a.size() == 1u);
  BOOST_TEST(from_a[0].span().data() == from_b[0].span().data());
}

BOOST_AUTO_TEST_CASE(a_waiting_reader_is_woken_once_by_data_or_by_the_end) {
  auto stream = std::make_shared<variant_stream>(core::client_ring::limits{});
  variant_stream::reader reader{stream};
  std::atomic<int> woken{0};
  reader.notify([&] { ++woken; });
  BOOST_TEST(woken == 0);
  stream->push(chunk_of(1, true));
  stream->push(chunk_of(2, false));
  BOOST_TEST(woken == 1);
  (void)all_of(reader);
  reader.notify([&] { ++woken; });
  stream->end("over");
  BOOST_TEST(woken == 2);
  std::vector<shared_bytes> out;
  BOOST_TEST((reader.read(out, 1) == variant_stream::reader::outcome::end));
  BOOST_TEST(reader.end_reason() == "over");
  reader.notify([&] { ++woken; });
  BOOST_TEST(woken == 3); // the stream is over: the callback runs at once
}

BOOST_AUTO_TEST_CASE(clients_are_counted_by_the_readers_that_exist) {
  auto stream = std::make_shared<variant_stream>(core::client_ring::limits{});
  {
    variant_stream::reader a{stream};
    auto b = std::move(a);
    variant_stream::reader c{stream};
    BOOST_TEST(stream->count().clients == 2u);
  }
  BOOST_TEST(stream->count().clients == 0u);
  BOOST_TEST(stream->count().clients_total == 2u);
}

BOOST_AUTO_TEST_CASE(a_reader_that_goes_is_not_woken_any_more) {
  auto stream = std::make_shared<variant_stream>(core::client_ring::limits{});
  auto woken = false;
  {
    variant_stream::reader reader{stream};
    reader.notify([&] { woken = true; });
  }
  stream->push(chunk_of(1, true));
  BOOST_TEST(!woken);
}

BOOST_AUTO_TEST_CASE(writer_and_readers_may_be_on_different_threads) {
  auto stream = std::make_shared<variant_stream>(core::client_ring::limits{});
  std::atomic<bool> in_order{true};
  std::vector<std::thread> readers;
  for (int i = 0; i < 4; ++i)
    readers.emplace_back([&] {
      variant_stream::reader reader{stream};
      int last = -1;
      for (;;) {
        std::vector<shared_bytes> out;
        auto outcome = reader.read(out, 64);
        if (outcome == variant_stream::reader::outcome::end)
          return;
        for (auto& x : out) {
          auto n = static_cast<int>(x.span()[0]);
          in_order = in_order && n > last;
          last = n;
        }
      }
    });
  for (int64_t t = 0; t < 200; ++t)
    stream->push(chunk_of(t, t % 10 == 0));
  stream->end({});
  for (auto& t : readers)
    t.join();
  BOOST_TEST(in_order.load());
}

BOOST_AUTO_TEST_CASE(a_format_survives_the_way_to_libav_and_back) {
  track_format video;
  video.codec = "hevc";
  video.codec_profile = 2;
  video.codec_level = 93;
  video.extradata = shared_bytes{shared_bytes::container(20, std::byte{7})};
  video.width = 1920;
  video.height = 1080;
  video.sample_aspect = {4, 3};
  video.frame_rate = {30000, 1001};
  video.pixel_format = "yuv420p10le";
  video.field_order = "tt";
  video.color_range = "tv";
  video.color_primaries = "bt2020";
  video.color_transfer = "smpte2084";
  video.color_space = "bt2020nc";
  video.chroma_location = "left";
  video.reorder_frames = 2;
  video.turn = 3;
  video.aspect_by_container = true;
  track_format audio;
  audio.kind = track_kind::audio;
  audio.codec = "eac3";
  audio.sample_rate = 48'000;
  audio.channel_layout = "5.1(side)";
  audio.sample_format = "fltp";
  audio.frame_size = 1536;
  audio.language = "deu";
  BOOST_TEST((to_format(to_track(video)) == video));
  BOOST_TEST((to_format(to_track(audio)) == audio));
}

BOOST_AUTO_TEST_CASE(a_codec_that_nobody_knows_is_unknown_and_harmless) {
  track_format x;
  x.codec = "no such codec";
  x.pixel_format = "nor this";
  BOOST_TEST(to_track(x).parameters->codec_id == AV_CODEC_ID_NONE);
}

BOOST_AUTO_TEST_CASE(each_random_access_point_begins_a_block) {
  std::vector<sample_block> blocks;
  block_builder builder{[&](sample_block b) { blocks.push_back(std::move(b)); }};
  track_format video, audio;
  video.codec = "h264";
  audio.kind = track_kind::audio;
  audio.codec = "aac";
  builder.set_tracks(to_tracks({{video, audio}}));
  auto packet = av::make_packet();
  BOOST_REQUIRE(av_new_packet(packet.get(), 10) == 0);
  for (int i = 0; i < 9; ++i) {
    packet->stream_index = i % 3 == 1 ? 1 : 0;
    packet->pts = packet->dts = i;
    packet->flags = i % 3 <= 1 ? AV_PKT_FLAG_KEY : 0;
    builder.add(*packet);
  }
  builder.flush();
  BOOST_REQUIRE(blocks.size() == 3u);
  for (auto& b : blocks) {
    BOOST_TEST(b.starts_with_random_access());
    BOOST_TEST(b.samples.size() == 3u);
    BOOST_TEST(!b.samples[1].is_random_access()); // with a video track, only video marks random-access points
    BOOST_TEST((b.samples[1].flags & sample::key) != 0);
    BOOST_TEST(b.bytes.size() == 30u);
  }
}

BOOST_AUTO_TEST_CASE(sound_without_pictures_can_be_joined_at_its_first_packet_and_twice_a_second) {
  for (int64_t first : {int64_t{-1000}, int64_t{0}, int64_t{126'000}, int64_t{1} << 40}) {
    std::vector<int64_t> marks;
    block_builder builder{[&](sample_block b) {
      for (auto& s : b.samples)
        if (s.is_random_access())
          marks.push_back(s.pts - first);
    }};
    track_format audio;
    audio.kind = track_kind::audio;
    audio.codec = "mp2";
    builder.set_tracks(to_tracks({{audio}}));
    auto packet = av::make_packet();
    BOOST_REQUIRE(av_new_packet(packet.get(), 10) == 0);
    packet->flags = AV_PKT_FLAG_KEY;
    for (int i = 0; i < 100; ++i) {
      packet->pts = packet->dts = first + i * 2160;
      builder.add(*packet);
    }
    builder.flush();
    BOOST_TEST((marks == std::vector<int64_t>{0, 45'360, 90'720, 136'080, 181'440}));
  }
}

BOOST_AUTO_TEST_CASE(what_a_transport_stream_does_not_carry_is_encoded_in_what_it_does) {
  track_format video;
  video.codec = "vp9";
  track_format audio;
  audio.kind = track_kind::audio;
  audio.codec = "pcm_alaw";
  track_format other = audio;
  other.codec = "mp2";
  profile copy;
  copy.name = "source";
  auto plan = to_plan({{video, audio, other}}, copy);
  BOOST_REQUIRE(plan);
  BOOST_TEST(std::get<av::video_settings>(plan->at(0)).encoder == "h264");
  BOOST_TEST(std::get<av::audio_settings>(plan->at(1)).encoder == "aac");
  BOOST_TEST(std::holds_alternative<av::copy_track>(plan->at(2)));
}

BOOST_AUTO_TEST_CASE(a_profile_that_no_transport_stream_can_carry_says_so) {
  auto about = [](const std::string& video, const std::string& audio) {
    profile x;
    x.name = "this";
    x.video.codec = video;
    x.audio.codec = audio;
    return misfit(x);
  };
  for (auto* good : {"copy", "none", "h264", "libx265", "h264_nvenc", "mpeg2video", "no_such_encoder"})
    BOOST_TEST(about(good, "aac") == "");
  for (auto* bad : {"av1", "libsvtav1", "av1_nvenc", "vp9", "libvpx-vp9"})
    BOOST_TEST(about(bad, "aac").find("MPEG-TS does not carry") != std::string::npos);
  for (auto* bad : {"flac", "libvorbis"})
    BOOST_TEST(about("h264", bad).find(bad == std::string{"flac"} ? "flac" : "vorbis") != std::string::npos);
  BOOST_TEST(about("h264", "libopus") == "");
}

BOOST_AUTO_TEST_CASE(a_block_with_closed_samples_ends_with_one) {
  std::vector<sample_block> blocks;
  block_builder builder{[&](sample_block b) { blocks.push_back(std::move(b)); }};
  track_format video;
  video.codec = "h264";
  builder.set_tracks(to_tracks({{video}}));
  auto packet = av::make_packet();
  BOOST_REQUIRE(av_new_packet(packet.get(), 10) == 0);
  // A closed group of three pictures, one of two, two of one picture each, and the beginning of another group.
  for (auto closed : {false, false, true, false, true, true, true, false}) {
    packet->pts = packet->dts = packet->dts + 1;
    packet->flags = closed ? av::packet_flag_closed : 0;
    builder.add(*packet);
  }
  builder.flush();
  BOOST_REQUIRE(blocks.size() == 3u);
  BOOST_TEST(blocks[0].samples.size() == 3u);
  BOOST_TEST(blocks[1].samples.size() == 4u);
  BOOST_TEST(blocks[2].samples.size() == 1u);
  for (auto& b : blocks)
    BOOST_TEST(((b.samples.back().flags & sample::closed) != 0) == (&b != &blocks[2]));
}

BOOST_AUTO_TEST_CASE(what_an_edit_list_hides_is_hidden_on_both_sides) {
  std::vector<sample_block> blocks;
  block_builder builder{[&](sample_block b) { blocks.push_back(std::move(b)); }};
  auto packet = av::make_packet();
  BOOST_REQUIRE(av_new_packet(packet.get(), 10) == 0);
  packet->flags = AV_PKT_FLAG_KEY | AV_PKT_FLAG_DISCARD;
  builder.add(*packet);
  packet->flags = 0;
  builder.add(*packet);
  builder.flush();
  BOOST_REQUIRE(blocks.size() == 1u);
  for (auto& s : blocks[0].samples) {
    auto back = av::make_packet();
    borrow(*back, s, blocks[0].bytes.span().subspan(0, s.size));
    BOOST_TEST(((back->flags & AV_PKT_FLAG_DISCARD) != 0) == (&s == &blocks[0].samples.front()));
  }
}

BOOST_AUTO_TEST_CASE(a_broken_timeline_shows_on_both_sides) {
  std::vector<sample_block> blocks;
  block_builder builder{[&](sample_block b) { blocks.push_back(std::move(b)); }};
  auto packet = av::make_packet();
  BOOST_REQUIRE(av_new_packet(packet.get(), 10) == 0);
  packet->flags = av::packet_flag_discontinuity;
  builder.add(*packet);
  packet->flags = 0;
  builder.add(*packet);
  builder.flush();
  BOOST_REQUIRE(blocks.size() == 1u);
  for (auto& s : blocks[0].samples) {
    auto first = &s == &blocks[0].samples.front();
    BOOST_TEST(((s.flags & sample::discontinuity) != 0) == first);
    auto back = av::make_packet();
    borrow(*back, s, blocks[0].bytes.span().subspan(0, s.size));
    BOOST_TEST(((back->flags & av::packet_flag_discontinuity) != 0) == first);
  }
}

BOOST_AUTO_TEST_SUITE_END()
