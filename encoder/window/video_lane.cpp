// Video: decode, filter, put on the frame rate's grid, encode. All that lies outside the window is dropped before the
// encoder, so that the window's first frame is the encoder's first, and therefore a random-access point.
#include "encoder/codec/captions.hpp"
#include "encoder/codec/device_decoder.hpp"
#include "encoder/codec/hw_device.hpp"
#include "encoder/codec/slate_picture.hpp"
#include "encoder/codec/video_filter.hpp"
#include "encoder/log.hpp"
#include "encoder/source/annexb.hpp"
#include "encoder/source/demuxer.hpp"
#include "encoder/window/lane.hpp"
#include "encoder/window/splice_keys.hpp"

extern "C" {
#include <libavutil/imgutils.h>
#include <libavutil/pixdesc.h>
}

#include <algorithm>
#include <cassert>
#include <deque>
#include <optional>

namespace troupe::av {

namespace {

constexpr int size_max = 16'384; ///< pixels

/// Frames before the window that filters need, and one for the frame rate's grid.
constexpr int64_t preroll_frames = video_filter::memory_frames + 2;

/// If a source's frame rate is unknown or lower than this, a frame counts as this long.
constexpr int64_t frame_ticks_max = 90'000;

/// If nothing says where the window begins, stills without any picture begin at most this much (ticks) before they are
/// asked for.
constexpr int64_t fill_max = 18'000;

bool is_set(AVRational rate) {
  return rate.num > 0 && rate.den > 0;
}

expected<void> validate(const video_settings& x) {
  auto wrong = [](const std::string& what) { return fail(errc::option, what); };
  if (x.encoder.empty())
    return wrong("no video encoder is named");
  if (x.width < 0 || x.height < 0 || x.width > size_max || x.height > size_max)
    return wrong("width and height must be 0 to 16384 pixels");
  if (x.width % 2 != 0 || x.height % 2 != 0)
    return wrong("width and height must be even");
  if (x.frame_rate.num < 0 || x.frame_rate.den < 0 || (is_set(x.frame_rate) && av_q2d(x.frame_rate) > 1000))
    return wrong("the frame rate must be 0 to 1000 frames a second");
  if (is_set(x.frame_rate) && av_q2d(x.frame_rate) < 0.01)
    return wrong("the frame rate must be 0, or 0.01 frames a second at least");
  if (x.bit_rate < 0 || x.max_bit_rate < 0)
    return wrong("bit rates must not be negative");
  if (x.keyframe_interval.count() < 0)
    return wrong("the keyframe interval must not be negative");
  if (x.threads < 0 || x.threads > 256)
    return wrong("threads must be 0 to 256");
  if (x.b_frames > 16)
    return wrong("B frames must be 16 at most");
  if (auto found = find_encoders(x.encoder, AVMEDIA_TYPE_VIDEO); !found)
    return tl::unexpected{std::move(found.error())};
  return check_further_options(x.options);
}

class video_lane : public lane {
public:
  video_lane(const track& source, const video_settings& settings, lane_context context,
             std::unique_ptr<picture_decoder> dec)
    : source_(source.clone()), settings_(settings), context_(std::move(context)), decoder_(std::move(dec)) {
    // nop
  }

  const track* format() const override {
    return output_ ? &*output_ : nullptr;
  }

  expected<void> settle() override {
    return open_encoder(nullptr);
  }

  int64_t preroll() const override {
    return preroll_frames * source_frame_ticks();
  }

  expected<void> send(const AVPacket& packet) override {
    if (complete_) {
      decoder_.reset(); // others that share it need not wait for this lane
      return {};
    }
    if (auto cut = find_begin(packet); !cut || begin_pts_ == no_pts)
      return cut;
    auto corrupt = decoder_->corrupt();
    auto result = decoder_->decode(packet, [this](AVFrame& frame) { return on_decoded(frame); });
    corrupt = decoder_->corrupt() - corrupt;
    context_.counters.corrupt_packets += corrupt;
    if (context_.window.contains(packet.pts))
      context_.counters.damaged += corrupt;
    return result;
  }

  void key_at(int64_t pts) override {
    splices_.add(pts);
  }

  expected<void> fill(int64_t to_pts) override {
    if (complete_)
      return {};
    splices_.source_left();
    if (!filling_)
      if (auto left = leave_source(); !left)
        return left;
    return encoder_ ? show_stills(to_pts) : expected<void>{};
  }

  expected<void> finish() override {
    if (complete_)
      return {};
    if (auto drained = decoder_->drain([this](AVFrame& frame) { return on_decoded(frame); }); !drained)
      return drained;
    if (filter_)
      if (auto drained = filter_->drain([this](AVFrame& frame) { return on_filtered(frame); }); !drained)
        return drained;
    if (rate_)
      if (auto drained = rate_->drain([this](AVFrame& frame) { return on_output(frame); }); !drained)
        return drained;
    return complete_ ? expected<void>{} : end_window();
  }

  bool complete() const override {
    return complete_;
  }

  int64_t newest() const override {
    return newest_;
  }

  void end_at(int64_t to_pts) override {
    assert(to_pts > newest_);
    context_.window.to_pts = std::min(context_.window.to_pts, to_pts);
  }

private:
  int64_t source_frame_ticks() const {
    if (!is_set(source_.frame_rate))
      return frame_ticks_max / 10;
    return std::clamp<int64_t>(av_rescale_q(1, av_inv_q(source_.frame_rate), time_base), 1, frame_ticks_max);
  }

  /// Looks for the random-access point at which decoding can begin: the first one, or the one that begins a new
  /// timeline. Pictures sent after it but shown before it may refer to missing pictures.
  expected<void> find_begin(const AVPacket& packet) {
    auto is_key = (packet.flags & AV_PKT_FLAG_KEY) != 0;
    auto is_break = (packet.flags & packet_flag_discontinuity) != 0;
    if (is_break)
      ++context_.counters.discontinuities;
    if (!is_key || (begin_pts_ != no_pts && !is_break))
      return {};
    if (begin_pts_ != no_pts)
      if (auto drained = decoder_->drain([this](AVFrame& frame) { return on_decoded(frame); }); !drained)
        return drained;
    begin_pts_ = packet.pts != no_pts ? packet.pts : packet.dts;
    shown_from_ = video_normaliser::decoder_knows_leading(source_.parameters->codec_id) ? no_pts : begin_pts_;
    return {};
  }

  expected<void> on_decoded(AVFrame& frame) {
    ++context_.counters.frames_decoded;
    if (frame.pts == no_pts)
      frame.pts = last_pts_ != no_pts ? last_pts_ + source_frame_ticks() : begin_pts_;
    if (complete_ || frame.pts < shown_from_)
      return {};
    // If another picture has the same time, this one is shown right after it: no picture may be lost because a
    // container miscounts.
    if (last_pts_ != no_pts && frame.pts <= last_pts_)
      frame.pts = last_pts_ + std::max<int64_t>(source_frame_ticks() / 2, 1);
    last_pts_ = frame.pts;
    auto inside = context_.window.contains(frame.pts);
    context_.counters.pictures += inside ? 1 : 0;
    relabel_full_range(frame);
    if (source_.aspect_by_container)
      frame.sample_aspect_ratio = source_.parameters->sample_aspect_ratio;
    captions_.take(frame);
    if (!encoder_)
      if (auto opened = open_encoder(&frame); !opened)
        return opened;
    assert(filter_);
    auto sent = filter_->send(frame, [this](AVFrame& x) { return on_filtered(x); });
    // A damaged header can claim any shape. If other pictures have passed before, pictures that no filter takes are
    // dropped.
    if (!sent && sent.error().code == errc::unsupported && context_.counters.frames_encoded > 0) {
      ++context_.counters.corrupt_packets;
      context_.counters.damaged += inside ? 1 : 0;
      context_.counters.pictures -= inside ? 1 : 0;
      return {};
    }
    return sent;
  }

  /// The pictures that the encoder may take from the decoder's device: all, unless the settings want other pixels.
  device_pictures pictures_to_share(const AVFrame* first) const {
    if (first == nullptr || first->hw_frames_ctx == nullptr || settings_.device != settings_.decode_device)
      return {};
    auto layout = pixel_layout(*first);
    auto& wanted = settings_.pixel_format;
    auto same = wanted.empty() || wanted == av_get_pix_fmt_name(layout)
                || (layout == AV_PIX_FMT_NV12 && wanted == "yuv420p")
                || (layout == AV_PIX_FMT_P010 && wanted == "yuv420p10le");
    if (!same)
      return {};
    auto& pool = *reinterpret_cast<const AVHWFramesContext*>(first->hw_frames_ctx->data);
    return {pool.device_ref, static_cast<AVPixelFormat>(first->format), layout};
  }

  expected<void> open_encoder(const AVFrame* first) {
    auto format = turned(video_format_of(source_, first), source_.turn);
    if (!is_complete(format))
      return fail(errc::media, "no picture could be decoded, and the source does not say what its pictures are like");
    auto fields = settings_.deinterlacing == deinterlace::field_rate && format.interlaced;
    if (is_set(settings_.frame_rate))
      format.frame_rate = settings_.frame_rate;
    else if (fields)
      format.frame_rate.num *= 2;
    auto pictures = pictures_to_share(first);
    auto opened = context_.codecs.open_encoder(settings_, format, pictures);
    if (!opened && opened.error().code == errc::device && pictures.device != nullptr) {
      work_log::say("pictures go through main memory: " + opened.error().what);
      opened = context_.codecs.open_encoder(settings_, format, {});
    }
    if (!opened)
      return tl::unexpected{std::move(opened.error())};
    encoder_ = std::move(*opened);
    filter_.emplace(video_filter::config{encoder_->format(), settings_.deinterlacing, format.interlaced,
                                         settings_.threads, encoder_->device_format(), source_.turn,
                                         settings_.fit == fit::pad});
    if (is_set(settings_.frame_rate)) {
      auto grid = source_.grid;
      if (grid && fields)
        grid->rate.num *= 2;
      auto each = source_.frame_rate;
      if (fields)
        each.num *= 2;
      rate_.emplace(settings_.frame_rate, grid, each);
    }
    output_ = encoder_->output();
    output_->language = source_.language;
    output_->stream = source_.stream;
    return {};
  }

  expected<void> on_filtered(AVFrame& frame) {
    // The last still lasts until the source's first picture. When it leaves, it may owe a picture before its last one.
    auto after_still = filling_ || (leaving_ && still_->data[0] != nullptr);
    if (after_still && frame.pts - still_pts_ <= frame_rate_converter::gap_max)
      if (auto shown = show_stills(frame.pts); !shown)
        return shown;
    if (std::exchange(filling_, false)) {
      splices_.source_returned();
      if (frame.pts <= still_pts_)
        return {};
    }
    av_frame_unref(still_.get());
    if (av_frame_ref(still_.get(), &frame) < 0)
      throw std::bad_alloc{};
    still_from_ = still_pts_ = frame.pts;
    stills_ = 0;
    return on_rate(frame);
  }

  expected<void> on_rate(AVFrame& frame) {
    if (!rate_)
      return on_output(frame);
    return rate_->send(frame, [this](AVFrame& x) { return on_output(x); });
  }

  /// The source is away: what the decoder and the filter hold comes out, and the source returns at a random-access
  /// point.
  expected<void> leave_source() {
    leaving_ = true;
    auto drained = decoder_->drain([this](AVFrame& frame) { return on_decoded(frame); });
    if (drained && filter_)
      drained = filter_->drain([this](AVFrame& frame) { return on_filtered(frame); });
    leaving_ = false;
    if (!drained)
      return drained;
    begin_pts_ = no_pts;
    if (complete_ || (!encoder_ && !is_complete(turned(video_format_of(source_, nullptr), source_.turn))))
      return {};
    if (!encoder_)
      if (auto opened = open_encoder(nullptr); !opened)
        return opened;
    filling_ = true;
    if (settings_.slate.show == slate_settings::kind::last || slate_)
      return {};
    if (auto opened = slate_picture::open(settings_.slate, encoder_->format()))
      slate_ = std::move(*opened);
    else
      work_log::say("the slate is the last picture: " + opened.error().what);
    return {};
  }

  /// A source that has shown nothing yet: stills begin after `from`.
  void make_black(int64_t from) {
    auto& format = encoder_->format();
    still_->width = format.width;
    still_->height = format.height;
    still_->format = format.pixel_format;
    if (av_frame_get_buffer(still_.get(), 0) < 0)
      throw std::bad_alloc{};
    ptrdiff_t lines[4];
    std::copy_n(still_->linesize, 4, lines);
    av_image_fill_black(still_->data, lines, format.pixel_format, format.range, format.width, format.height);
    still_from_ = still_pts_ = from;
  }

  /// Shows stills up to a time, at the output's frame rate and counted from the last picture. The last one begins half
  /// a picture before that time at the latest.
  expected<void> show_stills(int64_t to_pts) {
    auto each = is_set(encoder_->format().frame_rate)
                  ? av_inv_q(encoder_->format().frame_rate)
                  : av_mul_q({static_cast<int>(source_frame_ticks()), 1}, time_base);
    auto ticks = av_rescale_q(1, each, time_base);
    if (still_->data[0] == nullptr)
      make_black(std::max(context_.window.from_pts, to_pts - fill_max) - ticks);
    // Stills before the window are not even repeated; a frame rate converter needs one.
    if (context_.window.from_pts > still_from_ + 2 * ticks)
      stills_ = std::max(
        stills_, av_rescale_q_rnd(context_.window.from_pts - 2 * ticks - still_from_, time_base, each, AV_ROUND_DOWN));
    while (!complete_) {
      auto pts = still_from_ + av_rescale_q(stills_ + 1, each, time_base);
      if (pts + ticks / 2 > to_pts)
        break;
      ++stills_;
      still_pts_ = pts;
      auto frame = make_frame();
      if (av_frame_ref(frame.get(), slate_ && !leaving_ ? &slate_->at(pts) : still_.get()) < 0)
        throw std::bad_alloc{};
      frame->pts = pts;
      if (auto shown = on_rate(*frame); !shown)
        return shown;
    }
    return {};
  }

  expected<void> on_output(AVFrame& frame) {
    captions_.give(frame);
    if (complete_ || frame.pts < context_.window.from_pts)
      return {};
    if (frame.pts >= context_.window.to_pts)
      return end_window();
    assert(encoder_ && frame.pts != no_pts);
    ++context_.counters.frames_encoded;
    newest_ = frame.pts;
    inside_.push_back(frame.pts);
    frame.pict_type = splices_.begin_at(frame.pts) ? AV_PICTURE_TYPE_I : AV_PICTURE_TYPE_NONE;
    return encoder_->encode(frame, [this](AVPacket& packet) { return on_encoded(packet); });
  }

  expected<void> end_window() {
    complete_ = true;
    return encoder_ ? encoder_->drain([this](AVPacket& packet) { return on_encoded(packet); }) : expected<void>{};
  }

  expected<void> on_encoded(AVPacket& packet) {
    shown_ = std::max(shown_, packet.pts);
    // Pictures shown before this packet's DTS (rounded to the frame rate's grid) have come, or the encoder has dropped
    // them.
    auto past = packet.dts - 2 * packet.duration;
    std::erase_if(inside_, [&](int64_t pts) { return pts == packet.pts || pts < past; });
    packet.flags &= ~packet_flag_closed;
    if (inside_.empty() || inside_.front() > shown_)
      packet.flags |= packet_flag_closed;
    context_.output(packet);
    return {};
  }

  track source_;
  video_settings settings_;
  lane_context context_;
  std::unique_ptr<picture_decoder> decoder_; ///< null when nothing more is to be decoded
  std::optional<video_filter> filter_;
  std::optional<frame_rate_converter> rate_;
  caption_queue captions_;
  std::unique_ptr<picture_encoder> encoder_;
  std::optional<track> output_;
  std::optional<slate_picture> slate_; ///< shown instead of the last picture
  frame_ptr still_ = make_frame();     ///< the last picture of the source, as the encoder gets it
  int64_t still_from_ = no_pts;        ///< its time: stills are counted from there
  int64_t still_pts_ = no_pts;         ///< the latest time of it and its repeats
  int64_t stills_ = 0;
  bool leaving_ = false;        ///< the source goes away
  bool filling_ = false;        ///< the source is away
  int64_t begin_pts_ = no_pts;  ///< of the random-access point at which decoding began
  int64_t shown_from_ = no_pts; ///< pictures shown earlier were decoded without their references
  int64_t last_pts_ = no_pts;
  splice_keys splices_;
  std::deque<int64_t> inside_; ///< times of the pictures that the encoder holds, ascending
  int64_t newest_ = no_pts;    ///< the latest time of the encoder's input
  int64_t shown_ = no_pts;     ///< the latest time of the encoder's output
  bool complete_ = false;
};

} // namespace

expected<std::unique_ptr<lane>> make_video_lane(const track& source, const video_settings& settings,
                                                lane_context context) {
  if (auto valid = validate(settings); !valid)
    return tl::unexpected{std::move(valid.error())};
  decoder_options options{settings.threads, settings.low_delay};
  options.device = settings.decode_device;
  std::unique_ptr<picture_decoder> decoder;
  if (context.decoders != nullptr) {
    auto opened = context.decoders->open(context.index, source, options, context.codecs);
    if (!opened)
      return tl::unexpected{std::move(opened.error())};
    decoder = std::move(*opened);
  } else {
    auto opened = device_decoder::open(source, options, context.codecs);
    if (!opened)
      return tl::unexpected{std::move(opened.error())};
    decoder = std::make_unique<device_decoder>(std::move(*opened));
  }
  return std::make_unique<video_lane>(source, settings, std::move(context), std::move(decoder));
}

} // namespace troupe::av
