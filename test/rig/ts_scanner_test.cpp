// Goal: the scanner finds every picture of a transport stream, with its times and its place, however the bytes are
// split.
// Method: a scanned sample is compared with libavformat's demuxer on the same file.
#include "sample_file.hpp"

#include "encoder/format_ptr.hpp"
#include "rig/ts_scanner.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <limits>
#include <random>

using namespace troupe::bench;
namespace av = troupe::av;

BOOST_AUTO_TEST_SUITE(ts_scanner_test)

namespace {

using clock_type = std::chrono::steady_clock;

std::vector<std::byte> read_bytes(const std::string& path) {
  std::ifstream in{path, std::ios::binary};
  std::vector<char> all{std::istreambuf_iterator<char>{in}, {}};
  auto* data = reinterpret_cast<const std::byte*>(all.data());
  return {data, data + all.size()};
}

/// The pictures, each portion given a millisecond after the one before it.
std::vector<ts_unit> scan(std::span<const std::byte> bytes, size_t portion_max) {
  std::vector<ts_unit> result;
  ts_scanner scanner{[&result](const ts_unit& x) {
    if (x.video)
      result.push_back(x);
  }};
  std::minstd_rand random{7};
  clock_type::time_point now{};
  while (!bytes.empty()) {
    auto size = std::min(bytes.size(), portion_max > 1000 ? portion_max : 1 + random() % portion_max);
    scanner.take(bytes.first(size), now += std::chrono::milliseconds{1});
    bytes = bytes.subspan(size);
  }
  scanner.finish();
  return result;
}

struct picture {
  int64_t pts;
  int64_t dts;
  int64_t place;
  bool key;
};

std::vector<picture> demux(const std::string& path) {
  std::vector<picture> result;
  av::input_context_ptr input;
  BOOST_REQUIRE(av::open_input(input, path) >= 0);
  auto packet = av::make_packet();
  while (av_read_frame(input.get(), packet.get()) >= 0) {
    if (input->streams[packet->stream_index]->codecpar->codec_type == AVMEDIA_TYPE_VIDEO)
      result.push_back({packet->pts, packet->dts, packet->pos, (packet->flags & AV_PKT_FLAG_KEY) != 0});
    av_packet_unref(packet.get());
  }
  return result;
}

} // namespace

BOOST_AUTO_TEST_CASE(every_picture_is_found_where_the_demuxer_finds_it) {
  sample_folder folder;
  auto path = folder.make("sample.ts", small_sample());
  auto found = scan(read_bytes(path), std::numeric_limits<size_t>::max());
  auto expected = demux(path);
  BOOST_REQUIRE(found.size() == expected.size());
  for (size_t i = 0; i < found.size(); ++i) {
    BOOST_TEST(found[i].pts == expected[i].pts);
    BOOST_TEST(found[i].dts == expected[i].dts);
    BOOST_TEST(static_cast<int64_t>(found[i].begin) == expected[i].place);
    BOOST_TEST(found[i].random_access == expected[i].key);
  }
}

BOOST_AUTO_TEST_CASE(portions_of_any_size_make_no_difference) {
  sample_folder folder;
  auto bytes = read_bytes(folder.make("sample.ts", small_sample()));
  auto whole = scan(bytes, std::numeric_limits<size_t>::max());
  auto pieces = scan(bytes, 700);
  BOOST_REQUIRE(pieces.size() == whole.size());
  for (size_t i = 0; i < whole.size(); ++i) {
    BOOST_TEST(pieces[i].pts == whole[i].pts);
    BOOST_TEST(pieces[i].begin == whole[i].begin);
    BOOST_TEST(pieces[i].end == whole[i].end);
    BOOST_TEST((pieces[i].first <= pieces[i].last));
  }
}

BOOST_AUTO_TEST_CASE(bytes_that_are_no_stream_give_nothing) {
  std::vector<std::byte> noise(100'000);
  std::minstd_rand random{1};
  for (auto& x : noise)
    x = static_cast<std::byte>(random() >> 8);
  // In the first half, each packet begins with the sync byte.
  for (size_t i = 0; i < noise.size() / 2; i += ts_packet_bytes)
    noise[i] = std::byte{0x47};
  BOOST_TEST(scan(noise, 1000).size() <= 2u);
  BOOST_TEST(scan({}, 1000).empty());
}

BOOST_AUTO_TEST_SUITE_END()
