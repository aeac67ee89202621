// Goal: additional picture data (transparency, captions, the Dolby Vision record) is kept if encoder and container
// support it, and noted otherwise. Method: sources with such data go through a whole job, and a player's decoder reads
// the result.
#include "encoder/codec/decoder.hpp"
#include "encoder/format_ptr.hpp"
#include "encoder/log.hpp"
#include "film.hpp"

extern "C" {
#include <libavutil/dovi_meta.h>
#include <libavutil/pixdesc.h>
}

#include <boost/test/unit_test.hpp>

#include <array>
#include <atomic>
#include <cstring>
#include <memory>

using namespace troupe::av::test;

namespace av = troupe::av;

BOOST_AUTO_TEST_SUITE(picture_extras_test)

namespace {

void require(int code) {
  BOOST_REQUIRE(code >= 0);
}

const AVCodecParameters& first(const played_file& x, AVMediaType type) {
  return *x.of(type).parameters;
}

/// A second of pictures whose left part is transparent.
stream glass() {
  av::quiet_logs();
  av::codec_context_ptr context{avcodec_alloc_context3(avcodec_find_encoder_by_name("prores_ks"))};
  context->width = 64;
  context->height = 32;
  context->pix_fmt = AV_PIX_FMT_YUVA444P10LE;
  context->time_base = {1, 25};
  context->thread_count = 1;
  require(avcodec_open2(context.get(), nullptr, nullptr));
  stream result;
  for (auto n = 0; n < 25; ++n) {
    auto frame = av::make_frame();
    frame->width = context->width;
    frame->height = context->height;
    frame->format = context->pix_fmt;
    frame->pts = n;
    require(av_frame_get_buffer(frame.get(), 0));
    for (auto plane = 0; plane < 4; ++plane)
      for (auto y = 0; y < frame->height; ++y)
        for (auto x = 0; x < frame->width; ++x)
          reinterpret_cast<uint16_t*>(frame->data[plane] + y * frame->linesize[plane])[x] =
            static_cast<uint16_t>(plane < 3 ? 512 + 4 * n
                                  : x < 32  ? 0
                                            : 1023);
    require(avcodec_send_frame(context.get(), frame.get()));
    auto packet = av::make_packet();
    require(avcodec_receive_packet(context.get(), packet.get()));
    packet->pts = packet->dts = n * 3'600;
    packet->duration = 3'600;
    result.packets.push_back(std::move(packet));
  }
  result.info.parameters = av::make_codec_parameters();
  require(avcodec_parameters_from_context(result.info.parameters.get(), context.get()));
  result.info.frame_rate = {25, 1};
  return result;
}

/// Puts ATSC user data with a caption of two characters before each picture.
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

/// The caption data that a player's decoder returns, for each picture that has any.
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
  for (const auto* name : {"dolby-out.mkv", "dolby-out.mp4"}) {
    BOOST_TEST_CONTEXT(name) {
      auto made = run_job(film, temporary(name), copies());
      av::input_context_ptr context;
      require(av::open_input(context, temporary(name)));
      require(avformat_find_stream_info(context.get(), nullptr));
      auto* found = av_stream_get_side_data(context->streams[0], AV_PKT_DATA_DOVI_CONF, nullptr);
      BOOST_REQUIRE(found != nullptr);
      BOOST_TEST(reinterpret_cast<const AVDOVIDecoderConfigurationRecord*>(found)->dv_profile == 9);
      BOOST_TEST(!has(all_notes(made.result), "Dolby"));
    }
  }
  for (const auto* name : {"dolby-out.mov", "dolby-out.ts"}) {
    BOOST_TEST_CONTEXT(name) {
      auto notes = verified(run_job(film, temporary(name), copies())).notes;
      BOOST_REQUIRE(notes.size() == 1u);
      BOOST_TEST(has(notes[0].what, "DOVI configuration record\" is lost"));
    }
  }
}

BOOST_AUTO_TEST_CASE(transparency_is_kept_or_named) {
  std::vector<stream> streams;
  streams.push_back(glass());
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
  // VP9 stores transparency as a second coded picture, ProRes as a plane.
  settings.video = usual_video("prores_ks");
  made = run_job(temporary("glass-out.webm"), temporary("glass-back.mov"), settings);
  BOOST_TEST(alpha(first(play_file(made.assembly.output), AVMEDIA_TYPE_VIDEO)));
  BOOST_TEST(all_notes(made.result) == "");
  made = run_job(temporary("glass-out.webm"), temporary("glass-copy.mkv"), copies());
  BOOST_TEST(play_file(made.assembly.output).of(AVMEDIA_TYPE_VIDEO).metadata.at("alpha_mode") == "1");
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
      // Pictures of AV1 that repeat an earlier one leave theirs to the next.
      auto with_pictures = std::string_view{encoder} != "libsvtav1";
      size_t pairs = 0;
      for (const auto& x : captions) {
        pairs += x.size() / 3;
        if (with_pictures)
          BOOST_TEST(x == (std::vector<uint8_t>{0xfc, 0x94, 0x2c}), boost::test_tools::per_element());
      }
      BOOST_TEST(pairs <= 25u);
      BOOST_TEST(pairs >= (with_pictures ? 25u : 20u));
    }
  }
}

BOOST_AUTO_TEST_CASE(captions_come_once_whatever_becomes_of_their_pictures) {
  auto tracks = picture_and_sounds(1);
  add_captions(tracks);
  auto film = write_film({std::move(tracks)}, "rates.mkv");
  auto settings = quick();
  for (auto rate : {5, 50}) {
    BOOST_TEST_CONTEXT(rate << " pictures a second") {
      settings.video.frame_rate = {rate, 1};
      auto made = run_job(film, temporary("rates-out.mkv"), settings);
      size_t pairs = 0;
      size_t pictures = 0;
      for (const auto& x : captions_of(made.assembly.output)) {
        pairs += x.size() / 3;
        ++pictures;
      }
      BOOST_TEST(pairs >= 21u); // pairs that come after the last picture are lost
      BOOST_TEST(pairs <= 25u);
      BOOST_TEST(pictures <= (rate == 5 ? 6u : 25u));
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
