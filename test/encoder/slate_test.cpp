// Goal: while the source is away, a still picture and silence fill the grid without a hole, and they are the same
// whichever transcodes make them. Method: seeded random histories of a source that goes away and returns, with attempts
// that die at any moment, fed as by a session. Each output frame must be there exactly once, with the time that a
// single transcode gives it. TROUPE_SEEDS sets how many histories of each kind are tried, TROUPE_SEED the first.
#include "quick_settings.hpp"
#include "test/support/environment.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <optional>
#include <random>

namespace av = troupe::av;

using namespace troupe::av::test;

BOOST_AUTO_TEST_SUITE(slate_test)

namespace {

constexpr int64_t second = 90'000;

/// What a session's source buffer says, in order: a packet, or that the source is away up to a time.
struct event {
  av::packet_ptr packet;
  int64_t away_to = av::no_pts;
};

using history = std::vector<event>;

bool is_join_point(const event& x) {
  return x.packet && x.packet->stream_index == 0 && (x.packet->flags & AV_PKT_FLAG_KEY) != 0;
}

/// A source that goes away before the packets with these numbers, each time for so long (ticks), and returns at a
/// random-access point.
history with_absences(const source& from, const std::vector<std::pair<size_t, int64_t>>& absences) {
  history result;
  int64_t shift = 0;
  int64_t end = 0;
  auto awaited = false;
  for (size_t i = 0; i < from.packets.size(); ++i) {
    for (auto& [at, ticks] : absences) {
      if (at != i)
        continue;
      for (auto left = ticks; left > 0; left -= second / 5) {
        end += std::min(left, second / 5);
        result.push_back({nullptr, end});
      }
      awaited = true;
    }
    event next{av::packet_ptr{av_packet_clone(from.packets[i].get())}};
    if (awaited && !is_join_point(next))
      continue;
    if (std::exchange(awaited, false))
      shift = end - next.packet->dts;
    next.packet->pts += shift;
    next.packet->dts += shift;
    end = std::max(end, next.packet->pts + next.packet->duration);
    result.push_back(std::move(next));
  }
  return result;
}

struct attempt {
  attempt(const source& from, const std::vector<av::track_plan>& plan, const std::vector<av::time_window>& windows) {
    auto opened = av::transcode::open(from.tracks, plan, windows, made);
    BOOST_REQUIRE_MESSAGE(opened, (opened ? "" : opened.error().what));
    work.emplace(std::move(*opened));
  }

  void send(const event& x) {
    auto sent = x.packet ? work->send(*x.packet) : work->fill(x.away_to);
    BOOST_REQUIRE_MESSAGE(sent, (sent ? "" : sent.error().what));
  }

  /// Sends what was there before event number `until`: from a join point early enough, each absence as one.
  void replay(const history& all, size_t until) {
    auto from = work->preroll_from();
    size_t begin = 0;
    for (size_t i = 0; i < until; ++i) {
      if (all[i].packet && all[i].packet->stream_index != 0 && all[i].packet->pts >= from)
        break;
      if (is_join_point(all[i]) && all[i].packet->pts <= from)
        begin = i;
    }
    for (auto i = begin; i < until; ++i)
      if (all[i].packet || i + 1 == until || all[i + 1].packet)
        send(all[i]);
  }

  void finish() {
    auto finished = work->finish();
    BOOST_REQUIRE_MESSAGE(finished, (finished ? "" : finished.error().what));
  }

  result made;
  std::optional<av::transcode> work;
};

result whole(const source& from, const std::vector<av::track_plan>& plan, const history& all) {
  attempt x{from, plan, {}};
  for (auto& e : all)
    x.send(e);
  x.finish();
  return std::move(x.made);
}

std::vector<int64_t> times_of(const std::vector<const AVPacket*>& packets) {
  std::vector<int64_t> result;
  for (auto* x : packets)
    result.push_back(x->pts);
  std::sort(result.begin(), result.end());
  return result;
}

/// Sound follows sound without a hole; of pictures, none is missing between two. Copied sound returns off its grid.
void check_gapless(const result& made, int64_t picture, int64_t sound, bool copied) {
  auto pictures = times_of(made.of(0));
  for (size_t i = 1; i < pictures.size(); ++i)
    BOOST_TEST((pictures[i] - pictures[i - 1] >= picture / 2 && pictures[i] - pictures[i - 1] <= 3 * picture / 2),
               "picture " << i << " of " << pictures.size() << " comes after " << pictures[i] - pictures[i - 1]);
  auto sounds = times_of(made.of(1));
  for (size_t i = 1; i < sounds.size(); ++i)
    BOOST_TEST(std::abs(sounds[i] - sounds[i - 1] - sound) <= (copied ? sound / 2 : 0));
}

struct scenario {
  std::string name;
  const source* from;
  std::vector<av::track_plan> plan;
  int64_t picture = 3'600; ///< ticks of a picture and of a frame of sound
  int64_t sound = 1'920;
};

void check_history(const scenario& what, unsigned seed) {
  BOOST_TEST_CONTEXT(what.name << ", TROUPE_SEED=" << seed) {
    std::mt19937 random{seed};
    auto up_to = [&random](size_t x) { return std::uniform_int_distribution<size_t>{0, x}(random); };
    std::vector<std::pair<size_t, int64_t>> absences;
    for (auto i = 1 + up_to(1); i > 0; --i)
      absences.emplace_back(20 + up_to(what.from->packets.size() - 21), 1 + up_to(6 * second));
    auto all = with_absences(*what.from, absences);
    auto expected = whole(*what.from, what.plan, all);
    check_gapless(expected, what.picture, what.sound, std::holds_alternative<av::copy_track>(what.plan[1]));

    auto first = all.front().packet->pts;
    std::vector<av::time_window> windows(2, av::time_window{first});
    std::vector<std::vector<int64_t>> got(2);
    auto take = [&](const result& made, size_t count) {
      for (size_t i = 0; i < count; ++i) {
        auto& x = *made.packets[i];
        auto track = static_cast<size_t>(x.stream_index);
        windows[track].from_pts = std::max(windows[track].from_pts, x.pts + 1);
        got[track].push_back(x.pts);
      }
    };
    size_t fed = 0;
    for (auto i = 1 + up_to(4); i > 0; --i) {
      attempt x{*what.from, what.plan, windows};
      x.replay(all, fed);
      for (auto more = up_to(all.size() - fed); more > 0 && fed < all.size(); --more)
        x.send(all[fed++]);
      auto count = up_to(x.made.packets.size());
      while (count > 0 && (x.made.packets[count - 1]->flags & av::packet_flag_closed) == 0)
        --count;
      take(x.made, count);
    }
    attempt last{*what.from, what.plan, windows};
    last.replay(all, fed);
    while (fed < all.size())
      last.send(all[fed++]);
    last.finish();
    take(last.made, last.made.packets.size());
    for (auto track : {0, 1}) {
      auto& mine = got[static_cast<size_t>(track)];
      std::sort(mine.begin(), mine.end());
      auto due = times_of(expected.of(track));
      // A window begins where the first one did; the very first sound may have been before.
      std::erase_if(due, [&](int64_t x) { return x < first; });
      BOOST_TEST(mine == due, boost::test_tools::per_element());
    }
  }
}

void check(const scenario& what) {
  auto first = troupe::test::from_environment("TROUPE_SEED", 1);
  for (auto seed = first; seed < first + troupe::test::from_environment("TROUPE_SEEDS", 3); ++seed)
    check_history(what, seed);
}

av::video_settings live(int b_frames, AVRational rate = {0, 1}) {
  auto result = video();
  result.b_frames = b_frames;
  result.frame_rate = rate;
  result.low_delay = true;
  result.keyframe_interval = std::chrono::milliseconds{800};
  return result;
}

const source& plain() {
  static auto result = make(make_video({}), make_audio({.encoder = "ac3"}));
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

BOOST_AUTO_TEST_CASE(an_absence_is_filled_and_remade_exactly) {
  check({"no B-frames", &plain(), {live(0), audio("aac")}});
  check({"B-frames", &plain(), {live(3), audio("aac")}});
}

BOOST_AUTO_TEST_CASE(an_absence_is_filled_on_the_grid_of_a_frame_rate) {
  check({"half the rate", &plain(), {live(2, {25, 2}), audio("aac")}, 7'200});
  check({"another rate", &plain(), {live(0, {30'000, 1'001}), audio("aac")}, 3'003});
}

BOOST_AUTO_TEST_CASE(an_absence_is_filled_after_an_open_gop) {
  auto sound = audio("aac");
  sound.sample_rate = 48'000;
  check({"HEVC, open GOP", &open_gop(), {live(2), sound}});
}

BOOST_AUTO_TEST_CASE(an_absence_is_filled_between_fields) {
  check({"deinterlaced", &interlaced(), {live(0), audio("aac")}});
  auto settings = live(2);
  settings.deinterlacing = av::deinterlace::field_rate;
  check({"a picture per field", &interlaced(), {settings, audio("aac")}, 1'800});
}

BOOST_AUTO_TEST_CASE(stills_show_the_last_picture_in_silence) {
  auto all = with_absences(plain(), {{80, 3 * second}});
  auto made = whole(plain(), {live(0), audio("aac")}, all);
  int64_t away = 0;
  int64_t last = 0;
  for (auto& x : all)
    if (x.packet && away == 0 && x.packet->stream_index == 0)
      last = std::max(last, x.packet->pts);
    else if (!x.packet)
      away = x.away_to;
  std::optional<uint32_t> number;
  auto stills = 0;
  for (auto& x : show(made.tracks[0], made.of(0))) {
    if (x.pts == last)
      number = x.number;
    if (x.pts <= last || x.pts >= away)
      continue;
    BOOST_TEST((x.number && x.number == number));
    ++stills;
  }
  BOOST_TEST(stills >= 75);
  auto heard = play(made.tracks[1], made.of(1));
  auto at = [&](int64_t pts) {
    return static_cast<size_t>(av_rescale(pts, heard.sample_rate, second) - heard.first_sample);
  };
  auto loudest = 0.0F;
  for (auto i = at(last + second / 2); i < at(away - second / 2); ++i)
    loudest = std::max(loudest, std::abs(heard.samples.at(i)));
  BOOST_TEST(loudest < 0.001F);
  // Random-access points are on their grid, as ever.
  for (auto* x : made.of(0))
    if ((x->flags & AV_PKT_FLAG_KEY) != 0 && x->pts > last && x->pts < away)
      BOOST_TEST(x->pts % 72'000 < 3'600);
}

BOOST_AUTO_TEST_CASE(a_long_absence_costs_nothing_to_a_window_at_its_end) {
  attempt x{plain(), {live(0), audio("aac")}, std::vector<av::time_window>(2, {86'400 * second})};
  for (auto& packet : plain().packets)
    x.send({av::packet_ptr{av_packet_clone(packet.get())}});
  x.send({nullptr, 86'401 * second});
  x.finish();
  BOOST_TEST(x.made.of(0).size() == 25u);
  BOOST_TEST(x.made.of(0).front()->pts - 86'400 * second < 3'600);
  BOOST_TEST(x.work->counters().frames_encoded < 200u);
}

BOOST_AUTO_TEST_CASE(without_any_picture_the_slate_is_black) {
  attempt x{plain(), {live(0), audio("aac")}, std::vector<av::time_window>(2, {100 * second})};
  x.send({nullptr, 102 * second});
  x.finish();
  BOOST_TEST(x.made.of(0).size() == 50u);
  BOOST_TEST(x.made.of(1).size() > 90u);
  for (auto& picture : show(x.made.tracks[0], x.made.of(0)))
    BOOST_TEST(picture.top_luma < 20);
}

BOOST_AUTO_TEST_CASE(copied_pictures_keep_their_gap) {
  auto all = with_absences(plain(), {{80, 3 * second}});
  auto made = whole(plain(), {av::copy_track{}, av::drop_track{}}, all);
  size_t pictures = 0;
  for (auto& x : all)
    pictures += x.packet && x.packet->stream_index == 0 ? 1 : 0;
  BOOST_TEST(made.packets.size() == pictures);
}

BOOST_AUTO_TEST_CASE(copied_sound_is_silent_in_its_own_codec) {
  for (auto* codec : {"mp2", "ac3", "eac3", "aac"}) {
    BOOST_TEST_CONTEXT(codec) {
      auto from = make(make_video({}), make_audio({.encoder = codec}));
      auto all = with_absences(from, {{80, 3 * second}});
      auto made = whole(from, {live(0), av::copy_track{}}, all);
      auto sounds = made.of(1);
      for (size_t i = 1; i < sounds.size(); ++i) {
        auto step = sounds[i]->dts - sounds[i - 1]->dts;
        BOOST_TEST((step > sounds[i - 1]->duration / 2 && step < sounds[i - 1]->duration * 3 / 2));
      }
      auto heard = play(made.tracks[1], sounds);
      auto quiet = 0;
      auto run = 0;
      for (auto x : heard.samples) {
        run = std::abs(x) < 0.001F ? run + 1 : 0;
        quiet = std::max(quiet, run);
      }
      BOOST_TEST(quiet > heard.sample_rate * 5 / 2);
    }
  }
}

BOOST_AUTO_TEST_CASE(copied_sound_is_remade_exactly) {
  check({"copied sound", &plain(), {live(2), av::copy_track{}}, 3'600, 2'880});
}

namespace {

/// The mean brightness of the first still's uppermost row, and of all of them how many differ from the one before.
std::pair<double, int> look_at_stills(const av::slate_settings& slate, int64_t ticks) {
  auto settings = live(0);
  settings.slate = slate;
  attempt x{plain(), {settings, audio("aac")}, std::vector<av::time_window>(2, {100 * second})};
  x.send({nullptr, 100 * second + ticks});
  x.finish();
  auto stills = show(x.made.tracks[0], x.made.of(0));
  BOOST_REQUIRE(stills.size() == static_cast<size_t>(ticks / 3'600));
  auto changes = 0;
  auto packets = x.made.of(0);
  for (auto* packet : packets)
    changes += (packet->flags & AV_PKT_FLAG_KEY) == 0 && packet->size > 200 ? 1 : 0;
  return {stills.back().top_luma, changes};
}

} // namespace

BOOST_AUTO_TEST_CASE(a_slate_can_be_colour_bars_with_a_clock) {
  av::slate_settings slate;
  slate.show = av::slate_settings::kind::bars;
  slate.title = "A: 100 % 'quoted' \\ title";
  auto [luma, changes] = look_at_stills(slate, 4 * second);
  BOOST_TEST(luma > 60); // of seven bars
  BOOST_TEST((changes >= 3 && changes <= 6));
  BOOST_TEST_MESSAGE(changes << " stills show another second");
}

BOOST_AUTO_TEST_CASE(a_slate_can_be_a_picture_file) {
  // A white BMP of 2x2 pixels: in pictures of 160x96 it is a square between black bars.
  std::vector<uint8_t> file{'B', 'M', 70, 0, 0, 0, 0, 0, 0, 0, 54, 0, 0, 0,  40,
                            0,   0,   0,  2, 0, 0, 0, 2, 0, 0, 0,  1, 0, 24, 0};
  file.resize(54);
  file.resize(70, 0xff);
  av::slate_settings slate;
  slate.show = av::slate_settings::kind::image;
  auto* begin = reinterpret_cast<const std::byte*>(file.data());
  slate.image.assign(begin, begin + file.size());
  auto [luma, changes] = look_at_stills(slate, second);
  BOOST_TEST(std::abs(luma - (16 * 64 + 235 * 96) / 160.0) < 10);
  BOOST_TEST(changes == 0);
  // What is no picture is no error: the slate is what it is without.
  slate.image.resize(20);
  BOOST_TEST(look_at_stills(slate, second).first < 20);
  slate.image.clear();
  BOOST_TEST(look_at_stills(slate, second).first < 20);
}

BOOST_AUTO_TEST_SUITE_END()
