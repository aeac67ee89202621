// One thread, one loop: read a packet, decode it, record the result. libavformat's interrupt callback enforces every
// time limit.
#include "rig/viewer.hpp"

#include "encoder/error.hpp"
#include "encoder/format_ptr.hpp"
#include "rig/frame_code.hpp"
#include "rig/timed_input.hpp"
#include "rig/watcher.hpp"

#include <algorithm>
#include <memory>
#include <string_view>

namespace troupe::bench {

namespace {

/// One viewing from start to end.
class session {
public:
  explicit session(const viewer_options& options) : options_(options), io_(options.stop) {
    seen_.started = wall_clock::now();
    seen_.is_network = is_network(options.url);
  }

  observations run() {
    if (open())
      read_all();
    // If the viewer stopped by itself, the decoder's remaining pictures may lack pictures that precede them.
    if (seen_.ended)
      video_.finish(seen_);
    audio_.finish(seen_);
    seen_.first_byte = io_.first_byte();
    seen_.bytes = io_.bytes();
    seen_.finished = wall_clock::now();
    return std::move(seen_);
  }

private:
  bool broken(const std::string& step, int code) {
    seen_.error = step + " " + options_.url + ": " + av::av_text(code);
    return false;
  }

  bool open() {
    io_.set_deadline(seen_.started + options_.connect_timeout);
    input_.reset(av::checked(avformat_alloc_context()));
    input_->interrupt_callback = io_.interrupt();
    if (timed_input::can_wrap(options_.url)) {
      if (auto code = io_.open(options_.url); code < 0)
        return broken("open", code);
      input_->pb = io_.context();
      input_->flags |= AVFMT_FLAG_CUSTOM_IO;
    }
    if (auto code = av::open_input(input_, options_.url); code < 0)
      return broken("recognise the media of", code);
    // A transport stream names its codecs in its tables. Further probing would hold frames back and spoil their arrival
    // times.
    if (std::string_view{input_->iformat->name} != "mpegts") {
      if (auto code = avformat_find_stream_info(input_.get(), nullptr); code < 0)
        return broken("find the streams of", code);
    }
    return true;
  }

  void read_all() {
    auto end = seen_.started + options_.duration;
    auto packet = av::make_packet();
    while (seen_.frames.size() < options_.frames_max) {
      auto now = wall_clock::now();
      if (now >= end || io_.stopped())
        return;
      io_.set_deadline(std::min(end, now + options_.stall_timeout));
      auto code = av_read_frame(input_.get(), packet.get());
      if (code == AVERROR(EAGAIN))
        continue;
      if (code < 0) {
        finish_reading(code, end);
        return;
      }
      take(*packet);
      av_packet_unref(packet.get());
    }
  }

  void finish_reading(int code, wall_clock::time_point end) {
    // libavformat's HLS reports an interruption as an end.
    auto interrupted = code == AVERROR_EXIT || code == AVERROR_EOF;
    if (io_.stopped() || (interrupted && wall_clock::now() >= end))
      return;
    seen_.ended = true;
    if (code == AVERROR_EXIT)
      broken("read", AVERROR(ETIMEDOUT));
    else if (code != AVERROR_EOF)
      broken("read", code);
  }

  void take(AVPacket& packet) {
    auto& stream = *input_->streams[packet.stream_index];
    if ((packet.flags & AV_PKT_FLAG_CORRUPT) != 0)
      ++seen_.corrupt_packets;
    // Matroska has no decoding timestamps: libavformat guesses them, so they are not judged.
    if (std::string_view{input_->iformat->name}.starts_with("matroska"))
      packet.dts = AV_NOPTS_VALUE;
    auto type = stream.codecpar->codec_type;
    if (type == AVMEDIA_TYPE_VIDEO)
      take_picture(packet, stream);
    else if (type == AVMEDIA_TYPE_AUDIO)
      audio_.take(packet, stream, options_.decode, seen_);
  }

  void take_picture(const AVPacket& packet, const AVStream& stream) {
    auto before = seen_.frames.size();
    video_.take(packet, stream, io_.arrival(packet.pos), options_.decode, seen_);
    for (auto i = before; options_.on_picture && i < seen_.frames.size(); ++i)
      options_.on_picture(seen_.frames[i]);
  }

  const viewer_options& options_;
  observations seen_;
  timed_input io_; // outlives the input that reads from it
  av::input_context_ptr input_;
  picture_watcher video_;
  sound_watcher audio_;
};

} // namespace

viewing watch(const viewer_options& options) {
  return summarise(session{options}.run(), options.loop_frames);
}

} // namespace troupe::bench
