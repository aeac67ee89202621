// Goal: each channel of a source is heard from its loudspeaker, whatever name the encoder uses, and none is lost if the
// encoder has a channel for it. Method: a different tone on each channel, uncompressed, is transcoded, decoded, and
// counted by channel.
#include "encoder/channel_layouts.hpp"

#include "encoder/codec/decoder.hpp"
#include "encoder/format.hpp"
#include "quick_settings.hpp"

#include <boost/test/unit_test.hpp>

#include <bit>
#include <cmath>
#include <map>
#include <numbers>

namespace av = troupe::av;

using namespace troupe::av::test;

BOOST_AUTO_TEST_SUITE(channel_layouts_test)

namespace {

constexpr int rate = 48'000;

AVChannelLayout layout(const std::string& name) {
  AVChannelLayout result{};
  if (av_channel_layout_from_string(&result, name.c_str()) < 0)
    throw std::runtime_error("no layout " + name);
  return result;
}

/// Hz. Low frequency effects are cut off above 120 Hz.
double tone_of(AVChannel x) {
  return x == AV_CHAN_LOW_FREQUENCY ? 60 : 400 + 120.0 * static_cast<int>(x);
}

/// A second of uncompressed sound.
stream tones(const AVChannelLayout& of) {
  stream result;
  result.info.parameters = av::make_codec_parameters();
  auto& p = *result.info.parameters;
  p.codec_type = AVMEDIA_TYPE_AUDIO;
  p.codec_id = AV_CODEC_ID_PCM_S16LE;
  p.format = AV_SAMPLE_FMT_S16;
  p.sample_rate = rate;
  p.ch_layout = of;
  p.bits_per_coded_sample = 16;
  p.block_align = 2 * of.nb_channels;
  constexpr auto size = 1024;
  for (auto at = 0; at + size <= rate; at += size) {
    auto packet = av::make_packet();
    if (av_new_packet(packet.get(), size * p.block_align) < 0)
      throw std::bad_alloc{};
    auto* samples = reinterpret_cast<int16_t*>(packet->data);
    for (auto i = 0; i < size; ++i)
      for (auto c = 0; c < of.nb_channels; ++c) {
        auto channel = av_channel_layout_channel_from_index(&of, static_cast<unsigned>(c));
        auto phase = 2 * std::numbers::pi * tone_of(channel) * (at + i) / rate;
        samples[i * of.nb_channels + c] = static_cast<int16_t>(std::lround(6'000 * std::sin(phase)));
      }
    packet->pts = packet->dts = av_rescale_q(at, {1, rate}, av::time_base);
    packet->duration = av_rescale_q(size, {1, rate}, av::time_base);
    result.packets.push_back(std::move(packet));
  }
  return result;
}

struct heard_channels {
  AVChannelLayout layout{};
  std::map<AVChannel, double> tones; ///< Hz; 0 for silence
};

double frequency(const std::vector<float>& samples) {
  auto begin = samples.begin() + 12'000;
  auto end = samples.begin() + 36'000;
  if (*std::max_element(begin, end) < 0.01F)
    return 0;
  auto rises = 0;
  for (auto x = begin; x + 1 != end; ++x)
    rises += *x < 0 && x[1] >= 0 ? 1 : 0;
  return rises * 2.0;
}

heard_channels listen(const result& made) {
  heard_channels found;
  std::vector<std::vector<float>> samples;
  auto decode = av::decoder::open(made.tracks[0], {});
  BOOST_REQUIRE(decode);
  auto keep = [&](AVFrame& x) -> av::expected<void> {
    found.layout = av::plain_layout(x.ch_layout);
    samples.resize(static_cast<size_t>(x.ch_layout.nb_channels));
    auto planar = av_sample_fmt_is_planar(static_cast<AVSampleFormat>(x.format)) != 0;
    auto packed = av_get_packed_sample_fmt(static_cast<AVSampleFormat>(x.format));
    for (size_t c = 0; c < samples.size(); ++c)
      for (auto i = 0; i < x.nb_samples; ++i) {
        auto* plane = x.extended_data[planar ? c : 0];
        auto place = planar ? static_cast<size_t>(i) : static_cast<size_t>(i) * samples.size() + c;
        samples[c].push_back(packed == AV_SAMPLE_FMT_FLT ? reinterpret_cast<float*>(plane)[place]
                             : packed == AV_SAMPLE_FMT_S32
                               ? static_cast<float>(reinterpret_cast<int32_t*>(plane)[place]) / 2147483648.F
                               : static_cast<float>(reinterpret_cast<int16_t*>(plane)[place]) / 32768.F);
      }
    return {};
  };
  for (const auto* packet : made.of(0))
    BOOST_REQUIRE(decode->decode(*packet, keep));
  BOOST_REQUIRE(decode->drain(keep));
  for (size_t c = 0; c < samples.size(); ++c)
    found.tones[av_channel_layout_channel_from_index(&found.layout, static_cast<unsigned>(c))] = frequency(samples[c]);
  return found;
}

/// The loudspeaker's name in the layout `to`, where a side channel may be called a back channel or vice versa.
AVChannel name_in(const AVChannelLayout& to, AVChannel x) {
  if (av_channel_layout_index_from_channel(&to, x) >= 0)
    return x;
  switch (x) {
  case AV_CHAN_SIDE_LEFT:
    return AV_CHAN_BACK_LEFT;
  case AV_CHAN_SIDE_RIGHT:
    return AV_CHAN_BACK_RIGHT;
  case AV_CHAN_BACK_LEFT:
    return AV_CHAN_SIDE_LEFT;
  case AV_CHAN_BACK_RIGHT:
    return AV_CHAN_SIDE_RIGHT;
  default:
    return x;
  }
}

void check_all_heard(const std::string& encoder, const std::string& source, const std::string& expected) {
  BOOST_TEST_CONTEXT(encoder << " of " << source) {
    auto from = layout(source);
    auto settings = audio(encoder);
    auto found = listen(run(make(tones(from)), {settings}));
    BOOST_TEST(av::to_string(found.layout) == expected);
    size_t loud = 0;
    for (const auto& [channel, tone] : found.tones)
      loud += tone > 0 ? 1 : 0;
    BOOST_TEST(loud == static_cast<size_t>(from.nb_channels));
    for (auto i = 0; i < from.nb_channels; ++i) {
      auto channel = av_channel_layout_channel_from_index(&from, static_cast<unsigned>(i));
      BOOST_TEST_CONTEXT("channel " << channel)
      BOOST_TEST(std::abs(found.tones[name_in(found.layout, channel)] - tone_of(channel)) < 10);
    }
  }
}

} // namespace

BOOST_AUTO_TEST_CASE(opus_has_each_channel_at_its_place) {
  const std::map<std::string, std::string> expected{
    {"mono", "mono"}, {"stereo", "stereo"}, {"2.1", "5.1"},       {"3.0", "3.0"},
    {"4.0", "6.1"},   {"quad", "quad"},     {"5.0", "5.0"},       {"5.1", "5.1"},
    {"6.0", "6.1"},   {"5.0(side)", "5.0"}, {"5.1(side)", "5.1"}, {"6.1", "6.1"},
    {"7.0", "7.1"},   {"7.1", "7.1"},       {"6.1(back)", "6.1"}, {"3.0(back)", "6.1"},
  };
  for (const auto& [from, to] : expected)
    check_all_heard("libopus", from, to);
}

BOOST_AUTO_TEST_CASE(vorbis_and_flac_have_each_channel_at_its_place) {
  for (const auto* from : {"2.1", "4.0", "5.0(side)", "5.1(side)", "6.0", "6.1"})
    for (const auto* encoder : {"libvorbis", "flac"}) {
      auto own = std::string{from} == "4.0" || std::string{from}.starts_with("6") ? "6.1"
                 : std::string{from} == "5.0(side)"                               ? "5.0"
                                                                                  : "5.1";
      auto sides = std::string{encoder} == "flac" && std::string{own}.starts_with("5") ? "(side)" : "";
      check_all_heard(encoder, from, std::string{own} + sides);
    }
}

BOOST_AUTO_TEST_CASE(aac_and_ac3_have_each_channel_at_its_place) {
  const std::map<std::string, std::string> aac{
    {"2.1", "2.1"},       {"3.1", "5.1"}, {"4.0", "4.0"}, {"quad", "quad"}, {"5.0(side)", "5.0"},
    {"5.1(side)", "5.1"}, {"5.1", "5.1"}, {"7.0", "7.1"}, {"7.1", "7.1"},
  };
  for (const auto& [from, to] : aac)
    check_all_heard("aac", from, to);
  const std::map<std::string, std::string> dolby{
    {"2.1", "2.1"}, {"3.1", "3.1"}, {"4.0", "4.0"}, {"quad", "quad(side)"}, {"5.0", "5.0(side)"}, {"5.1", "5.1(side)"},
  };
  for (const auto& [from, to] : dolby)
    for (const auto* encoder : {"ac3", "eac3"})
      check_all_heard(encoder, from, to);
}

BOOST_AUTO_TEST_CASE(what_an_encoder_has_no_loudspeaker_for_is_mixed) {
  const std::map<std::pair<std::string, std::string>, std::string> expected{
    {{"ac3", "7.1"}, "5.1(side)"},
    {{"ac3", "6.0"}, "5.0(side)"},
    {{"libmp3lame", "5.1"}, "stereo"},
    {{"libopus", "7.1(wide)"}, "5.1"},
  };
  for (const auto& [of, to] : expected)
    BOOST_TEST_CONTEXT(of.first << " of " << of.second) {
      auto from = layout(of.second);
      auto made = run(make(tones(from)), {audio(of.first)});
      BOOST_TEST(av::to_string(listen(made).layout) == to);
      BOOST_TEST((av::change_of(from, made.tracks[0].parameters->ch_layout) == av::layout_change::mixed));
    }
}

BOOST_AUTO_TEST_CASE(a_layout_that_is_asked_for_goes_by_either_name_or_is_refused) {
  auto settings = audio("libopus");
  settings.channel_layout = "5.1(side)";
  BOOST_TEST(av::to_string(listen(run(make(tones(layout("5.1(side)"))), {settings})).layout) == "5.1");
  settings.channel_layout = "4.0";
  auto why = refusal(make(tones(layout("4.0"))), {settings}).what;
  BOOST_TEST(why.find("does not take the channel layout 4.0; the nearest is 6.1") != std::string::npos, why);
}

BOOST_AUTO_TEST_CASE(the_rate_of_aac_grows_with_its_channels) {
  for (const auto* name : {"stereo", "5.1"}) {
    auto from = layout(name);
    auto made = run(make(tones(from)), {audio("aac")});
    BOOST_TEST(made.tracks[0].parameters->bit_rate == 64'000 * from.nb_channels);
  }
  auto settings = audio("aac");
  settings.bit_rate = 96'000;
  BOOST_TEST(run(make(tones(layout("5.1"))), {settings}).tracks[0].parameters->bit_rate == 96'000);
}

BOOST_AUTO_TEST_SUITE_END()
