// Goal: a packet has the same hash in every container. Method: the same content in the forms of different muxers and
// demuxers.
#include "encoder/chunks/payload_hash.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <vector>

namespace av = troupe::av;

BOOST_AUTO_TEST_SUITE(payload_hash_test)

namespace {

std::optional<uint32_t> crc(AVCodecID codec, const std::vector<uint8_t>& bytes) {
  auto parameters = av::make_codec_parameters();
  parameters->codec_id = codec;
  auto packet = av::make_packet();
  BOOST_REQUIRE(av_new_packet(packet.get(), static_cast<int>(bytes.size())) == 0);
  std::copy(bytes.begin(), bytes.end(), packet->data);
  return av::payload_crc(*parameters, *packet);
}

} // namespace

BOOST_AUTO_TEST_CASE(units_that_come_and_go_are_no_content) {
  const std::vector<uint8_t> slice{0, 0, 1, 0x65, 1, 2, 3};
  auto only = crc(AV_CODEC_ID_H264, slice);
  for (const std::vector<uint8_t>& other :
       {std::vector<uint8_t>{0, 0, 0, 1, 9, 0x10}, {0, 0, 1, 0x67, 5}, {0, 0, 1, 10}, {0, 0, 1, 11}}) {
    auto before = other;
    before.insert(before.end(), slice.begin(), slice.end());
    auto after = slice;
    after.insert(after.end(), other.begin(), other.end());
    BOOST_TEST((crc(AV_CODEC_ID_H264, before) == only));
    BOOST_TEST((crc(AV_CODEC_ID_H264, after) == only));
  }
  BOOST_TEST((crc(AV_CODEC_ID_H264, {0, 0, 1, 0x65, 1, 2, 4}) != only));
  auto hevc = crc(AV_CODEC_ID_HEVC, {0, 0, 1, 2, 1, 7});
  BOOST_TEST((crc(AV_CODEC_ID_HEVC, {0, 0, 1, 2, 1, 7, 0, 0, 1, 36 << 1, 1}) == hevc)); // an end of a sequence
  BOOST_TEST((crc(AV_CODEC_ID_HEVC, {0, 0, 1, 2, 1, 7, 0, 0, 1, 39 << 1, 1}) != hevc)); // SEI
}

BOOST_AUTO_TEST_CASE(av1_is_compared_without_what_containers_leave_out) {
  const std::vector<uint8_t> frame{0x32, 2, 7, 8}; // type 6 with a size
  auto only = crc(AV_CODEC_ID_AV1, frame);
  auto with_delimiter = frame;
  with_delimiter.insert(with_delimiter.begin(), {0x12, 0});
  BOOST_TEST((crc(AV_CODEC_ID_AV1, with_delimiter) == only));
  BOOST_TEST((crc(AV_CODEC_ID_AV1, {0x32, 2, 7, 9}) != only));
  // Data that no muxer writes is hashed unchanged, up to its end.
  for (const std::vector<uint8_t>& odd : {std::vector<uint8_t>{0x32}, {0x32, 200}, {0x36}, {0x32, 0xff, 0xff, 0xff}})
    BOOST_TEST(crc(AV_CODEC_ID_AV1, odd).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
