// Goal: one track as CMAF, cut anywhere, plays as the samples that went in, at exactly their times. Method: tracks of
// all codecs are encoded here and muxed in parts. The boxes are read from the bytes, and a player's demuxer and decoder
// read init segment and parts in a row.
#include "packaging/fragment_muxer.hpp"

#include "packaging/parameter_sets.hpp"

#include "coded_track.hpp"

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <functional>
#include <limits>

using namespace troupe;
using namespace troupe::test;

BOOST_AUTO_TEST_SUITE(fragment_muxer_test)

namespace {

using bytes = std::vector<std::byte>;

const std::vector<std::string> all_codecs{"h264", "hevc", "av1", "vp9",  "aac", "ac3",
                                          "eac3", "mp2",  "mp3", "opus", "flac"};
const std::vector<std::string> video_codecs{"h264", "hevc", "av1", "vp9"};

struct part {
  size_t first; ///< index of its first sample
  size_t size;
  shared_bytes data;
};

struct muxed {
  shared_bytes init;
  std::string codec;
  std::vector<part> parts;

  std::vector<shared_bytes> pieces() const {
    std::vector<shared_bytes> result{init};
    for (const auto& x : parts)
      result.push_back(x.data);
    return result;
  }
};

template <class T>
T must(av::expected<T> x) {
  BOOST_REQUIRE_MESSAGE(x, (x ? "" : x.error().what));
  if constexpr (!std::is_void_v<T>)
    return std::move(*x);
}

/// Muxes samples from `first` on; a part has as many samples as `size_of` says for its number.
muxed mux(const coded_track& from, const std::function<size_t(size_t)>& size_of, size_t first = 0) {
  fragment_muxer out{from.format};
  muxed result;
  while (first < from.samples.size()) {
    auto size = std::min(size_of(result.parts.size()), from.samples.size() - first);
    for (auto i = first; i < first + size; ++i)
      must(out.write(from.samples[i].info, from.samples[i].bytes));
    result.parts.push_back({first, size, must(out.cut())});
    first += size;
  }
  result.init = out.init();
  result.codec = out.codec();
  return result;
}

size_t ten(size_t) {
  return 10;
}

size_t uneven(size_t part) {
  return std::array<size_t, 5>{1, 7, 2, 13, 5}[part % 5];
}

int64_t timescale(const coded_track& x) {
  return x.format.kind == track_kind::video ? ticks_per_second : x.format.sample_rate;
}

int64_t scaled(const coded_track& of, int64_t ticks) {
  return av_rescale_q(ticks, av::time_base, AVRational{1, static_cast<int>(timescale(of))});
}

/// The units of a picture, however they are delimited.
std::vector<bytes> units_of(std::span<const std::byte> x, bool length_prefixed) {
  std::vector<bytes> result;
  auto is_start = [&](size_t i) {
    return i + 3 <= x.size() && x[i] == std::byte{0} && x[i + 1] == std::byte{0} && x[i + 2] == std::byte{1};
  };
  if (length_prefixed) {
    for (size_t at = 0; at + 4 <= x.size();) {
      size_t size = 0;
      for (size_t i = 0; i < 4; ++i)
        size = size << 8 | std::to_integer<size_t>(x[at + i]);
      BOOST_REQUIRE(at + 4 + size <= x.size());
      result.emplace_back(x.begin() + static_cast<ptrdiff_t>(at) + 4,
                          x.begin() + static_cast<ptrdiff_t>(at + 4 + size));
      at += 4 + size;
    }
    return result;
  }
  for (size_t at = 0; at < x.size();)
    if (is_start(at)) {
      result.emplace_back();
      at += 3;
    } else {
      if (!result.empty())
        result.back().push_back(x[at]);
      ++at;
    }
  for (auto& unit : result)
    while (!unit.empty() && unit.back() == std::byte{0})
      unit.pop_back();
  return result;
}

/// True if a packet of the container holds this sample.
bool same_payload(const std::string& codec, const AVPacket& got, bytes expected) {
  std::span got_bytes{reinterpret_cast<const std::byte*>(got.data), static_cast<size_t>(got.size)};
  if (codec == "h264" || codec == "hevc")
    return units_of(got_bytes, true) == units_of(expected, false);
  // A temporal delimiter does not belong into the container.
  if (codec == "av1" && expected.size() > 2 && expected[0] == std::byte{0x12} && expected[1] == std::byte{0})
    expected.erase(expected.begin(), expected.begin() + 2);
  return std::ranges::equal(got_bytes, expected);
}

/// Checks the boxes of all parts against the samples.
void check_parts(const coded_track& from, const muxed& made) {
  for (size_t n = 0; n < made.parts.size(); ++n) {
    auto& x = made.parts[n];
    auto got = read_fragment(x.data);
    BOOST_TEST(got.boxes == (std::vector<std::string>{"moof", "mdat"}), boost::test_tools::per_element());
    BOOST_TEST(got.number == n + 1);
    BOOST_REQUIRE(got.entries.size() == x.size);
    BOOST_TEST(static_cast<int64_t>(got.first_dts) == scaled(from, from.samples[x.first].info.dts));
    auto dts = static_cast<int64_t>(got.first_dts);
    for (size_t i = 0; i < x.size; ++i) {
      auto& expected = from.samples[x.first + i].info;
      BOOST_TEST(dts == scaled(from, expected.dts));
      BOOST_TEST(dts + got.entries[i].offset == scaled(from, expected.pts));
      BOOST_TEST(got.entries[i].key == ((expected.flags & sample::key) != 0));
      dts += got.entries[i].duration;
    }
    auto& last = from.samples[x.first + x.size - 1].info;
    BOOST_TEST(dts == scaled(from, last.dts + last.duration));
  }
}

/// An AAC packet behind a header of 7 bytes: MPEG-4, low complexity, 48 kHz (ISO/IEC 14496-3: 1.A.2).
bytes with_adts(const bytes& x, unsigned channels) {
  auto size = x.size() + 7;
  bytes result;
  for (auto value : {size_t{0xff}, size_t{0xf1}, size_t{1 << 6 | 3 << 2 | channels >> 2},
                     (channels & 3) << 6 | size >> 11, size >> 3 & 0xff, (size & 7) << 5 | 0x1f, size_t{0xfc}})
    result.push_back(static_cast<std::byte>(value));
  result.insert(result.end(), x.begin(), x.end());
  return result;
}

std::vector<av::errc> errors(std::initializer_list<av::expected<void>> xs) {
  std::vector<av::errc> result;
  for (auto& x : xs)
    if (!x)
      result.push_back(x.error().code);
  return result;
}

} // namespace

BOOST_DATA_TEST_CASE(parts_in_a_row_play_as_the_samples_that_went_in, boost::unit_test::data::make(all_codecs), codec) {
  auto from = make_track(codec);
  auto made = mux(from, uneven);
  check_parts(from, made);
  auto got = play(made.pieces(), "parts.mp4");
  // MP4 does not tell mp2 from mp3: libavformat reads both as mp3.
  BOOST_TEST(got.codec == (codec == "mp2" ? "mp3" : codec));
  BOOST_TEST(got.time_base.den == timescale(from));
  BOOST_REQUIRE(got.packets.size() == from.samples.size());
  // Without an edit list, libavformat's reader shows a track with negative offsets later by the largest of them.
  int64_t later = 0;
  for (auto& x : made.parts)
    for (auto& entry : read_fragment(x.data).entries)
      later = std::max<int64_t>(later, -entry.offset);
  for (size_t i = 0; i < got.packets.size(); ++i) {
    auto& expected = from.samples[i];
    BOOST_TEST(got.packets[i]->pts == scaled(from, expected.info.pts) + later);
    BOOST_TEST(same_payload(codec, *got.packets[i], expected.bytes));
    BOOST_TEST(((got.packets[i]->flags & AV_PKT_FLAG_KEY) != 0) == ((expected.info.flags & sample::key) != 0));
  }
  // Some decoders of sound keep or drop one frame of priming.
  auto missing = static_cast<int64_t>(from.samples.size()) - static_cast<int64_t>(got.decoded);
  BOOST_TEST(missing >= 0);
  BOOST_TEST(missing <= (from.format.kind == track_kind::video ? 0 : 1));
}

BOOST_DATA_TEST_CASE(an_init_segment_has_no_times_and_no_edit_list, boost::unit_test::data::make(all_codecs), codec) {
  auto made = mux(make_track(codec), ten);
  auto boxes = boxes_of(made.init);
  BOOST_REQUIRE(boxes.size() > 2u);
  BOOST_TEST(boxes[0] == "ftyp");
  BOOST_TEST(boxes[1] == "moov");
  BOOST_TEST(std::ranges::count(boxes, "edts") == 0);
  BOOST_TEST(std::ranges::count(boxes, "trak") == 1);
  BOOST_TEST(std::ranges::count(boxes, "trex") == 1);
  for (const std::string name : {"avc1", "hvc1", "av01", "vp09", "mp4a", "ac-3", "ec-3", "Opus", "fLaC"})
    if (made.codec.starts_with(name))
      BOOST_TEST(std::ranges::count(boxes, name) == 1);
}

BOOST_DATA_TEST_CASE(muxers_that_begin_at_other_samples_make_the_same_bytes, boost::unit_test::data::make(all_codecs),
                     codec) {
  auto from = make_track(codec);
  auto is_video = from.format.kind == track_kind::video;
  BOOST_TEST((!is_video || (from.samples[50].info.flags & sample::key) != 0));
  auto size = [is_video](size_t) { return is_video ? size_t{25} : size_t{10}; };
  auto made = mux(from, size);
  auto later = mux(from, size, 2 * size(0));
  BOOST_TEST((made.init == later.init));
  BOOST_TEST(made.codec == later.codec);
  BOOST_REQUIRE(made.parts.size() > 2u);
  BOOST_REQUIRE(later.parts.size() == made.parts.size() - 2);
  for (size_t i = 0; i < later.parts.size(); ++i) {
    auto a = made.parts[i + 2].data.span();
    auto b = later.parts[i].data.span();
    BOOST_REQUIRE(a.size() == b.size());
    constexpr size_t number_end = 24; // of moof's header, and of mfhd
    BOOST_TEST(std::ranges::equal(a.subspan(number_end), b.subspan(number_end)));
  }
}

BOOST_DATA_TEST_CASE(a_part_that_begins_after_a_gap_says_when, boost::unit_test::data::make(video_codecs), codec) {
  auto from = make_track(codec);
  for (size_t i = 50; i < from.samples.size(); ++i) {
    from.samples[i].info.pts += 12'345'678;
    from.samples[i].info.dts += 12'345'678;
  }
  check_parts(from, mux(from, ten));
}

BOOST_AUTO_TEST_CASE(times_do_not_drift_at_any_sample_rate) {
  for (auto rate : {8'000, 11'025, 22'050, 44'100, 96'000}) {
    // Eleven hours from the timeline's zero.
    auto from = make_sound({.encoder = "flac",
                            .sample_rate = rate,
                            .first_sample = int64_t{40'000} * rate + 17,
                            .samples = int64_t{3} * rate});
    auto made = mux(from, uneven);
    check_parts(from, made);
    auto got = play(made.pieces(), "rate.mp4");
    for (size_t i = 0; i < got.packets.size(); ++i) {
      auto exact = int64_t{40'000} * rate + 17 + static_cast<int64_t>(i) * from.format.frame_size;
      // A tick is longer than a sample only at 96 kHz.
      BOOST_TEST(std::abs(got.packets[i]->pts - exact) <= (rate > 90'000 ? 1 : 0));
    }
  }
}

BOOST_AUTO_TEST_CASE(nothing_is_decoded_before_time_zero) {
  auto early = make_pictures({.gop = 25, .first_pts = 0});
  BOOST_REQUIRE(early.samples[0].info.dts < 0);
  auto from = make_pictures({.gop = 25, .first_pts = -early.samples[0].info.dts});
  BOOST_TEST(from.samples[0].info.dts == 0);
  check_parts(from, mux(from, ten));
  fragment_muxer out{early.format};
  BOOST_TEST((errors({out.write(early.samples[0].info, early.samples[0].bytes)}) == std::vector{av::errc::media}));
}

BOOST_AUTO_TEST_CASE(missing_durations_are_those_of_the_format) {
  for (const auto* codec : {"h264", "aac"}) {
    auto from = make_track(codec);
    auto whole = mux(from, ten);
    for (auto& x : from.samples)
      x.info.duration = 0;
    BOOST_TEST((mux(from, ten).parts.back().data == whole.parts.back().data));
  }
}

BOOST_AUTO_TEST_CASE(in_band_and_out_of_band_parameter_sets_make_the_same_init) {
  for (const auto* codec : {"h264", "hevc", "av1"}) {
    auto from = make_track(codec);
    auto in_band = mux(from, ten);
    auto bare = from;
    bare.format.extradata = {};
    BOOST_TEST((mux(bare, ten).init == in_band.init));
    // The configuration record from a file gives the same init segment as the parameter sets in the samples.
    auto record = play(in_band.pieces(), "record.mp4").extradata;
    auto other = from;
    other.format.extradata = shared_bytes{record};
    BOOST_TEST((mux(other, ten).init == in_band.init));
    BOOST_TEST((to_extradata(codec, parameter_sets_in_extradata(codec, record))
                == to_extradata(codec, parameter_sets_in_sample(codec, from.samples[0].bytes))));
  }
}

BOOST_AUTO_TEST_CASE(parameter_sets_that_only_the_track_has_are_enough) {
  auto from = make_pictures({.gop = 25, .global_header = true});
  BOOST_TEST(parameter_sets_in_sample("h264", from.samples[0].bytes).empty());
  auto made = mux(from, ten);
  check_parts(from, made);
  BOOST_TEST(play(made.pieces(), "global.mp4").decoded == from.samples.size());
  from.format.extradata = {};
  fragment_muxer out{from.format};
  BOOST_TEST((errors({out.write(from.samples[0].info, from.samples[0].bytes)}) == std::vector{av::errc::media}));
}

BOOST_AUTO_TEST_CASE(a_change_of_parameter_sets_is_noticed_and_makes_a_new_init) {
  for (const auto* encoder : {"libx264", "libx265", "libaom-av1"}) {
    av::test::video_source settings{.encoder = encoder, .frames = 30, .gop = 10, .b_frames = 0};
    if (settings.encoder == "libaom-av1")
      settings.options = {{"cpu-used", "8"}, {"usage", "realtime"}};
    auto before = make_pictures(settings);
    settings.bt2020 = true;
    settings.first_pts += 30 * 3600;
    auto after = make_pictures(settings);
    fragment_muxer out{before.format};
    for (auto& x : before.samples) {
      BOOST_TEST(!out.needs_new_init(x.info, x.bytes));
      must(out.write(x.info, x.bytes));
    }
    auto& change = after.samples[0];
    BOOST_TEST(out.needs_new_init(change.info, change.bytes));
    BOOST_TEST((errors({out.write(change.info, change.bytes)}) == std::vector{av::errc::option}));
    auto old = must(out.cut());
    auto old_init = out.init();
    auto old_name = out.codec();
    for (auto& x : after.samples) {
      BOOST_TEST(out.needs_new_init(x.info, x.bytes) == (&x == &change));
      must(out.write(x.info, x.bytes));
    }
    auto fresh = must(out.cut());
    BOOST_TEST((out.init() != old_init));
    BOOST_TEST((out.init() == mux({before.format, after.samples}, ten).init));
    BOOST_TEST(read_fragment(fresh).number == 2u);
    BOOST_TEST(read_fragment(fresh).first_dts == read_fragment(old).first_dts + 30 * 3600);
    BOOST_TEST(play({out.init(), fresh}, "fresh.mp4").decoded == after.samples.size());
  }
}

BOOST_AUTO_TEST_CASE(aac_with_headers_becomes_aac_without) {
  auto from = make_track("aac");
  auto raw = mux(from, ten);
  auto with = from;
  with.format.extradata = {};
  for (auto& x : with.samples)
    x.bytes = with_adts(x.bytes, 2);
  auto made = mux(with, ten);
  BOOST_TEST(made.codec == "mp4a.40.2");
  BOOST_REQUIRE(made.parts.size() == raw.parts.size());
  for (size_t i = 0; i < made.parts.size(); ++i)
    BOOST_TEST((made.parts[i].data == raw.parts[i].data));
  auto got = play(made.pieces(), "adts.mp4");
  BOOST_TEST(got.extradata.size() == 2u);
  BOOST_TEST(got.decoded >= from.samples.size() - 1);
  // A change to mono needs a new init segment.
  fragment_muxer out{with.format};
  must(out.write(with.samples[0].info, with.samples[0].bytes));
  BOOST_TEST(!out.needs_new_init(with.samples[1].info, with.samples[1].bytes));
  BOOST_TEST(out.needs_new_init(with.samples[1].info, with_adts(from.samples[1].bytes, 1)));
}

BOOST_AUTO_TEST_CASE(hevc_has_the_tag_that_players_want) {
  auto made = mux(make_track("hevc"), ten);
  BOOST_TEST(play(made.pieces(), "tag.mp4").tag == static_cast<uint32_t>(MKTAG('h', 'v', 'c', '1')));
}

BOOST_AUTO_TEST_CASE(what_the_container_cannot_hold_is_refused_and_leaves_the_muxer_usable) {
  auto from = make_track("h264");
  auto at = [&](size_t i) -> const coded_sample& { return from.samples[i]; };
  fragment_muxer out{from.format};
  BOOST_TEST(!out.cut());
  BOOST_TEST(out.init().size() == 0u);
  auto empty = at(2).info;
  empty.size = 0;
  auto timeless = at(2).info;
  timeless.pts = no_timestamp;
  auto late = at(2).info;
  late.pts = late.dts - 1;
  auto far = at(2).info;
  far.pts = std::numeric_limits<int64_t>::max();
  auto found = errors({
    out.write(at(1).info, at(1).bytes), // no key picture
    out.write(at(0).info, at(0).bytes),
    out.write(at(1).info, at(1).bytes),
    out.write(at(1).info, at(1).bytes), // the same sample twice
    out.write(empty, {}),
    out.write(timeless, at(2).bytes),
    out.write(late, at(2).bytes),
    out.write(far, at(2).bytes),
    out.write(at(2).info, at(2).bytes),
  });
  BOOST_REQUIRE(found.size() == 6u);
  BOOST_TEST((found[0] == av::errc::option));
  BOOST_TEST(std::count(found.begin(), found.end(), av::errc::media) == 5);
  auto part = must(out.cut());
  fragment_muxer straight{from.format};
  for (size_t i = 0; i < 3; ++i)
    must(straight.write(at(i).info, at(i).bytes));
  BOOST_TEST((part == must(straight.cut())));
}

BOOST_AUTO_TEST_CASE(sound_without_a_sample_rate_is_refused) {
  auto from = make_track("aac");
  from.format.sample_rate = 0;
  fragment_muxer out{from.format};
  BOOST_TEST((errors({out.write(from.samples[0].info, from.samples[0].bytes)}) == std::vector{av::errc::media}));
}

BOOST_AUTO_TEST_CASE(codecs_that_no_player_takes_are_refused) {
  for (const auto& x : all_codecs)
    BOOST_TEST(fragments_hold(x));
  for (const auto* codec : {"mpeg2video", "vp8", "dts", "pcm_s16le", "no_such", ""}) {
    BOOST_TEST(!fragments_hold(codec));
    track_format format;
    format.codec = codec;
    fragment_muxer out{format};
    sample x{.flags = sample::key, .pts = 0, .dts = 0};
    BOOST_TEST((errors({out.write(x, bytes(9))}) == std::vector{av::errc::unsupported}));
    BOOST_TEST(out.codec().empty());
  }
}

BOOST_AUTO_TEST_SUITE_END()
