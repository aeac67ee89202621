// Goal: a transcode's promises beyond the window: sizes, rates, colours and shapes are as requested or as in the
// source; damage and changes in mid-stream are survived and counted. Method: small streams made in memory are
// transcoded, and the result is decoded.
#include "quick_settings.hpp"

#include "encoder/source/demuxer.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
#include <random>

namespace av = troupe::av;

using namespace troupe::av::test;

BOOST_AUTO_TEST_SUITE(transcode_test)

BOOST_AUTO_TEST_CASE(every_source_frame_comes_out_once_with_its_time) {
  auto from = make(make_video({.first_number = 1000}), make_audio({}));
  auto made = run(from, {video(), audio()});
  BOOST_TEST(made.formats_announced == 1);
  BOOST_REQUIRE(made.tracks.size() == 2u);
  BOOST_TEST(made.tracks[0].parameters->codec_id == AV_CODEC_ID_H264);
  BOOST_TEST(made.tracks[1].parameters->codec_id == AV_CODEC_ID_AAC);
  auto pictures = pictures_of(made);
  BOOST_REQUIRE(pictures.size() == 75u);
  for (size_t i = 0; i < pictures.size(); ++i) {
    BOOST_TEST(pictures[i].pts == 900'000 + 3'600 * static_cast<int64_t>(i));
    BOOST_TEST((pictures[i].number == 1000 + i));
  }
  BOOST_TEST(made.counters.frames_encoded > 75u);
  BOOST_TEST(made.counters.corrupt_packets == 0u);
}

BOOST_AUTO_TEST_CASE(sound_does_not_run_ahead_of_the_pictures_it_belongs_to) {
  auto from = make(make_video({}), make_audio({}));
  auto settings = video();
  settings.preset = "medium";
  auto made = run(from, {settings, audio()});
  auto last_picture = av::no_pts;
  auto total = made.of(0).size();
  size_t pictures = 0;
  for (const auto& packet : made.packets) {
    if (packet->stream_index == 0) {
      last_picture = packet->dts;
      ++pictures;
    } else if (pictures < total) {
      BOOST_TEST((last_picture == av::no_pts || packet->dts <= last_picture + 4 * 3'600));
    }
  }
}

BOOST_AUTO_TEST_CASE(a_size_keeps_the_shape_of_what_is_shown) {
  auto from = make(make_video({.width = 180, .height = 144, .frames = 10, .sample_aspect = {16, 11}}));
  struct {
    int width, height, made_width, made_height;
    AVRational made_aspect;
    av::fit fit = av::fit::inside;
  } cases[] = {
    {0, 0, 180, 144, {16, 11}},   {0, 100, 182, 100, {1, 1}},   {320, 0, 320, 176, {1, 1}},
    {360, 144, 262, 144, {1, 1}}, {240, 200, 240, 132, {1, 1}}, {360, 144, 360, 144, {8, 11}, av::fit::stretch},
  };
  for (const auto& x : cases) {
    auto settings = video();
    settings.width = x.width;
    settings.height = x.height;
    settings.fit = x.fit;
    auto made = run(from, {settings});
    auto& p = *made.tracks[0].parameters;
    BOOST_TEST(p.width == x.made_width);
    BOOST_TEST(p.height == x.made_height);
    BOOST_TEST(av_cmp_q(p.sample_aspect_ratio, x.made_aspect) == 0);
    auto pictures = pictures_of(made);
    BOOST_REQUIRE(pictures.size() == 10u);
    BOOST_TEST(pictures[5].width == x.made_width);
    BOOST_TEST((pictures[5].number == 5u));
  }
}

BOOST_AUTO_TEST_CASE(colour_properties_and_depth_are_kept) {
  auto from = make(make_video({.frames = 10, .bt2020 = true}));
  for (auto* encoder : {"libx264", "libx265"}) {
    auto settings = video();
    settings.encoder = encoder;
    settings.pixel_format = "yuv420p10le";
    auto made = run(from, {settings});
    auto pictures = pictures_of(made);
    BOOST_REQUIRE(pictures.size() == 10u);
    BOOST_TEST(pictures[0].pixel_format == AV_PIX_FMT_YUV420P10LE);
    // The colours are read back from the bitstream, not from the parameters that the encoder reported.
    source again_from{av::clone(made.tracks), std::move(made.packets)};
    auto& p = *again_from.tracks[0].parameters;
    p.color_primaries = AVCOL_PRI_UNSPECIFIED;
    p.color_trc = AVCOL_TRC_UNSPECIFIED;
    p.color_space = AVCOL_SPC_UNSPECIFIED;
    auto again = run(again_from, {settings});
    auto& q = *again.tracks[0].parameters;
    BOOST_TEST(q.color_primaries == AVCOL_PRI_BT2020);
    BOOST_TEST(q.color_trc == AVCOL_TRC_SMPTE2084);
    BOOST_TEST(q.color_space == AVCOL_SPC_BT2020_NCL);
    BOOST_TEST(q.color_range == AVCOL_RANGE_MPEG);
  }
}

BOOST_AUTO_TEST_CASE(what_hdr_says_of_its_display_is_kept) {
  auto from = make(
    make_video({.encoder = "libx265",
                .frames = 5,
                .bt2020 = true,
                .options = {{"x265-params",
                             "log-level=none:max-cll=1000,400:"
                             "master-display=G(8500,39850)B(6550,2300)R(35400,14600)WP(15635,16450)L(10000000,1)"}}}));
  for (auto* encoder : {"libx265", "libsvtav1"}) {
    auto settings = video();
    settings.encoder = encoder;
    settings.preset = std::string_view{encoder} == "libsvtav1" ? "12" : "ultrafast";
    auto pictures = pictures_of(run(from, {settings}));
    BOOST_REQUIRE(pictures.size() == 5u);
    BOOST_TEST(pictures[0].hdr, encoder);
  }
}

BOOST_AUTO_TEST_CASE(full_range_stays_full_range) {
  auto from = make(make_video({.encoder = "mjpeg", .frames = 5, .b_frames = 0, .pixel_format = AV_PIX_FMT_YUVJ420P}));
  auto made = run(from, {video()});
  BOOST_TEST(made.tracks[0].parameters->color_range == AVCOL_RANGE_JPEG);
  auto pictures = pictures_of(made);
  BOOST_REQUIRE(pictures.size() == 5u);
  BOOST_TEST((pictures[3].number == 3u));
  // Limited to full range: Motion JPEG takes only full range.
  auto settings = video();
  settings = {};
  settings.encoder = "mjpeg";
  auto back = run(make(make_video({.frames = 5})), {settings});
  BOOST_TEST(pictures_of(back).size() == 5u);
}

BOOST_AUTO_TEST_CASE(interlaced_pictures_come_out_progressive) {
  video_source interlaced{.encoder = "mpeg2video", .height = 128, .frames = 30, .interlaced = true};
  auto from = make(make_video(interlaced));
  auto frames = pictures_of(run(from, {video()}));
  BOOST_REQUIRE(frames.size() == 30u);
  for (size_t i = 0; i < frames.size(); ++i) {
    BOOST_TEST(!frames[i].interlaced);
    BOOST_TEST(frames[i].pts == 900'000 + 3'600 * static_cast<int64_t>(i));
  }
  auto settings = video();
  settings.deinterlacing = av::deinterlace::field_rate;
  auto made = run(from, {settings});
  auto fields = pictures_of(made);
  BOOST_REQUIRE(fields.size() == 60u);
  BOOST_TEST(av_cmp_q(made.tracks[0].frame_rate, AVRational{50, 1}) == 0);
  for (size_t i = 0; i < fields.size(); ++i)
    BOOST_TEST(fields[i].pts == 900'000 + 1'800 * static_cast<int64_t>(i));
}

BOOST_AUTO_TEST_CASE(an_interlaced_part_of_a_progressive_source_is_deinterlaced) {
  auto first = make_video({.encoder = "mpeg2video", .height = 128, .frames = 24, .gop = 12, .b_frames = 0});
  auto second = make_video({.encoder = "mpeg2video",
                            .height = 128,
                            .frames = 24,
                            .gop = 12,
                            .b_frames = 0,
                            .interlaced = true,
                            .first_pts = 900'000 + 24 * 3'600,
                            .first_number = 24});
  auto pictures = pictures_of(run(make(join(std::move(first), std::move(second))), {video()}));
  BOOST_REQUIRE(pictures.size() == 48u);
  for (size_t i = 0; i < pictures.size(); ++i)
    BOOST_TEST(pictures[i].pts == 900'000 + 3'600 * static_cast<int64_t>(i));
}

BOOST_AUTO_TEST_CASE(a_frame_rate_puts_frames_on_its_own_grid) {
  auto from = make(make_video({.frames = 50, .first_pts = 900'123}));
  struct {
    AVRational rate;
    int64_t ticks;
    size_t least, most;
  } cases[] = {{{50, 1}, 1'800, 99, 101}, {{10, 1}, 9'000, 19, 21}, {{30, 1}, 3'000, 59, 61}};
  for (const auto& x : cases) {
    auto settings = video();
    settings.frame_rate = x.rate;
    auto made = run(from, {settings});
    auto pictures = pictures_of(made);
    BOOST_TEST(pictures.size() >= x.least);
    BOOST_TEST(pictures.size() <= x.most);
    BOOST_TEST(av_cmp_q(made.tracks[0].frame_rate, x.rate) == 0);
    for (size_t i = 0; i < pictures.size(); ++i) {
      BOOST_TEST(pictures[i].pts % x.ticks == 0);
      if (i > 0)
        BOOST_TEST(pictures[i].pts - pictures[i - 1].pts == x.ticks);
      auto source_number = (pictures[i].pts - 900'123) / 3'600.0;
      BOOST_TEST(std::abs(static_cast<double>(pictures[i].number.value_or(9'999)) - source_number) <= 1.6);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_gap_in_the_pictures_stays_one_unless_a_frame_rate_is_set) {
  auto pictures = make_video({.frames = 40, .gop = 10, .b_frames = 0});
  pictures.packets.erase(pictures.packets.begin() + 20, pictures.packets.begin() + 30);
  auto from = make(std::move(pictures));
  BOOST_TEST(pictures_of(run(from, {video()})).size() == 30u);
  auto settings = video();
  settings.frame_rate = {25, 1};
  BOOST_TEST(pictures_of(run(from, {settings})).size() == 40u);
}

BOOST_AUTO_TEST_CASE(corrupt_packets_are_counted_and_survived) {
  auto from = make(make_video({.frames = 100, .gop = 10}), make_audio({.encoder = "aac", .samples = 192'000}));
  std::mt19937 random{7};
  auto damaged = 0;
  for (auto& packet : from.packets) {
    if (random() % 10 != 0)
      continue;
    BOOST_REQUIRE(av_packet_make_writable(packet.get()) >= 0);
    for (auto i = packet->size / 3; i < packet->size; ++i)
      packet->data[i] = static_cast<uint8_t>(random());
    ++damaged;
  }
  auto made = run(from, {video(), audio()});
  BOOST_TEST(made.counters.corrupt_packets > 0u);
  BOOST_TEST(made.of(0).size() > 40u);
  BOOST_TEST(made.of(1).size() > 100u);
}

BOOST_AUTO_TEST_CASE(noise_instead_of_media_is_never_fatal_where_the_track_says_what_it_should_be) {
  auto from = make(make_video({.frames = 50}), make_audio({}));
  std::mt19937 random{11};
  for (auto& packet : from.packets) {
    BOOST_REQUIRE(av_packet_make_writable(packet.get()) >= 0);
    std::generate_n(packet->data, packet->size, [&] { return static_cast<uint8_t>(random()); });
  }
  auto made = run(from, {video(), audio()});
  BOOST_TEST(made.formats_announced == 1);
  BOOST_TEST(made.counters.corrupt_packets > 0u);
}

BOOST_AUTO_TEST_CASE(a_change_of_size_and_depth_in_mid_stream_keeps_the_output_as_it_is) {
  auto first = make_video({.frames = 25, .b_frames = 0});
  auto second = make_video(
    {.width = 320, .height = 192, .frames = 25, .b_frames = 0, .first_pts = 900'000 + 25 * 3'600, .first_number = 25});
  auto pictures = pictures_of(run(make(join(std::move(first), std::move(second))), {video()}));
  BOOST_REQUIRE(pictures.size() == 50u);
  for (size_t i = 0; i < pictures.size(); ++i) {
    BOOST_TEST(pictures[i].width == 160);
    BOOST_TEST(pictures[i].height == 96);
    BOOST_TEST((pictures[i].number == i));
  }
}

BOOST_AUTO_TEST_CASE(copied_tracks_pass_unchanged_and_dropped_ones_do_not) {
  auto from = make(make_video({.frames = 50}), make_audio({}), make_audio({.encoder = "aac"}));
  auto made = run(from, {av::copy_track{}, av::drop_track{}, av::copy_track{}});
  BOOST_REQUIRE(made.tracks.size() == 2u);
  BOOST_TEST(made.tracks[1].parameters->codec_id == AV_CODEC_ID_AAC);
  std::vector<const AVPacket*> expected;
  for (const auto& x : from.packets)
    if (x->stream_index == 0)
      expected.push_back(x.get());
  auto got = made.of(0);
  BOOST_REQUIRE(got.size() == expected.size());
  for (size_t i = 0; i < got.size(); ++i) {
    BOOST_TEST(got[i]->pts == expected[i]->pts);
    BOOST_TEST(got[i]->data == expected[i]->data);
  }
}

BOOST_AUTO_TEST_CASE(a_copied_window_is_over_decoding_times) {
  auto from = make(make_video({.frames = 60, .gop = 20}));
  auto begin = from.packets[5]->dts;
  auto end = from.packets[45]->dts;
  auto made = run(from, {av::copy_track{}}, {begin, end});
  BOOST_REQUIRE(made.packets.size() == 40u);
  for (size_t i = 0; i < made.packets.size(); ++i) {
    BOOST_TEST(made.packets[i]->dts == from.packets[i + 5]->dts);
    BOOST_TEST(made.packets[i]->pts == from.packets[i + 5]->pts);
    BOOST_TEST((made.packets[i]->flags & av::packet_flag_closed) != 0);
  }
}

BOOST_AUTO_TEST_CASE(a_copy_without_a_begin_waits_for_a_random_access_point) {
  auto from = make(make_video({.frames = 60, .gop = 20}));
  from.packets.erase(from.packets.begin(), from.packets.begin() + 7);
  auto pictures = pictures_of(run(from, {av::copy_track{}}));
  BOOST_REQUIRE(pictures.size() == 40u);
  BOOST_TEST((pictures[0].number == 20u));
}

BOOST_AUTO_TEST_CASE(a_join_in_mid_gop_waits_for_a_random_access_point) {
  auto from = make(make_video({.frames = 60, .gop = 20}));
  from.packets.erase(from.packets.begin(), from.packets.begin() + 7);
  auto pictures = pictures_of(run(from, {video()}));
  BOOST_REQUIRE(pictures.size() == 40u);
  BOOST_TEST((pictures[0].number == 20u));
}

BOOST_AUTO_TEST_CASE(a_new_timeline_begins_at_its_random_access_point) {
  // A looped source: the second pass begins with an open GOP's random-access point, flagged as the demuxer does.
  auto first = make_video({.frames = 30, .gop = 15});
  auto second = make_video({.frames = 30, .gop = 15, .first_pts = 900'000 + 30 * 3'600, .first_number = 30});
  second.packets[0]->flags |= av::packet_flag_discontinuity;
  auto made = run(make(join(std::move(first), std::move(second))), {video()});
  BOOST_TEST(made.counters.discontinuities == 1u);
  BOOST_TEST(pictures_of(made).size() == 60u);
}

BOOST_AUTO_TEST_CASE(a_track_that_never_comes_does_not_hold_the_others_back) {
  auto silent = make_audio({});
  silent.packets.clear();
  auto made = run(make(make_video({.frames = 75}), std::move(silent)), {video(), audio()});
  BOOST_TEST(made.tracks.size() == 2u);
  BOOST_TEST(made.of(0).size() == 75u);
}

BOOST_AUTO_TEST_CASE(a_complete_window_needs_nothing_more) {
  auto from = make(make_video({}), make_audio({}));
  result made;
  auto work =
    av::transcode::open(from.tracks, {video(), audio()}, windows_of(from, {900'000, 900'000 + 20 * 3'600}), made);
  BOOST_REQUIRE(work);
  size_t fed = 0;
  while (fed < from.packets.size() && !work->complete())
    BOOST_REQUIRE(work->send(*from.packets[fed++]));
  BOOST_TEST(fed < from.packets.size());
  auto before = made.packets.size();
  BOOST_REQUIRE(work->finish());
  BOOST_TEST(made.packets.size() == before);
  BOOST_TEST(made.of(0).size() == 20u);
}

BOOST_AUTO_TEST_CASE(a_change_of_shape_in_mid_stream_is_shown_between_bars) {
  auto from =
    make(join(make_video({.frames = 10, .b_frames = 0}),
              make_video({.frames = 10, .b_frames = 0, .first_pts = 900'000 + 10 * 3'600, .sample_aspect = {2, 1}})));
  auto pictures = pictures_of(run(from, {video()}));
  BOOST_REQUIRE(pictures.size() == 20u);
  BOOST_TEST(pictures[5].top_luma > 32.0);
  BOOST_TEST(pictures[15].top_luma < 20.0);
}

BOOST_AUTO_TEST_CASE(with_low_delay_a_picture_leaves_before_the_next_one_comes) {
  auto from = make(make_video({.frames = 20, .b_frames = 0}));
  auto settings = video();
  settings.tune = "zerolatency";
  settings.low_delay = true;
  settings.threads = 0;
  result made;
  auto work = av::transcode::open(from.tracks, {settings}, {}, made);
  BOOST_REQUIRE(work);
  for (size_t i = 0; i < from.packets.size(); ++i) {
    BOOST_REQUIRE(work->send(*from.packets[i]));
    BOOST_TEST(made.packets.size() == i + 1);
  }
}

BOOST_AUTO_TEST_CASE(with_low_delay_the_encoder_holds_no_more_pictures_on_a_large_machine) {
  auto from = make(make_video({.frames = 60, .b_frames = 0}));
  auto settings = video();
  settings.preset = "veryfast";
  settings.low_delay = true;
  settings.threads = 0;
  result made;
  auto work = av::transcode::open(from.tracks, {settings}, {}, made);
  BOOST_REQUIRE(work);
  size_t sent = 0;
  while (sent < from.packets.size() && made.packets.empty())
    BOOST_REQUIRE(work->send(*from.packets[sent++]));
  // On two cores the first packet comes after 18 pictures: the preset's lookahead, and two for the other threads. Each
  // further thread would add a picture.
  BOOST_TEST(sent <= 18u);
}

BOOST_AUTO_TEST_SUITE_END()
