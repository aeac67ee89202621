// A lane per source track; their outputs meet in one order.
#include "encoder/transcode.hpp"

#include "encoder/interleaver.hpp"
#include "encoder/lane.hpp"
#include "encoder/log.hpp"

#include <algorithm>
#include <cstdlib>

namespace troupe::av {

namespace {

/// How far (ticks, bytes) the tracks that are known may run ahead while the format of another one is not.
constexpr int64_t settle_after = 2 * 90'000;
constexpr size_t settle_bytes_max = 64 << 20;

/// A track that is this far (ticks) behind another one's end of the window has nothing more for it.
constexpr int64_t silent_track_after = 10 * 90'000;

/// Timestamps beyond this are nobody's: 1.5 million years. Sums and products of smaller ones do not overflow.
constexpr int64_t ticks_max = int64_t{1} << 52;

constexpr size_t no_output = std::numeric_limits<size_t>::max();

bool is_timestamp(int64_t x) {
  return x == no_pts || (x >= -ticks_max && x <= ticks_max);
}

} // namespace

struct transcode::impl {
  impl(time_window span, transcode_sink& receiver) : window(span), sink(receiver) {
    // nop
  }

  expected<void> add_lane(size_t index, const track& source, const track_plan& plan);
  expected<void> after_input(int64_t dts);
  expected<void> settle(bool force);
  bool all_known() const;

  time_window window;
  transcode_sink& sink;
  transcode_counters counters;
  std::vector<size_t> outputs;              ///< for each source track its output track, or `no_output`
  std::vector<std::unique_ptr<lane>> lanes; ///< for each output track
  std::vector<bool> is_video;               ///< for each output track
  std::optional<interleaver> order;
  bool started = false;
  int64_t first_dts = no_pts;
  int64_t newest_dts = no_pts;
};

expected<void> transcode::impl::add_lane(size_t index, const track& source, const track_plan& plan) {
  outputs.push_back(no_output);
  if (std::holds_alternative<drop_track>(plan))
    return {};
  auto name = "track " + std::to_string(index);
  if (!source.parameters)
    return fail(errc::media, name + " has no parameters");
  auto type = source.parameters->codec_type;
  auto output = lanes.size();
  lane_context context{window, counters, [this, output](AVPacket& packet) {
                         ++counters.packets_out;
                         packet.stream_index = static_cast<int>(output);
                         order->add(packet);
                       }};
  if (std::holds_alternative<copy_track>(plan)) {
    lanes.push_back(make_copy_lane(source, std::move(context)));
  } else {
    auto* video = std::get_if<video_settings>(&plan);
    if (type != (video != nullptr ? AVMEDIA_TYPE_VIDEO : AVMEDIA_TYPE_AUDIO))
      return fail(errc::option, name + " is not " + (video != nullptr ? "video" : "audio") + ", as its plan says");
    auto made = video != nullptr ? make_video_lane(source, *video, std::move(context))
                                 : make_audio_lane(source, std::get<audio_settings>(plan), std::move(context));
    if (!made)
      return fail(made.error().code, name + ": " + made.error().what);
    lanes.push_back(std::move(*made));
  }
  outputs.back() = output;
  is_video.push_back(type == AVMEDIA_TYPE_VIDEO);
  return {};
}

bool transcode::impl::all_known() const {
  return std::all_of(lanes.begin(), lanes.end(), [](const auto& x) { return x->format() != nullptr; });
}

/// Announces the formats as soon as all are known, or must be.
expected<void> transcode::impl::settle(bool force) {
  if (started || (!force && !all_known()))
    return {};
  for (size_t i = 0; i < lanes.size(); ++i)
    if (lanes[i]->format() == nullptr)
      if (auto settled = lanes[i]->settle(); !settled)
        return fail(settled.error().code, "output track " + std::to_string(i) + ": " + settled.error().what);
  started = true;
  std::vector<track> tracks;
  for (const auto& x : lanes)
    tracks.push_back(x->format()->clone());
  sink.on_format(tracks);
  order->start();
  return {};
}

expected<void> transcode::impl::after_input(int64_t dts) {
  if (dts != no_pts) {
    first_dts = first_dts == no_pts ? dts : std::min(first_dts, dts);
    newest_dts = std::max(newest_dts, dts);
  }
  auto late = first_dts != no_pts && newest_dts - first_dts > settle_after;
  if (auto settled = settle(late || order->held_bytes() > settle_bytes_max); !settled)
    return settled;
  // A window without end has no track that is late for it.
  auto over = window.to_pts < ticks_max && newest_dts != no_pts && newest_dts - window.to_pts > silent_track_after;
  for (size_t i = 0; i < lanes.size(); ++i) {
    if (over && !lanes[i]->complete())
      if (auto finished = lanes[i]->finish(); !finished)
        return fail(finished.error().code, "output track " + std::to_string(i) + ": " + finished.error().what);
    if (lanes[i]->complete())
      order->end(i);
  }
  return over ? settle(true) : expected<void>{};
}

expected<transcode> transcode::open(const std::vector<track>& source, std::vector<track_plan> plan, time_window window,
                                    transcode_sink& sink) {
  quiet_logs();
  if (plan.size() != source.size())
    return fail(errc::option, "a plan for " + std::to_string(plan.size()) + " tracks does not fit a source with "
                                + std::to_string(source.size()));
  if (window.from_pts >= window.to_pts || window.from_pts > ticks_max)
    return fail(errc::option, "a window must end after it begins, and begin within 2^52 ticks");
  if (window.from_pts < -ticks_max)
    window.from_pts = std::numeric_limits<int64_t>::min();
  auto self = std::make_unique<impl>(window, sink);
  for (size_t i = 0; i < source.size(); ++i)
    if (auto added = self->add_lane(i, source[i], plan[i]); !added)
      return tl::unexpected{std::move(added.error())};
  if (self->lanes.empty())
    return fail(errc::option, "the plan drops every track of the source");
  self->order.emplace(self->is_video, [&sink](AVPacket& packet) { sink.on_packet(packet); });
  // Tracks that are copied are known before the first packet.
  if (auto settled = self->settle(false); !settled)
    return tl::unexpected{std::move(settled.error())};
  return transcode{std::move(self)};
}

transcode::transcode(std::unique_ptr<impl> ptr) : impl_(std::move(ptr)) {
  // nop
}

transcode::transcode(transcode&&) noexcept = default;

transcode& transcode::operator=(transcode&&) noexcept = default;

transcode::~transcode() = default;

int64_t transcode::preroll_from() const noexcept {
  auto from = impl_->window.from_pts;
  if (from == std::numeric_limits<int64_t>::min())
    return from;
  int64_t preroll = 0;
  for (const auto& x : impl_->lanes)
    preroll = std::max(preroll, x->preroll());
  return std::max(from, std::numeric_limits<int64_t>::min() + preroll) - preroll;
}

expected<void> transcode::send(const AVPacket& packet) {
  auto& self = *impl_;
  auto index = static_cast<size_t>(packet.stream_index);
  if (packet.stream_index < 0 || index >= self.outputs.size() || self.outputs[index] == no_output)
    return {};
  ++self.counters.packets_in;
  if (!is_timestamp(packet.pts) || !is_timestamp(packet.dts)) {
    ++self.counters.corrupt_packets;
    return {};
  }
  auto output = self.outputs[index];
  auto dts = packet.dts != no_pts ? packet.dts : packet.pts;
  self.order->source_at(output, dts);
  if (auto sent = self.lanes[output]->send(packet); !sent)
    return fail(sent.error().code, "track " + std::to_string(index) + ": " + sent.error().what);
  return self.after_input(dts);
}

bool transcode::complete() const noexcept {
  auto is_complete = [](const auto& x) { return x->complete(); };
  return std::all_of(impl_->lanes.begin(), impl_->lanes.end(), is_complete) && impl_->order->empty();
}

expected<void> transcode::finish() {
  auto& self = *impl_;
  for (size_t i = 0; i < self.lanes.size(); ++i) {
    if (auto finished = self.lanes[i]->finish(); !finished)
      return fail(finished.error().code, "output track " + std::to_string(i) + ": " + finished.error().what);
    self.order->end(i);
  }
  if (auto settled = self.settle(true); !settled)
    return settled;
  self.order->flush();
  return {};
}

const transcode_counters& transcode::counters() const noexcept {
  return impl_->counters;
}

} // namespace troupe::av
