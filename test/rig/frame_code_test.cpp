// Goal: a number drawn into a frame is read back correctly or not at all, never as another number. Method: codes drawn
// on frames of many sizes, then scaled, converted to 10 bits, blended, covered with noise; numbers that differ in one
// bit, and the extremes. The sample tests cover what encoders do to codes.
#include "rig/frame_code.hpp"

#include "encoder/av_ptr.hpp"
#include "rig/picture.hpp"

extern "C" {
#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>
}

#include <boost/test/unit_test.hpp>

#include <cstring>
#include <random>

using namespace troupe;
using namespace troupe::bench;

BOOST_AUTO_TEST_SUITE(frame_code_test)

namespace {

av::frame_ptr make_picture(int width, int height, AVPixelFormat format = AV_PIX_FMT_YUV420P) {
  auto frame = av::make_frame();
  frame->width = width;
  frame->height = height;
  frame->format = format;
  BOOST_REQUIRE(av_frame_get_buffer(frame.get(), 0) >= 0);
  return frame;
}

av::frame_ptr coded_picture(int width, int height, uint32_t number) {
  auto frame = make_picture(width, height);
  for (int plane = 0; plane < 3; ++plane)
    std::memset(frame->data[plane], 100,
                static_cast<size_t>(frame->linesize[plane]) * static_cast<size_t>(plane == 0 ? height : height / 2));
  draw_frame_code(*frame, number);
  return frame;
}

av::frame_ptr scaled(const AVFrame& from, int width, int height, AVPixelFormat format) {
  auto to = make_picture(width, height, format);
  auto* scaler = sws_getContext(from.width, from.height, static_cast<AVPixelFormat>(from.format), width, height, format,
                                SWS_BICUBIC, nullptr, nullptr, nullptr);
  BOOST_REQUIRE(scaler != nullptr);
  BOOST_REQUIRE(sws_scale(scaler, from.data, from.linesize, 0, from.height, to->data, to->linesize) == height);
  sws_freeContext(scaler);
  return to;
}

} // namespace

BOOST_AUTO_TEST_CASE(a_number_is_read_back_at_every_size) {
  for (auto [width, height] :
       {std::pair{160, 96}, {176, 144}, {320, 180}, {640, 360}, {720, 576}, {854, 480}, {3840, 2160}})
    for (uint32_t number : {0u, 1u, 2u, 25u, 499u, 65'535u, 65'536u, 0xAAAAAAAAu, 0xFFFFFFFFu})
      BOOST_TEST((read_frame_code(*coded_picture(width, height, number)) == number),
                 width << "x" << height << " " << number);
}

BOOST_AUTO_TEST_CASE(a_number_survives_scaling) {
  auto frame = coded_picture(640, 360, 123'456);
  for (auto [width, height] : {std::pair{320, 180}, {160, 90}, {426, 240}, {1280, 720}, {768, 432}, {640, 480}})
    BOOST_TEST((read_frame_code(*scaled(*frame, width, height, AV_PIX_FMT_YUV420P)) == 123'456u),
               width << "x" << height);
  auto small = coded_picture(160, 96, 77);
  BOOST_TEST((read_frame_code(*scaled(*small, 80, 48, AV_PIX_FMT_YUV420P)) == 77u));
}

BOOST_AUTO_TEST_CASE(a_number_survives_a_change_of_format) {
  auto frame = coded_picture(640, 360, 9'001);
  for (auto format : {AV_PIX_FMT_YUV420P10LE, AV_PIX_FMT_YUV422P, AV_PIX_FMT_YUV444P12LE, AV_PIX_FMT_NV12,
                      AV_PIX_FMT_P010LE, AV_PIX_FMT_YUYV422, AV_PIX_FMT_UYVY422, AV_PIX_FMT_YUVJ420P, AV_PIX_FMT_GRAY8})
    BOOST_TEST((read_frame_code(*scaled(*frame, 640, 360, format)) == 9'001u), av_get_pix_fmt_name(format));
}

BOOST_AUTO_TEST_CASE(a_format_without_luma_has_no_code) {
  auto frame = coded_picture(640, 360, 3);
  BOOST_TEST(!read_frame_code(*scaled(*frame, 640, 360, AV_PIX_FMT_RGB24)));
  BOOST_TEST(!read_frame_code(*scaled(*frame, 640, 360, AV_PIX_FMT_GBRP)));
  BOOST_TEST(!read_frame_code(*av::make_frame()));
}

BOOST_AUTO_TEST_CASE(pictures_without_a_code_have_no_number) {
  std::mt19937 random{7};
  auto frame = make_picture(320, 180);
  for (int round = 0; round < 200; ++round) {
    for (int y = 0; y < 180; ++y)
      for (int x = 0; x < 320; ++x)
        // From fine noise to blocks about as large as cells.
        frame->data[0][y * frame->linesize[0] + x] = static_cast<uint8_t>(
          round % 2 == 0 ? random() : (static_cast<uint32_t>(x / 20 * 31 + y / 15 * 17 + round) * 2654435761u) >> 24);
    BOOST_TEST(!read_frame_code(*frame), "round " << round);
  }
  std::memset(frame->data[0], 16, static_cast<size_t>(frame->linesize[0]) * 180);
  BOOST_TEST(!read_frame_code(*frame));
}

BOOST_AUTO_TEST_CASE(a_blend_of_two_numbers_is_neither) {
  for (uint32_t number = 0; number < 50; ++number) {
    auto one = coded_picture(320, 180, number);
    auto two = coded_picture(320, 180, number + 1);
    for (int y = 0; y < 180; ++y)
      for (int x = 0; x < 320; ++x) {
        auto& luma = one->data[0][y * one->linesize[0] + x];
        luma = static_cast<uint8_t>((luma + two->data[0][y * two->linesize[0] + x]) / 2);
      }
    BOOST_TEST(!read_frame_code(*one), number);
  }
}

BOOST_AUTO_TEST_CASE(a_single_wrong_cell_is_noticed) {
  // One cell inverted after the other, of 12 x 4 cells of 40 x 30 pixels from (80, 30).
  for (int cell = 0; cell < 48; ++cell) {
    auto broken = coded_picture(640, 360, 4'711);
    for (int y = 0; y < 30; ++y)
      for (int x = 0; x < 40; ++x) {
        auto& luma = broken->data[0][(30 + cell / 12 * 30 + y) * broken->linesize[0] + 80 + cell % 12 * 40 + x];
        luma = static_cast<uint8_t>(251 - luma);
      }
    BOOST_TEST(!read_frame_code(*broken), cell);
  }
}

BOOST_AUTO_TEST_CASE(the_picture_carries_its_number_in_both_scans) {
  for (bool interlaced : {false, true}) {
    picture_source source{320, 180, {interlaced, 4, true}};
    auto frame = make_picture(320, 180);
    for (uint32_t number : {0u, 1u, 500u, 1'000'000u}) {
      source.draw(*frame, number);
      BOOST_TEST((read_frame_code(*frame) == number));
    }
  }
}

BOOST_AUTO_TEST_CASE(fields_of_an_interlaced_picture_are_half_a_frame_apart) {
  // The top field of picture n is that of a progressive picture n; the bottom field is not.
  picture_source fields{320, 180, {true, 0, true}};
  picture_source frames{320, 180, {}};
  auto woven = make_picture(320, 180);
  auto whole = make_picture(320, 180);
  fields.draw(*woven, 30);
  frames.draw(*whole, 30);
  int top_differs = 0;
  int bottom_differs = 0;
  for (int y = 90; y < 180; ++y)
    (y % 2 == 0 ? top_differs : bottom_differs) +=
      std::memcmp(woven->data[0] + y * woven->linesize[0], whole->data[0] + y * whole->linesize[0], 320) != 0;
  BOOST_TEST(top_differs == 0);
  BOOST_TEST(bottom_differs > 40);
}

BOOST_AUTO_TEST_SUITE_END()
