// Goal: transcodes that share a decoder make the same packets as transcodes with decoders of their own, whatever their
// windows are, also over absences of the source and damaged packets, and the source is decoded once. Method: an engine
// that counts its decoders and what they are sent.
#include "quick_settings.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <memory>
#include <optional>
#include <vector>

namespace av = troupe::av;

using namespace troupe::av::test;

namespace {

constexpr int64_t frame_ticks = 3'600; ///< ticks

class counting_engine : public av::engine {
public:
  av::expected<std::unique_ptr<av::picture_decoder>> open_decoder(const av::track& source,
                                                                  const av::decoder_options& options) const override {
    auto opened = av::libav_engine().open_decoder(source, options);
    if (!opened)
      return opened;
    ++decoders;
    return std::make_unique<counting_decoder>(std::move(*opened), packets);
  }

  av::expected<std::unique_ptr<av::picture_encoder>> open_encoder(const av::video_settings& settings,
                                                                  const av::video_format& source,
                                                                  const av::device_pictures& pictures) const override {
    return av::libav_engine().open_encoder(settings, source, pictures);
  }

  mutable int decoders = 0;
  mutable int packets = 0; ///< decoded, by all of them

private:
  struct counting_decoder : av::picture_decoder {
    counting_decoder(std::unique_ptr<av::picture_decoder> by, int& count) : other(std::move(by)), packets(count) {}

    av::expected<void> decode(const AVPacket& packet, const on_frame& deliver) override {
      ++packets;
      return other->decode(packet, deliver);
    }

    av::expected<void> drain(const on_frame& deliver) override {
      return other->drain(deliver);
    }

    uint64_t corrupt() const noexcept override {
      return other->corrupt();
    }

    std::unique_ptr<av::picture_decoder> other;
    int& packets;
  };
};

/// One output of the source.
struct output {
  av::video_settings settings;
  av::time_window window;
};

/// What the source sends: a packet, or that it is away up to a time.
struct event {
  av::packet_ptr packet;
  int64_t away_to = av::no_pts;
};

std::vector<event> events_of(const source& from) {
  std::vector<event> result;
  for (auto& x : from.packets)
    result.push_back({av::packet_ptr{av_packet_clone(x.get())}});
  return result;
}

struct running {
  running(const source& from, const output& what, const av::engine& codecs, av::shared_decoders* decoders) {
    auto opened = av::transcode::open(from.tracks, {what.settings}, {what.window}, *made, codecs, decoders);
    BOOST_REQUIRE_MESSAGE(opened, (opened ? "" : opened.error().what));
    work.emplace(std::move(*opened));
  }

  void send(const event& x) {
    auto sent = x.packet ? work->send(*x.packet) : work->fill(x.away_to);
    BOOST_REQUIRE_MESSAGE(sent, (sent ? "" : sent.error().what));
  }

  void finish() {
    made->counters = work->counters();
    BOOST_REQUIRE(work->finish());
  }

  std::unique_ptr<result> made = std::make_unique<result>();
  std::optional<av::transcode> work;
};

/// The outputs are made side by side. Each is forgotten as soon as it is complete, as a task does.
std::vector<std::unique_ptr<result>> together(const source& from, const std::vector<event>& events,
                                              const std::vector<output>& outputs, const av::engine& codecs) {
  av::shared_decoders decoders;
  std::vector<running> all;
  for (auto& x : outputs)
    all.emplace_back(from, x, codecs, &decoders);
  for (auto& e : events)
    for (auto& x : all) {
      if (!x.work)
        continue;
      x.send(e);
      if (x.work->complete()) {
        x.made->counters = x.work->counters();
        x.work.reset();
      }
    }
  for (auto& x : all)
    if (x.work)
      x.finish();
  std::vector<std::unique_ptr<result>> result;
  for (auto& x : all)
    result.push_back(std::move(x.made));
  return result;
}

std::unique_ptr<result> alone(const source& from, const std::vector<event>& events, const output& what) {
  running x{from, what, av::libav_engine(), nullptr};
  for (auto& e : events)
    x.send(e);
  x.finish();
  return std::move(x.made);
}

bool is_same(const AVPacket& a, const AVPacket& b) {
  return a.pts == b.pts && a.dts == b.dts && a.duration == b.duration && a.flags == b.flags && a.size == b.size
         && std::equal(a.data, a.data + a.size, b.data);
}

void check(const source& from, const std::vector<event>& events, const std::vector<output>& outputs) {
  counting_engine codecs;
  auto made = together(from, events, outputs, codecs);
  BOOST_TEST(codecs.decoders == 1);
  auto sent = std::count_if(events.begin(), events.end(), [](auto& x) { return x.packet != nullptr; });
  BOOST_TEST(codecs.packets == sent);
  for (size_t i = 0; i < outputs.size(); ++i)
    BOOST_TEST_CONTEXT("output " << i) {
      auto expected = alone(from, events, outputs[i]);
      auto& got = *made[i];
      BOOST_TEST(!got.packets.empty());
      BOOST_REQUIRE(got.packets.size() == expected->packets.size());
      for (size_t k = 0; k < got.packets.size(); ++k)
        BOOST_REQUIRE_MESSAGE(is_same(*got.packets[k], *expected->packets[k]), "packet " << k << " differs");
      if (outputs[i].window.to_pts == av::time_window{}.to_pts) {
        BOOST_TEST(got.counters.frames_decoded == expected->counters.frames_decoded);
        BOOST_TEST(got.counters.corrupt_packets == expected->counters.corrupt_packets);
      }
    }
}

av::video_settings sized(int width, int b_frames) {
  auto result = video();
  result.width = width;
  result.b_frames = b_frames;
  result.keyframe_interval = std::chrono::milliseconds{800};
  return result;
}

/// Three sizes; the second begins late, the third ends early.
std::vector<output> three_outputs() {
  auto begin = video_source{}.first_pts;
  return {
    {sized(160, 2), {}}, {sized(80, 0), {begin + 31 * frame_ticks}}, {sized(64, 1), {begin, begin + 40 * frame_ticks}}};
}

} // namespace

BOOST_AUTO_TEST_SUITE(shared_decoder_test)

BOOST_AUTO_TEST_CASE(outputs_with_one_decoder_are_those_of_single_transcodes) {
  auto from = make(make_video({}));
  check(from, events_of(from), three_outputs());
}

BOOST_AUTO_TEST_CASE(a_single_output_may_use_it_too) {
  auto from = make(make_video({}));
  check(from, events_of(from), {{sized(160, 2), {}}});
}

BOOST_AUTO_TEST_CASE(an_absence_of_the_source_cuts_it_for_all_of_them) {
  auto from = make(make_video({}));
  auto all = events_of(from);
  std::vector<event> events;
  int64_t shift = 0;
  auto awaited = false;
  for (size_t i = 0; i < all.size(); ++i) {
    auto& x = *all[i].packet;
    if (i == 27) {
      for (int k = 1; k <= 5; ++k)
        events.push_back({nullptr, x.dts + k * 5 * frame_ticks});
      shift = events.back().away_to;
      awaited = true;
    }
    if (awaited && (x.flags & AV_PKT_FLAG_KEY) == 0)
      continue;
    if (std::exchange(awaited, false))
      shift -= x.dts;
    x.pts += i < 27 ? 0 : shift;
    x.dts += i < 27 ? 0 : shift;
    events.push_back(std::move(all[i]));
  }
  auto outputs = three_outputs();
  check(from, events, outputs);
  outputs[1].window.from_pts += 30 * frame_ticks; // after the absence
  check(from, events, {outputs[1], outputs[0]});
  check(from, events, {outputs[0], outputs[1]});
}

BOOST_AUTO_TEST_CASE(damage_is_counted_for_each_of_them) {
  auto from = make(make_video({}));
  auto events = events_of(from);
  for (size_t i : {12, 33, 34}) {
    auto& x = *events[i].packet;
    BOOST_REQUIRE(av_packet_make_writable(&x) == 0);
    std::fill(x.data + x.size / 4, x.data + x.size, uint8_t{0xA5});
  }
  check(from, events, {{sized(160, 2), {}}, {sized(80, 0), {}}});
}

BOOST_AUTO_TEST_CASE(one_that_leaves_does_not_hold_pictures_back_for_the_others) {
  auto from = make(make_video({}));
  counting_engine codecs;
  av::shared_decoders decoders;
  std::vector<running> all;
  for (int width : {160, 80})
    all.emplace_back(from, output{sized(width, 0), {}}, codecs, &decoders);
  auto events = events_of(from);
  for (size_t i = 0; i < events.size(); ++i) {
    if (i == 20)
      all.erase(all.begin()); // the one that has each picture decoded
    for (auto& x : all)
      x.send(events[i]);
  }
  all.back().finish();
  auto expected = alone(from, events, {sized(80, 0), {}});
  BOOST_TEST(all.back().made->packets.size() == expected->packets.size());
  BOOST_TEST(codecs.packets == 75);
}

BOOST_AUTO_TEST_SUITE_END()
