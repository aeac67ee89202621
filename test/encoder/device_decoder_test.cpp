// Goal: a device that fails in mid-stream loses no frame and repeats none. Method: a simulated device's decoder fails
// after each number of packets in turn, in streams with open and closed GOPs; the frames are compared with those of
// software alone.
#include "encoder/codec/device_decoder.hpp"
#include "test/fake_gpu/fake_gpu.hpp"

#include "clip.hpp"
#include "make_stream.hpp"

#include <boost/test/unit_test.hpp>

#include <fstream>
#include <numeric>

using namespace troupe::av;
using namespace troupe::av::test;

namespace device_decoder_test {
namespace {

struct shown {
  int64_t pts = no_pts;
  uint64_t sum = 0; ///< of the samples of luma

  bool operator==(const shown&) const = default;
};

std::ostream& operator<<(std::ostream& out, const shown& x) {
  return out << x.pts << "/" << x.sum;
}

struct fixture {
  std::string path = temporary("decoder-cards");
  troupe::test::fake_gpus engine{path};

  void fail_after(int packets) {
    std::ofstream{path} << "card\nuuid GPU-a\ndecoders h264 mpeg2video\ndecoder-fails-after " << packets << "\n";
  }

  std::vector<shown> decode(const stream& from, const std::string& device, size_t drain_at = ~size_t{0}) const {
    decoder_options options{1, false};
    options.device = device;
    auto opened = device_decoder::open(from.info, options, engine);
    BOOST_REQUIRE_MESSAGE(opened.has_value(), (opened ? "" : opened.error().what));
    std::vector<shown> result;
    auto deliver = [&](AVFrame& frame) -> expected<void> {
      shown x{frame.pts};
      for (auto y = 0; y < frame.height; ++y)
        x.sum = std::accumulate(frame.data[0] + y * frame.linesize[0],
                                frame.data[0] + y * frame.linesize[0] + frame.width, x.sum);
      result.push_back(x);
      return {};
    };
    for (size_t i = 0; i < from.packets.size(); ++i) {
      if (i == drain_at)
        BOOST_TEST(opened->drain(deliver).has_value());
      BOOST_TEST(opened->decode(*from.packets[i], deliver).has_value());
    }
    BOOST_TEST(opened->drain(deliver).has_value());
    BOOST_TEST(opened->corrupt() == 0u);
    return result;
  }
};

void compare(const std::vector<shown>& left, const std::vector<shown>& right) {
  BOOST_CHECK_EQUAL_COLLECTIONS(left.begin(), left.end(), right.begin(), right.end());
}

} // namespace
} // namespace device_decoder_test

BOOST_FIXTURE_TEST_SUITE(device_decoder_test, fixture)

BOOST_AUTO_TEST_CASE(wherever_the_device_fails_each_frame_comes_once_and_whole) {
  video_source source;
  source.frames = 50;
  source.gop = 12;
  auto closed = source;
  closed.b_frames = 3;
  auto open = source;
  open.encoder = "mpeg2video";
  auto still = source;
  still.b_frames = 0;
  still.gop = 1;
  for (auto& x : {closed, open, still}) {
    auto made = make_video(x);
    auto expected = decode(made, "");
    BOOST_REQUIRE_EQUAL(expected.size(), 50u);
    for (auto n = 0; n <= 50; ++n) {
      fail_after(n);
      BOOST_TEST_CONTEXT(x.encoder << " fails after " << n)
      compare(decode(made, "cuda:0"), expected);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_stream_that_is_cut_is_as_new_behind_the_cut) {
  video_source source;
  source.frames = 48;
  source.gop = 12;
  auto made = make_video(source);
  auto expected = decode(made, "", 24);
  for (auto n : {3, 23, 24, 25, 30}) {
    fail_after(n);
    compare(decode(made, "cuda:0", 24), expected);
  }
}

BOOST_AUTO_TEST_CASE(a_device_that_does_not_open_is_no_error) {
  auto made = make_video({.frames = 10});
  auto expected = decode(made, "");
  fail_after(5);
  compare(decode(made, "cuda:3"), expected);
  // Without the simulation; the machine need not have such a device.
  auto opened = device_decoder::open(made.info, {.threads = 1, .device = "/dev/dri/renderD999"});
  BOOST_REQUIRE(opened.has_value());
  BOOST_TEST(!opened->on_device());
  BOOST_TEST(!opened->why_software().empty());
}

BOOST_AUTO_TEST_SUITE_END()
