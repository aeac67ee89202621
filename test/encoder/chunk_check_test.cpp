// Goal: encoder output that no decoder accepts is found while it is made. Method: good packets, and the same with one
// corrupted.
#include "encoder/chunks/chunk_check.hpp"

#include "make_stream.hpp"

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <string>

using namespace troupe::av::test;

namespace av = troupe::av;

BOOST_AUTO_TEST_SUITE(chunk_check_test)

namespace {

const std::atomic<bool> go_on{false};

/// A video with more packets than the queue of the check holds.
stream long_video(const std::string& encoder = "libx264") {
  return make_video({.encoder = encoder, .frames = 200, .gop = 25, .global_header = true});
}

std::vector<av::track> tracks_of(const stream& what) {
  std::vector<av::track> result;
  result.push_back(what.info.clone());
  return result;
}

void feed(av::chunk_check& checking, const stream& what) {
  for (const auto& x : what.packets) {
    x->stream_index = 0;
    checking.take(*x);
  }
}

av::expected<void> check(const stream& what, bool encoded = true) {
  av::chunk_check checking{tracks_of(what), {encoded}, 1};
  feed(checking, what);
  return checking.finish(go_on);
}

void spoil(AVPacket& x) {
  BOOST_REQUIRE(av_packet_make_writable(&x) == 0);
  for (auto i = x.size / 2; i < x.size; ++i)
    x.data[i] = static_cast<uint8_t>(x.data[i] ^ 0x5a);
}

} // namespace

BOOST_AUTO_TEST_CASE(what_is_good_passes) {
  for (const auto* encoder : {"libx264", "libx265", "libvpx-vp9", "mpeg2video"})
    BOOST_TEST_CONTEXT(encoder) {
      auto result = check(long_video(encoder));
      BOOST_TEST(result.has_value(), (result ? "" : result.error().what));
    }
  BOOST_TEST(check(make_audio({.encoder = "aac", .global_header = true})).has_value());
}

BOOST_AUTO_TEST_CASE(what_no_decoder_takes_is_found_and_may_be_tried_elsewhere) {
  auto made = long_video();
  spoil(*made.packets.at(100));
  auto result = check(made);
  BOOST_REQUIRE(!result);
  BOOST_TEST((result.error().code == av::errc::device));
  BOOST_TEST(!result.error().terminal());
  BOOST_TEST(result.error().what.find("h264") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_picture_that_does_not_come_out_is_found) {
  auto made = long_video("mpeg2video");
  // A start code, and nothing behind it.
  auto& x = *made.packets.back();
  BOOST_REQUIRE(av_packet_make_writable(&x) == 0);
  av_shrink_packet(&x, 4);
  BOOST_TEST(!check(made).has_value());
}

BOOST_AUTO_TEST_CASE(who_encodes_hears_of_it_before_the_end) {
  auto made = long_video();
  spoil(*made.packets.at(10));
  av::chunk_check checking{tracks_of(made), {true}, 1};
  feed(checking, made);
  BOOST_TEST(checking.failed());
  BOOST_TEST(!checking.finish(go_on).has_value());
}

BOOST_AUTO_TEST_CASE(what_is_copied_is_as_it_was) {
  auto made = long_video();
  spoil(*made.packets.at(100));
  BOOST_TEST(check(made, false).has_value());
}

BOOST_AUTO_TEST_CASE(a_caller_can_stop_or_just_leave) {
  auto made = long_video();
  const std::atomic<bool> stop{true};
  for (auto finishes : {true, false}) {
    av::chunk_check checking{tracks_of(made), {true}, 1};
    feed(checking, made);
    if (!finishes)
      continue;
    auto result = checking.finish(stop);
    BOOST_TEST((result || result.error().code == av::errc::interrupted));
  }
}

BOOST_AUTO_TEST_SUITE_END()
