// One graph per source format, discarded when the format changes; most encodes need none.
#include "encoder/codec/video_filter.hpp"

#include "encoder/log.hpp"

extern "C" {
#include <libavfilter/buffersink.h>
#include <libavfilter/buffersrc.h>
#include <libavutil/hwcontext.h>
#include <libavutil/pixdesc.h>
}

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <utility>

namespace troupe::av {

namespace {

/// Shapes that differ by less than this share count as equal: sizes are rounded, and broadcasters crop differently.
constexpr double shape_tolerance = 0.05;

/// The nearest even number of pixels, at most `most`.
int even_pixels(double x, int most) {
  return std::clamp(2 * static_cast<int>(std::lround(x / 2)), 2, std::max(most, 2));
}

bool is_full_range(AVColorRange range) {
  return range == AVCOL_RANGE_JPEG;
}

/// The range in the scaler's terms. RGB leaves no choice, so the scaler decides.
const char* range_name(int format, AVColorRange range) {
  if ((av_pix_fmt_desc_get(static_cast<AVPixelFormat>(format))->flags & AV_PIX_FMT_FLAG_RGB) != 0)
    return "auto";
  return is_full_range(range) ? "full" : "limited";
}

/// The filter that scales in the device memory of this pixel format; size and pixel layout are to be filled in.
const char* scaler_for(int format) {
  switch (format) {
  case AV_PIX_FMT_CUDA:
    return "scale_cuda=w=%d:h=%d:format=%s:interp_algo=bicubic:passthrough=0";
  case AV_PIX_FMT_VAAPI:
    return "scale_vaapi=w=%d:h=%d:format=%s";
  default:
    return "";
  }
}

/// Tells a graph's source which pool its frames come from.
int set_pool(AVFilterContext& source, AVBufferRef& pool) {
  auto* parameters = checked(av_buffersrc_parameters_alloc());
  parameters->hw_frames_ctx = &pool;
  auto code = av_buffersrc_parameters_set(&source, parameters);
  av_free(parameters);
  return code;
}

} // namespace

bool video_filter::input::operator==(const input& other) const noexcept {
  return width == other.width && height == other.height && format == other.format && range == other.range
         && deinterlaced == other.deinterlaced && pool == other.pool && sample_aspect.num == other.sample_aspect.num
         && sample_aspect.den == other.sample_aspect.den;
}

expected<void> video_filter::send(AVFrame& frame, const on_picture& deliver) {
  auto automatic = config_.deinterlacing != deinterlace::off;
  interlaced_ = interlaced_ || frame.interlaced_frame != 0;
  input in{
    frame.width, frame.height, frame.format, frame.sample_aspect_ratio, frame.color_range, automatic && interlaced_};
  if (frame.hw_frames_ctx != nullptr) {
    in.pool = frame.hw_frames_ctx->data;
    in.layout = reinterpret_cast<const AVHWFramesContext*>(in.pool)->sw_format;
  }
  auto warm = false;
  if (input_ != in) {
    // The frame before the first interlaced one is only context: it was delivered already.
    warm = input_ && in.deinterlaced && !input_->deinterlaced && previous_->data[0] != nullptr
           && previous_->width == in.width && previous_->height == in.height && previous_->format == in.format;
    if (auto drained = drain(deliver); !drained)
      return drained;
    if (needs_graph(in))
      if (auto built = build_any(in, frame.hw_frames_ctx); !built)
        return built;
    input_ = in;
  }
  if (warm)
    if (auto pushed = push(previous_.get(), deliver); !pushed)
      return pushed;
  av_frame_unref(previous_.get());
  if (automatic && !in.deinterlaced && av_frame_ref(previous_.get(), &frame) < 0)
    throw std::bad_alloc{};
  return graph_ ? push(&frame, deliver) : pass(frame, deliver);
}

expected<void> video_filter::drain(const on_picture& deliver) {
  expected<void> result;
  if (graph_)
    result = push(nullptr, deliver);
  graph_.reset();
  input_.reset();
  return result;
}

bool video_filter::needs_graph(const input& in) const noexcept {
  auto& out = config_.output;
  auto inner = fit(in);
  return in.pool != nullptr || in.deinterlaced || !config_.turn.is_upright() || in.width != out.width
         || in.height != out.height || in.format != out.pixel_format
         || is_full_range(in.range) != is_full_range(out.range) || inner.width != out.width
         || inner.height != out.height;
}

video_filter::size video_filter::fit(const input& in) const noexcept {
  auto& out = config_.output;
  auto shape = [](int width, int height, AVRational sample) {
    return static_cast<double>(width) / height * (sample.num > 0 && sample.den > 0 ? av_q2d(sample) : 1);
  };
  video_format source;
  source.width = in.width;
  source.height = in.height;
  source.sample_aspect = in.sample_aspect;
  source = turned(source, config_.turn);
  if (source.sample_aspect.num <= 0 && source.width == out.width && source.height == out.height)
    source.sample_aspect = out.sample_aspect;
  auto ratio =
    shape(source.width, source.height, source.sample_aspect) / shape(out.width, out.height, out.sample_aspect);
  auto tolerance = config_.exact_shape ? 0 : shape_tolerance;
  size inner{out.width, out.height};
  if (ratio > 1 + tolerance)
    inner.height = even_pixels(out.height / ratio, out.height);
  else if (ratio < 1 - tolerance)
    inner.width = even_pixels(out.width * ratio, out.width);
  return inner;
}

std::string video_filter::description(const input& in) const {
  return in.pool != nullptr ? device_description(in) : software_description(in);
}

/// The graph that works on the device as far as possible. The decoder's pool is small, so its pictures are copied even
/// if nothing is to be changed.
std::string video_filter::device_description(const input& in) const {
  auto& out = config_.output;
  auto inner = fit(in);
  auto whole = inner.width == out.width && inner.height == out.height;
  auto upright = config_.turn.is_upright();
  auto stays = config_.device_format == in.format && whole && !in.deinterlaced && upright
               && is_full_range(in.range) == is_full_range(out.range);
  auto scaled = in.width != inner.width || in.height != inner.height;
  auto* scaler = scaler_for(in.format);
  std::string result;
  auto rest = in;
  rest.pool = nullptr;
  rest.format = in.layout;
  if (scales_on_device_ && *scaler != 0 && !in.deinterlaced && upright && (stays || scaled)) {
    char scale[128];
    std::snprintf(scale, sizeof scale, scaler, inner.width, inner.height,
                  av_get_pix_fmt_name(stays ? out.pixel_format : in.layout));
    result = scale;
    rest.width = inner.width;
    rest.height = inner.height;
    if (stays)
      return result;
    result += ',';
  }
  return result + "hwdownload,format=" + av_get_pix_fmt_name(in.layout) + "," + software_description(rest);
}

std::string video_filter::software_description(const input& in) const {
  auto& out = config_.output;
  std::string result;
  if (in.deinterlaced)
    result = std::string{"bwdif=mode="}
             + (config_.deinterlacing == deinterlace::field_rate ? "send_field" : "send_frame")
             + ":parity=auto:deint=interlaced,";
  if (auto turns = filters_for(config_.turn); !turns.empty())
    result += turns + ",";
  auto inner = fit(in);
  char scale[192];
  std::snprintf(scale, sizeof scale, "scale=%d:%d:flags=bicubic:interl=%d:in_range=%s:out_range=%s,format=%s",
                inner.width, inner.height, in.deinterlaced ? 0 : -1, range_name(in.format, in.range),
                range_name(out.pixel_format, out.range), av_get_pix_fmt_name(out.pixel_format));
  result += scale;
  if (inner.width != out.width || inner.height != out.height)
    result += ",pad=" + std::to_string(out.width) + ":" + std::to_string(out.height) + ":-1:-1";
  return result;
}

expected<void> video_filter::build_any(const input& in, AVBufferRef* pool) {
  auto built = build(in, pool);
  if (built || pool == nullptr || !scales_on_device_)
    return built;
  // A device that decodes pictures need not be able to scale them.
  scales_on_device_ = false;
  return build(in, pool);
}

expected<void> video_filter::build(const input& in, AVBufferRef* pool) {
  log_capture log;
  filter_graph_ptr graph{checked(avfilter_graph_alloc())};
  graph->nb_threads = config_.threads;
  char arguments[160];
  std::snprintf(arguments, sizeof arguments, "video_size=%dx%d:pix_fmt=%d:time_base=%d/%d:pixel_aspect=%d/%d", in.width,
                in.height, in.format, time_base.num, time_base.den, in.sample_aspect.num,
                std::max(in.sample_aspect.den, 1));
  auto text = description(in);
  auto step = "set up the filters \"" + text + "\" for " + std::to_string(in.width) + "x" + std::to_string(in.height);
  AVFilterInOut* head = nullptr;
  AVFilterInOut* tail = nullptr;
  auto code =
    avfilter_graph_create_filter(&source_, avfilter_get_by_name("buffer"), "in", arguments, nullptr, graph.get());
  if (code >= 0 && pool != nullptr)
    code = set_pool(*source_, *pool);
  if (code >= 0)
    code =
      avfilter_graph_create_filter(&sink_, avfilter_get_by_name("buffersink"), "out", nullptr, nullptr, graph.get());
  if (code >= 0)
    code = avfilter_graph_parse2(graph.get(), text.c_str(), &head, &tail);
  if (code >= 0)
    code = avfilter_link(source_, 0, head->filter_ctx, static_cast<unsigned>(head->pad_idx));
  if (code >= 0)
    code = avfilter_link(tail->filter_ctx, static_cast<unsigned>(tail->pad_idx), sink_, 0);
  if (code >= 0)
    code = avfilter_graph_config(graph.get(), nullptr);
  avfilter_inout_free(&head);
  avfilter_inout_free(&tail);
  if (code < 0)
    return fail(pool != nullptr ? errc::device : errc::unsupported,
                log.text().empty() ? step : step + " (" + log.text() + ")", code);
  graph_ = std::move(graph);
  return {};
}

expected<void> video_filter::push(AVFrame* frame, const on_picture& deliver) {
  if (auto code = av_buffersrc_add_frame_flags(source_, frame, AV_BUFFERSRC_FLAG_PUSH); code < 0)
    return failed(code);
  return pull(deliver);
}

expected<void> video_filter::pull(const on_picture& deliver) {
  for (;;) {
    auto code = av_buffersink_get_frame(sink_, received_.get());
    if (code == AVERROR(EAGAIN) || code == AVERROR_EOF)
      return {};
    if (code < 0)
      return failed(code);
    // The deinterlacer counts in half ticks.
    received_->pts = av_rescale_q(received_->pts, av_buffersink_get_time_base(sink_), time_base);
    if (auto passed = pass(*received_, deliver); !passed)
      return passed;
  }
}

tl::unexpected<error> video_filter::failed(int code) const {
  auto on_device = input_ && input_->pool != nullptr;
  return on_device ? fail(errc::device, "filter a frame in the device's memory: " + av_text(code))
                   : fail(errc::media, "filter a frame", code);
}

expected<void> video_filter::pass(AVFrame& frame, const on_picture& deliver) {
  expected<void> result;
  if (last_pts_ == no_pts || frame.pts > last_pts_) {
    last_pts_ = frame.pts;
    result = deliver(frame);
  }
  av_frame_unref(&frame);
  return result;
}

/// If source frames lie at multiples of 1 / m of the grid's distance, and m is even, some lie exactly halfway between
/// grid points. A container's rounding would push each of these to either side at random. The dividing line is
/// therefore put between two possible positions of frames.
frame_rate_converter::frame_rate_converter(AVRational frame_rate, const std::optional<frame_grid>& source,
                                           AVRational source_rate)
  : frame_rate_(frame_rate),
    source_(source.value_or(frame_grid{})),
    is_whole_(source.has_value()),
    ahead_(av_rescale_q_rnd(1, av_inv_q(frame_rate), {2 * time_base.num, time_base.den}, AV_ROUND_DOWN)) {
  AVRational places{};
  if (source_rate.num > 0 && source_rate.den > 0 && frame_rate.num > 0)
    av_reduce(&places.num, &places.den, int64_t{source_rate.num} * frame_rate.den,
              int64_t{source_rate.den} * frame_rate.num, 1 << 20);
  if (places.num > 0 && places.num % 2 == 0)
    ahead_ += av_rescale(time_base.den, frame_rate.den, int64_t{frame_rate.num} * 2 * places.num);
}

expected<void> frame_rate_converter::send(AVFrame& frame, const on_picture& deliver) {
  auto slot = slot_of(frame.pts);
  expected<void> result;
  if (slot_ != no_pts) {
    auto gap = !is_whole_ && frame.pts - held_->pts > gap_max;
    result = gap ? drain(deliver) : show(slot_, slot, deliver);
  }
  slot_ = slot;
  av_frame_unref(held_.get());
  av_frame_move_ref(held_.get(), &frame);
  return result;
}

expected<void> frame_rate_converter::drain(const on_picture& deliver) {
  if (slot_ == no_pts)
    return {};
  auto frame_ticks = av_rescale_q(1, av_inv_q(frame_rate_), time_base);
  auto duration = held_->pkt_duration > 0 ? std::min(held_->pkt_duration, gap_max) : frame_ticks;
  // Containers that store the end of a stream may cut the last frame short. It would then not be shown at any grid
  // point.
  auto place = source_.is_even() ? source_.find(held_->pts) : std::nullopt;
  auto end = slot_of(std::max(held_->pts + duration, place ? source_.ticks_of(*place + 1) : held_->pts));
  // A last frame whose nearest grid point is after the source's end is not shown, unless it is the only picture.
  auto result = show(slot_, any_shown_ ? end : std::max(slot_ + 1, end), deliver);
  av_frame_unref(held_.get());
  slot_ = no_pts;
  return result;
}

int64_t frame_rate_converter::slot_of(int64_t pts) const {
  auto number = source_.is_even() ? source_.find(pts) : std::nullopt;
  if (number)
    return av_rescale_q(*number, av_inv_q(source_.rate), av_inv_q(frame_rate_));
  return av_rescale_q_rnd(pts - source_.first + ahead_, time_base, av_inv_q(frame_rate_), AV_ROUND_DOWN);
}

expected<void> frame_rate_converter::show(int64_t first, int64_t end, const on_picture& deliver) {
  for (auto slot = first; slot < end; ++slot) {
    if (av_frame_ref(shown_.get(), held_.get()) < 0)
      throw std::bad_alloc{};
    any_shown_ = true;
    shown_->pts = source_.first + av_rescale_q(slot, av_inv_q(frame_rate_), time_base);
    auto result = deliver(*shown_);
    av_frame_unref(shown_.get());
    if (!result)
      return result;
  }
  return {};
}

} // namespace troupe::av
