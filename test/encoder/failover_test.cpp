// Goal: transcodes that die at any moment and replace each other give the output of a single one: each output frame
// exactly once, with the same timestamp, video and audio, in a stream that a decoder shows in order. Method: seeded
// random deaths and planned moves. As in a session, only whole closed groups of an attempt count, and the next
// attempt's windows begin, track by track, after them. TROUPE_SEEDS sets how many histories of each kind are tried,
// TROUPE_SEED the first.
#include "make_stream.hpp"
#include "test/support/environment.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <random>

namespace av = troupe::av;

using namespace troupe::av::test;

BOOST_AUTO_TEST_SUITE(failover_test)

namespace {

av::video_settings video(int b_frames) {
  av::video_settings result;
  result.encoder = "libx264";
  result.preset = "ultrafast";
  result.crf = 18;
  result.b_frames = b_frames;
  result.threads = 2;
  result.low_delay = true;
  result.keyframe_interval = std::chrono::milliseconds{800};
  return result;
}

av::audio_settings audio(const std::string& encoder) {
  av::audio_settings result;
  result.encoder = encoder;
  result.bit_rate = 128'000;
  return result;
}

bool is_closed(const AVPacket& x) {
  return (x.flags & av::packet_flag_closed) != 0;
}

struct scenario {
  std::string name;
  const source* from;
  std::vector<av::track_plan> plan;

  bool copies(size_t track) const {
    return std::holds_alternative<av::copy_track>(plan[track]);
  }
};

/// What clients have got, and where each track continues.
struct delivered {
  explicit delivered(const scenario& what) : from(what.plan.size(), av::no_pts), dts(what.plan.size(), av::no_pts) {
    // All tracks begin where the pictures do: at the first random-access point.
    auto& first = *what.from->packets.front();
    for (size_t i = 0; i < from.size(); ++i)
      from[i] = what.copies(i) ? first.dts : first.pts;
  }

  std::vector<av::time_window> windows() const {
    std::vector<av::time_window> result;
    for (auto x : from)
      result.push_back({x});
    return result;
  }

  /// Takes the first `count` packets. A DTS that would step back at a joint is raised.
  void take(const scenario& what, result made, size_t count) {
    if (tracks.empty())
      tracks = std::move(made.tracks);
    for (size_t i = 0; i < count; ++i) {
      auto& x = *made.packets[i];
      auto track = static_cast<size_t>(x.stream_index);
      from[track] = std::max(from[track], (what.copies(track) ? x.dts : x.pts) + 1);
      if (dts[track] != av::no_pts && x.dts <= dts[track])
        x.dts = dts[track] + 1;
      dts[track] = x.dts;
      packets.push_back(std::move(made.packets[i]));
    }
  }

  std::vector<const AVPacket*> of(int track) const {
    std::vector<const AVPacket*> found;
    for (const auto& x : packets)
      if (x->stream_index == track)
        found.push_back(x.get());
    return found;
  }

  std::vector<av::track> tracks;
  std::vector<av::packet_ptr> packets;
  std::vector<int64_t> from; ///< for each track the begin of the next window
  std::vector<int64_t> dts;  ///< for each track the last DTS
};

struct attempt {
  attempt(const scenario& what, const delivered& before) {
    auto opened = av::transcode::open(what.from->tracks, what.plan, before.windows(), made);
    BOOST_REQUIRE_MESSAGE(opened, (opened ? "" : opened.error().what));
    work.emplace(std::move(*opened));
    feed = feed_for(*what.from, work->preroll_from());
  }

  bool send_next() {
    if (fed == feed.size() || work->complete())
      return false;
    auto sent = work->send(*feed[fed++]);
    BOOST_REQUIRE_MESSAGE(sent, (sent ? "" : sent.error().what));
    return true;
  }

  /// Feeds the remaining source packets.
  void finish() {
    while (send_next()) {
    }
    auto finished = work->finish();
    BOOST_REQUIRE_MESSAGE(finished, (finished ? "" : finished.error().what));
  }

  result made;
  std::optional<av::transcode> work;
  std::vector<const AVPacket*> feed;
  size_t fed = 0;
};

/// Runs an attempt that dies after `packets` output packets: only its whole closed groups count.
void die_after(const scenario& what, delivered& all, size_t packets) {
  attempt x{what, all};
  while (x.made.packets.size() < packets && x.send_next()) {
  }
  auto count = std::min(packets, x.made.packets.size());
  while (count > 0 && !is_closed(*x.made.packets[count - 1]))
    --count;
  all.take(what, std::move(x.made), count);
}

/// Runs an attempt that is told after `packets` source packets to end `later` ticks later, where the next one begins.
void move_after(const scenario& what, delivered& all, size_t packets, int64_t later) {
  attempt x{what, all};
  while (x.fed < packets && x.send_next()) {
  }
  auto at = *std::max_element(all.from.begin(), all.from.end());
  for (size_t i = 0; i < x.fed; ++i)
    at = std::max({at, x.feed[i]->pts, x.feed[i]->dts});
  at += 1 + later;
  BOOST_REQUIRE(x.work->end_at(at));
  x.finish();
  auto count = x.made.packets.size();
  all.take(what, std::move(x.made), count);
  std::fill(all.from.begin(), all.from.end(), at);
}

void check_history(const scenario& what, const result& whole, unsigned seed) {
  BOOST_TEST_CONTEXT(what.name << ", TROUPE_SEED=" << seed) {
    std::mt19937 random{seed};
    auto up_to = [&random](size_t x) { return std::uniform_int_distribution<size_t>{0, x}(random); };
    delivered all{what};
    for (auto i = 1 + up_to(4); i > 0; --i) {
      auto left = whole.packets.size() - std::min(all.packets.size(), whole.packets.size());
      if (up_to(3) == 0)
        move_after(what, all, up_to(what.from->packets.size() / 2), static_cast<int64_t>(up_to(45'000)));
      else
        die_after(what, all, up_to(1 + left / 2));
    }
    attempt last{what, all};
    last.finish();
    if (!last.made.packets.empty())
      BOOST_TEST(is_closed(*last.made.packets.back()));
    auto count = last.made.packets.size();
    all.take(what, std::move(last.made), count);

    for (auto track : {0, 1}) {
      std::vector<int64_t> expected;
      for (auto* x : whole.of(track))
        expected.push_back(x->pts);
      std::vector<int64_t> got;
      auto last_dts = av::no_pts;
      for (auto* x : all.of(track)) {
        got.push_back(x->pts);
        BOOST_TEST(x->dts > last_dts);
        BOOST_TEST(x->dts <= x->pts);
        last_dts = x->dts;
      }
      std::sort(expected.begin(), expected.end());
      std::sort(got.begin(), got.end());
      BOOST_TEST(got == expected, boost::test_tools::per_element());
    }
    std::map<int64_t, std::optional<uint32_t>> numbers;
    for (const auto& x : show(whole.tracks[0], whole.of(0)))
      numbers[x.pts] = x.number;
    auto pictures = show(all.tracks[0], all.of(0));
    BOOST_TEST(pictures.size() == numbers.size());
    auto last_pts = av::no_pts;
    for (const auto& x : pictures) {
      BOOST_TEST(x.pts > last_pts);
      BOOST_TEST(x.number.has_value());
      BOOST_TEST((x.number == numbers[x.pts]));
      last_pts = x.pts;
    }
  }
}

void check(const scenario& what) {
  attempt whole{what, delivered{what}};
  whole.finish();
  BOOST_REQUIRE(!whole.made.of(0).empty());
  BOOST_REQUIRE(!whole.made.of(1).empty());
  auto first = troupe::test::from_environment("TROUPE_SEED", 1);
  for (auto seed = first; seed < first + troupe::test::from_environment("TROUPE_SEEDS", 6); ++seed)
    check_history(what, whole.made, seed);
}

const source& plain() {
  static auto result = make(make_video({}), make_audio({.encoder = "ac3"}));
  return result;
}

const source& without_b_frames() {
  static auto result = make(make_video({.gop = 25, .b_frames = 0}), make_audio({.encoder = "aac"}));
  return result;
}

const source& open_gop() {
  static auto result = make(make_video({.encoder = "libx265",
                                        .gop = 16,
                                        .b_frames = 4,
                                        .options = {{"x265-params", "log-level=none:b-adapt=2:rc-lookahead=20"}}}),
                            make_audio({.encoder = "ac3", .sample_rate = 44'100, .first_sample = 441'000}));
  return result;
}

const source& interlaced() {
  static auto result = make(make_video({.encoder = "mpeg2video", .height = 128, .gop = 12, .interlaced = true}),
                            make_audio({.encoder = "mp2"}));
  return result;
}

} // namespace

BOOST_AUTO_TEST_CASE(no_frame_is_lost_without_b_frames) {
  check({"no B-frames", &without_b_frames(), {video(0), audio("aac")}});
}

BOOST_AUTO_TEST_CASE(no_frame_is_lost_with_b_frames) {
  check({"B-frames", &plain(), {video(3), audio("aac")}});
}

BOOST_AUTO_TEST_CASE(no_frame_is_lost_of_an_open_gop) {
  check({"HEVC, open GOP", &open_gop(), {video(0), audio("aac")}});
  check({"HEVC, open GOP, B-frames", &open_gop(), {video(2), audio("mp2")}});
}

BOOST_AUTO_TEST_CASE(no_frame_is_lost_when_fields_become_frames) {
  check({"deinterlaced", &interlaced(), {video(0), audio("libopus")}});
  auto settings = video(2);
  settings.deinterlacing = av::deinterlace::field_rate;
  check({"a picture per field", &interlaced(), {settings, audio("libopus")}});
}

BOOST_AUTO_TEST_CASE(no_frame_is_lost_at_half_the_frame_rate) {
  auto settings = video(0);
  settings.frame_rate = {25, 2};
  check({"half the rate", &plain(), {settings, audio("libopus")}});
  settings.b_frames = 3;
  check({"half the rate, B-frames", &open_gop(), {settings, audio("aac")}});
}

BOOST_AUTO_TEST_CASE(no_packet_is_lost_of_a_copy) {
  check({"video copied", &plain(), {av::copy_track{}, audio("aac")}});
  check({"audio copied", &plain(), {video(3), av::copy_track{}}});
  check({"open GOP copied", &open_gop(), {av::copy_track{}, av::copy_track{}}});
}

BOOST_AUTO_TEST_CASE(closed_means_that_nothing_shown_before_is_still_to_come) {
  for (auto b_frames : {0, 3}) {
    auto made = run(plain(), {video(b_frames), audio("aac")});
    auto open = 0;
    for (size_t i = 0; i < made.packets.size(); ++i) {
      auto shown = av::no_pts;
      auto earliest = std::numeric_limits<int64_t>::max();
      for (size_t k = 0; k < made.packets.size(); ++k)
        if (made.packets[k]->stream_index == 0)
          (k <= i ? shown = std::max(shown, made.packets[k]->pts)
                  : earliest = std::min(earliest, made.packets[k]->pts));
      BOOST_TEST(is_closed(*made.packets[i]) == (earliest > shown));
      open += is_closed(*made.packets[i]) ? 0 : 1;
    }
    BOOST_TEST((open > 0) == (b_frames > 0));
  }
}

BOOST_AUTO_TEST_CASE(sound_alone_is_always_closed) {
  auto made = run(plain(), {av::drop_track{}, audio("aac")});
  BOOST_TEST(!made.packets.empty());
  BOOST_TEST(std::all_of(made.packets.begin(), made.packets.end(), [](const auto& x) { return is_closed(*x); }));
}

BOOST_AUTO_TEST_CASE(an_end_that_was_passed_already_is_refused) {
  scenario what{"late", &without_b_frames(), {video(0), audio("aac")}};
  attempt x{what, delivered{what}};
  while (x.made.of(0).size() < 30)
    BOOST_REQUIRE(x.send_next());
  auto passed = x.made.of(0).back()->pts;
  auto refused = x.work->end_at(passed);
  BOOST_REQUIRE(!refused);
  BOOST_TEST((refused.error().code == av::errc::option));
  // The refused end has changed nothing.
  x.finish();
  BOOST_TEST(x.made.of(0).size() == 75u);
}

BOOST_AUTO_TEST_CASE(a_silent_track_does_not_hold_the_end_for_ever) {
  auto sound = make_audio({.samples = 96'000});
  auto from = make(make_video({.frames = 400, .gop = 50, .b_frames = 0}), std::move(sound));
  scenario what{"silent", &from, {video(0), audio("aac")}};
  attempt x{what, delivered{what}};
  while (x.made.of(0).size() < 60)
    BOOST_REQUIRE(x.send_next());
  BOOST_REQUIRE(x.work->end_at(900'000 + 100 * 3'600));
  while (x.send_next()) {
  }
  BOOST_TEST(x.work->complete());
  BOOST_TEST(x.fed < x.feed.size());
  BOOST_TEST(x.made.of(0).size() == 100u);
}

BOOST_AUTO_TEST_SUITE_END()
