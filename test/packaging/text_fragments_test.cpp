// Goal: subtitles in MP4 say for each moment what is seen, and players find them well-formed. Method: the boxes are
// read with the code that judges servers, and the cues are compared with those that were written.
#include "packaging/text_fragments.hpp"
#include "rig/delivery/boxes.hpp"
#include "rig/delivery/hls_samples.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

using namespace troupe;

namespace text_fragments_test {
namespace {

constexpr int64_t second = ticks_per_second;

std::string text(const shared_bytes& x) {
  return {reinterpret_cast<const char*>(x.span().data()), x.size()};
}

uint32_t number_at(const std::string& bytes, size_t at) {
  BOOST_REQUIRE(at + 4 <= bytes.size());
  uint32_t result = 0;
  for (size_t i = 0; i < 4; ++i)
    result = result << 8 | static_cast<uint8_t>(bytes[at + i]);
  return result;
}

/// What a player shows, as "FROM-TO text|text" in tenths of a second for each sample. The samples are found by the
/// table in the run (ISO 14496-12, 8.8.8), as players find them.
std::vector<std::string> shown(const shared_bytes& fragment) {
  auto bytes = text(fragment);
  auto run = bytes.find("trun") + 4;
  auto count = number_at(bytes, run + 4);
  auto at = static_cast<size_t>(number_at(bytes, run + 8)); // from the beginning of the moof, which is first
  auto time = static_cast<int64_t>(number_at(bytes, bytes.find("tfdt") + 12));
  std::vector<std::string> result;
  for (uint32_t i = 0; i < count; ++i) {
    auto duration = number_at(bytes, run + 12 + 8 * i);
    auto end = at + number_at(bytes, run + 16 + 8 * i);
    auto said = std::to_string(time * 10 / second) + "-" + std::to_string((time + duration) * 10 / second);
    for (auto first = true; at < end; first = false) {
      auto size = number_at(bytes, at);
      if (bytes.substr(at + 4, 4) == "vttc") {
        BOOST_TEST(bytes.substr(at + 12, 4) == "payl");
        said += (first ? " " : "|") + bytes.substr(at + 16, size - 16);
      } else {
        BOOST_TEST(bytes.substr(at + 4, 4) == "vtte");
      }
      at += size;
    }
    BOOST_TEST(at == end);
    time += duration;
    result.push_back(said);
  }
  BOOST_TEST(at == bytes.size());
  return result;
}

} // namespace
} // namespace text_fragments_test

BOOST_AUTO_TEST_SUITE(text_fragments_test)

BOOST_AUTO_TEST_CASE(the_init_segment_describes_one_track_of_text) {
  using namespace bench::delivery;
  auto made = read_init(text(text_init("ger")));
  BOOST_REQUIRE(made);
  BOOST_REQUIRE(made->tracks.size() == 1u);
  BOOST_TEST(made->tracks[0].timescale == 90'000u);
  BOOST_TEST(made->tracks[0].handler == "text");
  BOOST_TEST(made->tracks[0].codec == "wvtt");
  verdict found;
  check_init(found, "init", *made);
  BOOST_TEST(found.violations().empty());
  BOOST_TEST((text_init("ger") == text_init("ger")));
  BOOST_TEST(!(text_init("ger") == text_init("eng")));
  BOOST_TEST((text_init("") == text_init("klingon")));
}

BOOST_AUTO_TEST_CASE(a_fragment_says_of_each_moment_what_is_seen) {
  using namespace bench::delivery;
  std::vector<text_cue> cues{{10 * second, 12 * second, "first"},
                             {11 * second, 13 * second, "second"},
                             {14 * second, 15 * second, "third\nline"}};
  auto made = text_fragment(5, 10 * second, 16 * second, cues);
  std::vector<std::string> expected{"100-110 first", "110-120 first|second", "120-130 second",
                                    "130-140",       "140-150 third\nline",  "150-160"};
  BOOST_TEST(shown(made) == expected, boost::test_tools::per_element());
  auto init = read_init(text(text_init("ger"))).value();
  auto fragments = read_fragments(text(made), init);
  BOOST_REQUIRE(fragments.size() == 1u);
  BOOST_TEST(fragments[0].duration == static_cast<uint64_t>(6 * second));
  verdict found;
  check_fragments(found, "s0", fragments, "segment");
  BOOST_TEST(found.violations().empty());
  BOOST_TEST(holds_only_cues(text(made)));
}

BOOST_AUTO_TEST_CASE(without_cues_a_fragment_says_so) {
  BOOST_TEST(shown(text_fragment(5, 10 * second, 12 * second, {})) == std::vector<std::string>{"100-120"},
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_source_that_floods_its_subtitles_makes_no_large_fragment) {
  std::vector<text_cue> cues;
  for (int64_t i = 0; i < 500; ++i)
    cues.push_back({10 * second + i, 12 * second - i, std::string(1000, 'x')});
  BOOST_TEST(text_fragment(5, 10 * second, 12 * second, cues).size() < 2 * text_bytes_max);
}

BOOST_AUTO_TEST_SUITE_END()
