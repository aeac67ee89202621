// The text is written once a second. A libav* without drawtext, or a machine without fonts, shows bars without text.
#include "encoder/codec/slate_picture.hpp"

#include "encoder/codec/decoder.hpp"
#include "encoder/codec/video_filter.hpp"
#include "encoder/log.hpp"

extern "C" {
#include <libavfilter/buffersink.h>
#include <libavfilter/buffersrc.h>
#include <libavutil/opt.h>
#include <libavutil/pixdesc.h>
}

#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

namespace troupe::av {

namespace {

/// The kinds of picture files, by their first bytes.
AVCodecID picture_codec_of(std::string_view file) {
  if (file.starts_with("\x89PNG\r\n"))
    return AV_CODEC_ID_PNG;
  if (file.starts_with("\xff\xd8\xff"))
    return AV_CODEC_ID_MJPEG;
  if (file.starts_with("RIFF") && file.substr(0, 12).ends_with("WEBP"))
    return AV_CODEC_ID_WEBP;
  if (file.starts_with("BM"))
    return AV_CODEC_ID_BMP;
  return AV_CODEC_ID_NONE;
}

/// The title as drawtext takes it: without expansions.
std::string plain(const std::string& title) {
  std::string result;
  for (auto c : title) {
    if (c == '\\' || c == '%')
      result += '\\';
    result += c;
  }
  return result;
}

AVFilterContext* add(AVFilterGraph& graph, const char* filter, const std::string& arguments) {
  AVFilterContext* result = nullptr;
  auto* kind = avfilter_get_by_name(filter);
  if (kind == nullptr
      || avfilter_graph_create_filter(&result, kind, nullptr, arguments.empty() ? nullptr : arguments.c_str(), nullptr,
                                      &graph)
           < 0)
    return nullptr;
  return result;
}

} // namespace

expected<slate_picture> slate_picture::open(const slate_settings& settings, const video_format& output) {
  auto bars = settings.show == slate_settings::kind::bars;
  auto still = bars ? draw_bars(output) : decode(settings, output);
  if (!still)
    return tl::unexpected{std::move(still.error())};
  slate_picture result{std::move(*still), settings.unix_ms};
  if (bars && !result.prepare_text(settings.title, output)) {
    result.writer_.reset();
    work_log::say("the slate has no text: this libav* has no drawtext, or no font");
  }
  return result;
}

expected<frame_ptr> slate_picture::decode(const slate_settings& settings, const video_format& output) {
  std::string_view file{reinterpret_cast<const char*>(settings.image.data()), settings.image.size()};
  track source;
  source.parameters = make_codec_parameters();
  source.parameters->codec_type = AVMEDIA_TYPE_VIDEO;
  source.parameters->codec_id = picture_codec_of(file);
  if (source.parameters->codec_id == AV_CODEC_ID_NONE)
    return fail(errc::media, "the slate's picture is not a PNG, JPEG, WebP or BMP file");
  auto opened = decoder::open(source, {1, false});
  if (!opened)
    return tl::unexpected{std::move(opened.error())};
  auto packet = make_packet();
  if (av_new_packet(packet.get(), static_cast<int>(file.size())) < 0)
    throw std::bad_alloc{};
  std::memcpy(packet->data, file.data(), file.size());
  packet->pts = packet->dts = 0;
  packet->flags = AV_PKT_FLAG_KEY;
  video_filter scale{{output, deinterlace::off, false, 1, AV_PIX_FMT_NONE, {}, true}};
  frame_ptr result;
  auto keep = [&result](AVFrame& frame) -> expected<void> {
    if (!result) {
      result = make_frame();
      av_frame_move_ref(result.get(), &frame);
    }
    return {};
  };
  auto convert = [&](AVFrame& frame) {
    frame.pts = 0;
    relabel_full_range(frame);
    return scale.send(frame, keep);
  };
  auto done = opened->decode(*packet, convert);
  if (done)
    done = opened->drain(convert);
  if (done)
    done = scale.drain(keep);
  if (!done)
    return tl::unexpected{std::move(done.error())};
  return result ? expected<frame_ptr>{std::move(result)} : fail(errc::media, "the slate's picture cannot be decoded");
}

expected<frame_ptr> slate_picture::draw_bars(const video_format& output) {
  log_capture log;
  filter_graph_ptr graph{checked(avfilter_graph_alloc())};
  auto size = std::to_string(output.width) + "x" + std::to_string(output.height);
  auto* bars = add(*graph, "smptehdbars", "size=" + size);
  auto* format = add(*graph, "format", std::string{"pix_fmts="} + av_get_pix_fmt_name(output.pixel_format));
  auto* sink = add(*graph, "buffersink", {});
  auto result = make_frame();
  if (bars == nullptr || format == nullptr || sink == nullptr || avfilter_link(bars, 0, format, 0) < 0
      || avfilter_link(format, 0, sink, 0) < 0 || avfilter_graph_config(graph.get(), nullptr) < 0
      || av_buffersink_get_frame(sink, result.get()) < 0)
    return fail(errc::unsupported, "draw colour bars of " + size + ": " + log.text());
  return result;
}

bool slate_picture::prepare_text(const std::string& title, const video_format& output) {
  log_capture log;
  writer_.reset(checked(avfilter_graph_alloc()));
  auto pixels = std::string{av_get_pix_fmt_name(output.pixel_format)};
  blank_ = add(*writer_, "buffer",
               "video_size=" + std::to_string(output.width) + "x" + std::to_string(output.height) + ":pix_fmt=" + pixels
                 + ":time_base=1/1:pixel_aspect=0/1");
  auto* text = avfilter_graph_alloc_filter(writer_.get(), avfilter_get_by_name("drawtext"), nullptr);
  auto* format = add(*writer_, "format", "pix_fmts=" + pixels);
  written_ = add(*writer_, "buffersink", {});
  if (blank_ == nullptr || text == nullptr || format == nullptr || written_ == nullptr)
    return false;
  auto set = [text](const char* name, const std::string& value) {
    return av_opt_set(text, name, value.c_str(), AV_OPT_SEARCH_CHILDREN) >= 0;
  };
  // Pictures are sent with Unix time in seconds.
  return set("text", plain(title) + "\n%{pts:gmtime:0} UTC") && set("font", "Sans")
         && set("fontsize", std::to_string(std::max(output.height / 14, 8))) && set("fontcolor", "white")
         && set("box", "1") && set("boxcolor", "black@0.7") && set("boxborderw", std::to_string(output.height / 60))
         && set("x", "(w-text_w)/2") && set("y", "(h-text_h)/2") && avfilter_init_str(text, nullptr) >= 0
         && avfilter_link(blank_, 0, text, 0) >= 0 && avfilter_link(text, 0, format, 0) >= 0
         && avfilter_link(format, 0, written_, 0) >= 0 && avfilter_graph_config(writer_.get(), nullptr) >= 0;
}

const AVFrame& slate_picture::at(int64_t pts) {
  if (!writer_)
    return *still_;
  auto ms = unix_ms_ + av_rescale_q(pts, time_base, {1, 1000});
  auto second = ms / 1000 - (ms % 1000 < 0 ? 1 : 0);
  if (std::exchange(second_, second) == second)
    return *shown_;
  frame_ptr blank{checked(av_frame_clone(still_.get()))};
  blank->pts = second;
  av_frame_unref(shown_.get());
  if (av_buffersrc_add_frame(blank_, blank.get()) >= 0 && av_buffersink_get_frame(written_, shown_.get()) >= 0)
    return *shown_;
  writer_.reset();
  return *still_;
}

} // namespace troupe::av
