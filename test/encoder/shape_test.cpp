// Goal: pictures keep the shape and orientation that a player shows for their source, at any requested size. Method:
// filters get a picture with one bright corner; whole jobs turn, fit and copy small films, and libavformat reads the
// results.
#include "encoder/orientation.hpp"
#include "file_job.hpp"
#include "quick_settings.hpp"

#include "encoder/codec/video_filter.hpp"
#include "encoder/format_ptr.hpp"

extern "C" {
#include <libavutil/display.h>
}

#include <boost/test/unit_test.hpp>

#include <cstring>
#include <memory>
#include <string>

using namespace troupe::av::test;

namespace av = troupe::av;

BOOST_AUTO_TEST_SUITE(shape_test)

namespace {

struct matrix {
  int a, b, c, d; ///< of libavutil/display.h
};

/// Every way to turn and mirror a picture.
constexpr matrix matrices[] = {{1, 0, 0, 1}, {-1, 0, 0, 1}, {1, 0, 0, -1}, {-1, 0, 0, -1},
                               {0, 1, 1, 0}, {0, 1, -1, 0}, {0, -1, 1, 0}, {0, -1, -1, 0}};

av::orientation turn_of(const matrix& x) {
  av::input_context_ptr context{avformat_alloc_context()};
  auto* stream = avformat_new_stream(context.get(), nullptr);
  int32_t values[9] = {x.a << 16, x.b << 16, 0, x.c << 16, x.d << 16, 0, 0, 0, 1 << 30};
  std::memcpy(av_stream_new_side_data(stream, AV_PKT_DATA_DISPLAYMATRIX, sizeof values), values, sizeof values);
  return av::orientation_of(*stream);
}

/// 64x32, grey, with one bright corner at the top left.
av::frame_ptr with_bright_corner() {
  auto frame = av::make_frame();
  frame->width = 64;
  frame->height = 32;
  frame->format = AV_PIX_FMT_YUV420P;
  BOOST_REQUIRE(av_frame_get_buffer(frame.get(), 0) >= 0);
  for (auto plane : {0, 1, 2})
    std::memset(frame->data[plane], plane == 0 ? 60 : 128,
                static_cast<size_t>(frame->linesize[plane]) * (plane == 0 ? 32u : 16u));
  for (auto y = 0; y < 8; ++y)
    std::memset(frame->data[0] + y * frame->linesize[0], 220, 8);
  frame->pts = 0;
  return frame;
}

/// The bright corner of a picture: the sum of 1 if it is on the right and 2 if it is at the bottom.
int bright_corner(const AVFrame& x) {
  for (auto corner = 0; corner < 4; ++corner) {
    auto column = (corner & 1) != 0 ? x.width - 4 : 3;
    auto row = (corner & 2) != 0 ? x.height - 4 : 3;
    if (x.data[0][row * x.linesize[0] + column] > 180)
      return corner;
  }
  return -1;
}

clip film(const video_source& seen = {.frames = 30, .gop = 10, .first_pts = 0, .global_header = true}) {
  std::vector<stream> streams;
  streams.push_back(make_video(seen));
  return as_clip(std::move(streams));
}

/// A film that a player turns by 90 degrees, clockwise.
std::string write_turned(const std::string& name) {
  auto from = film();
  auto path = temporary(name);
  av::output_context_ptr out;
  BOOST_REQUIRE(av::make_output(out, "mp4", path) >= 0);
  auto* stream = avformat_new_stream(out.get(), nullptr);
  BOOST_REQUIRE(avcodec_parameters_copy(stream->codecpar, from.tracks[0].parameters.get()) >= 0);
  stream->time_base = av::time_base;
  auto* matrix = av_stream_new_side_data(stream, AV_PKT_DATA_DISPLAYMATRIX, 9 * sizeof(int32_t));
  av_display_rotation_set(reinterpret_cast<int32_t*>(matrix), 90);
  BOOST_REQUIRE(av::open_file(*out) >= 0);
  BOOST_REQUIRE(avformat_write_header(out.get(), nullptr) >= 0);
  for (auto& x : from.packets) {
    av_packet_rescale_ts(x.get(), av::time_base, stream->time_base);
    BOOST_REQUIRE(av_write_frame(out.get(), x.get()) >= 0);
  }
  BOOST_REQUIRE(av_write_trailer(out.get()) >= 0);
  return path;
}

/// The properties of a file that say how its video is shown.
struct shown {
  int width = 0;
  int height = 0;
  AVRational sample_aspect{};
  bool turned = false;
};

shown read_shape(const std::string& path) {
  av::input_context_ptr opened;
  BOOST_REQUIRE(av::open_input(opened, path) == 0);
  BOOST_REQUIRE(avformat_find_stream_info(opened.get(), nullptr) >= 0);
  auto& stream = *opened->streams[0];
  shown result{stream.codecpar->width, stream.codecpar->height,
               av_guess_sample_aspect_ratio(opened.get(), &stream, nullptr),
               av_stream_get_side_data(&stream, AV_PKT_DATA_DISPLAYMATRIX, nullptr) != nullptr};
  return result;
}

void check_shape(const std::string& path, int width, int height, AVRational sample_aspect = {1, 1}) {
  auto seen = read_shape(path);
  BOOST_TEST(seen.width == width);
  BOOST_TEST(seen.height == height);
  BOOST_TEST(av_cmp_q(seen.sample_aspect, sample_aspect) == 0);
  BOOST_TEST(!seen.turned);
}

job_outcome run(const std::string& source, const std::string& name, av::video_settings settings, bool copied = false) {
  return run_job(source, temporary(name), {std::move(settings), std::nullopt, copied, 3});
}

} // namespace

BOOST_AUTO_TEST_CASE(each_way_to_turn_a_picture_is_done_by_filters) {
  for (const auto& x : matrices) {
    BOOST_TEST_CONTEXT(x.a << " " << x.b << " " << x.c << " " << x.d) {
      auto turn = turn_of(x);
      auto swapped = x.a == 0;
      BOOST_TEST(turn.swaps_sides() == swapped);
      av::video_filter::config config;
      config.output.width = swapped ? 32 : 64;
      config.output.height = swapped ? 64 : 32;
      config.output.pixel_format = AV_PIX_FMT_YUV420P;
      config.turn = turn;
      av::video_filter filter{config};
      auto seen = -1;
      auto frame = with_bright_corner();
      auto look = [&](AVFrame& made) {
        BOOST_TEST(made.width == config.output.width);
        seen = bright_corner(made);
        return av::expected<void>{};
      };
      BOOST_REQUIRE(filter.send(*frame, look));
      BOOST_REQUIRE(filter.drain(look));
      // The point to which the matrix moves the top left corner of a picture with its centre at zero.
      auto right = -x.a - x.c > 0;
      auto below = -x.b - x.d > 0;
      BOOST_TEST(seen == (right ? 1 : 0) + (below ? 2 : 0));
    }
  }
}

BOOST_AUTO_TEST_CASE(a_picture_that_lies_on_its_side_is_encoded_upright) {
  auto source = write_turned("phone.mp4");
  for (auto* name : {"upright.mkv", "upright.mp4", "upright.ts"}) {
    auto made = run(source, name, usual_video());
    BOOST_TEST(made.result.notes.empty());
    check_shape(temporary(name), 96, 160);
  }
  auto settings = usual_video();
  settings.height = 80;
  run(source, "upright.mkv", settings);
  check_shape(temporary("upright.mkv"), 48, 80);
  settings.height = 0;
  settings.width = 48;
  run(source, "upright.mkv", settings);
  check_shape(temporary("upright.mkv"), 48, 80);
  settings.height = 96;
  settings.width = 160;
  run(source, "upright.mkv", settings);
  check_shape(temporary("upright.mkv"), 58, 96);
}

BOOST_AUTO_TEST_CASE(a_copy_lies_as_its_source_does_or_says_that_it_does_not) {
  auto source = write_turned("copied-phone.mp4");
  BOOST_TEST(run(source, "lying.mp4", usual_video(), true).result.notes.empty());
  BOOST_TEST(read_shape(temporary("lying.mp4")).turned);
  auto notes = run(source, "lying.mkv", usual_video(), true).result.notes;
  BOOST_REQUIRE(notes.size() == 1u);
  BOOST_TEST(notes[0].what.find("rotation") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_frame_is_fitted_padded_or_stretched_to) {
  struct {
    int width, height;
    av::fit fit;
    int made_width, made_height;
    AVRational sample_aspect;
  } cases[] = {
    {128, 72, av::fit::inside, 120, 72, {1, 1}},    {128, 72, av::fit::pad, 128, 72, {1, 1}},
    {128, 72, av::fit::stretch, 128, 72, {15, 16}}, {100, 200, av::fit::inside, 100, 60, {1, 1}},
    {100, 200, av::fit::pad, 100, 200, {1, 1}},     {320, 0, av::fit::pad, 320, 192, {1, 1}},
  };
  auto source = write_source(film(), "wide.mp4");
  for (const auto& x : cases) {
    auto settings = usual_video();
    settings.width = x.width;
    settings.height = x.height;
    settings.fit = x.fit;
    run(source, "fitted.mp4", settings);
    check_shape(temporary("fitted.mp4"), x.made_width, x.made_height, x.sample_aspect);
  }
}

BOOST_AUTO_TEST_CASE(what_padding_adds_is_black) {
  auto from = make(make_video({.frames = 10}));
  auto settings = video();
  settings.width = 160;
  settings.height = 100;
  for (auto fit : {av::fit::pad, av::fit::stretch}) {
    settings.fit = fit;
    auto pictures = pictures_of(troupe::av::test::run(from, {settings}));
    BOOST_REQUIRE(pictures.size() == 10u);
    BOOST_TEST((pictures[5].top_luma < 40) == (fit == av::fit::pad));
  }
}

BOOST_AUTO_TEST_CASE(the_containers_sample_aspect_is_the_right_one) {
  auto from = film();
  from.tracks[0].parameters->sample_aspect_ratio = {8, 5};
  for (auto* name : {"wider.mp4", "wider.mkv"}) {
    auto source = write_source(from, name);
    for (auto copied : {false, true}) {
      run(source, "as-wide.mp4", usual_video(), copied);
      check_shape(temporary("as-wide.mp4"), 160, 96, {8, 5});
      auto notes = run(source, "as-wide.ts", usual_video(), copied).result.notes;
      BOOST_TEST(notes.size() == (copied ? 1u : 0u));
    }
    auto settings = usual_video();
    settings.height = 48;
    run(source, "square.mp4", settings);
    check_shape(temporary("square.mp4"), 128, 48);
    // A picture with the output's shape gets no bars.
    auto shown = play_file(temporary("square.mp4"));
    BOOST_TEST(shown.of(AVMEDIA_TYPE_VIDEO).pictures.size() == 30u);
  }
}

BOOST_AUTO_TEST_SUITE_END()
