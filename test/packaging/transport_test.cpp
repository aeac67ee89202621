// Goal: a transport stream stays one stream when its tracks change, and its clock is written at least ten times a
// second, starting at zero, however slow its pictures are. Method: packets are muxed into memory. Tables, counters and
// clock are read from the bytes as in ISO/IEC 13818-1, the packets by libavformat.
#include "encoder/format_ptr.hpp"
#include "packaging/muxer.hpp"

#include "test/encoder/clip.hpp"

#include <boost/test/unit_test.hpp>

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

using namespace troupe::av;
using namespace troupe::av::test;

BOOST_AUTO_TEST_SUITE(transport_test)

namespace {

/// The tables, clock and continuity counters of a stream, read from its bytes.
struct scan {
  struct table {
    int version;
    std::vector<int> pids;
    bool operator==(const table&) const = default;
  };

  std::vector<table> tables;  ///< without those that equal the one before
  std::vector<int64_t> clock; ///< ticks
  int counter_errors = 0;

  explicit scan(const std::string& bytes) {
    BOOST_TEST(bytes.size() % 188 == 0u);
    for (size_t at = 0; at + 188 <= bytes.size(); at += 188)
      packet(reinterpret_cast<const uint8_t*>(bytes.data()) + at);
  }

  /// The longest step of the clock, and whether it ever goes back.
  int64_t longest_step() const {
    int64_t result = 0;
    for (size_t i = 1; i < clock.size(); ++i) {
      BOOST_TEST(clock[i] >= clock[i - 1]);
      result = std::max(result, clock[i] - clock[i - 1]);
    }
    return result;
  }

private:
  void packet(const uint8_t* x) {
    BOOST_REQUIRE(static_cast<int>(x[0]) == 0x47);
    auto pid = (x[1] & 0x1f) << 8 | x[2];
    auto count = x[3] & 0xf;
    auto has_payload = (x[3] & 0x10) != 0;
    if (auto last = counts.find(pid); last != counts.end())
      counter_errors += count != ((last->second + (has_payload ? 1 : 0)) & 0xf);
    counts[pid] = count;
    auto skip = (x[3] & 0x20) != 0 ? size_t{5} + x[4] : size_t{4};
    if ((x[3] & 0x20) != 0 && x[4] > 6 && (x[5] & 0x10) != 0)
      clock.push_back(int64_t{x[6]} << 25 | x[7] << 17 | x[8] << 9 | x[9] << 1 | x[10] >> 7);
    if (pid != 0x1000 || (x[1] & 0x40) == 0)
      return;
    auto* section = x + skip + 1;
    table found{section[5] >> 1 & 0x1f, {}};
    auto end = 3 + ((section[1] & 0xf) << 8 | section[2]) - 4;
    for (int i = 12 + ((section[10] & 0xf) << 8 | section[11]); i < end; i += 5 + section[i + 4])
      found.pids.push_back((section[i + 1] & 0x1f) << 8 | section[i + 2]);
    if (tables.empty() || tables.back() != found)
      tables.push_back(found);
  }

  std::map<int, int> counts;
};

/// Muxes packets of tracks that may change, each part of a second or so behind the one before.
struct stream {
  explicit stream(const std::vector<track>& tracks) {
    auto opened = muxer::open("mpegts", tracks, [this](std::span<const std::byte> x) {
      bytes.append(reinterpret_cast<const char*>(x.data()), x.size());
    });
    BOOST_REQUIRE(opened);
    out.emplace(std::move(*opened));
  }

  /// `map` gives each track of the clip its place among the tracks; -1 leaves it out.
  void put(const clip& from, const std::vector<int>& map) {
    auto end = shift;
    for (auto& x : from.packets) {
      packet_ptr y{av_packet_clone(x.get())};
      y->stream_index = map[static_cast<size_t>(x->stream_index)];
      if (y->stream_index < 0)
        continue;
      y->pts += shift;
      y->dts += shift;
      end = std::max(end, y->pts + y->duration);
      BOOST_REQUIRE(out->write(*y));
    }
    shift = end;
  }

  std::string bytes;
  std::optional<muxer> out;
  int64_t shift = 900'000;
};

std::vector<track> of(std::initializer_list<const track*> xs) {
  std::vector<track> result;
  for (auto* x : xs)
    result.push_back(x->clone());
  return result;
}

clip short_clip(const std::string& audio) {
  clip_settings settings;
  settings.audio = audio;
  settings.frames = 25;
  settings.global_header = true;
  return make_clip(settings);
}

/// Muxes that many pictures, each of which lasts `ticks`, and, if `sound` is set, sound of the same length.
void put_slow(muxer& out, const clip& from, int pictures, int64_t ticks, bool sound, int64_t first) {
  constexpr int64_t sound_ticks = 1920;
  std::vector<const AVPacket*> video;
  const AVPacket* noise = nullptr;
  for (auto& x : from.packets)
    if (x->stream_index == 0)
      video.push_back(x.get());
    else if (noise == nullptr)
      noise = x.get();
  auto next_sound = first;
  for (int i = 0; i < pictures; ++i) {
    packet_ptr y{av_packet_clone(video.at(static_cast<size_t>(i)))};
    y->pts = y->dts = first + i * ticks;
    y->duration = ticks;
    BOOST_REQUIRE(out.write(*y));
    for (; sound && next_sound < first + (i + 1) * ticks; next_sound += sound_ticks) {
      packet_ptr z{av_packet_clone(noise)};
      z->pts = z->dts = next_sound;
      z->duration = sound_ticks;
      BOOST_REQUIRE(out.write(*z));
    }
  }
}

/// The codecs of all packets, as found by a player that accepts tracks whenever they appear.
std::set<std::string> codecs_of(const std::string& bytes, const std::string& name) {
  input_context_ptr input;
  BOOST_REQUIRE(open_input(input, write_bytes(name, bytes)) >= 0);
  auto packet = make_packet();
  std::set<std::string> result;
  while (av_read_frame(input.get(), packet.get()) >= 0) {
    result.insert(avcodec_get_name(input->streams[packet->stream_index]->codecpar->codec_id));
    av_packet_unref(packet.get());
  }
  return result;
}

} // namespace

BOOST_AUTO_TEST_CASE(another_codec_gets_another_pid_and_everything_else_goes_on) {
  auto aac = short_clip("aac");
  auto ac3 = short_clip("ac3");
  stream x{aac.tracks};
  x.put(aac, {0, 1});
  BOOST_REQUIRE(x.out->change_tracks(ac3.tracks));
  x.put(ac3, {0, 1});
  BOOST_REQUIRE(x.out->change_tracks(aac.tracks));
  x.put(aac, {0, 1});
  scan found{x.bytes};
  BOOST_TEST(found.counter_errors == 0);
  BOOST_REQUIRE(found.tables.size() == 3u);
  BOOST_TEST((found.tables[0] == scan::table{0, {256, 257}}));
  BOOST_TEST((found.tables[1] == scan::table{1, {256, 258}}));
  BOOST_TEST((found.tables[2] == scan::table{2, {256, 257}}));
  BOOST_TEST(found.longest_step() <= 9000);
  BOOST_TEST((codecs_of(x.bytes, "another-codec.ts") == std::set<std::string>{"h264", "aac", "ac3"}));
}

BOOST_AUTO_TEST_CASE(a_track_that_comes_later_leaves_the_others_where_they_are) {
  auto from = short_clip("aac");
  auto second = short_clip("mp2");
  stream x{from.tracks};
  x.put(from, {0, 1});
  BOOST_REQUIRE(x.out->change_tracks(of({&from.tracks[0], &second.tracks[1], &from.tracks[1]})));
  x.put(from, {0, 2});
  BOOST_REQUIRE(x.out->change_tracks(of({&from.tracks[0]})));
  x.put(from, {0, -1});
  scan found{x.bytes};
  BOOST_TEST(found.counter_errors == 0);
  BOOST_REQUIRE(found.tables.size() == 3u);
  BOOST_TEST((found.tables[1] == scan::table{1, {256, 258, 257}}));
  BOOST_TEST((found.tables[2] == scan::table{2, {256}}));
}

BOOST_AUTO_TEST_CASE(parameters_that_no_table_names_change_no_version) {
  auto from = short_clip("aac");
  stream x{from.tracks};
  x.put(from, {0, 1});
  auto other = clone(from.tracks);
  other[0].parameters->width *= 2;
  BOOST_REQUIRE(x.out->change_tracks(other));
  x.put(from, {0, 1});
  BOOST_TEST(scan{x.bytes}.tables.size() == 1u);
  BOOST_TEST(scan{x.bytes}.counter_errors == 0);
}

BOOST_AUTO_TEST_CASE(tables_count_to_31_and_begin_again) {
  auto aac = short_clip("aac");
  auto mp2 = short_clip("mp2");
  stream x{aac.tracks};
  x.put(aac, {0, -1});
  for (int i = 1; i <= 33; ++i) {
    auto& next = i % 2 == 0 ? aac : mp2;
    BOOST_REQUIRE(x.out->change_tracks(next.tracks));
    x.put(next, {-1, 1});
  }
  scan found{x.bytes};
  BOOST_REQUIRE(found.tables.size() == 34u);
  for (int i = 0; i < 34; ++i)
    BOOST_TEST(found.tables[static_cast<size_t>(i)].version == i % 32);
  BOOST_TEST((found.tables.back().pids == std::vector<int>{256, 258}));
}

BOOST_AUTO_TEST_CASE(the_clock_goes_on_between_pictures_that_are_far_apart) {
  auto from = short_clip("aac");
  for (auto sound : {true, false})
    for (auto ticks : {18'000, 90'000, 5 * 90'000}) {
      stream x{sound ? clone(from.tracks) : of({&from.tracks[0]})};
      put_slow(*x.out, from, 6, ticks, sound, 900'000);
      scan found{x.bytes};
      BOOST_TEST_CONTEXT("a picture lasts " << ticks << " ticks, sound: " << sound) {
        BOOST_TEST(found.counter_errors == 0);
        BOOST_TEST(found.longest_step() <= 9000);
        BOOST_TEST(found.clock.front() == 900'000 - 63'000);
        BOOST_TEST(found.clock.back() <= 900'000 + 6 * ticks - 63'000);
        BOOST_TEST(found.clock.back() >= 900'000 + 5 * ticks - 63'000);
      }
    }
}

BOOST_AUTO_TEST_CASE(the_clock_goes_on_while_nothing_comes_where_that_is_how_slow_pictures_are) {
  auto from = short_clip("aac");
  for (auto ticks : {3600, 90'000}) {
    stream x{of({&from.tracks[0]})};
    put_slow(*x.out, from, 3, ticks, false, 900'000);
    auto before = scan{x.bytes}.clock.back();
    for (auto passed : {9'000, 45'000, 10 * 90'000})
      BOOST_REQUIRE(x.out->pass_time(passed));
    scan found{x.bytes};
    BOOST_TEST(found.longest_step() <= 9000);
    BOOST_TEST(found.counter_errors == 0);
    // The clock does not pass the time of pictures that may come next.
    auto newest = 900'000 + 2 * ticks;
    BOOST_TEST(found.clock.back() - before >= (ticks == 3600 ? 0 : 54'000));
    BOOST_TEST(found.clock.back() <= (ticks == 3600 ? before : newest));
    put_slow(*x.out, from, 1, ticks, false, newest + ticks);
    BOOST_TEST(scan{x.bytes}.longest_step() <= 9000);
  }
}

BOOST_AUTO_TEST_CASE(sound_whose_pictures_stay_away_keeps_the_clock_going) {
  auto from = short_clip("aac");
  for (auto pictures : {0, 1}) {
    stream x{from.tracks};
    put_slow(*x.out, from, pictures, 3600, false, 900'000);
    packet_ptr noise{av_packet_clone(from.packets.back().get())};
    noise->stream_index = 1;
    for (int64_t t = 900'000; t < 900'000 + 5 * 90'000; t += 1920) {
      noise->pts = noise->dts = t;
      BOOST_REQUIRE(x.out->write(*noise));
    }
    scan found{x.bytes};
    BOOST_TEST(found.longest_step() <= 9000);
    BOOST_REQUIRE(!found.clock.empty());
    BOOST_TEST(found.clock.back() > 900'000 + 4 * 90'000 - 63'000);
    BOOST_TEST(found.clock.back() < 900'000 + 5 * 90'000 - 63'000);
  }
}

BOOST_AUTO_TEST_CASE(a_clock_is_never_below_zero) {
  auto from = short_clip("aac");
  stream x{from.tracks};
  x.shift = -5000;
  x.put(from, {0, 1});
  scan found{x.bytes};
  BOOST_TEST(found.clock.front() == 0);
  BOOST_TEST(found.longest_step() <= 9000);
}

BOOST_AUTO_TEST_SUITE_END()
