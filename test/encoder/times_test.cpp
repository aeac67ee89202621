// Goal: pictures come at their correct times despite a container's rounding. At a set rate, none is lost or shown twice
// without need; a still is filled with repeated pictures; the file states the rate if its pictures are evenly spaced.
// Method: sources whose pictures carry their number, whole jobs in one and in many chunks, results read by libavformat.
#include "file_job.hpp"

#include "encoder/codec/video_filter.hpp"
#include "encoder/format_ptr.hpp"

#include <boost/test/unit_test.hpp>

#include <cmath>
#include <memory>
#include <set>
#include <string>
#include <tuple>

using namespace troupe::av::test;

namespace av = troupe::av;

BOOST_AUTO_TEST_SUITE(times_test)

namespace {

constexpr AVRational film_rate{24'000, 1'001};

clip clip_of(const video_source& seen) {
  std::vector<stream> streams;
  streams.push_back(make_video(seen));
  streams.push_back(make_audio({.encoder = "aac", .first_sample = 0, .samples = 192'512, .global_header = true}));
  return as_clip(std::move(streams));
}

job_settings at_rate(AVRational rate, int chunks) {
  job_settings result{usual_video(), usual_audio()};
  result.video.frame_rate = rate;
  result.chunks = static_cast<size_t>(chunks);
  return result;
}

/// The numbers of the pictures shown; their distances must be those of the rate, to a tick.
std::vector<uint32_t> numbers_at(const std::string& path, AVRational rate) {
  auto shown = play_file(path);
  const auto& video = shown.of(AVMEDIA_TYPE_VIDEO);
  BOOST_TEST(video.errors == 0);
  std::vector<uint32_t> result;
  for (const auto& x : video.pictures) {
    BOOST_REQUIRE(x.number.has_value());
    auto expected = av_rescale_q(static_cast<int64_t>(result.size()), av_inv_q(rate), av::time_base);
    BOOST_REQUIRE(std::abs(x.pts - video.pictures.front().pts - expected) <= 1);
    result.push_back(*x.number);
  }
  return result;
}

/// The time base, rate and durations that a file states for its video.
struct said {
  AVRational base{};
  AVRational rate{};
  std::set<int64_t> durations;
  std::set<int64_t> spaces;
};

said read_times(const std::string& path) {
  av::input_context_ptr opened;
  BOOST_REQUIRE(av::open_input(opened, path) == 0);
  BOOST_REQUIRE(avformat_find_stream_info(opened.get(), nullptr) >= 0);
  auto index = av_find_best_stream(opened.get(), AVMEDIA_TYPE_VIDEO, -1, -1, nullptr, 0);
  said result{opened->streams[index]->time_base, opened->streams[index]->avg_frame_rate, {}, {}};
  std::set<int64_t> times;
  auto packet = av::make_packet();
  for (; av_read_frame(opened.get(), packet.get()) == 0; av_packet_unref(packet.get()))
    if (packet->stream_index == index) {
      result.durations.insert(packet->duration);
      times.insert(packet->pts);
    }
  for (auto i = times.begin(); std::next(i) != times.end(); ++i)
    result.spaces.insert(*std::next(i) - *i);
  return result;
}

} // namespace

BOOST_AUTO_TEST_CASE(of_sixty_pictures_in_milliseconds_every_other_one_is_taken) {
  auto source = write_source(
    clip_of({.frame_rate = {60, 1}, .frames = 240, .gop = 30, .first_pts = 0, .global_header = true}), "sixty.mkv");
  for (auto chunks : {1, 5}) {
    run_job(source, temporary("thirty.mp4"), at_rate({30, 1}, chunks));
    auto numbers = numbers_at(temporary("thirty.mp4"), {30, 1});
    BOOST_REQUIRE(numbers.size() == 120);
    for (uint32_t n = 0; n < numbers.size(); ++n)
      BOOST_REQUIRE(numbers[n] == 2 * n);
  }
}

BOOST_AUTO_TEST_CASE(a_source_without_an_end_is_thinned_evenly_too) {
  // Times as in RTMP: rounded to milliseconds, from zero on.
  auto frame = av::make_frame();
  for (auto [source, rate, step] : {std::tuple{60, 30, 2}, {60, 15, 4}, {50, 25, 2}, {120, 60, 2}, {60, 60, 1}}) {
    av::frame_rate_converter converter{{rate, 1}, {}, {source, 1}};
    std::vector<int64_t> taken;
    auto take = [&](AVFrame& x) {
      taken.push_back(reinterpret_cast<intptr_t>(x.opaque));
      return av::expected<void>{};
    };
    for (int64_t n = 0; n < 10 * source; ++n) {
      frame->width = frame->height = 16;
      frame->format = AV_PIX_FMT_GRAY8;
      BOOST_REQUIRE(av_frame_get_buffer(frame.get(), 0) >= 0);
      frame->opaque = reinterpret_cast<void*>(static_cast<intptr_t>(n));
      frame->pts = av_rescale(n, 1'000, source) * 90;
      BOOST_REQUIRE(converter.send(*frame, take));
    }
    BOOST_REQUIRE(taken.size() > 8u * static_cast<size_t>(rate));
    for (size_t i = 1; i < taken.size(); ++i)
      BOOST_REQUIRE(taken[i] - taken[i - 1] == step);
  }
}

BOOST_AUTO_TEST_CASE(at_the_sources_own_rate_each_picture_is_shown_once_at_its_time) {
  // The sound begins at zero, the pictures half a picture later: two ways of rounding give different times there.
  auto source = write_source(
    clip_of({.frame_rate = film_rate, .frames = 96, .gop = 24, .first_pts = 1'920, .global_header = true}), "film.mkv");
  auto lag = sound_lag(play_file(source), 1'920, 0);
  for (auto chunks : {1, 4}) {
    run_job(source, temporary("film-rated.mp4"), at_rate(film_rate, chunks));
    auto numbers = numbers_at(temporary("film-rated.mp4"), film_rate);
    BOOST_REQUIRE(numbers.size() == 96);
    for (uint32_t n = 0; n < numbers.size(); ++n)
      BOOST_REQUIRE(numbers[n] == n);
    BOOST_TEST(std::abs(sound_lag(play_file(temporary("film-rated.mp4")), 1'920, 0) - lag) <= 49);
  }
}

BOOST_AUTO_TEST_CASE(a_still_is_filled_however_long_it_is) {
  // As in a screen recording: nothing moves for 15 s, so that no picture comes.
  auto late = [](int64_t ticks) { return ticks + (ticks >= 60 * 3'000 - 1'500 ? 15 * 90'000 : 0); };
  auto source =
    write_source(clip_of({.frame_rate = {30, 1}, .frames = 120, .gop = 30, .first_pts = 0, .global_header = true}),
                 "still.mp4", [&](AVPacket& x) {
                   if (x.stream_index == 0) {
                     // Reordered pictures that are shown after the still are decoded after it, too.
                     auto moved = late(x.pts) - x.pts;
                     x.pts += moved;
                     x.dts += moved;
                   }
                   return true;
                 });
  for (auto chunks : {1, 4}) {
    run_job(source, temporary("moving.mp4"), at_rate({30, 1}, chunks));
    auto numbers = numbers_at(temporary("moving.mp4"), {30, 1});
    BOOST_REQUIRE(numbers.size() == 120 + 15 * 30);
    for (uint32_t n = 0; n < numbers.size(); ++n)
      BOOST_REQUIRE(numbers[n] == (n < 60 ? n : n < 60 + 450 ? 59 : n - 450));
  }
}

BOOST_AUTO_TEST_CASE(an_even_result_says_that_it_is_even) {
  auto film = clip_of({.frame_rate = film_rate, .frames = 96, .gop = 24, .first_pts = 0, .global_header = true});
  for (auto* name : {"even.mkv", "even.mp4"}) {
    auto source = write_source(film, name);
    for (auto copied : {false, true}) {
      BOOST_TEST_CONTEXT(name << (copied ? ", copied" : ", encoded")) {
        job_settings settings{usual_video(), usual_audio(), copied, 3};
        run_job(source, temporary("said.mp4"), settings);
        auto seen = read_times(temporary("said.mp4"));
        BOOST_TEST(av_cmp_q(seen.base, AVRational{1, 24'000}) == 0);
        BOOST_TEST(av_cmp_q(seen.rate, film_rate) == 0);
        BOOST_TEST((seen.durations == std::set<int64_t>{1'001}));
        BOOST_TEST((seen.spaces == std::set<int64_t>{1'001}));
        run_job(source, temporary("said.mkv"), settings);
        seen = read_times(temporary("said.mkv"));
        BOOST_TEST(av_cmp_q(seen.rate, film_rate) == 0);
        BOOST_TEST((seen.spaces == std::set<int64_t>{41, 42}));
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(an_uneven_source_keeps_its_times) {
  auto bend = [](int64_t ticks) { return ticks + (ticks / 3'600 % 3 == 1 ? 1'493 : 0); };
  auto source = write_source(clip_of({.frames = 75, .gop = 25, .b_frames = 0, .first_pts = 0, .global_header = true}),
                             "uneven.mp4", [&](AVPacket& x) {
                               if (x.stream_index == 0)
                                 x.pts = x.dts = bend(x.pts);
                               return true;
                             });
  run_job(source, temporary("as-uneven.mp4"), {usual_video(), usual_audio(), false, 3});
  BOOST_TEST(read_times(temporary("as-uneven.mp4")).base.den == 90'000);
  std::vector<int64_t> times;
  for (auto n = 0; n < 75; ++n)
    times.push_back(bend(n * 3'600));
  check_pictures(play_file(temporary("as-uneven.mp4")).of(AVMEDIA_TYPE_VIDEO), times);
}

BOOST_AUTO_TEST_CASE(a_transport_stream_begins_after_zero) {
  auto source = write_source(clip_of({.frames = 50, .gop = 25, .first_pts = 0, .global_header = true}), "zero.mp4");
  for (auto copied : {false, true}) {
    job_settings settings{usual_video(), usual_audio(), copied, 1};
    if (copied)
      settings.audio.reset();
    run_job(source, temporary("zero.ts"), settings);
    av::input_context_ptr opened;
    BOOST_REQUIRE(av::open_input(opened, temporary("zero.ts")) == 0);
    BOOST_REQUIRE(avformat_find_stream_info(opened.get(), nullptr) >= 0);
    auto packet = av::make_packet();
    for (; av_read_frame(opened.get(), packet.get()) == 0; av_packet_unref(packet.get())) {
      BOOST_TEST(packet->pts >= 0);
      BOOST_TEST(packet->pts < 10 * 90'000);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
