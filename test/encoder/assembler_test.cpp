// Goal: a result has everything from its source that its container can hold, and notes the rest. Method: sources with
// several sounds, subtitles, a font, a cover, chapters and metadata, written with libavformat; each is assembled into
// each container and read back.
#include "encoder/chunks/assembler.hpp"
#include "encoder/format_ptr.hpp"

#include "file_job.hpp"

extern "C" {
#include <libavutil/dict.h>
#include <libavutil/display.h>
#include <libavutil/dovi_meta.h>
#include <libavutil/mastering_display_metadata.h>
}

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <memory>
#include <tuple>

using namespace troupe::av::test;

namespace av = troupe::av;

BOOST_AUTO_TEST_SUITE(assembler_test)

namespace {

void require(int code) {
  BOOST_REQUIRE(code >= 0);
}

/// A stream of subtitles or an attached file beside the clip's tracks.
struct extra {
  AVCodecID codec;
  AVMediaType type = AVMEDIA_TYPE_SUBTITLE;
  std::string header; ///< extradata
  std::map<std::string, std::string> words;
  std::vector<std::tuple<int64_t, int64_t, std::string>> lines{}; ///< begin and length in ticks
};

struct rich_source {
  clip tracks;
  std::vector<std::map<std::string, std::string>> track_words;
  std::vector<int> dispositions;
  std::vector<extra> extras;
  std::vector<std::pair<int64_t, std::string>> chapters; ///< begin in ticks
  std::map<std::string, std::string> words;
  int rotation = 0;
  bool hdr = false;
  bool dolby_vision = false;
  bool hdr10_plus = false;
};

void put_words(AVDictionary** to, const std::map<std::string, std::string>& from) {
  for (const auto& [key, value] : from)
    av_dict_set(to, key.c_str(), value.c_str(), 0);
}

void add_side_data(AVStream& to, const rich_source& from) {
  if (from.rotation != 0) {
    auto* matrix = av_stream_new_side_data(&to, AV_PKT_DATA_DISPLAYMATRIX, 9 * sizeof(int32_t));
    av_display_rotation_set(reinterpret_cast<int32_t*>(matrix), from.rotation);
  }
  if (from.hdr) {
    auto* light = reinterpret_cast<AVContentLightMetadata*>(
      av_stream_new_side_data(&to, AV_PKT_DATA_CONTENT_LIGHT_LEVEL, sizeof(AVContentLightMetadata)));
    *light = {};
    light->MaxCLL = 1'000;
    light->MaxFALL = 400;
  }
  if (from.dolby_vision) {
    size_t size = 0;
    std::unique_ptr<AVDOVIDecoderConfigurationRecord, decltype(&av_free)> x{av_dovi_alloc(&size), av_free};
    x->dv_version_major = 1;
    x->dv_profile = 8;
    x->dv_level = 1;
    x->rpu_present_flag = x->bl_present_flag = x->dv_bl_signal_compatibility_id = 1;
    std::memcpy(av_stream_new_side_data(&to, AV_PKT_DATA_DOVI_CONF, size), x.get(), size);
  }
}

/// Puts the shortest possible SEI message with a tone curve (HDR10+) before an H.264 picture.
void add_tone_curve(AVPacket& picture) {
  constexpr std::array<uint8_t, 15> message{0, 0, 0, 1, 6, 4, 7, 0xb5, 0x00, 0x3c, 0x00, 0x01, 0x04, 0x01, 0x80};
  auto size = static_cast<size_t>(picture.size);
  require(av_grow_packet(&picture, static_cast<int>(message.size())));
  std::memmove(picture.data + message.size(), picture.data, size);
  std::memcpy(picture.data, message.data(), message.size());
}

std::string write_rich(const rich_source& from, const std::string& name) {
  auto path = temporary(name);
  av::output_context_ptr out;
  require(av::make_output(out, av::muxer_name(av::container_of(name).value()), path));
  for (size_t i = 0; i < from.tracks.tracks.size(); ++i) {
    const auto& x = from.tracks.tracks[i];
    auto* stream = avformat_new_stream(out.get(), nullptr);
    require(avcodec_parameters_copy(stream->codecpar, x.parameters.get()));
    stream->codecpar->codec_tag = 0;
    stream->sample_aspect_ratio = x.parameters->sample_aspect_ratio;
    stream->time_base = av::time_base;
    stream->avg_frame_rate = x.frame_rate;
    if (i < from.track_words.size())
      put_words(&stream->metadata, from.track_words[i]);
    if (i < from.dispositions.size())
      stream->disposition = from.dispositions[i];
    if (x.parameters->codec_type == AVMEDIA_TYPE_VIDEO)
      add_side_data(*stream, from);
  }
  out->strict_std_compliance = FF_COMPLIANCE_UNOFFICIAL; // Dolby Vision in Matroska
  std::vector<av::packet_ptr> packets;
  for (const auto& x : from.tracks.packets)
    packets.emplace_back(av_packet_clone(x.get()));
  if (from.hdr10_plus)
    add_tone_curve(**std::find_if(packets.begin(), packets.end(), [](auto& x) { return x->stream_index == 0; }));
  for (const auto& x : from.extras) {
    auto* stream = avformat_new_stream(out.get(), nullptr);
    stream->codecpar->codec_type = x.type;
    stream->codecpar->codec_id = x.codec;
    stream->time_base = av::time_base;
    stream->codecpar->extradata = static_cast<uint8_t*>(av_mallocz(x.header.size() + AV_INPUT_BUFFER_PADDING_SIZE));
    stream->codecpar->extradata_size = static_cast<int>(x.header.size());
    std::memcpy(stream->codecpar->extradata, x.header.data(), x.header.size());
    put_words(&stream->metadata, x.words);
    for (const auto& [begin, length, text] : x.lines) {
      auto packet = av::make_packet();
      require(av_new_packet(packet.get(), static_cast<int>(text.size())));
      std::memcpy(packet->data, text.data(), text.size());
      packet->pts = packet->dts = begin;
      packet->duration = length;
      packet->stream_index = stream->index;
      packet->flags = AV_PKT_FLAG_KEY;
      packets.push_back(std::move(packet));
    }
  }
  out->chapters = static_cast<AVChapter**>(av_calloc(from.chapters.size() + 1, sizeof(AVChapter*)));
  for (size_t i = 0; i < from.chapters.size(); ++i) {
    auto* chapter = static_cast<AVChapter*>(av_mallocz(sizeof(AVChapter)));
    chapter->id = static_cast<int64_t>(i) + 1;
    chapter->time_base = av::time_base;
    chapter->start = from.chapters[i].first;
    chapter->end = i + 1 < from.chapters.size() ? from.chapters[i + 1].first : chapter->start + 90'000;
    av_dict_set(&chapter->metadata, "title", from.chapters[i].second.c_str(), 0);
    out->chapters[out->nb_chapters++] = chapter;
  }
  put_words(&out->metadata, from.words);
  require(av::open_file(*out));
  require(avformat_write_header(out.get(), nullptr));
  std::stable_sort(packets.begin(), packets.end(), [](const auto& a, const auto& b) { return a->dts < b->dts; });
  for (auto& x : packets) {
    av_packet_rescale_ts(x.get(), av::time_base, out->streams[x->stream_index]->time_base);
    require(av_interleaved_write_frame(out.get(), x.get()));
  }
  require(av_write_trailer(out.get()));
  return path;
}

clip two_sounds(video_source seen = {}) {
  seen.frames = 75;
  seen.gop = 25;
  seen.first_pts = 0;
  seen.global_header = true;
  audio_source heard{.encoder = "aac", .first_sample = 0, .samples = 144'384, .global_header = true};
  std::vector<stream> streams;
  streams.push_back(make_video(seen));
  streams.push_back(make_audio(heard));
  heard.channels = 1;
  streams.push_back(make_audio(heard));
  return as_clip(std::move(streams));
}

/// A film with everything that films on people's disks have.
const std::string& film() {
  static auto path = [] {
    rich_source from;
    from.tracks = two_sounds({.sample_aspect = {16, 11}});
    from.track_words = {{}, {{"language", "eng"}, {"title", "English"}}, {{"language", "ger"}, {"title", "Kommentar"}}};
    from.dispositions = {AV_DISPOSITION_DEFAULT, AV_DISPOSITION_DEFAULT, AV_DISPOSITION_COMMENT};
    from.extras = {
      {AV_CODEC_ID_SUBRIP,
       AVMEDIA_TYPE_SUBTITLE,
       "",
       {{"language", "fre"}},
       {{45'000, 45'000, "Bonjour"}, {135'000, 45'000, "Au revoir"}}},
      {AV_CODEC_ID_TTF,
       AVMEDIA_TYPE_ATTACHMENT,
       "not really a font",
       {{"filename", "a.ttf"}, {"mimetype", "font/ttf"}}},
    };
    from.chapters = {{0, "One"}, {90'000, "Two"}};
    from.words = {{"title", "A film"}, {"artist", "Somebody"}};
    return write_rich(from, "film.mkv");
  }();
  return path;
}

std::string all_notes(const av::assembly_result& x) {
  std::string result;
  for (const auto& note : x.notes)
    result += std::to_string(note.stream) + ": " + note.what + "\n";
  return result;
}

bool has(const std::string& text, const std::string& part) {
  auto found = text.find(part) != text.npos;
  if (!found)
    BOOST_TEST_MESSAGE(text);
  return found;
}

job_settings usual_job() {
  job_settings result{usual_video(), usual_audio()};
  result.chunks = 3;
  return result;
}

} // namespace

BOOST_AUTO_TEST_CASE(matroska_holds_all_of_a_film) {
  auto made = run_job(film(), temporary("all.mkv"), usual_job());
  BOOST_TEST(made.result.notes.empty());
  auto shown = play_file(temporary("all.mkv"));
  BOOST_TEST(shown.metadata["title"] == "A film");
  BOOST_TEST(shown.metadata["ARTIST"] == "Somebody");
  BOOST_REQUIRE(shown.streams.size() == 5);
  BOOST_TEST(shown.of(AVMEDIA_TYPE_VIDEO).parameters->sample_aspect_ratio.num == 16);
  BOOST_TEST(shown.of(AVMEDIA_TYPE_VIDEO).parameters->sample_aspect_ratio.den == 11);
  auto& english = shown.of(AVMEDIA_TYPE_AUDIO);
  auto& comment = shown.of(AVMEDIA_TYPE_AUDIO, 1);
  BOOST_TEST(english.metadata.at("language") == "eng");
  BOOST_TEST(english.metadata.at("title") == "English");
  BOOST_TEST((english.disposition & AV_DISPOSITION_DEFAULT) != 0);
  BOOST_TEST(comment.metadata.at("language") == "ger");
  BOOST_TEST((comment.disposition & AV_DISPOSITION_COMMENT) != 0);
  auto& french = shown.of(AVMEDIA_TYPE_SUBTITLE);
  BOOST_TEST(french.metadata.at("language") == "fre");
  BOOST_REQUIRE(french.lines.size() == 2);
  BOOST_TEST(has(french.lines[0], "Bonjour"));
  auto& font = shown.of(AVMEDIA_TYPE_ATTACHMENT);
  BOOST_TEST(font.metadata.at("filename") == "a.ttf");
  BOOST_TEST(std::string(reinterpret_cast<char*>(font.parameters->extradata), 17) == "not really a font");
  BOOST_REQUIRE(shown.chapters.size() == 2);
  BOOST_TEST(shown.chapters[1].second == "Two");
}

BOOST_AUTO_TEST_CASE(mp4_converts_subtitles_and_says_what_is_lost) {
  auto made = run_job(film(), temporary("all.mp4"), usual_job());
  auto notes = all_notes(made.result);
  BOOST_TEST(made.result.notes.size() == 2);
  BOOST_TEST(has(notes, "converted to mov_text"));
  BOOST_TEST(has(notes, "a.ttf is lost"));
  auto shown = play_file(temporary("all.mp4"));
  BOOST_TEST(shown.metadata["title"] == "A film");
  BOOST_TEST(shown.metadata["artist"] == "Somebody");
  auto& french = shown.of(AVMEDIA_TYPE_SUBTITLE);
  BOOST_TEST((french.parameters->codec_id == AV_CODEC_ID_MOV_TEXT));
  BOOST_TEST(french.metadata.at("language") == "fre");
  BOOST_REQUIRE(french.lines.size() == 2);
  // The source begins when its first sound does, 21 ms before its first picture.
  auto offset = made.index.video_stream()->first_pts - made.index.origin;
  BOOST_TEST(has(french.lines[0], std::to_string((45'000 + offset) / 90) + " "));
  BOOST_TEST(has(french.lines[1], "Au revoir"));
  BOOST_REQUIRE(shown.chapters.size() == 2);
  BOOST_TEST(shown.chapters[1].first == 1'000);
  BOOST_TEST(shown.of(AVMEDIA_TYPE_AUDIO, 1).metadata.at("language") == "ger");
  BOOST_TEST(shown.of(AVMEDIA_TYPE_VIDEO).parameters->sample_aspect_ratio.num == 16);
}

BOOST_AUTO_TEST_CASE(subtitles_go_from_mp4_to_matroska_and_webm) {
  run_job(film(), temporary("between.mp4"), usual_job());
  auto made = run_job(temporary("between.mp4"), temporary("back.mkv"), usual_job());
  BOOST_TEST(has(all_notes(made.result), "converted to subrip"));
  BOOST_TEST(has(play_file(temporary("back.mkv")).of(AVMEDIA_TYPE_SUBTITLE).lines.at(1), "Au revoir"));
  auto settings = usual_job();
  settings.video = usual_video("libvpx");
  settings.audio = usual_audio("libopus");
  made = run_job(temporary("between.mp4"), temporary("back.webm"), settings);
  BOOST_TEST(has(all_notes(made.result), "converted to webvtt"));
  BOOST_TEST(has(play_file(temporary("back.webm")).of(AVMEDIA_TYPE_SUBTITLE).lines.at(0), "Bonjour"));
}

BOOST_AUTO_TEST_CASE(lines_that_begin_at_once_do_so_where_the_container_can_say_it) {
  // A sign made of many subtitle lines that begin at the same time, as typesetters do.
  rich_source from;
  from.tracks = two_sounds();
  extra sign{AV_CODEC_ID_ASS, AVMEDIA_TYPE_SUBTITLE, "[Script Info]\nScriptType: v4.00+\n\n[Events]\n", {}};
  for (auto n = 0; n < 40; ++n)
    sign.lines.emplace_back(90'000, 90'000, std::to_string(n) + "," + std::to_string(n) + ",Default,,0,0,0,,x");
  from.extras = {sign};
  run_job(write_rich(from, "sign.mkv"), temporary("same-sign.mkv"), usual_job());
  auto shown = play_file(temporary("same-sign.mkv"));
  auto& lines = shown.of(AVMEDIA_TYPE_SUBTITLE).lines;
  auto begin = 90'000 + shown.of(AVMEDIA_TYPE_VIDEO).pictures.at(0).pts;
  BOOST_REQUIRE(lines.size() == 40);
  for (const auto& x : lines)
    BOOST_TEST(has(x, std::to_string(begin / 90) + " "));
}

BOOST_AUTO_TEST_CASE(a_transport_stream_names_what_it_cannot_hold) {
  auto made = run_job(film(), temporary("all.ts"), usual_job());
  auto notes = all_notes(made.result);
  BOOST_TEST(has(notes, "subtitle stream (subrip) is lost"));
  BOOST_TEST(has(notes, "a.ttf is lost"));
  BOOST_TEST(has(notes, "chapters are lost"));
  auto shown = play_file(temporary("all.ts"));
  BOOST_TEST(shown.of(AVMEDIA_TYPE_AUDIO, 1).metadata.at("language") == "ger");
  BOOST_TEST(shown.of(AVMEDIA_TYPE_VIDEO).errors == 0);
}

BOOST_AUTO_TEST_CASE(an_mp4_begins_with_its_index) {
  for (const auto* name : {"fast.mp4", "fast.mov"}) {
    run_job(film(), temporary(name), usual_job());
    auto bytes = read_bytes(temporary(name));
    BOOST_TEST(bytes.find("moov") < bytes.find("mdat"));
  }
}

BOOST_AUTO_TEST_CASE(sound_can_be_copied) {
  auto settings = usual_job();
  settings.audio.reset();
  for (const auto* name : {"copied.mp4", "copied.mkv", "copied.ts"}) {
    BOOST_TEST_CONTEXT(name) {
      run_job(film(), temporary(name), settings);
      auto before = play_file(film());
      auto after = play_file(temporary(name));
      for (size_t i : {0, 1}) {
        BOOST_TEST(after.of(AVMEDIA_TYPE_AUDIO, i).samples == before.of(AVMEDIA_TYPE_AUDIO, i).samples,
                   boost::test_tools::per_element());
        BOOST_TEST(after.of(AVMEDIA_TYPE_AUDIO, i).errors == 0);
      }
      BOOST_TEST(std::abs(sound_lag(after, 0, 0) - sound_lag(before, 0, 0)) <= 49);
    }
  }
}

BOOST_AUTO_TEST_CASE(pictures_can_be_copied) {
  auto settings = usual_job();
  settings.copy_video = true;
  for (const auto* name : {"remuxed.mp4", "remuxed.mkv", "remuxed.ts"}) {
    BOOST_TEST_CONTEXT(name) {
      run_job(film(), temporary(name), settings);
      std::vector<int64_t> times;
      for (auto n = 0; n < 75; ++n)
        times.push_back(n * 3'600);
      check_pictures(play_file(temporary(name)).of(AVMEDIA_TYPE_VIDEO), times, 0, 91);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_slant_picture_stays_so_or_says_that_it_does_not) {
  rich_source from;
  from.tracks = two_sounds();
  from.rotation = 45;
  auto source = write_rich(from, "slant.mp4");
  auto made = run_job(source, temporary("still-slant.mp4"), usual_job());
  BOOST_TEST(made.index.video_stream()->rotation == 45);
  BOOST_TEST(made.result.notes.empty());
  av::source_options options;
  options.url = temporary("still-slant.mp4");
  BOOST_TEST(av::index_source(options, unwatched())->video_stream()->rotation == 45);
  made = run_job(source, temporary("not-slant.mkv"), usual_job());
  BOOST_TEST(has(all_notes(made.result), "rotation"));
}

BOOST_AUTO_TEST_CASE(colours_and_light_are_carried) {
  rich_source from;
  from.tracks = two_sounds({.bt2020 = true});
  from.hdr = true;
  auto source = write_rich(from, "bright.mkv");
  for (const auto* name : {"still-bright.mp4", "still-bright.mkv"}) {
    BOOST_TEST_CONTEXT(name) {
      run_job(source, temporary(name), usual_job());
      av::input_context_ptr context;
      require(av::open_input(context, temporary(name)));
      require(avformat_find_stream_info(context.get(), nullptr));
      const auto& video = *context->streams[0];
      BOOST_TEST((video.codecpar->color_primaries == AVCOL_PRI_BT2020));
      BOOST_TEST((video.codecpar->color_trc == AVCOL_TRC_SMPTE2084));
      BOOST_TEST((video.codecpar->color_space == AVCOL_SPC_BT2020_NCL));
      const auto* light = reinterpret_cast<const AVContentLightMetadata*>(
        av_stream_get_side_data(&video, AV_PKT_DATA_CONTENT_LIGHT_LEVEL, nullptr));
      BOOST_REQUIRE(light != nullptr);
      BOOST_TEST(light->MaxCLL == 1'000);
    }
  }
}

BOOST_AUTO_TEST_CASE(what_an_encode_cannot_keep_of_a_bright_picture_is_said) {
  rich_source from;
  from.tracks = two_sounds({.bt2020 = true});
  from.dolby_vision = from.hdr10_plus = true;
  auto source = write_rich(from, "curves.mkv");
  auto notes = all_notes(run_job(source, temporary("no-curves.mkv"), usual_job()).result);
  BOOST_TEST(has(notes, "Dolby Vision"));
  BOOST_TEST(has(notes, "HDR10+"));
  auto settings = usual_job();
  settings.copy_video = true;
  notes = all_notes(run_job(source, temporary("same-curves.mkv"), settings).result);
  BOOST_TEST(!has(notes, "Dolby Vision"));
  BOOST_TEST(!has(notes, "HDR10+"));
  from.dolby_vision = from.hdr10_plus = false;
  notes = all_notes(run_job(write_rich(from, "no-curve.mkv"), temporary("as-before.mkv"), usual_job()).result);
  BOOST_TEST(!has(notes, "HDR10+"));
}

BOOST_AUTO_TEST_CASE(a_codec_that_the_container_does_not_hold_is_named) {
  auto settings = usual_job();
  settings.audio = usual_audio("ac3");
  settings.video = usual_video("libvpx");
  BOOST_CHECK_EXCEPTION(run_job(film(), temporary("wrong.webm"), settings), std::runtime_error,
                        [](const auto& x) { return has(x.what(), "ac3") && has(x.what(), "webm"); });
  BOOST_TEST(!std::filesystem::exists(temporary("wrong.webm")));
}

BOOST_AUTO_TEST_CASE(chunks_with_other_parameter_sets_bring_their_own) {
  for (const auto* name : {"mixed.mp4", "mixed.mkv", "mixed.ts"}) {
    BOOST_TEST_CONTEXT(name) {
      auto made = run_job(film(), temporary(name), usual_job());
      // Makes the middle chunk again, with another entropy coder, more reference pictures and another level.
      av::chunk_job job;
      job.source = made.assembly.source;
      auto windows = cut(made.index, 3);
      job.window = windows.at(1);
      job.exact = made.index.exact;
      job.output = temporary("other-chunk");
      auto settings = usual_video();
      settings.preset = "medium";
      settings.level = "4.2";
      job.streams = {{made.index.video, settings}};
      auto other = av::encode_chunk(job, unwatched());
      BOOST_REQUIRE(other);
      made.assembly.works.front().at(1) = {job.output, other->sha256};
      auto result = av::assemble(made.assembly, unwatched());
      BOOST_REQUIRE_MESSAGE(result, (result ? "" : result.error().what));
      std::vector<int64_t> times;
      for (auto n = 0; n < 75; ++n)
        times.push_back(n * 3'600);
      check_pictures(play_file(temporary(name)).of(AVMEDIA_TYPE_VIDEO), times, 0, 91);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_damaged_or_foreign_chunk_is_refused) {
  auto made = run_job(film(), temporary("refused.mp4"), usual_job());
  auto& chunk = made.assembly.works.front().at(1);
  auto good = read_bytes(chunk.path);
  auto refusal = [&](const std::string& bytes) {
    auto job = made.assembly;
    job.output = temporary("never.mp4");
    job.works.front().at(1).path = write_bytes("bad-chunk", bytes);
    auto result = av::assemble(job, unwatched());
    BOOST_REQUIRE(!result);
    BOOST_TEST(!std::filesystem::exists(job.output));
    BOOST_TEST(result.error().terminal());
    return result.error().what;
  };
  BOOST_TEST(has(refusal(good.substr(0, good.size() / 2)), "ends early"));
  auto damaged = good;
  damaged[good.size() / 2] = static_cast<char>(damaged[good.size() / 2] ^ 1);
  BOOST_TEST(has(refusal(damaged), "damaged"));
  BOOST_TEST(has(refusal("junk"), "no chunk file"));
  BOOST_TEST(has(refusal(good + "x"), "follows"));
  BOOST_TEST(has(refusal(read_bytes(made.assembly.works.front().at(0).path)), "chunk"));
  chunk.sha256 = std::string(64, '0');
  BOOST_TEST(has(refusal(good), "SHA-256"));
}

BOOST_AUTO_TEST_CASE(only_what_was_asked_for_is_carried) {
  auto made = run_job(film(), temporary("asked.mkv"), usual_job());
  auto job = made.assembly;
  job.extras.emplace();
  job.chapters = false;
  job.metadata = false;
  job.words = {{"title", "Another film"}};
  auto result = av::assemble(job, unwatched());
  BOOST_REQUIRE(result);
  BOOST_TEST(has(all_notes(*result), "not asked for"));
  auto shown = play_file(job.output);
  BOOST_TEST(shown.streams.size() == 3);
  BOOST_TEST(shown.chapters.empty());
  BOOST_TEST(shown.metadata["title"] == "Another film");
  BOOST_TEST(shown.metadata.count("ARTIST") == 0);
}

BOOST_AUTO_TEST_SUITE_END()
