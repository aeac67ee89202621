// Goal: a job's result has exactly the pictures that a decoder gets from the file, however its container hides, packs
// or announces them.
// Method: files that the ffmpeg program writes, or that libavformat writes and a test modifies. The times of the
// pictures that ffmpeg decodes are compared with those of the result, which is made in one chunk and in several.
#include "encoder/chunks/source_notes.hpp"
#include "encoder/chunks/verifier.hpp"
#include "file_job.hpp"
#include "odd_media.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <string>
#include <vector>

using namespace troupe::av::test;

namespace av = troupe::av;

BOOST_AUTO_TEST_SUITE(odd_sources_test)

namespace {

/// The times of the pictures of a result, from the first one on.
std::vector<int64_t> times_of(const played_stream& x) {
  std::vector<int64_t> result;
  for (const auto& picture : x.pictures)
    result.push_back(picture.pts - x.pictures.front().pts);
  return result;
}

/// Runs jobs with the source, and returns the last result as a player decodes it.
played_file check_against_ffmpeg(const std::string& source, const std::string& into = "odd.mp4", int64_t slack = 1,
                                 bool whole = true) {
  auto want = pictures_by_ffmpeg(source);
  BOOST_REQUIRE(!want.empty());
  played_file last;
  for (size_t chunks : {1, 4}) {
    BOOST_TEST_CONTEXT(source << " in " << chunks << " chunks") {
      job_settings settings{usual_video(), usual_audio()};
      settings.chunks = chunks;
      auto made = run_job(source, temporary(into), settings);
      BOOST_TEST(av::source_notes(made.index).empty() == whole);
      uint64_t decoded = 0;
      for (const auto& x : made.chunks)
        decoded += x.counters.pictures;
      BOOST_TEST(decoded == want.size());
      auto verified = av::verify({temporary(into), made.result.streams, made.result.others, 1}, unwatched());
      BOOST_TEST(verified.has_value(), (verified ? "" : verified.error().what));
      last = play_file(temporary(into));
      const auto& shown = last.of(AVMEDIA_TYPE_VIDEO);
      BOOST_TEST(shown.errors == 0);
      auto have = times_of(shown);
      BOOST_REQUIRE(have.size() == want.size());
      for (size_t i = 0; i < have.size(); ++i)
        BOOST_REQUIRE_MESSAGE(std::abs(have[i] - want[i] + want[0]) <= slack,
                              "picture " << i << " is at " << have[i] << ", not at " << want[i] - want[0]);
    }
  }
  return last;
}

void check_refused(const std::string& source, const std::string& words) {
  av::source_options options;
  options.url = source;
  auto index = av::index_source(options, unwatched());
  BOOST_REQUIRE(!index);
  BOOST_TEST((index.error().code == av::errc::media));
  BOOST_TEST(index.error().what.find(words) != std::string::npos, index.error().what);
}

} // namespace

BOOST_AUTO_TEST_CASE(a_file_that_was_cut_without_encoding_shows_what_its_edit_list_shows) {
  for (const std::string open : {"0", "1"}) {
    auto whole = temporary("whole.mp4");
    ffmpeg(pictures_input(6) + tone_input(6)
           + "-c:v libx264 -preset ultrafast -bf 2 -g 50 -x264-params open-gop=" + open + " -c:a aac " + whole);
    // The first edit begins in the middle of a group, so that this group's key picture is decoded and not shown.
    ffmpeg("-ss 1.52 -i " + whole + " -t 4 -c copy " + temporary("cut.mp4"));
    check_against_ffmpeg(temporary("cut.mp4"));
    ffmpeg("-itsoffset 0.5 -i " + temporary("cut.mp4") + " -c copy " + temporary("delayed.mp4"));
    check_against_ffmpeg(temporary("delayed.mp4"), "odd.mkv", 91);
  }
}

BOOST_AUTO_TEST_CASE(a_copy_hides_what_the_edit_list_hides_or_says_that_it_cannot) {
  auto whole = temporary("to-copy.mp4");
  ffmpeg(pictures_input(6) + tone_input(6)
         + "-c:v libx264 -preset ultrafast -bf 2 -g 50 -x264-params open-gop=1 -c:a aac " + whole);
  auto source = temporary("copied-cut.mp4");
  ffmpeg("-ss 1.52 -i " + whole + " -t 4 -c copy " + source);
  for (const std::string into : {"copied.mp4", "copied.mkv"}) {
    BOOST_TEST_CONTEXT(into) {
      job_settings settings{usual_video(), {}};
      settings.copy_video = true;
      auto made = run_job(source, temporary(into), settings);
      auto verified = av::verify({temporary(into), made.result.streams, made.result.others, 1}, unwatched());
      BOOST_TEST(verified.has_value(), (verified ? "" : verified.error().what));
      auto hides = into == "copied.mp4";
      auto hidden = hides ? size_t{0} : size_t{38};
      BOOST_TEST(pictures_by_ffmpeg(temporary(into)).size() == pictures_by_ffmpeg(source).size() + hidden);
      BOOST_REQUIRE(made.result.notes.size() == (hides ? 0 : 1));
      if (!hides)
        BOOST_TEST(made.result.notes[0].what.find("edit list hides") != std::string::npos);
      // The sound is as long as the video, plus the sound that its decoder needs before the start.
      auto shown = play_file(temporary(into));
      BOOST_TEST(shown.of(AVMEDIA_TYPE_AUDIO).samples.size() < 4.3 * 48'000);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_file_of_several_edits_shows_each_of_them) {
  auto plain = temporary("plain.mp4");
  ffmpeg(pictures_input(6) + "-c:v libx264 -preset ultrafast -bf 2 -g 50 " + plain);
  // 1 s from the begin, 1.2 s from the middle of the second group, 0.8 s from the middle of the first.
  auto source = with_edits(plain, "edits.mp4", {{1000, 0}, {1200, 3000}, {800, 1000}});
  check_against_ffmpeg(source);
}

BOOST_AUTO_TEST_CASE(pictures_that_share_a_packet_are_all_there) {
  if (avcodec_find_encoder_by_name("libxvid") == nullptr) {
    BOOST_TEST_MESSAGE("skipped: no libxvid here");
    return;
  }
  ffmpeg(pictures_input(4) + tone_input(4) + "-c:v libxvid -bf 2 -g 25 -b:v 400k -c:a mp2 " + temporary("packed.avi"));
  auto shown = check_against_ffmpeg(temporary("packed.avi"), "odd.mp4", 3'700);
  BOOST_TEST(shown.of(AVMEDIA_TYPE_VIDEO).pictures.size() > 90);
}

BOOST_AUTO_TEST_CASE(hidden_pictures_and_fields_are_counted_by_their_decoder) {
  ffmpeg(pictures_input(3)
         + "-c:v libvpx -auto-alt-ref 1 -lag-in-frames 16 -arnr-maxframes 5 -deadline good -cpu-used 5 -g 30 "
         + temporary("vp8.webm"));
  check_against_ffmpeg(temporary("vp8.webm"), "odd.mp4", 91);
  ffmpeg(pictures_input(3) + "-c:v libvpx-vp9 -auto-alt-ref 1 -lag-in-frames 16 -cpu-used 8 -g 30 "
         + temporary("vp9.webm"));
  check_against_ffmpeg(temporary("vp9.webm"), "odd.mp4", 91);
  ffmpeg(pictures_input(3) + "-c:v mpeg2video -flags +ildct+ilme -bf 2 -g 12 " + temporary("fields.ts"));
  check_against_ffmpeg(temporary("fields.ts"));
}

BOOST_AUTO_TEST_CASE(a_file_may_begin_with_an_intra_picture_that_nothing_announces) {
  video_source seen{
    .frames = 100, .gop = 40, .first_pts = 900'000, .options = {{"x264-params", "open-gop=1:scenecut=0"}}};
  auto all = as_clip(one(make_video(seen)));
  auto begun = false;
  auto source = write_file(all, "mpegts", "intra.ts", [&](AVPacket& x) {
    without_unit(x, 6); // SEI messages would mark where decoding can begin
    begun = begun || ((x.flags & AV_PKT_FLAG_KEY) != 0 && x.pts > seen.first_pts);
    return begun;
  });
  job_settings settings{usual_video(), {}};
  run_job(source, temporary("odd.mp4"), settings);
  auto shown = play_file(temporary("odd.mp4"));
  const auto& pictures = shown.of(AVMEDIA_TYPE_VIDEO).pictures;
  // All pictures are there, except those shown before the first intra picture, whose references are missing.
  BOOST_REQUIRE(pictures.size() > 50);
  BOOST_TEST(pictures.front().number.value() == 100 - pictures.size());
  BOOST_TEST(pictures.back().number.value() == 99);
}

BOOST_AUTO_TEST_CASE(a_file_may_begin_with_pictures_that_are_shown_before_its_first_key_picture) {
  // Leading pictures can be decoded from the key picture alone if the group is closed, but not if it is open.
  for (const std::string kind : {"radl=2:open-gop=0", "open-gop=1"}) {
    BOOST_TEST_CONTEXT(kind) {
      video_source seen{.encoder = "libx265", .frames = 80, .gop = 20, .b_frames = 3, .first_pts = 900'000};
      seen.options = {{"preset", "ultrafast"},
                      {"x265-params", "log-level=none:keyint=20:min-keyint=20:b-adapt=0:scenecut=0:" + kind}};
      auto all = as_clip(one(make_video(seen)));
      auto begun = false;
      auto source = write_file(all, "mpegts", "leading.ts", [&](AVPacket& x) {
        begun = begun || ((x.flags & AV_PKT_FLAG_KEY) != 0 && x.pts > seen.first_pts);
        return begun;
      });
      check_against_ffmpeg(source, "odd.mp4", 1, kind.starts_with("radl"));
    }
  }
}

BOOST_AUTO_TEST_CASE(a_file_without_any_mark_of_a_key_picture_is_read) {
  auto all = as_clip(one(make_video({.encoder = "mpeg4", .frames = 50, .gop = 10, .global_header = true})));
  auto source = write_file(all, "matroska", "unmarked.mkv", [](AVPacket& x) {
    x.flags &= ~AV_PKT_FLAG_KEY;
    return true;
  });
  auto shown = check_against_ffmpeg(source, "odd.mkv", 91);
  BOOST_TEST(shown.of(AVMEDIA_TYPE_VIDEO).pictures.size() == 50);
}

BOOST_AUTO_TEST_CASE(a_first_key_picture_may_come_late) {
  video_source seen{
    .frame_rate = {5, 1}, .frames = 110, .gop = 90, .first_pts = 900'000, .options = {{"x264-params", "scenecut=0"}}};
  auto all = as_clip(one(make_video(seen)));
  auto source = write_file(all, "mpegts", "late-key.ts",
                           [&](AVPacket& x) { return (x.flags & AV_PKT_FLAG_KEY) == 0 || x.pts > seen.first_pts; });
  auto made = run_job(source, temporary("odd.mp4"), {usual_video(), {}});
  BOOST_TEST(made.index.streams.at(0).packets == 20);
  auto notes = av::source_notes(made.index);
  BOOST_REQUIRE(notes.size() == 1);
  BOOST_TEST(notes[0].find("are left out") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_sound_that_begins_late_is_carried) {
  for (const std::string kind : {"late.ts", "late.vob", "late.flv"}) {
    BOOST_TEST_CONTEXT(kind) {
      auto second = kind == "late.ts";
      auto source = temporary(kind);
      auto codecs = kind == "late.vob"   ? "-c:v mpeg2video -b:v 1M -c:a ac3 -f vob "
                    : kind == "late.flv" ? "-c:v flv1 -b:v 300k -c:a libmp3lame -ar 44100 -flvflags no_metadata "
                                         : "-c:v libx264 -preset ultrafast -c:a mp2 ";
      ffmpeg(pictures_input(8) + (second ? tone_input(8) : "") + tone_input(3) + "-filter_complex \"["
             + (second ? "2" : "1") + ":a]asetpts=PTS+4/TB[b]\" -map 0:v " + (second ? "-map 1:a " : "")
             + "-map \"[b]\" " + codecs + source);
      for (auto copied : {false, true}) {
        job_settings settings{usual_video(), {}};
        if (!copied)
          settings.audio = usual_audio();
        auto made = run_job(source, temporary("late.mkv"), settings);
        auto shown = play_file(temporary("late.mkv"));
        const auto& late = shown.of(AVMEDIA_TYPE_AUDIO, second ? 1 : 0);
        auto first = shown.of(AVMEDIA_TYPE_VIDEO).pictures.front().pts;
        auto begin = static_cast<double>(late.first_sample) / late.parameters->sample_rate
                     - static_cast<double>(first) / av::time_base.den;
        BOOST_TEST(std::abs(begin - 4) < 0.1);
        BOOST_TEST(std::abs(static_cast<double>(late.samples.size()) / late.parameters->sample_rate - 3) < 0.1);
        BOOST_TEST(shown.of(AVMEDIA_TYPE_VIDEO).pictures.size() == 200);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(no_packet_of_a_late_sound_is_lost_when_it_is_copied) {
  for (const std::string codec : {"mp2", "ac3", "libmp3lame"}) {
    auto source = temporary("late.ts");
    ffmpeg(pictures_input(8) + tone_input(8) + tone_input(3)
           + "-filter_complex \"[2:a]asetpts=PTS+4/TB[b]\" -map 0:v -map 1:a -map \"[b]\" -c:v libx264 -preset "
             "ultrafast -c:a "
           + codec + " " + source);
    auto made = run_job(source, temporary("copy.ts"), {usual_video(), {}});
    BOOST_TEST(av::source_notes(made.index).empty());
    auto want = play_file(source).of(AVMEDIA_TYPE_AUDIO, 1).packets;
    BOOST_TEST(want > 80);
    BOOST_TEST(play_file(temporary("copy.ts")).of(AVMEDIA_TYPE_AUDIO, 1).packets == want, codec);
  }
}

BOOST_AUTO_TEST_CASE(subtitles_that_begin_late_are_carried) {
  auto made = as_clip(one(make_video({.encoder = "mpeg2video", .frames = 200, .gop = 12, .b_frames = 0})));
  add_dvd_subtitle(made, 900'000 + 4 * 90'000);
  auto source = write_file(made, "vob", "subtitles.vob");
  auto result = run_job(source, temporary("subtitles.mkv"), {usual_video(), {}});
  auto shown = play_file(temporary("subtitles.mkv"));
  const auto& subtitles = shown.of(AVMEDIA_TYPE_SUBTITLE);
  BOOST_TEST(subtitles.parameters->codec_id == AV_CODEC_ID_DVD_SUBTITLE);
  BOOST_TEST(subtitles.packets == 1);
  BOOST_TEST(result.result.notes.empty());
}

BOOST_AUTO_TEST_CASE(what_is_encrypted_is_refused) {
  const std::string key = "00112233445566778899aabbccddeeff";
  ffmpeg(pictures_input(2) + tone_input(2)
         + "-c:v libx264 -preset ultrafast -c:a aac -encryption_scheme cenc-aes-ctr -encryption_key " + key
         + " -encryption_kid " + key + " " + temporary("cenc.mp4"));
  check_refused(temporary("cenc.mp4"), "is encrypted");
  ffmpeg(pictures_input(2) + "-c:v libx264 -preset ultrafast " + temporary("clear.ts"));
  check_refused(with_stream_type(temporary("clear.ts"), "sample-aes.ts", 0x1b, 0xdb), "is encrypted");
}

BOOST_AUTO_TEST_CASE(what_a_source_lacks_of_what_it_says_is_said) {
  auto whole = temporary("sound.mkv");
  ffmpeg(pictures_input(10) + tone_input(10) + "-c:v libx264 -preset ultrafast -g 25 -c:a aac " + whole);
  auto bytes = read_bytes(whole);
  auto notes = [](const std::string& path) {
    auto made = run_job(path, temporary("odd.mp4"), {usual_video(), usual_audio()});
    std::string result;
    for (const auto& x : av::source_notes(made.index))
      result += x + "\n";
    return result;
  };
  BOOST_TEST(notes(whole).empty());
  auto cut = notes(write_bytes("short.mkv", bytes.substr(0, bytes.size() / 2)));
  BOOST_TEST(cut.find("its header says 10.") != std::string::npos, cut);
  for (size_t i = 1; i < 4; ++i)
    bytes.replace(bytes.size() * i / 4, 6'000, 6'000, '\0');
  auto holes = notes(write_bytes("holes.mkv", bytes));
  BOOST_TEST(holes.find("damaged") != std::string::npos, holes);
}

BOOST_AUTO_TEST_SUITE_END()
