// The transcoder from its session's view: windows per track, a window whose end moves, several attempts of one source,
// and the end of an attempt. Real actors run in one process, and the test is the session. The media is only copied, or
// decoded by an engine of the test's own, so any bytes will do.
#include "actors/cluster/link.hpp"
#include "actors/live/transcoder.hpp"
#include "encoder/codec/engine.hpp"
#include "registered_types.hpp"

#include <caf/actor_system.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <vector>

using namespace troupe;
using namespace std::chrono_literals;

namespace transcoder_test {
namespace {

constexpr auto patience = 10s;

struct fixture : registered_types {
  transcode_work work() const {
    transcode_work result;
    result.attempt = attempt_id{7};
    result.source.tracks.resize(2);
    result.source.tracks[0].codec = "h264";
    result.source.tracks[1].kind = track_kind::audio;
    result.source.tracks[1].codec = "aac";
    result.target.name = "copy";
    result.credit_bytes = 1 << 20;
    return result;
  }

  local_transcoder_actor start(transcode_work x) {
    return spawn_transcoder(system, std::move(x), caf::actor_cast<sample_sink_actor>(self.ptr()));
  }

  /// Source samples of both tracks, four bytes each, from `first` on.
  static sample_batch batch(uint64_t sequence, int64_t first, int count) {
    sample_batch result{attempt_id{7}, sequence, {}};
    for (int i = 0; i < count; ++i)
      for (uint16_t track : {0, 1})
        result.block.samples.push_back({track, sample::key, first + i, first + i, 1, 4});
    result.block.bytes = shared_bytes{shared_bytes::container(result.block.samples.size() * 4, std::byte{1})};
    return result;
  }

  /// Receives the transcoder's messages until so many attempts have ended.
  void listen(size_t count = 1) {
    while (ends.size() < count) {
      auto timed_out = false;
      self->receive([this](const sample_batch& x) { output.push_back(x); }, [](const format_change&) {},
                    [this](const batch_ack& x) { acknowledged.push_back(x); },
                    [](attempt_id, const work_statistics&) {},
                    [this](const stream_end& x) {
                      end = x;
                      ends[x.attempt] = x;
                    },
                    caf::after(patience) >> [&] { timed_out = true; });
      BOOST_REQUIRE(!timed_out);
    }
  }

  /// Asks for a further attempt from the same source.
  caf::error add(const local_transcoder_actor& to, uint64_t number, const std::vector<window>& spans = {}) {
    auto x = work();
    x.attempt = attempt_id{number};
    x.beside = attempt_id{7};
    x.spans = spans;
    caf::error result;
    self->request(to, patience, x).receive([] {}, [&](caf::error& why) { result = std::move(why); });
    return result;
  }

  std::vector<int64_t> times_of(uint16_t track, uint64_t attempt = 7) const {
    std::vector<int64_t> result;
    for (auto& b : output)
      for (auto& s : b.block.samples)
        if (s.track == track && b.attempt.value == attempt)
          result.push_back(s.dts);
    return result;
  }

  node_system_config cfg;
  caf::actor_system system{cfg};
  caf::scoped_actor self{system};
  std::vector<sample_batch> output;
  std::vector<batch_ack> acknowledged;
  std::map<attempt_id, stream_end> ends;
  std::optional<stream_end> end; ///< the latest
};

/// Decodes each packet to a grey picture, encodes as libav* does, and counts the encoders that were closed.
class watched_engine : public av::engine {
public:
  av::expected<std::unique_ptr<av::picture_decoder>> open_decoder(const av::track&,
                                                                  const av::decoder_options&) const override {
    return std::make_unique<grey_decoder>();
  }

  av::expected<std::unique_ptr<av::picture_encoder>> open_encoder(const av::video_settings& settings,
                                                                  const av::video_format& source,
                                                                  const av::device_pictures& pictures) const override {
    auto opened = av::libav_engine().open_encoder(settings, source, pictures);
    if (!opened)
      return opened;
    return std::make_unique<watched_encoder>(std::move(*opened), closed_);
  }

  /// True if an encoder is closed, or will be in time.
  bool one_is_closed() {
    std::unique_lock lock{closed_->mutex};
    return closed_->changed.wait_for(lock, patience, [this] { return closed_->number > 0; });
  }

private:
  struct count {
    std::mutex mutex;
    std::condition_variable changed;
    int number = 0;
  };

  struct grey_decoder : av::picture_decoder {
    av::expected<void> decode(const AVPacket& packet, const on_frame& deliver) override {
      auto picture = av::make_frame();
      picture->format = AV_PIX_FMT_YUV420P;
      picture->width = picture->height = 64;
      picture->pts = packet.pts;
      if (av_frame_get_buffer(picture.get(), 0) < 0)
        throw std::bad_alloc{};
      for (auto plane : {0, 1, 2})
        std::fill_n(picture->data[plane], picture->linesize[plane] * (plane == 0 ? 64 : 32), uint8_t{128});
      return deliver(*picture);
    }

    av::expected<void> drain(const on_frame&) override {
      return {};
    }

    uint64_t corrupt() const noexcept override {
      return 0;
    }
  };

  struct watched_encoder : av::picture_encoder {
    watched_encoder(std::unique_ptr<av::picture_encoder> by, std::shared_ptr<count> closes)
      : other(std::move(by)), closed(std::move(closes)) {}

    ~watched_encoder() override {
      std::lock_guard guard{closed->mutex};
      ++closed->number;
      closed->changed.notify_all();
    }

    const av::video_format& format() const noexcept override {
      return other->format();
    }

    AVPixelFormat device_format() const noexcept override {
      return other->device_format();
    }

    av::track output() const override {
      return other->output();
    }

    av::expected<void> encode(AVFrame& frame, const av::on_encoded& deliver) override {
      return other->encode(frame, deliver);
    }

    av::expected<void> drain(const av::on_encoded& deliver) override {
      return other->drain(deliver);
    }

    std::unique_ptr<av::picture_encoder> other;
    std::shared_ptr<count> closed;
  };

  std::shared_ptr<count> closed_ = std::make_shared<count>();
};

} // namespace
} // namespace transcoder_test

BOOST_FIXTURE_TEST_SUITE(transcoder_test, fixture)

BOOST_AUTO_TEST_CASE(each_track_has_a_window_of_its_own) {
  auto x = work();
  x.spans = {{102, 105}, {101, 104}};
  self->send(start(x), batch(1, 100, 10));
  listen();
  BOOST_TEST((times_of(0) == std::vector<int64_t>{102, 103, 104}));
  BOOST_TEST((times_of(1) == std::vector<int64_t>{101, 102, 103}));
  BOOST_TEST(end->reason == "");
  for (auto& b : output)
    BOOST_TEST((b.block.samples.back().flags & sample::closed) != 0);
}

BOOST_AUTO_TEST_CASE(an_end_that_is_told_later_is_a_regular_end) {
  auto transcoder = start(work());
  self->send(transcoder, batch(1, 100, 5));
  self->send(transcoder, finish_atom_v, attempt_id{7}, int64_t{108});
  self->send(transcoder, batch(2, 105, 10));
  listen();
  BOOST_TEST((times_of(0) == std::vector<int64_t>{100, 101, 102, 103, 104, 105, 106, 107}));
  BOOST_TEST(times_of(1).size() == 8u);
  BOOST_TEST(end->reason == "");
}

BOOST_AUTO_TEST_CASE(the_source_may_end_before_the_window_does) {
  auto transcoder = start(work());
  self->send(transcoder, finish_atom_v, attempt_id{7}, int64_t{108});
  self->send(transcoder, batch(1, 100, 5));
  self->send(transcoder, finish_atom_v, attempt_id{7});
  listen();
  BOOST_TEST(times_of(0).size() == 5u);
  BOOST_TEST(end->reason == "");
}

BOOST_AUTO_TEST_CASE(an_end_that_has_passed_is_an_error) {
  auto transcoder = start(work());
  self->send(transcoder, batch(1, 100, 5));
  self->send(transcoder, finish_atom_v, attempt_id{7}, int64_t{104});
  listen();
  BOOST_TEST(end->reason != "");
  BOOST_TEST(!end->terminal);
}

BOOST_AUTO_TEST_CASE(a_batch_that_got_lost_ends_the_attempt) {
  auto transcoder = start(work());
  self->send(transcoder, batch(1, 100, 5));
  self->send(transcoder, batch(1, 100, 5)); // a repeated batch does not end it
  self->send(transcoder, batch(3, 105, 5));
  listen();
  BOOST_TEST(times_of(0).size() == 5u);
  BOOST_TEST(end->reason != "");
  BOOST_TEST(!end->terminal);
}

BOOST_AUTO_TEST_CASE(without_credit_no_input_is_acknowledged_and_with_credit_again_all_of_it) {
  auto x = work();
  x.credit_bytes = 1;
  auto transcoder = start(x);
  self->send(transcoder, batch(1, 100, 5));
  self->send(transcoder, batch(2, 105, 5));
  std::vector<batch_ack> taken;
  std::vector<std::string> order;
  while (taken.empty()) {
    auto timed_out = false;
    self->receive(
      [&](const sample_batch& got) {
        order.emplace_back("output");
        self->send(transcoder, batch_ack{got.attempt, got.sequence});
      },
      [](const format_change&) {}, [](attempt_id, const work_statistics&) {},
      [&](const batch_ack& got) {
        order.emplace_back("acknowledged");
        taken.push_back(got);
      },
      caf::after(patience) >> [&] { timed_out = true; });
    BOOST_REQUIRE(!timed_out);
  }
  BOOST_TEST(order.front() == "output");
  BOOST_TEST(taken.front().attempt.value == 7u);
  self->send_exit(transcoder, caf::exit_reason::kill);
}

BOOST_AUTO_TEST_CASE(attempts_beside_the_first_get_its_batches_and_have_windows_and_ends_of_their_own) {
  auto transcoder = start(work());
  BOOST_TEST(!add(transcoder, 8, {{102, 105}, {102, 105}}));
  BOOST_TEST(!add(transcoder, 9));
  self->send(transcoder, batch(1, 100, 10));
  listen(); // the window of 8 is over
  BOOST_TEST(end->attempt.value == 8u);
  BOOST_TEST((times_of(0, 8) == std::vector<int64_t>{102, 103, 104}));
  self->send(transcoder, finish_atom_v, attempt_id{9}, int64_t{115});
  self->send(transcoder, batch(2, 110, 10));
  listen(2);
  BOOST_TEST(end->attempt.value == 9u);
  BOOST_TEST(times_of(0, 9).size() == 15u);
  self->send(transcoder, finish_atom_v, attempt_id{7});
  listen(3);
  BOOST_TEST(times_of(0).size() == 20u);
  BOOST_TEST(times_of(1).size() == 20u);
  for (auto& [number, x] : ends)
    BOOST_TEST(x.reason == "");
  for (auto& x : acknowledged)
    BOOST_TEST(x.attempt.value == 7u);
  BOOST_TEST(acknowledged.back().sequence == 2u);
  self->wait_for(transcoder);
}

BOOST_AUTO_TEST_CASE(the_first_attempt_may_stop_before_the_others) {
  auto transcoder = start(work());
  BOOST_TEST(!add(transcoder, 8));
  self->send(transcoder, batch(1, 100, 5));
  auto closed = false;
  self->request(transcoder, patience, stop_atom_v, attempt_id{7})
    .receive([&] { closed = true; }, [](const caf::error&) {});
  BOOST_TEST(closed);
  self->send(transcoder, batch(2, 105, 5));
  self->send(transcoder, finish_atom_v, attempt_id{8});
  listen();
  BOOST_TEST(end->attempt.value == 8u);
  BOOST_TEST(times_of(0, 8).size() == 10u);
  self->wait_for(transcoder);
}

BOOST_AUTO_TEST_CASE(no_attempt_joins_after_the_first_batch_or_for_another_source) {
  auto transcoder = start(work());
  auto other = work();
  other.attempt = attempt_id{8};
  other.beside = attempt_id{1};
  caf::error why;
  self->request(transcoder, patience, other).receive([] {}, [&](caf::error& x) { why = std::move(x); });
  BOOST_TEST((why == ec::refused));
  self->send(transcoder, batch(1, 100, 5));
  BOOST_TEST((add(transcoder, 8) == ec::refused));
  self->send_exit(transcoder, caf::exit_reason::kill);
}

BOOST_AUTO_TEST_CASE(a_batch_is_acknowledged_when_the_output_of_all_attempts_is_on_its_way) {
  auto transcoder = start(work());
  auto x = work();
  x.attempt = attempt_id{8};
  x.beside = attempt_id{7};
  x.credit_bytes = 1;
  self->request(transcoder, patience, x).receive([] {}, [](const caf::error&) { BOOST_ERROR("it is refused"); });
  self->send(transcoder, batch(1, 100, 5));
  self->send(transcoder, batch(2, 105, 5));
  size_t sent_of_8 = 0; // samples
  auto timed_out = false;
  while (!timed_out && (acknowledged.empty() || acknowledged.back().sequence < 2))
    self->receive(
      [&](const sample_batch& got) {
        if (got.attempt.value != 8)
          return;
        sent_of_8 += got.block.samples.size();
        self->send(transcoder, batch_ack{got.attempt, got.sequence});
      },
      [](const format_change&) {}, [](attempt_id, const work_statistics&) {},
      [&](const batch_ack& got) {
        acknowledged.push_back(got);
        BOOST_TEST(sent_of_8 >= got.sequence * 10);
      },
      caf::after(patience) >> [&] { timed_out = true; });
  BOOST_TEST(!timed_out);
  self->send_exit(transcoder, caf::exit_reason::kill);
}

BOOST_AUTO_TEST_CASE(an_attempt_that_has_ended_holds_no_encoder_even_before_its_session_knows) {
  watched_engine codecs;
  auto x = work();
  x.source.tracks.pop_back();
  x.source.tracks[0].frame_rate = {25, 1};
  x.target.video.codec = "libx264";
  auto transcoder = spawn_transcoder(system, x, caf::actor_cast<sample_sink_actor>(self.ptr()), codecs);
  auto beside = x;
  beside.attempt = attempt_id{8};
  beside.beside = x.attempt;
  beside.spans = {window{no_timestamp, 3 * 3600}};
  self->request(transcoder, patience, beside).receive([] {}, [](const caf::error&) { BOOST_ERROR("it is refused"); });
  sample_batch pictures{x.attempt, 1, {}};
  for (int64_t i = 0; i < 10; ++i)
    pictures.block.samples.push_back({0, sample::key, i * 3600, i * 3600, 3600, 4});
  pictures.block.bytes = shared_bytes{shared_bytes::container(40, std::byte{1})};
  self->send(transcoder, pictures);
  BOOST_TEST(codecs.one_is_closed()); // the test has not read the news of its end
  listen();
  BOOST_TEST(end->attempt.value == 8u);
  BOOST_TEST(end->reason == "");
  self->send_exit(transcoder, caf::exit_reason::kill);
  self->wait_for(transcoder);
}

BOOST_AUTO_TEST_CASE(a_transcoder_ends_with_its_sink) {
  auto sink = system.spawn([](caf::event_based_actor* me) -> caf::behavior {
    me->set_default_handler(caf::drop);
    return {[](tick_atom) {}};
  });
  auto transcoder = spawn_transcoder(system, work(), caf::actor_cast<sample_sink_actor>(sink));
  self->send_exit(sink, caf::exit_reason::kill);
  self->wait_for(transcoder);
}

BOOST_AUTO_TEST_SUITE_END()
