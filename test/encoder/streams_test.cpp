// Goal: of each stream of a source the result has what its container holds, and says what it has not. Method: sources with many sounds, fonts, subtitles of
// QuickTime, captions and transparency, written with libavformat, go through a whole job.
#include "encoder/carried_check.hpp"
#include "encoder/decoder.hpp"
#include "encoder/verifier.hpp"
#include "file_job.hpp"

extern "C" {
#include <libavutil/dict.h>
#include <libavutil/dovi_meta.h>
#include <libavutil/pixdesc.h>
}

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <functional>
#include <memory>

using namespace troupe::av::test;

namespace av = troupe::av;

namespace {

void require(int code) {
  BOOST_REQUIRE(code >= 0);
}

bool has(const std::string& text, const std::string& part) {
  auto found = text.find(part) != text.npos;
  if (!found)
    BOOST_TEST_MESSAGE(text);
  return found;
}

std::string all_notes(const av::assembly_result& x) {
  std::string result;
  for (const auto& note : x.notes)
    result += std::to_string(note.stream) + ": " + note.what + "\n";
  return result;
}

/// A stream beside the clip's, and its packets' begin (ticks) and text; each lasts half a second.
struct extra {
  AVMediaType type;
  AVCodecID codec;
  std::map<std::string, std::string> words{};
  std::vector<std::pair<int64_t, std::string>> lines{};
};

struct film {
  clip tracks;
  std::map<size_t, std::string> languages{}; ///< by track
  std::vector<extra> extras{};
  std::function<void(AVStream&)> edit{}; ///< of each stream
};

void set_extradata(AVCodecParameters& to, const std::string& bytes) {
  to.extradata = static_cast<uint8_t*>(av_mallocz(bytes.size() + AV_INPUT_BUFFER_PADDING_SIZE));
  to.extradata_size = static_cast<int>(bytes.size());
  std::memcpy(to.extradata, bytes.data(), bytes.size());
}

std::string write_film(const film& from, const std::string& name) {
  auto path = temporary(name);
  AVFormatContext* out = nullptr;
  require(avformat_alloc_output_context2(&out, nullptr, av::muxer_name(av::container_of(name).value()), path.c_str()));
  out->strict_std_compliance = FF_COMPLIANCE_UNOFFICIAL;
  out->max_streams = 2000;
  std::vector<av::packet_ptr> packets;
  for (const auto& x : from.tracks.packets)
    packets.emplace_back(av_packet_clone(x.get()));
  for (size_t i = 0; i < from.tracks.tracks.size(); ++i) {
    auto& stream = *avformat_new_stream(out, nullptr);
    require(avcodec_parameters_copy(stream.codecpar, from.tracks.tracks[i].parameters.get()));
    stream.codecpar->codec_tag = 0;
    stream.time_base = av::time_base;
    stream.avg_frame_rate = from.tracks.tracks[i].frame_rate;
    if (from.languages.contains(i))
      av_dict_set(&stream.metadata, "language", from.languages.at(i).c_str(), 0);
  }
  for (const auto& x : from.extras) {
    auto& stream = *avformat_new_stream(out, nullptr);
    stream.codecpar->codec_type = x.type;
    stream.codecpar->codec_id = x.codec;
    stream.time_base = av::time_base;
    if (x.type == AVMEDIA_TYPE_ATTACHMENT)
      set_extradata(*stream.codecpar, "not really a font");
    for (const auto& [key, value] : x.words)
      av_dict_set(&stream.metadata, key.c_str(), value.c_str(), 0);
    for (const auto& [begin, text] : x.lines) {
      auto packet = av::make_packet();
      require(av_new_packet(packet.get(), static_cast<int>(text.size())));
      std::memcpy(packet->data, text.data(), text.size());
      packet->pts = packet->dts = begin;
      packet->duration = 45'000;
      packet->stream_index = stream.index;
      packet->flags = AV_PKT_FLAG_KEY;
      packets.push_back(std::move(packet));
    }
  }
  for (unsigned i = 0; from.edit && i < out->nb_streams; ++i)
    from.edit(*out->streams[i]);
  require(avio_open(&out->pb, path.c_str(), AVIO_FLAG_WRITE));
  require(avformat_write_header(out, nullptr));
  std::stable_sort(packets.begin(), packets.end(), [](const auto& a, const auto& b) { return a->dts < b->dts; });
  for (auto& x : packets) {
    av_packet_rescale_ts(x.get(), av::time_base, out->streams[x->stream_index]->time_base);
    require(av_interleaved_write_frame(out, x.get()));
  }
  require(av_write_trailer(out));
  avio_closep(&out->pb);
  avformat_free_context(out);
  return path;
}

stream short_picture(video_source from = {}) {
  from.frames = 25;
  from.gop = 25;
  from.first_pts = 0;
  from.global_header = true;
  return make_video(from);
}

clip picture_and_sounds(size_t sounds) {
  std::vector<stream> streams;
  streams.push_back(short_picture());
  auto sound = make_audio({.encoder = "aac", .first_sample = 0, .samples = 24'576, .global_header = true});
  for (size_t i = 0; i < sounds; ++i) {
    auto& made = streams.emplace_back();
    made.info = sound.info.clone();
    for (const auto& x : sound.packets)
      made.packets.emplace_back(av_packet_clone(x.get()));
  }
  return as_clip(std::move(streams));
}

job_settings copies() {
  job_settings result;
  result.copy_video = true;
  return result;
}

job_settings quick() {
  return {usual_video(), usual_audio()};
}

size_t count(const std::string& path, AVMediaType type) {
  auto shown = play_file(path);
  return static_cast<size_t>(
    std::count_if(shown.streams.begin(), shown.streams.end(), [type](const auto& x) { return x.type == type; }));
}

const AVCodecParameters& first(const played_file& x, AVMediaType type) {
  return *x.of(type).parameters;
}

av::verification verified(const job_outcome& made) {
  av::verification_job job;
  job.path = made.assembly.output;
  job.streams = made.result.streams;
  job.others = made.result.others;
  auto result = av::verify(job, unwatched());
  BOOST_REQUIRE_MESSAGE(result, (result ? "" : result.error().what));
  return *result;
}

/// A picture with user data of ATSC in front of it, which has two characters.
void add_captions(clip& to) {
  constexpr std::array<uint8_t, 22> message{0,   0,   0,   1,    6,    4,    14,   0xb5, 0x00, 0x31, 'G',
                                            'A', '9', '4', 0x03, 0x41, 0xff, 0xfc, 0x94, 0x2c, 0xff, 0x80};
  for (auto& x : to.packets) {
    if (x->stream_index != 0)
      continue;
    auto size = static_cast<size_t>(x->size);
    require(av_grow_packet(x.get(), static_cast<int>(message.size())));
    require(av_packet_make_writable(x.get()));
    std::memmove(x->data + message.size(), x->data, size);
    std::memcpy(x->data, message.data(), message.size());
  }
}

/// What a player's decoder gives for the captions of each picture that has some.
std::vector<std::vector<uint8_t>> captions_of(const std::string& path) {
  av::source_options options;
  options.url = path;
  const std::atomic<bool> never{false};
  auto source = av::demuxer::open(options, never);
  BOOST_REQUIRE(source);
  std::vector<std::vector<uint8_t>> result;
  auto decode = av::decoder::open(source->tracks().at(0), {1, false});
  BOOST_REQUIRE(decode);
  auto keep = [&result](AVFrame& x) -> av::expected<void> {
    if (const auto* found = av_frame_get_side_data(&x, AV_FRAME_DATA_A53_CC); found != nullptr)
      result.emplace_back(found->data, found->data + found->size);
    return {};
  };
  auto packet = av::make_packet();
  for (auto more = source->read(*packet); more && *more; more = source->read(*packet))
    if (packet->stream_index == 0)
      BOOST_REQUIRE(decode->decode(*packet, keep));
  BOOST_REQUIRE(decode->drain(keep));
  return result;
}

} // namespace

BOOST_AUTO_TEST_SUITE(streams_test)

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
  job.names.push_back("audio stream (mp2)");
  auto result = av::assemble(job, unwatched());
  BOOST_REQUIRE(result);
  BOOST_TEST(has(all_notes(*result), "2: audio stream (mp2) is lost: it begins later"));
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
  BOOST_TEST(verified(run_job(film, temporary("marks-out.mkv"), copies())).notes.empty());
  auto notes = verified(run_job(film, temporary("marks-out.mp4"), copies())).notes;
  BOOST_REQUIRE(notes.size() == 2u);
  BOOST_TEST(notes[0].stream == 2);
  BOOST_TEST(has(notes[0].what, "\"comment\""));
  BOOST_TEST(notes[1].stream == 3);
  BOOST_TEST(has(notes[1].what, "\"forced\""));
}

BOOST_AUTO_TEST_CASE(the_record_of_dolby_vision_goes_with_a_copy) {
  film from{picture_and_sounds(1)};
  from.edit = [](AVStream& x) {
    if (x.index != 0)
      return;
    size_t size = 0;
    std::unique_ptr<AVDOVIDecoderConfigurationRecord, decltype(&av_free)> record{av_dovi_alloc(&size), av_free};
    record->dv_version_major = 1;
    record->dv_profile = 9;
    record->dv_level = 1;
    record->rpu_present_flag = record->bl_present_flag = record->dv_bl_signal_compatibility_id = 1;
    std::memcpy(av_stream_new_side_data(&x, AV_PKT_DATA_DOVI_CONF, size), record.get(), size);
  };
  auto film = write_film(from, "dolby.mkv");
  for (const auto* name : {"dolby-out.mkv", "dolby-out.mp4", "dolby-out.mov"}) {
    BOOST_TEST_CONTEXT(name) {
      auto made = run_job(film, temporary(name), copies());
      AVFormatContext* context = nullptr;
      require(avformat_open_input(&context, temporary(name).c_str(), nullptr, nullptr));
      require(avformat_find_stream_info(context, nullptr));
      auto* found = av_stream_get_side_data(context->streams[0], AV_PKT_DATA_DOVI_CONF, nullptr);
      BOOST_REQUIRE(found != nullptr);
      BOOST_TEST(reinterpret_cast<const AVDOVIDecoderConfigurationRecord*>(found)->dv_profile == 9);
      avformat_close_input(&context);
      BOOST_TEST(!has(all_notes(made.result), "Dolby"));
    }
  }
  auto notes = verified(run_job(film, temporary("dolby-out.ts"), copies())).notes;
  BOOST_REQUIRE(notes.size() == 1u);
  BOOST_TEST(has(notes[0].what, "DOVI configuration record\" is lost"));
}

BOOST_AUTO_TEST_CASE(transparency_is_kept_or_named) {
  std::vector<stream> streams;
  streams.push_back(
    short_picture({.encoder = "prores_ks", .pixel_format = AV_PIX_FMT_YUVA444P10LE, .global_header = true}));
  auto film = write_film({as_clip(std::move(streams))}, "glass.mov");
  job_settings settings{usual_video("prores_ks"), usual_audio()};
  auto made = run_job(film, temporary("glass-out.mov"), settings);
  auto alpha = [](const AVCodecParameters& x) {
    return (av_pix_fmt_desc_get(static_cast<AVPixelFormat>(x.format))->flags & AV_PIX_FMT_FLAG_ALPHA) != 0;
  };
  BOOST_TEST(alpha(first(play_file(made.assembly.output), AVMEDIA_TYPE_VIDEO)));
  BOOST_TEST(first(play_file(made.assembly.output), AVMEDIA_TYPE_VIDEO).profile == FF_PROFILE_PRORES_4444);
  BOOST_TEST(all_notes(made.result) == "");
  settings.video = usual_video("libvpx-vp9");
  made = run_job(film, temporary("glass-out.webm"), settings);
  BOOST_TEST(play_file(made.assembly.output).of(AVMEDIA_TYPE_VIDEO).metadata.at("alpha_mode") == "1");
  BOOST_TEST(verified(made).pictures == 25u);
  BOOST_TEST(all_notes(made.result) == "");
  // From a second picture beside the first to a plane of its own.
  settings.video = usual_video("prores_ks");
  made = run_job(temporary("glass-out.webm"), temporary("glass-back.mov"), settings);
  BOOST_TEST(alpha(first(play_file(made.assembly.output), AVMEDIA_TYPE_VIDEO)));
  BOOST_TEST(all_notes(made.result) == "");
  made = run_job(temporary("glass-out.webm"), temporary("glass-copy.mkv"), copies());
  BOOST_TEST(play_file(made.assembly.output).of(AVMEDIA_TYPE_VIDEO).metadata.at("ALPHA_MODE") == "1");
  BOOST_TEST(all_notes(made.result) == "");
  settings.video = usual_video("libvpx-vp9");
  made = run_job(film, temporary("glass-vp9.mp4"), settings);
  BOOST_TEST(has(all_notes(made.result), "mp4 does not hold that of vp9; mkv or webm holds it"));
  made = run_job(film, temporary("glass-out.mp4"), quick());
  BOOST_TEST(has(all_notes(made.result), "transparency of the picture is lost: h264"));
}

BOOST_AUTO_TEST_CASE(captions_in_the_picture_are_kept_or_named) {
  auto tracks = picture_and_sounds(1);
  add_captions(tracks);
  auto film = write_film({std::move(tracks)}, "captions.mkv");
  BOOST_TEST(!has(all_notes(run_job(film, temporary("captions-copy.mp4"), copies()).result), "captions"));
  BOOST_TEST(!has(all_notes(run_job(film, temporary("captions-x264.mp4"), quick()).result), "captions"));
  job_settings settings{usual_video("libvpx-vp9"), usual_audio()};
  BOOST_TEST(has(all_notes(run_job(film, temporary("captions-vp9.mkv"), settings).result), "closed captions"));
  for (const auto* encoder : {"libx264", "libx265", "libsvtav1"}) {
    BOOST_TEST_CONTEXT(encoder) {
      auto name = temporary(std::string{"captions-"} + encoder + ".mp4");
      settings.video = usual_video(encoder);
      auto made = run_job(film, name, settings);
      BOOST_TEST(all_notes(made.result) == "");
      BOOST_TEST(verified(made).pictures == 25u);
      auto captions = captions_of(name);
      BOOST_TEST(captions.size() == 25u);
      for (const auto& x : captions)
        BOOST_TEST(x == (std::vector<uint8_t>{0xfc, 0x94, 0x2c}), boost::test_tools::per_element());
    }
  }
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
