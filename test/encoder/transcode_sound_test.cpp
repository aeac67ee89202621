// Goal: sound stays at its place on the timeline, whatever the source does: gaps, overlaps, changes of format, hours of
// length. Method: streams of tones, made in memory and moved in time, are transcoded to uncompressed sound, whose
// samples reveal their places.
#include "quick_settings.hpp"

extern "C" {
#include <libavutil/mathematics.h>
}

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>

namespace av = troupe::av;

using namespace troupe::av::test;

BOOST_AUTO_TEST_SUITE(transcode_sound_test)

namespace {

/// The share of samples between two times (ticks) that are silent.
double silence(const sound& x, int64_t from, int64_t to) {
  auto at = [&](int64_t ticks) {
    return std::clamp<int64_t>(av_rescale(ticks, x.sample_rate, 90'000) - x.first_sample, 0,
                               static_cast<int64_t>(x.samples.size()));
  };
  auto begin = x.samples.begin() + at(from);
  auto end = x.samples.begin() + at(to);
  auto quiet = std::count_if(begin, end, [](float s) { return std::abs(s) < 1e-3F; });
  return static_cast<double>(quiet) / static_cast<double>(std::max<int64_t>(1, end - begin));
}

/// A stream of uncompressed sound whose packets are moved in time.
stream tones(int64_t samples) {
  return make_audio({.encoder = "pcm_s16le", .samples = samples});
}

} // namespace

BOOST_AUTO_TEST_CASE(a_change_of_rate_and_layout_in_mid_stream_keeps_the_sound_in_its_place) {
  auto first = make_audio({.samples = 48'384});
  auto end = first.packets.back()->pts + first.packets.back()->duration;
  auto next = av_rescale(end, 44'100, 90'000);
  auto second = make_audio({.sample_rate = 44'100, .channels = 1, .first_sample = next, .samples = 44'928});
  auto last = second.packets.back()->pts + second.packets.back()->duration;
  auto made = run(make(join(std::move(first), std::move(second))), {audio("pcm_s16le")});
  auto heard = play(made.tracks[0], made.of(0));
  BOOST_TEST(heard.sample_rate == 48'000);
  auto span = static_cast<int64_t>(heard.samples.size()) + heard.first_sample;
  BOOST_TEST(std::abs(span - av_rescale(last, 48'000, 90'000)) < 100);
  BOOST_TEST(silence(heard, end - 9'000, end + 9'000) < 0.1);
}

BOOST_AUTO_TEST_CASE(a_gap_in_the_sound_is_filled_and_an_overlap_trimmed) {
  auto from = tones(96'000);
  auto packets = from.packets.size();
  // 100 ms are missing after one third, and 50 ms come twice after two thirds.
  for (size_t i = packets / 3; i < packets; ++i) {
    auto shift = i < 2 * packets / 3 ? 9'000 : 4'500;
    from.packets[i]->pts += shift;
    from.packets[i]->dts += shift;
  }
  auto gap = from.packets[packets / 3]->pts - 9'000;
  auto last = from.packets.back()->pts + from.packets.back()->duration;
  auto made = run(make(std::move(from)), {audio("pcm_s16le")});
  BOOST_TEST(made.counters.filled_samples == 4'800u);
  BOOST_TEST(made.counters.trimmed_samples == 2'400u);
  auto heard = play(made.tracks[0], made.of(0));
  BOOST_TEST(heard.first_sample + static_cast<int64_t>(heard.samples.size()) == last * 48 / 90);
  BOOST_TEST(silence(heard, gap + 100, gap + 8'900) == 1.0);
  BOOST_TEST(silence(heard, gap - 4'000, gap - 100) < 0.1);
}

BOOST_AUTO_TEST_CASE(a_long_gap_in_the_sound_is_a_gap_in_the_output) {
  auto from = tones(96'000);
  for (size_t i = from.packets.size() / 2; i < from.packets.size(); ++i) {
    from.packets[i]->pts += 3'600 * 90'000;
    from.packets[i]->dts += 3'600 * 90'000;
  }
  auto begin = from.packets[from.packets.size() / 2]->pts;
  auto made = run(make(std::move(from)), {audio("aac")});
  auto packets = made.of(0);
  BOOST_TEST(packets.size() < 120u);
  auto after = std::find_if(packets.begin(), packets.end(), [&](auto* x) { return x->pts > begin - 90'000; });
  BOOST_REQUIRE(after != packets.end());
  BOOST_TEST(std::abs((*after)->pts - begin) < 90'000 / 10);
}

BOOST_AUTO_TEST_CASE(sound_keeps_its_place_for_hours) {
  // Ten hours of timeline at 44.1 kHz, of which every now and then a second is heard: the samples' places must not
  // drift.
  auto second = make_audio({.encoder = "pcm_s16le", .sample_rate = 44'100, .first_sample = 0, .samples = 44'032});
  auto tracks = std::vector<av::track>{};
  tracks.push_back(second.info.clone());
  auto settings = audio("pcm_s16le");
  settings.sample_rate = 48'000;
  result made;
  auto work = av::transcode::open(tracks, {settings}, {}, made);
  BOOST_REQUIRE(work);
  std::vector<int64_t> begins;
  for (int64_t hour = 0; hour < 10; ++hour) {
    auto index = hour * 3'600 * 44'100 + hour * 12'347;
    begins.push_back(index);
    for (size_t i = 0; i < second.packets.size(); ++i) {
      av::packet_ptr packet{av::checked(av_packet_clone(second.packets[i].get()))};
      packet->pts = packet->dts =
        av_rescale_q(index + static_cast<int64_t>(i) * 1'024, AVRational{1, 44'100}, av::time_base);
      BOOST_REQUIRE(work->send(*packet));
    }
  }
  BOOST_REQUIRE(work->finish());
  auto packets = made.of(0);
  for (auto index : begins) {
    auto due = av_rescale(index, 90'000, 44'100);
    auto at = std::find_if(packets.begin(), packets.end(), [&](auto* x) { return x->pts + x->duration > due; });
    BOOST_REQUIRE(at != packets.end());
    // The first packet may begin before, with silence up to the first sample.
    auto* samples = reinterpret_cast<const int16_t*>((*at)->data);
    auto count = static_cast<size_t>((*at)->size) / 4;
    size_t silent = 0;
    while (silent < count && std::abs(samples[2 * silent]) < 100)
      ++silent;
    auto heard = (*at)->pts + static_cast<int64_t>(silent) * 90'000 / 48'000;
    BOOST_TEST(std::abs(heard - due) < 90);
  }
}

BOOST_AUTO_TEST_SUITE_END()
