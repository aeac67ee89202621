// Decodes in one thread, and counts every error.
#include "file_job.hpp"

#include "encoder/chunks/source_notes.hpp"
#include "encoder/format_ptr.hpp"
#include "rig/frame_code.hpp"

extern "C" {
#include <libavutil/dict.h>
}

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <memory>
#include <numbers>
#include <stdexcept>

namespace troupe::av::test {

namespace {

template <class T>
T value_or_throw(expected<T> x) {
  if (!x)
    throw std::runtime_error(x.error().what);
  return std::move(*x);
}

std::map<std::string, std::string> to_map(const AVDictionary* from) {
  std::map<std::string, std::string> result;
  for (const AVDictionaryEntry* x = nullptr; (x = av_dict_get(from, "", x, AV_DICT_IGNORE_SUFFIX)) != nullptr;)
    result.emplace(x->key, x->value);
  return result;
}

/// One stream of a file that is played.
struct player {
  played_stream out;
  codec_context_ptr decoder;
  AVRational base{1, 1};
  int64_t last_dts = no_pts;

  void open(const AVStream& from) {
    base = from.time_base;
    out.type = from.codecpar->codec_type;
    out.parameters = copy(*from.codecpar);
    out.metadata = to_map(from.metadata);
    out.disposition = from.disposition;
    const auto* codec = avcodec_find_decoder(from.codecpar->codec_id);
    if (codec == nullptr || out.type == AVMEDIA_TYPE_ATTACHMENT || out.type == AVMEDIA_TYPE_DATA)
      return;
    decoder.reset(checked(avcodec_alloc_context3(codec)));
    if (avcodec_parameters_to_context(decoder.get(), from.codecpar) < 0)
      throw std::runtime_error("no decoder");
    decoder->pkt_timebase = base;
    decoder->thread_count = 1;
    decoder->err_recognition = AV_EF_CRCCHECK | AV_EF_BITSTREAM | AV_EF_BUFFER | AV_EF_EXPLODE;
    if (avcodec_open2(decoder.get(), codec, nullptr) < 0)
      throw std::runtime_error("no decoder");
  }

  void take(AVFrame& x) {
    if (x.decode_error_flags != 0 || (x.flags & AV_FRAME_FLAG_CORRUPT) != 0)
      ++out.errors;
    if (out.type == AVMEDIA_TYPE_VIDEO) {
      auto pts = av_rescale_q(x.best_effort_timestamp, base, time_base);
      auto hdr = av_frame_get_side_data(&x, AV_FRAME_DATA_MASTERING_DISPLAY_METADATA) != nullptr;
      out.pictures.push_back({pts, bench::read_frame_code(x), x.width, x.height, x.interlaced_frame != 0,
                              static_cast<AVPixelFormat>(x.format), hdr, 0});
      return;
    }
    if (out.samples.empty())
      out.first_sample = av_rescale_q(x.pts, base, AVRational{1, x.sample_rate});
    auto planar = av_sample_fmt_is_planar(static_cast<AVSampleFormat>(x.format)) != 0;
    auto step = planar ? 1 : x.ch_layout.nb_channels;
    auto floats = av_get_packed_sample_fmt(static_cast<AVSampleFormat>(x.format)) == AV_SAMPLE_FMT_FLT;
    for (auto i = 0; i < x.nb_samples; ++i)
      out.samples.push_back(floats ? reinterpret_cast<const float*>(x.extended_data[0])[i * step]
                                   : static_cast<float>(reinterpret_cast<const int16_t*>(x.extended_data[0])[i * step])
                                       / 32'768);
  }

  void subtitle(AVPacket& packet) {
    AVSubtitle x = {};
    auto got = 0;
    if (avcodec_decode_subtitle2(decoder.get(), &x, &got, &packet) < 0)
      ++out.errors;
    if (got != 0) {
      for (unsigned i = 0; i < x.num_rects; ++i)
        if (x.rects[i]->ass != nullptr) {
          std::string text = x.rects[i]->ass;
          for (auto fields = 0; fields < 8 && text.find(',') != text.npos; ++fields)
            text.erase(0, text.find(',') + 1);
          out.lines.push_back(std::to_string(av_rescale_q(packet.pts, base, {1, 1000})) + " " + text);
        }
      avsubtitle_free(&x);
    }
  }

  void decode(AVPacket* packet) {
    if (packet != nullptr) {
      ++out.packets;
      if (packet->dts != AV_NOPTS_VALUE) {
        if (last_dts != no_pts && packet->dts <= last_dts)
          ++out.errors;
        last_dts = packet->dts;
      }
    }
    if (!decoder)
      return;
    if (out.type == AVMEDIA_TYPE_SUBTITLE) {
      if (packet != nullptr)
        subtitle(*packet);
      return;
    }
    if (avcodec_send_packet(decoder.get(), packet) < 0)
      ++out.errors;
    auto frame = make_frame();
    for (;;) {
      auto code = avcodec_receive_frame(decoder.get(), frame.get());
      if (code == AVERROR(EAGAIN) || code == AVERROR_EOF)
        return;
      if (code < 0)
        ++out.errors;
      else
        take(*frame);
    }
  }
};

chunk_result encode(const std::string& source, const source_index& index, const time_window& window,
                    std::vector<stream_plan> streams, const std::string& name) {
  chunk_job job;
  job.source.url = source;
  job.source.grid = index.video_stream() != nullptr ? index.video_stream()->grid : std::nullopt;
  job.streams = std::move(streams);
  job.late = index.late_streams();
  job.window = window;
  job.exact = index.exact;
  job.pictures = index.pictures_in(window.from_pts, window.to_pts);
  job.output = temporary(name);
  return value_or_throw(encode_chunk(job, unwatched()));
}

} // namespace

const work_control& unwatched() {
  static const std::atomic<bool> never{false};
  static const work_control result{never};
  return result;
}

clip as_clip(std::vector<stream> streams) {
  clip result;
  result.tracks = tracks_of(streams);
  result.packets = interleave(streams);
  return result;
}

std::string write_source(const clip& from, const std::string& name, const change& edit) {
  auto into = container_of(name);
  return write_file(from, into ? muxer_name(*into) : name.substr(name.rfind('.') + 1), name, edit);
}

std::vector<time_window> cut(const source_index& index, size_t count) {
  std::vector<time_window> result;
  time_window next;
  const auto& points = index.access_points;
  for (size_t i = 1; i < count; ++i) {
    auto at = points[std::min(points.size() * i / count, points.size() - 1)].pts;
    if (at <= points.front().pts || (!result.empty() && at <= result.back().to_pts))
      continue;
    next.to_pts = at;
    result.push_back(next);
    next = {at};
  }
  result.push_back(next);
  return result;
}

video_settings usual_video(const std::string& encoder) {
  video_settings result;
  result.encoder = encoder;
  if (encoder.starts_with("libx26")) {
    result.preset = "ultrafast";
    result.crf = 20;
  }
  if (encoder == "libx264")
    result.b_frames = 2;
  if (encoder.starts_with("libvpx"))
    result.options = {{"cpu-used", "8"}, {"deadline", "realtime"}};
  result.threads = 1;
  return result;
}

audio_settings usual_audio(const std::string& encoder) {
  audio_settings result;
  result.encoder = encoder;
  result.bit_rate = 128'000;
  return result;
}

job_outcome run_job(const std::string& source, const std::string& output, const job_settings& settings) {
  job_outcome made;
  source_options options;
  options.url = source;
  made.index = value_or_throw(index_source(options, unwatched()));
  made.assembly.source = options;
  made.assembly.origin = made.index.origin;
  made.assembly.late = made.index.late_streams();
  made.assembly.into = container_of(output).value();
  made.assembly.names = stream_names(made.index);
  made.assembly.output = output;
  auto add = [&](const time_window& window, std::vector<stream_plan> streams, std::vector<chunk_source>& work) {
    auto name = "chunk-" + std::to_string(made.chunks.size());
    made.chunks.push_back(encode(source, made.index, window, std::move(streams), name));
    work.push_back({temporary(name), made.chunks.back().sha256});
  };
  if (made.index.video >= 0) {
    auto& work = made.assembly.works.emplace_back();
    track_plan plan = settings.video;
    if (settings.copy_video) {
      plan = copy_track{};
      made.assembly.copied.push_back(made.index.video);
    }
    for (const auto& window : settings.copy_video ? std::vector<time_window>(1) : cut(made.index, settings.chunks))
      add(window, {{made.index.video, plan}}, work);
  }
  std::vector<stream_plan> sounds;
  for (const auto& x : made.index.streams)
    if (x.kind == stream_kind::audio && x.readable) {
      sounds.push_back({x.stream, settings.audio ? track_plan{*settings.audio} : track_plan{copy_track{}}});
      if (!settings.audio)
        made.assembly.copied.push_back(x.stream);
    }
  if (!sounds.empty())
    add({}, sounds, made.assembly.works.emplace_back());
  made.result = value_or_throw(assemble(made.assembly, unwatched()));
  return made;
}

const played_stream& played_file::of(AVMediaType type, size_t number) const {
  for (const auto& x : streams)
    if (x.type == type && number-- == 0)
      return x;
  throw std::runtime_error("no such stream in the result");
}

played_file play_file(const std::string& path) {
  input_context_ptr context;
  if (open_input(context, path) < 0)
    throw std::runtime_error("cannot open " + path);
  if (avformat_find_stream_info(context.get(), nullptr) < 0)
    throw std::runtime_error("cannot probe " + path);
  played_file result;
  result.metadata = to_map(context->metadata);
  for (unsigned i = 0; i < context->nb_chapters; ++i) {
    auto words = to_map(context->chapters[i]->metadata);
    result.chapters.emplace_back(av_rescale_q(context->chapters[i]->start, context->chapters[i]->time_base, {1, 1000}),
                                 words["title"]);
  }
  std::vector<player> players(context->nb_streams);
  for (unsigned i = 0; i < context->nb_streams; ++i)
    players[i].open(*context->streams[i]);
  auto packet = make_packet();
  while (av_read_frame(context.get(), packet.get()) >= 0) {
    players[static_cast<size_t>(packet->stream_index)].decode(packet.get());
    av_packet_unref(packet.get());
  }
  for (auto& x : players) {
    x.decode(nullptr);
    result.streams.push_back(std::move(x.out));
  }
  return result;
}

void check_pictures(const played_stream& shown, const std::vector<int64_t>& times, uint32_t first, int64_t slack) {
  BOOST_TEST(shown.errors == 0);
  BOOST_REQUIRE(shown.pictures.size() == times.size());
  for (size_t i = 0; i < times.size(); ++i) {
    const auto& x = shown.pictures[i];
    BOOST_TEST_CONTEXT("picture " << i) {
      BOOST_REQUIRE(x.number.has_value());
      BOOST_REQUIRE(*x.number == first + i);
      auto off = x.pts - shown.pictures[0].pts - times[i] + times[0];
      BOOST_REQUIRE_MESSAGE(std::abs(off) <= slack, "it is " << off << " ticks late");
    }
  }
}

int64_t sound_lag(const played_file& result, int64_t first_pts, int64_t first_sample) {
  const auto& sound = result.of(AVMEDIA_TYPE_AUDIO);
  auto rate = sound.parameters->sample_rate;
  auto shift = av_rescale(result.of(AVMEDIA_TYPE_VIDEO).pictures.at(0).pts - first_pts, rate, 90'000);
  // The index of the first played sample, counted from the first sample of the source.
  auto begin = sound.first_sample - shift - first_sample;
  constexpr int64_t lag_max = 2'000;
  constexpr int64_t length = 120'000;
  std::vector<double> tone;
  auto phase = 0.0;
  for (int64_t n = 0; n < length + 2 * lag_max + 4'800; ++n) {
    phase += 2 * std::numbers::pi * (300 + 0.01 * static_cast<double>(n)) / rate;
    tone.push_back(std::sin(phase));
  }
  auto best = 0.0;
  int64_t found = lag_max;
  for (auto lag = -lag_max; lag <= lag_max; ++lag) {
    auto sum = 0.0;
    // Every few samples are enough.
    for (int64_t n = lag_max + 2'400; n < length; n += 7)
      sum += static_cast<double>(sound.samples.at(static_cast<size_t>(n - begin))) * tone[static_cast<size_t>(n - lag)];
    if (sum > best) {
      best = sum;
      found = lag;
    }
  }
  return found;
}

} // namespace troupe::av::test
