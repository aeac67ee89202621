// Presentation times for MPEG-1, -2 and -4 pictures in containers that do not store them.
//
// A B picture is shown when it is decoded. A reference picture is shown when the next reference picture is decoded, and
// only that next picture gives the time. So a picture without a presentation time waits here until the next one comes.
// AVI counts all pictures in decoding order. There, no picture has a presentation time, and all times are moved one
// picture earlier; otherwise the first picture, too, would be shown late.
#pragma once

#include "encoder/av_ptr.hpp"
#include "encoder/source/coded_type.hpp"

#include <algorithm>
#include <deque>
#include <string_view>
#include <utility>

namespace troupe::av {

class missing_pts {
public:
  static bool is_needed(const AVInputFormat& format, const AVCodecParameters& x) noexcept {
    auto codec = x.codec_id;
    auto mpeg12 = codec == AV_CODEC_ID_MPEG1VIDEO || codec == AV_CODEC_ID_MPEG2VIDEO;
    return x.video_delay > 0 && (mpeg12 || (is_avi(format) && codec == AV_CODEC_ID_MPEG4));
  }

  missing_pts(const AVInputFormat& format, AVCodecID codec) : codec_{codec}, counted_{is_avi(format)} {}

  /// Takes a packet's reference; its times are in the container's time base.
  void push(AVPacket& packet) {
    auto x = make_packet();
    av_packet_move_ref(x.get(), &packet);
    step_ = std::max<int64_t>(x->duration, 1);
    last_dts_ = x->dts;
    auto shown_at_once = coded_type(codec_, *x) == 'B';
    if (!shown_at_once || waiting_.size() >= waiting_max)
      release(x->dts);
    if (counted_ && x->dts != AV_NOPTS_VALUE)
      x->dts -= step_;
    if (counted_)
      x->pts = AV_NOPTS_VALUE;
    if (shown_at_once && x->pts == AV_NOPTS_VALUE)
      x->pts = x->dts;
    auto is_told = x->pts != AV_NOPTS_VALUE;
    (waiting_.empty() && is_told ? ready_ : waiting_).push_back(std::move(x));
  }

  /// No more packets follow.
  void end() {
    release(last_dts_ == AV_NOPTS_VALUE ? last_dts_ : last_dts_ + step_);
  }

  /// The next packet with both times; false if it has to wait.
  bool pop(AVPacket& packet) {
    if (ready_.empty())
      return false;
    av_packet_move_ref(&packet, ready_.front().get());
    ready_.pop_front();
    return true;
  }

  bool empty() const noexcept {
    return waiting_.empty() && ready_.empty();
  }

  void flush() noexcept {
    waiting_.clear();
    ready_.clear();
    last_dts_ = AV_NOPTS_VALUE;
  }

private:
  /// The most pictures between two reference pictures.
  static constexpr size_t waiting_max = 64;

  static bool is_avi(const AVInputFormat& format) noexcept {
    return std::string_view{format.name} == "avi";
  }

  void release(int64_t next_reference) {
    if (!waiting_.empty() && waiting_.front()->pts == AV_NOPTS_VALUE && next_reference != AV_NOPTS_VALUE
        && waiting_.size() < waiting_max)
      waiting_.front()->pts = next_reference - (counted_ ? step_ : 0);
    for (auto& x : waiting_)
      ready_.push_back(std::move(x));
    waiting_.clear();
  }

  AVCodecID codec_;
  bool counted_;                   ///< times count pictures in decoding order
  std::deque<packet_ptr> waiting_; ///< a reference picture, and the B pictures after it
  std::deque<packet_ptr> ready_;
  int64_t step_ = 1;
  int64_t last_dts_ = AV_NOPTS_VALUE;
};

} // namespace troupe::av
