// Goal: the result has each stream of the source that its container holds, and notes the others. Method: sources with
// many sounds, fonts, covers and QuickTime subtitles, written with libavformat, go through a whole job.
#include "film.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>

using namespace troupe::av::test;

namespace av = troupe::av;

BOOST_AUTO_TEST_SUITE(streams_test)

namespace {

size_t count(const std::string& path, AVMediaType type) {
  auto shown = play_file(path);
  return static_cast<size_t>(
    std::count_if(shown.streams.begin(), shown.streams.end(), [type](const auto& x) { return x.type == type; }));
}

/// A red PNG of 2x2.
std::string red_picture() {
  constexpr std::array<uint8_t, 73> bytes{
    0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48, 0x44, 0x52, 0x00, 0x00, 0x00,
    0x02, 0x00, 0x00, 0x00, 0x02, 0x08, 0x02, 0x00, 0x00, 0x00, 0xfd, 0xd4, 0x9a, 0x73, 0x00, 0x00, 0x00, 0x10, 0x49,
    0x44, 0x41, 0x54, 0x78, 0x9c, 0x63, 0xf8, 0xcf, 0xc0, 0x00, 0x44, 0x0c, 0x10, 0x0a, 0x00, 0x1f, 0xee, 0x03, 0xfd,
    0x8b, 0x5f, 0x14, 0xd4, 0x00, 0x00, 0x00, 0x00, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82};
  return {bytes.begin(), bytes.end()};
}

} // namespace

BOOST_AUTO_TEST_CASE(all_of_twenty_sounds_are_carried) {
  auto made = run_job(write_film({picture_and_sounds(20)}, "twenty.mkv"), temporary("twenty-out.mkv"), copies());
  BOOST_TEST(count(made.assembly.output, AVMEDIA_TYPE_AUDIO) == 20u);
  BOOST_TEST(all_notes(made.result) == "");
}

BOOST_AUTO_TEST_CASE(fonts_are_no_reason_to_refuse_a_film) {
  film from{picture_and_sounds(1)};
  for (auto i = 0; i < 100; ++i)
    from.extras.push_back(
      {AVMEDIA_TYPE_ATTACHMENT, AV_CODEC_ID_TTF, {{"filename", std::to_string(i) + ".ttf"}, {"mimetype", "font/ttf"}}});
  auto made = run_job(write_film(from, "fonts.mkv"), temporary("fonts-out.mkv"), copies());
  BOOST_TEST(count(made.assembly.output, AVMEDIA_TYPE_ATTACHMENT) == 100u);
  BOOST_TEST(made.result.others.files == 100u);
  BOOST_TEST(verified(made).notes.empty());
}

BOOST_AUTO_TEST_CASE(a_cover_is_carried_or_named) {
  film from{picture_and_sounds(1)};
  from.extras = {{AVMEDIA_TYPE_VIDEO, AV_CODEC_ID_PNG, {}, {{0, red_picture()}}}};
  from.edit = [](AVStream& x) {
    if (x.index != 2)
      return;
    x.disposition = AV_DISPOSITION_ATTACHED_PIC;
    x.codecpar->width = x.codecpar->height = 2;
    x.codecpar->format = AV_PIX_FMT_RGB24;
  };
  auto film = write_film(from, "cover.mp4");
  for (const auto* name : {"cover-out.mp4", "cover-out.mkv"}) {
    BOOST_TEST_CONTEXT(name) {
      auto made = run_job(film, temporary(name), copies());
      BOOST_TEST(all_notes(made.result) == "");
      BOOST_TEST(made.result.others.files == 1u);
      BOOST_TEST(verified(made).notes.empty());
    }
  }
  for (const auto* name : {"cover-out.mov", "cover-out.ts"}) {
    BOOST_TEST_CONTEXT(name) {
      auto made = run_job(film, temporary(name), copies());
      BOOST_TEST(has(all_notes(made.result), "2: the cover picture is lost"));
      BOOST_TEST(verified(made).notes.empty());
    }
  }
}

BOOST_AUTO_TEST_CASE(too_many_streams_are_refused_for_good) {
  film from{picture_and_sounds(1)};
  for (auto i = 0; i < 1'000; ++i)
    from.extras.push_back({AVMEDIA_TYPE_SUBTITLE, AV_CODEC_ID_SUBRIP, {}, {}});
  av::source_options options;
  options.url = write_film(from, "thousand.mkv");
  auto index = av::index_source(options, unwatched());
  BOOST_REQUIRE(!index);
  BOOST_TEST(index.error().terminal());
  BOOST_TEST(has(index.error().what, "more than the 1000 streams"));
}

BOOST_AUTO_TEST_CASE(subtitles_of_quicktime_are_no_chapters) {
  film from{picture_and_sounds(1)};
  from.extras = {{AVMEDIA_TYPE_SUBTITLE, AV_CODEC_ID_SUBRIP, {{"language", "eng"}}, {{0, "hello"}, {45'000, "world"}}}};
  auto film = write_film(from, "words.mkv");
  auto made = run_job(film, temporary("words.mov"), copies());
  BOOST_TEST(made.result.others.subtitles.size() == 1u);
  BOOST_TEST(verified(made).notes.empty());
  for (const auto* name : {"words-back.mkv", "words-again.mov", "words.mp4"}) {
    BOOST_TEST_CONTEXT(name) {
      auto back = run_job(temporary("words.mov"), temporary(name), copies());
      auto shown = play_file(temporary(name));
      const auto& words = shown.of(AVMEDIA_TYPE_SUBTITLE);
      std::string lines;
      for (const auto& x : words.lines)
        lines += x + "\n";
      BOOST_TEST(has(lines, "hello"));
      BOOST_TEST(has(lines, "world"));
      BOOST_TEST(words.metadata.at("language") == "eng");
      BOOST_TEST(verified(back).notes.empty());
    }
  }
}

BOOST_AUTO_TEST_CASE(a_line_that_is_not_in_the_result_is_noted) {
  film from{picture_and_sounds(1)};
  from.extras = {{AVMEDIA_TYPE_SUBTITLE, AV_CODEC_ID_SUBRIP, {}, {{0, "hello"}, {45'000, "world"}}}};
  auto made = run_job(write_film(from, "lines.mkv"), temporary("lines-out.mkv"), copies());
  BOOST_TEST(made.result.others.subtitles.at(0).packets == 2u);
  ++made.result.others.subtitles.at(0).packets;
  ++made.result.others.files;
  ++made.result.others.chapters;
  auto notes = verified(made).notes;
  BOOST_REQUIRE(notes.size() == 3u);
  BOOST_TEST(has(notes[0].what, "1 of the 3 lines of these subtitles are lost"));
  BOOST_TEST(has(notes[1].what, "attachments and covers"));
  BOOST_TEST(has(notes[2].what, "chapters"));
}

BOOST_AUTO_TEST_CASE(a_stream_that_begins_late_is_carried_or_named) {
  auto tracks = picture_and_sounds(1);
  auto made = run_job(write_film({std::move(tracks)}, "late.mkv"), temporary("late-out.mkv"), copies());
  auto job = made.assembly;
  job.names.emplace_back("audio stream (mp2)");
  auto result = av::assemble(job, unwatched());
  BOOST_REQUIRE(result);
  BOOST_TEST(has(all_notes(*result), "2: audio stream (mp2) is lost: it begins too late"));
}

BOOST_AUTO_TEST_CASE(languages_of_any_length_stay_where_they_can) {
  film from{picture_and_sounds(1), {{0, "zh-Hant-TW"}, {1, "pt-BR"}}};
  auto film = write_film(from, "brazil.mkv");
  auto made = run_job(film, temporary("brazil-out.mkv"), copies());
  auto shown = play_file(made.assembly.output);
  BOOST_TEST(shown.of(AVMEDIA_TYPE_VIDEO).metadata.at("language") == "zh-Hant-TW");
  BOOST_TEST(shown.of(AVMEDIA_TYPE_AUDIO).metadata.at("language") == "pt-BR");
  BOOST_TEST(all_notes(made.result) == "");
  made = run_job(film, temporary("brazil-out.mp4"), copies());
  BOOST_TEST(has(all_notes(made.result), "1: the language pt-BR is lost: mp4"));
}

BOOST_AUTO_TEST_CASE(marks_that_a_container_does_not_keep_are_named) {
  film from{picture_and_sounds(2)};
  from.extras = {{AVMEDIA_TYPE_SUBTITLE, AV_CODEC_ID_SUBRIP, {}, {{0, "hello"}}}};
  from.edit = [](AVStream& x) {
    x.disposition = x.index == 2 ? AV_DISPOSITION_COMMENT : x.index == 3 ? AV_DISPOSITION_FORCED : 0;
  };
  auto film = write_film(from, "marks.mkv");
  for (const auto* name : {"marks-out.mkv", "marks-out.mp4"})
    BOOST_TEST(verified(run_job(film, temporary(name), copies())).notes.empty(), name);
  auto notes = verified(run_job(film, temporary("marks-out.ts"), copies())).notes;
  BOOST_REQUIRE(notes.size() == 1u);
  BOOST_TEST(notes[0].stream == 2);
  BOOST_TEST(has(notes[0].what, "\"comment\""));
}

BOOST_AUTO_TEST_CASE(sound_that_is_mixed_down_is_noted) {
  std::vector<stream> streams;
  streams.push_back(
    make_audio({.encoder = "flac", .channels = 6, .first_sample = 0, .samples = 49'152, .global_header = true}));
  auto film = write_film({as_clip(std::move(streams))}, "six.mkv");
  auto made = run_job(film, temporary("six-out.mp4"), {usual_video(), usual_audio("libmp3lame")});
  BOOST_TEST(has(all_notes(made.result), "the sound is mixed from 5.1"));
  made = run_job(film, temporary("six-out.mkv"), {usual_video(), usual_audio("libopus")});
  BOOST_TEST(all_notes(made.result) == "");
}

BOOST_AUTO_TEST_CASE(advice_names_another_container) {
  BOOST_TEST(av::others_that_hold(av::container::mkv, AV_CODEC_ID_DVB_TELETEXT) == "; ts holds it");
  BOOST_TEST(av::others_that_hold(av::container::mp4, AV_CODEC_ID_HDMV_PGS_SUBTITLE) == "; mkv or ts holds it");
  BOOST_TEST(av::others_that_hold(av::container::mkv, AV_CODEC_ID_EIA_608) == "");
}

BOOST_AUTO_TEST_CASE(names_of_files_tell_their_container) {
  const std::map<std::string, av::container> names{
    {"a.m4a", av::container::mp4},     {"a.M4V", av::container::mp4},  {"a.qt", av::container::mov},
    {"a.mka", av::container::mkv},     {"a.mk3d", av::container::mkv}, {"a.weba", av::container::webm},
    {"a.m2ts", av::container::mpegts},
  };
  for (const auto& [name, into] : names)
    BOOST_TEST((av::container_of(name) == into), name);
  for (const auto* name : {"a.ogg", "a.opus", "a.wav", "a.flac", "a.mp3", "a"})
    BOOST_TEST(!av::container_of(name), name);
}

BOOST_AUTO_TEST_SUITE_END()
