// Goal: at each moment a player shows the text that the source shows, whichever segments it loads. Method: texts go in;
// the cues of the segments are read back and put together.
#include "packaging/subtitle_segments.hpp"

#include <boost/test/unit_test.hpp>

#include <random>
#include <sstream>
#include <vector>

using namespace troupe;

BOOST_AUTO_TEST_SUITE(subtitle_segments_test)

namespace {

constexpr int64_t second = 90'000;

int64_t ticks_of(const std::string& time) {
  int h = 0, m = 0, s = 0, ms = 0;
  BOOST_REQUIRE(std::sscanf(time.c_str(), "%d:%d:%d.%d", &h, &m, &s, &ms) == 4);
  return ((h * 60 + m) * 60 + s) * second + ms * 90;
}

struct cue {
  int64_t from = 0;
  int64_t to = 0;
  std::string text;
};

/// The cues of a segment in the media's time. The segment is later than `near`.
std::vector<cue> cues_of(const std::string& segment, int64_t near) {
  std::istringstream in{segment};
  std::string line;
  std::getline(in, line);
  BOOST_TEST(line == "WEBVTT");
  std::getline(in, line);
  int64_t mapped = 0;
  BOOST_REQUIRE(std::sscanf(line.c_str(), "X-TIMESTAMP-MAP=MPEGTS:%ld,LOCAL:00:00:00.000", &mapped) == 1);
  constexpr auto turn = int64_t{1} << 33;
  auto zero = near + ((mapped - near) % turn + turn) % turn;
  std::vector<cue> result;
  while (std::getline(in, line)) {
    if (line.empty())
      continue;
    auto arrow = line.find(" --> ");
    BOOST_REQUIRE(arrow != std::string::npos);
    cue made{zero + ticks_of(line.substr(0, arrow)), zero + ticks_of(line.substr(arrow + 5)), {}};
    while (std::getline(in, line) && !line.empty())
      made.text += line + '\n';
    result.push_back(std::move(made));
  }
  return result;
}

} // namespace

BOOST_AUTO_TEST_CASE(a_text_is_in_each_segment_in_which_it_is_seen) {
  subtitle_segments x;
  x.add(11 * second, 2 * second, "Hello\nworld");
  BOOST_TEST(x.segment(8 * second, 10 * second) == "WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:720000,LOCAL:00:00:00.000\n");
  BOOST_TEST(x.segment(10 * second, 12 * second)
             == "WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:900000,LOCAL:00:00:00.000\n\n00:00:01.000 --> "
                "00:00:02.000\nHello\nworld\n");
  auto rest = cues_of(x.segment(12 * second, 14 * second), 12 * second);
  BOOST_REQUIRE(rest.size() == 1u);
  BOOST_TEST(rest[0].from == 12 * second);
  BOOST_TEST(rest[0].to == 13 * second);
}

BOOST_AUTO_TEST_CASE(a_text_without_an_end_stays_until_the_next_one) {
  subtitle_segments x;
  x.add(second, 0, "one");
  BOOST_TEST(cues_of(x.segment(2 * second, 4 * second), 0).size() == 1u);
  x.add(5 * second, 0, "");
  auto cues = cues_of(x.segment(4 * second, 6 * second), 0);
  BOOST_REQUIRE(cues.size() == 1u);
  BOOST_TEST(cues[0].to == 5 * second);
  x.forget(5 * second);
  BOOST_TEST(cues_of(x.segment(4 * second, 6 * second), 0).empty());
}

BOOST_AUTO_TEST_CASE(text_is_no_markup) {
  subtitle_segments x;
  x.add(0, second, "a --> b\n\n<c> & d");
  auto cues = cues_of(x.segment(0, second), 0);
  BOOST_REQUIRE(cues.size() == 1u);
  BOOST_TEST(cues[0].text == "a --&gt; b\n&lt;c&gt; &amp; d\n");
}

BOOST_AUTO_TEST_CASE(segments_together_show_what_the_source_shows) {
  std::mt19937 random{3};
  for (auto round = 0; round < 50; ++round) {
    auto begin = static_cast<int64_t>(random()) * 1'000;
    subtitle_segments x;
    // One text at a time, so that what is seen at a moment is known.
    std::vector<cue> shown;
    auto at = begin;
    for (auto i = 0; i < 30; ++i) {
      at += static_cast<int64_t>(random() % 4'000) * 90;
      auto duration = static_cast<int64_t>(1 + random() % 3'000) * 90;
      auto open = random() % 2 == 0;
      if (!shown.empty())
        shown.back().to = std::min(shown.back().to, at);
      shown.push_back({at, open ? at + 1'000 * second : at + duration, std::to_string(i) + '\n'});
      x.add(at, open ? 0 : duration, std::to_string(i));
      if (!open)
        at += duration;
    }
    x.add(at, 0, "");
    shown.back().to = std::min(shown.back().to, at);
    std::vector<cue> read;
    for (auto from = begin; from < at + 4 * second; from += 2 * second)
      for (auto& y : cues_of(x.segment(from, from + 2 * second), begin)) {
        if (!read.empty() && read.back().text == y.text && read.back().to == y.from)
          read.back().to = y.to;
        else
          read.push_back(y);
      }
    std::erase_if(shown, [](const cue& y) { return y.from >= y.to; });
    BOOST_REQUIRE(read.size() == shown.size());
    for (size_t i = 0; i < shown.size(); ++i) {
      BOOST_TEST(read[i].text == shown[i].text);
      BOOST_TEST(std::abs(read[i].from - shown[i].from) < 90);
      BOOST_TEST(std::abs(read[i].to - shown[i].to) < 90);
    }
  }
}

BOOST_AUTO_TEST_CASE(the_number_of_texts_is_bounded) {
  subtitle_segments x;
  for (auto i = 0; i < 10'000; ++i)
    x.add(0, second, "x");
  BOOST_TEST(cues_of(x.segment(0, second), 0).size() == 512u);
}

BOOST_AUTO_TEST_SUITE_END()
