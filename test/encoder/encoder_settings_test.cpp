// Goal: every setting works or is refused with its name; none is ignored, and no option that names a file is accepted.
// Method: small encodes with one setting changed; the result or the error is checked.
#include "quick_settings.hpp"
#include "splices.hpp"

#include "encoder/codec/encoder_table.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <string_view>

namespace av = troupe::av;

using namespace troupe::av::test;

BOOST_AUTO_TEST_SUITE(encoder_settings_test)

BOOST_AUTO_TEST_CASE(headers_are_in_band_or_in_extradata_as_asked) {
  auto from = make(make_video({.frames = 10}));
  auto settings = video();
  auto in_band = run(from, {settings});
  BOOST_TEST(in_band.tracks[0].parameters->extradata_size == 0);
  settings.in_band_headers = false;
  auto global = run(from, {settings});
  BOOST_TEST(global.tracks[0].parameters->extradata_size > 0);
  BOOST_TEST(pictures_of(global).size() == 10u);
}

BOOST_AUTO_TEST_CASE(where_delay_counts_no_more_than_one_picture_that_lasts_a_second_is_kept_back) {
  auto from = make(make_video({.frame_rate = {1, 1}, .frames = 4, .b_frames = 0}));
  for (auto* preset : {"ultrafast", "veryfast", "medium"}) {
    auto settings = video();
    settings.preset = preset;
    settings.threads = 0;
    settings.low_delay = true;
    result made;
    auto job = av::transcode::open(from.tracks, {settings}, {}, made);
    BOOST_REQUIRE(job);
    for (size_t i = 0; i < from.packets.size(); ++i) {
      BOOST_REQUIRE(job->send(*from.packets[i]));
      BOOST_TEST(made.packets.size() >= i);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_keyframe_interval_is_kept) {
  auto from = make(make_video({.frames = 60}));
  for (auto* encoder : {"libx264", "libx265", "mpeg2video"}) {
    auto settings = video();
    settings.encoder = encoder;
    settings.preset = std::string_view{encoder} == "mpeg2video" ? "" : "ultrafast";
    settings.crf = -1;
    settings.keyframe_interval = std::chrono::milliseconds{800};
    auto made = run(from, {settings});
    auto packets = made.of(0);
    auto keys =
      std::count_if(packets.begin(), packets.end(), [](auto* x) { return (x->flags & AV_PKT_FLAG_KEY) != 0; });
    BOOST_TEST(keys == 3, encoder << " makes " << keys);
  }
}

BOOST_AUTO_TEST_CASE(a_live_encode_has_its_random_access_points_on_the_grid_of_source_time) {
  // The picture rate does not divide the interval, and the encode begins off the grid.
  auto from = make(make_video({.frame_rate = {30'000, 1001}, .frames = 100, .first_pts = 900'000 + 31'234}));
  auto interval = int64_t{90} * 800;
  for (auto* encoder : {"libx264", "libx265", "libsvtav1", "libvpx-vp9", "libvpx", "libaom-av1", "librav1e",
                        "mpeg2video", "mpeg4", "libtheora"}) {
    auto settings = video();
    settings.encoder = encoder;
    settings.preset = std::string_view{encoder}.starts_with("libx26") ? "ultrafast" : "";
    settings.crf = -1;
    settings.bit_rate = 300'000;
    settings.low_delay = true;
    settings.keyframe_interval = std::chrono::milliseconds{800};
    auto made = run(from, {settings});
    std::vector<int64_t> times;
    std::vector<int64_t> keys;
    for (auto* x : made.of(0)) {
      times.push_back(x->pts);
      if ((x->flags & AV_PKT_FLAG_KEY) != 0)
        keys.push_back(x->pts);
    }
    std::sort(times.begin(), times.end());
    std::vector<int64_t> due;
    for (auto x : times)
      if (due.empty() || x / interval > due.back() / interval)
        due.push_back(x);
    BOOST_TEST_CONTEXT(encoder) {
      BOOST_TEST(times.size() == 100u);
      // libvpx has no setting that prevents further random-access points at scene changes.
      if (std::string_view{encoder} == "libvpx")
        std::erase_if(keys, [&](auto x) { return std::find(due.begin(), due.end(), x) == due.end(); });
      BOOST_TEST(keys == due, boost::test_tools::per_element());
    }
  }
}

BOOST_AUTO_TEST_CASE(a_splice_begins_with_a_random_access_point_and_the_grid_stays) {
  auto from = make(make_video({.frames = 100}));
  // The first splice is known ahead of its picture, the second one is not, and lies between two pictures.
  stream cues;
  cues.info.parameters = av::make_codec_parameters();
  cues.info.parameters->codec_type = AVMEDIA_TYPE_DATA;
  cues.info.parameters->codec_id = AV_CODEC_ID_SCTE_35;
  from.tracks.push_back(cues.info.clone());
  auto splice = [&](int64_t dts, int64_t pts, const std::vector<uint8_t>& section) {
    auto x = av::make_packet();
    BOOST_REQUIRE(av_new_packet(x.get(), static_cast<int>(section.size())) >= 0);
    std::copy(section.begin(), section.end(), x->data);
    x->stream_index = 1;
    x->pts = pts;
    x->dts = dts;
    auto later = [&](const av::packet_ptr& y) { return y->dts > dts; };
    from.packets.insert(std::find_if(from.packets.begin(), from.packets.end(), later), std::move(x));
  };
  constexpr int64_t picture = 3'600;
  splice(900'000, 900'000 + 13 * picture, splice_insert({.time = 900'000 + 13 * picture}));
  splice(900'000 + 40 * picture, 900'000 + 57 * picture - 100, splice_insert({.event = 2, .out = false}));
  splice(900'000 + 60 * picture, 900'000 + 63 * picture, splice_null()); // which asks for nothing
  for (auto* encoder : {"libx264", "libx265", "mpeg2video", "libvpx-vp9"}) {
    auto settings = video();
    settings.encoder = encoder;
    settings.preset = std::string_view{encoder}.starts_with("libx26") ? "ultrafast" : "";
    settings.crf = -1;
    settings.bit_rate = 300'000;
    settings.low_delay = true;
    settings.keyframe_interval = std::chrono::milliseconds{1'000};
    auto made = run(from, {settings, av::drop_track{}});
    std::vector<int64_t> keys;
    for (auto* x : made.of(0))
      if ((x->flags & AV_PKT_FLAG_KEY) != 0)
        keys.push_back((x->pts - 900'000) / picture);
    std::vector<int64_t> due{0, 13, 25, 50, 57, 75};
    BOOST_TEST_CONTEXT(encoder) {
      BOOST_TEST(made.tracks.size() == 1u);
      BOOST_TEST(keys == due, boost::test_tools::per_element());
    }
  }
}

BOOST_AUTO_TEST_CASE(a_splice_is_remembered_through_others_and_told_again_after_an_absence) {
  auto from = make(make_video({.frames = 60, .b_frames = 0}));
  stream cues;
  cues.info.parameters = av::make_codec_parameters();
  cues.info.parameters->codec_type = AVMEDIA_TYPE_DATA;
  cues.info.parameters->codec_id = AV_CODEC_ID_SCTE_35;
  from.tracks.push_back(cues.info.clone());
  auto settings = video();
  settings.encoder = "mpeg2video";
  settings.preset.clear();
  settings.crf = -1;
  settings.bit_rate = 300'000;
  settings.low_delay = true;
  settings.keyframe_interval = std::chrono::seconds{10};
  result made;
  auto job = av::transcode::open(from.tracks, {settings, av::drop_track{}}, {}, made);
  BOOST_REQUIRE(job);
  constexpr int64_t picture = 3'600;
  constexpr int64_t begin = 900'000;
  auto splice = [&](int64_t at) {
    auto section = splice_insert({.time = at});
    auto x = av::make_packet();
    BOOST_REQUIRE(av_new_packet(x.get(), static_cast<int>(section.size())) >= 0);
    std::copy(section.begin(), section.end(), x->data);
    x->stream_index = 1;
    x->pts = at;
    x->dts = begin;
    BOOST_REQUIRE(job->send(*x));
  };
  // Announced before the first picture; the second one a hundred times.
  splice(begin + 5 * picture);
  for (int i = 0; i < 100; ++i)
    splice(begin + 8 * picture);
  splice(begin + 45 * picture);
  for (int64_t i = 0; i < 20; ++i)
    BOOST_REQUIRE(job->send(*from.packets[static_cast<size_t>(i)]));
  BOOST_REQUIRE(job->fill(begin + 35 * picture));
  splice(begin + 50 * picture);
  for (size_t i = 0; i < 40; ++i) { // the stream again: it begins with a random-access point
    auto x = av::packet_ptr{av_packet_clone(from.packets[i].get())};
    x->pts += 35 * picture;
    x->dts += 35 * picture;
    BOOST_REQUIRE(job->send(*x));
  }
  BOOST_REQUIRE(job->finish());
  std::vector<int64_t> keys;
  for (auto& x : made.packets)
    if ((x->flags & AV_PKT_FLAG_KEY) != 0)
      keys.push_back((x->pts - begin) / picture);
  BOOST_TEST((keys == std::vector<int64_t>{0, 5, 8, 50}));
}

BOOST_AUTO_TEST_CASE(what_cannot_be_done_is_refused_by_name) {
  auto from = make(make_video({.frames = 5}), make_audio({.samples = 9'600}));
  struct {
    std::string what;
    void (*change)(av::video_settings&);
    std::string in_text;
  } cases[] = {
    {"encoder", [](auto& x) { x.encoder = "no_such"; }, "no_such"},
    {"audio encoder", [](auto& x) { x.encoder = "aac"; }, "video encoder"},
    {"preset", [](auto& x) { x.preset = "no_such"; }, "preset"},
    {"profile", [](auto& x) { x.profile = "no_such"; }, "profile"},
    {"preset of an encoder without", [](auto& x) { x.encoder = "mpeg2video"; }, "no preset"},
    {"option", [](auto& x) { x.options["no_such"] = "1"; }, "no_such"},
    {"file name", [](auto& x) { x.options["stats"] = "/tmp/x"; }, "allow list"},
    {"key in a list", [](auto& x) { x.options["x264-params"] = "stats=/tmp/x"; }, "allow list"},
    {"key in a level", [](auto& x) { x.encoder = "libx265", x.level = "4.1:csv=x"; }, "level"},
    {"another encoder's option", [](auto& x) { x.options["row-mt"] = "1"; }, "row-mt"},
    {"value", [](auto& x) { x.options["aq-mode"] = "seven"; }, "aq-mode"},
    {"pixel format", [](auto& x) { x.pixel_format = "yuv410p"; }, "yuv410p"},
    {"odd size", [](auto& x) { x.width = 161; }, "even"},
    {"huge size", [](auto& x) { x.height = 100'000; }, "16384"},
    {"frame rate",
     [](auto& x) {
       x.frame_rate = {90'000, 1};
     },
     "frame rate"},
  };
  for (const auto& x : cases) {
    auto settings = video();
    x.change(settings);
    auto refused = refusal(from, {settings, audio()});
    BOOST_TEST_CONTEXT(x.what << ": " << refused.what) {
      BOOST_TEST(refused.terminal());
      BOOST_TEST(refused.what.find(x.in_text) != std::string::npos);
    }
  }
  auto sound = audio();
  sound.sample_rate = 12'345;
  BOOST_TEST((refusal(from, {video(), sound}).code == av::errc::option));
  sound = audio();
  sound.channel_layout = "7 trumpets";
  BOOST_TEST((refusal(from, {video(), sound}).code == av::errc::option));
  BOOST_TEST((refusal(from, {audio(), audio()}).code == av::errc::option));
  BOOST_TEST((refusal(from, {video()}).code == av::errc::option));
}

BOOST_AUTO_TEST_CASE(every_allowed_list_of_keys_names_no_file) {
  for (auto* key : {"stats", "csv", "qpfile", "cqmfile", "zonefile", "analysis-save", "analysis-load", "opencl-clbin",
                    "scaling-list", "lambda-file", "recon", "log-file", "dump-yuv", "input", "output", "", "pass"})
    BOOST_TEST(!av::is_allowed_key(key), key);
  for (auto* name : {"stats", "passlogfile", "x264opts", "threads", "g", "time_base", "flags", "strict", ""})
    BOOST_TEST(!av::is_allowed_option(name), name);
}

BOOST_AUTO_TEST_SUITE_END()
