// How encoders use the right to real-time priority. This test is meaningful only if root runs it.
#include "encoder/codec/video_encoder.hpp"
#include "encoder/window/scheduling.hpp"

#include <boost/test/unit_test.hpp>

#include <sched.h>

#include <filesystem>
#include <string>
#include <thread>

namespace av = troupe::av;

BOOST_AUTO_TEST_SUITE(scheduling_test)

namespace {

int real_time_threads() {
  auto result = 0;
  for (auto& x : std::filesystem::directory_iterator{"/proc/self/task"}) {
    auto policy = ::sched_getscheduler(std::stoi(x.path().filename()));
    result += policy == SCHED_FIFO || policy == SCHED_RR ? 1 : 0;
  }
  return result;
}

} // namespace

BOOST_AUTO_TEST_CASE(no_encoder_takes_real_time_priority) {
  std::thread{[] {
    av::forgo_real_time();
    av::video_settings settings;
    settings.encoder = "libsvtav1";
    settings.preset = "12";
    av::video_format source;
    source.width = 320;
    source.height = 180;
    source.pixel_format = AV_PIX_FMT_YUV420P;
    source.frame_rate = {25, 1};
    auto encoder = av::video_encoder::open(settings, source);
    BOOST_REQUIRE(encoder.has_value());
    BOOST_TEST(real_time_threads() == 0);
    auto picture = av::make_frame();
    picture->width = source.width;
    picture->height = source.height;
    picture->format = source.pixel_format;
    picture->pts = 0;
    BOOST_REQUIRE(av_frame_get_buffer(picture.get(), 0) == 0);
    auto take = [](AVPacket&) -> av::expected<void> { return {}; };
    BOOST_TEST(encoder->encode(*picture, take).has_value());
    BOOST_TEST(encoder->drain(take).has_value());
    BOOST_TEST(real_time_threads() == 0);
  }}.join();
}

BOOST_AUTO_TEST_SUITE_END()
