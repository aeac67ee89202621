// Encoders, muxers and sockets, used directly: the code under test must not help to make its own test data.
#include "clip.hpp"

#include "encoder/format_ptr.hpp"
#include "encoder/log.hpp"

extern "C" {
#include <libavutil/opt.h>
}

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <memory>
#include <mutex>
#include <sstream>
#include <stdexcept>
#include <thread>

namespace troupe::av::test {

namespace {

int check(int rc) {
  if (rc < 0)
    throw std::runtime_error{"libav: " + std::to_string(rc)};
  return rc;
}

struct folder {
  folder() : path{std::filesystem::temp_directory_path() / ("troupe-test-" + std::to_string(::getpid()))} {
    std::filesystem::create_directories(path);
  }

  ~folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }

  std::filesystem::path path;
};

void drain(AVCodecContext& encoder, const AVFrame* frame, int index, clip& out) {
  check(avcodec_send_frame(&encoder, frame));
  for (;;) {
    auto x = make_packet();
    auto rc = avcodec_receive_packet(&encoder, x.get());
    if (rc == AVERROR(EAGAIN) || rc == AVERROR_EOF)
      return;
    check(rc);
    av_packet_rescale_ts(x.get(), encoder.time_base, time_base);
    x->stream_index = index;
    out.packets.push_back(std::move(x));
  }
}

codec_context_ptr make_encoder(const std::string& name, bool global_header) {
  const auto* codec = avcodec_find_encoder_by_name(name.c_str());
  if (codec == nullptr)
    throw std::runtime_error{"no encoder " + name};
  codec_context_ptr result{checked(avcodec_alloc_context3(codec))};
  result->thread_count = 1;
  if (global_header)
    result->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
  return result;
}

void add_track(clip& out, const AVCodecContext& encoder, AVRational rate) {
  track x;
  x.parameters = make_codec_parameters();
  check(avcodec_parameters_from_context(x.parameters.get(), &encoder));
  x.frame_rate = rate;
  out.tracks.push_back(std::move(x));
}

void encode_video(const clip_settings& settings, clip& out) {
  auto encoder = make_encoder(settings.video, settings.global_header);
  encoder->width = 160;
  encoder->height = 96;
  encoder->pix_fmt = AV_PIX_FMT_YUV420P;
  encoder->time_base = {1, 25};
  encoder->framerate = {25, 1};
  encoder->gop_size = settings.gop;
  encoder->max_b_frames = settings.b_frames;
  if (settings.video == "libx264")
    check(av_opt_set(encoder->priv_data, "preset", "ultrafast", 0));
  for (const auto& [name, value] : settings.options)
    check(av_opt_set(encoder.get(), name.c_str(), value.c_str(), AV_OPT_SEARCH_CHILDREN));
  check(avcodec_open2(encoder.get(), nullptr, nullptr));
  auto index = static_cast<int>(out.tracks.size());
  add_track(out, *encoder, encoder->framerate);
  auto frame = make_frame();
  frame->width = encoder->width;
  frame->height = encoder->height;
  frame->format = encoder->pix_fmt;
  check(av_frame_get_buffer(frame.get(), 0));
  for (int n = 0; n < settings.frames; ++n) {
    check(av_frame_make_writable(frame.get()));
    for (int plane = 0; plane < 3; ++plane)
      for (int y = 0; y < (plane == 0 ? 96 : 48); ++y)
        for (int x = 0; x < (plane == 0 ? 160 : 80); ++x)
          frame->data[plane][y * frame->linesize[plane] + x] = static_cast<uint8_t>(x + y * 2 + n * (3 + plane));
    frame->pts = n;
    drain(*encoder, frame.get(), index, out);
  }
  drain(*encoder, nullptr, index, out);
}

void encode_audio(const clip_settings& settings, clip& out) {
  auto encoder = make_encoder(settings.audio, settings.global_header);
  encoder->sample_rate = 48'000;
  encoder->time_base = {1, 48'000};
  encoder->sample_fmt = encoder->codec->sample_fmts[0];
  av_channel_layout_default(&encoder->ch_layout, 2);
  encoder->bit_rate = 96'000;
  check(avcodec_open2(encoder.get(), nullptr, nullptr));
  auto index = static_cast<int>(out.tracks.size());
  add_track(out, *encoder, {0, 1});
  auto frame = make_frame();
  frame->nb_samples = encoder->frame_size > 0 ? encoder->frame_size : 1024;
  frame->format = encoder->sample_fmt;
  frame->sample_rate = encoder->sample_rate;
  check(av_channel_layout_copy(&frame->ch_layout, &encoder->ch_layout));
  check(av_frame_get_buffer(frame.get(), 0));
  check(av_samples_set_silence(frame->data, 0, frame->nb_samples, 2, encoder->sample_fmt));
  for (int64_t at = 0; at < settings.frames * 1920; at += frame->nb_samples) {
    check(av_frame_make_writable(frame.get()));
    if (encoder->sample_fmt == AV_SAMPLE_FMT_FLTP)
      for (int i = 0; i < frame->nb_samples; ++i)
        for (int c = 0; c < 2; ++c)
          reinterpret_cast<float*>(frame->data[c])[i] = 0.3f * std::sin(static_cast<float>(at + i) * 0.0576f);
    frame->pts = at;
    drain(*encoder, frame.get(), index, out);
  }
  drain(*encoder, nullptr, index, out);
}

folder& own_folder() {
  static folder instance;
  return instance;
}

} // namespace

clip make_clip(const clip_settings& settings) {
  quiet_logs();
  clip result;
  if (!settings.video.empty())
    encode_video(settings, result);
  if (!settings.audio.empty())
    encode_audio(settings, result);
  std::stable_sort(result.packets.begin(), result.packets.end(),
                   [](const packet_ptr& a, const packet_ptr& b) { return a->dts < b->dts; });
  return result;
}

std::string temporary(const std::string& name) {
  return (own_folder().path / name).string();
}

std::string write_file(const clip& from, const std::string& format, const std::string& name, const change& edit,
                       const std::map<std::string, std::string>& muxer) {
  auto path = temporary(name);
  output_context_ptr context;
  check(make_output(context, format.c_str(), path));
  for (const auto& x : from.tracks) {
    auto* stream = checked(avformat_new_stream(context.get(), nullptr));
    check(avcodec_parameters_copy(stream->codecpar, x.parameters.get()));
    stream->codecpar->codec_tag = 0;
    stream->time_base = time_base;
    stream->avg_frame_rate = x.frame_rate;
    stream->sample_aspect_ratio = x.parameters->sample_aspect_ratio;
    // AVI counts pictures.
    if (format == "avi" && x.frame_rate.num > 0)
      stream->time_base = av_inv_q(x.frame_rate);
  }
  check(open_file(*context));
  AVDictionary* options = nullptr;
  if (format == "mpegts") {
    av_dict_set(&options, "mpegts_copyts", "1", 0);
    context->avoid_negative_ts = 0;
  }
  for (const auto& [option, value] : muxer)
    av_dict_set(&options, option.c_str(), value.c_str(), 0);
  auto rc = avformat_write_header(context.get(), &options);
  av_dict_free(&options);
  check(rc);
  for (const auto& x : from.packets) {
    packet_ptr y{checked(av_packet_clone(x.get()))};
    if (edit && !edit(*y))
      continue;
    av_packet_rescale_ts(y.get(), time_base, context->streams[y->stream_index]->time_base);
    check(av_interleaved_write_frame(context.get(), y.get()));
  }
  check(av_write_trailer(context.get()));
  return path;
}

change moved(int64_t ticks) {
  return [ticks](AVPacket& x) {
    x.pts += ticks;
    x.dts += ticks;
    return true;
  };
}

std::string read_bytes(const std::string& path) {
  std::ifstream in{path, std::ios::binary};
  std::stringstream out;
  out << in.rdbuf();
  return out.str();
}

std::string write_bytes(const std::string& name, const std::string& bytes) {
  auto path = temporary(name);
  std::ofstream{path, std::ios::binary} << bytes;
  return path;
}

struct tiny_server::state {
  std::function<std::string(const std::string&)> answer;
  int listener = -1;
  uint16_t port = 0;
  std::atomic<bool> stop{false};
  mutable std::mutex mutex;
  std::vector<std::string> paths;
  std::vector<int> silent;
  std::thread thread;

  void serve(int peer) {
    std::string request;
    char buffer[4096];
    while (request.find("\r\n\r\n") == std::string::npos && request.size() < 65'536) {
      auto n = ::recv(peer, buffer, sizeof buffer, 0);
      if (n <= 0)
        break;
      request.append(buffer, static_cast<size_t>(n));
    }
    auto begin = request.find(' ') + 1;
    auto path = request.substr(begin, request.find(' ', begin) - begin);
    {
      std::lock_guard lock{mutex};
      paths.push_back(path);
    }
    auto text = answer(path);
    if (text == "hang") {
      silent.push_back(peer);
      return;
    }
    for (size_t at = 0; at < text.size();) {
      auto n = ::send(peer, text.data() + at, text.size() - at, MSG_NOSIGNAL);
      if (n <= 0)
        break;
      at += static_cast<size_t>(n);
    }
    ::close(peer);
  }

  void run() {
    while (!stop) {
      pollfd x{listener, POLLIN, 0};
      if (::poll(&x, 1, 20) <= 0)
        continue;
      if (auto peer = ::accept(listener, nullptr, nullptr); peer >= 0)
        serve(peer);
    }
  }
};

tiny_server::tiny_server(std::function<std::string(const std::string&)> answer) : state_{std::make_unique<state>()} {
  auto& x = *state_;
  x.answer = std::move(answer);
  x.listener = check(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  check(::bind(x.listener, reinterpret_cast<sockaddr*>(&address), sizeof address));
  check(::listen(x.listener, 16));
  socklen_t size = sizeof address;
  check(::getsockname(x.listener, reinterpret_cast<sockaddr*>(&address), &size));
  x.port = ntohs(address.sin_port);
  x.thread = std::thread{[&x] { x.run(); }};
}

tiny_server::~tiny_server() {
  state_->stop = true;
  state_->thread.join();
  for (auto x : state_->silent)
    ::close(x);
  ::close(state_->listener);
}

std::string tiny_server::url(const std::string& path) const {
  return "http://127.0.0.1:" + std::to_string(state_->port) + path;
}

std::vector<std::string> tiny_server::requests() const {
  std::lock_guard lock{state_->mutex};
  return state_->paths;
}

} // namespace troupe::av::test
