// One lane per source track; their outputs are merged in one order.
#include "encoder/window/transcode.hpp"

#include "encoder/log.hpp"
#include "encoder/splice_section.hpp"
#include "encoder/window/interleaver.hpp"
#include "encoder/window/lane.hpp"

#include <algorithm>
#include <cassert>
#include <cstdlib>

namespace troupe::av {

namespace {

/// How far (ticks, bytes) known tracks may run ahead while the format of another one is unknown.
constexpr int64_t settle_after = 2 * 90'000;
constexpr size_t settle_bytes_max = 64 << 20;

/// A track's window is over, even without further packets, once the source is this far (ticks) past its end.
constexpr int64_t silent_track_after = 10 * 90'000;

/// An absence of the source is filled in steps (ticks), on all tracks in turn: so their packets stay interleaved.
constexpr int64_t fill_step = 18'000;

/// Larger timestamps are invalid: the limit is 1.5 million years. Sums and products of smaller ones do not overflow.
constexpr int64_t window_pts_max = int64_t{1} << 52;

constexpr size_t no_output = std::numeric_limits<size_t>::max();

bool is_timestamp(int64_t x) {
  return x == no_pts || (x >= -window_pts_max && x <= window_pts_max);
}

} // namespace

struct transcode::impl {
  impl(transcode_sink& receiver, const engine& made_by, shared_decoders* common)
    : sink(receiver), codecs(made_by), decoders(common) {
    // nop
  }

  expected<void> add_lane(size_t index, const track& source, const track_plan& plan, const time_window& window);
  void deliver(AVPacket& packet);
  expected<void> after_input(int64_t dts);
  expected<void> end_lanes();
  void end(size_t output);
  expected<void> settle(bool force);
  bool all_known() const;

  transcode_sink& sink;
  const engine& codecs;
  shared_decoders* decoders; ///< used by `open` only
  transcode_counters counters;
  std::vector<bool> splices;                ///< for each source track: it has splice information
  std::vector<size_t> outputs;              ///< for each source track its output track, or `no_output`
  std::vector<std::unique_ptr<lane>> lanes; ///< for each output track
  std::vector<time_window> windows;         ///< for each output track
  std::vector<bool> is_video;               ///< for each output track
  std::vector<bool> is_open;                ///< for each output track: it is inside a group that is not closed
  std::optional<interleaver> order;
  bool started = false;
  int64_t first_dts = no_pts;
  int64_t newest_dts = no_pts;
};

expected<void> transcode::impl::add_lane(size_t index, const track& source, const track_plan& plan,
                                         const time_window& window) {
  outputs.push_back(no_output);
  splices.push_back(source.parameters && source.parameters->codec_id == AV_CODEC_ID_SCTE_35);
  if (std::holds_alternative<drop_track>(plan) || splices.back())
    return {};
  auto name = "track " + std::to_string(index);
  if (!source.parameters)
    return fail(errc::media, name + " has no parameters");
  auto type = source.parameters->codec_type;
  auto output = lanes.size();
  auto deliver_to_order = [this, output](AVPacket& packet) {
    ++counters.packets_out;
    packet.stream_index = static_cast<int>(output);
    order->add(packet);
  };
  lane_context context{window, counters, deliver_to_order, codecs, decoders, index};
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
  windows.push_back(window);
  is_video.push_back(type == AVMEDIA_TYPE_VIDEO);
  is_open.push_back(false);
  return {};
}

/// Delivers a packet in its final order. `packet_flag_closed` concerned its own track; afterwards it says that the
/// groups of all tracks are closed.
void transcode::impl::deliver(AVPacket& packet) {
  auto output = static_cast<size_t>(packet.stream_index);
  assert(started && output < lanes.size());
  is_open[output] = is_video[output] && (packet.flags & packet_flag_closed) == 0;
  packet.flags &= ~packet_flag_closed;
  if (std::find(is_open.begin(), is_open.end(), true) == is_open.end())
    packet.flags |= packet_flag_closed;
  sink.on_packet(packet);
}

bool transcode::impl::all_known() const {
  return std::all_of(lanes.begin(), lanes.end(), [](const auto& x) { return x->format() != nullptr; });
}

/// Announces the formats as soon as all are known, or at once if `force` is set.
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
  return end_lanes();
}

/// Finishes the lanes whose source has fallen silent, and stops waiting for complete lanes.
expected<void> transcode::impl::end_lanes() {
  auto any_over = false;
  for (size_t i = 0; i < lanes.size(); ++i) {
    // For a window without an end, no track can be late.
    auto to = windows[i].to_pts;
    auto over = to < window_pts_max && newest_dts != no_pts && newest_dts - to > silent_track_after;
    any_over = any_over || over;
    if (over && !lanes[i]->complete())
      if (auto finished = lanes[i]->finish(); !finished)
        return fail(finished.error().code, "output track " + std::to_string(i) + ": " + finished.error().what);
    if (lanes[i]->complete())
      end(i);
  }
  return any_over ? settle(true) : expected<void>{};
}

/// A lane has no more packets.
void transcode::impl::end(size_t output) {
  assert(output < is_open.size() && order);
  is_open[output] = false;
  order->end(output);
}

expected<transcode> transcode::open(const std::vector<track>& source, std::vector<track_plan> plan,
                                    std::vector<time_window> windows, transcode_sink& sink, const engine& codecs,
                                    shared_decoders* decoders) {
  quiet_logs();
  if (plan.size() != source.size())
    return fail(errc::option, "a plan for " + std::to_string(plan.size()) + " tracks does not fit a source with "
                                + std::to_string(source.size()));
  if (windows.empty())
    windows.resize(source.size());
  if (windows.size() != source.size())
    return fail(errc::option, std::to_string(windows.size()) + " windows do not fit a source with "
                                + std::to_string(source.size()) + " tracks");
  for (auto& x : windows) {
    if (x.from_pts >= x.to_pts || x.from_pts > window_pts_max)
      return fail(errc::option, "a window must end after it begins, and begin within 2^52 ticks");
    if (x.from_pts < -window_pts_max)
      x.from_pts = std::numeric_limits<int64_t>::min();
  }
  auto self = std::make_unique<impl>(sink, codecs, decoders);
  for (size_t i = 0; i < source.size(); ++i)
    if (auto added = self->add_lane(i, source[i], plan[i], windows[i]); !added)
      return tl::unexpected{std::move(added.error())};
  if (self->lanes.empty())
    return fail(errc::option, "the plan drops every track of the source");
  self->order.emplace(self->is_video, [made = self.get()](AVPacket& packet) { made->deliver(packet); });
  // Copied tracks are known before the first packet.
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
  auto result = std::numeric_limits<int64_t>::max();
  for (size_t i = 0; i < impl_->lanes.size(); ++i) {
    auto from = impl_->windows[i].from_pts;
    if (from == std::numeric_limits<int64_t>::min())
      return from;
    result = std::min(result, from - impl_->lanes[i]->preroll());
  }
  return result;
}

expected<void> transcode::send(const AVPacket& packet) {
  auto& self = *impl_;
  auto index = static_cast<size_t>(packet.stream_index);
  if (packet.stream_index >= 0 && index < self.splices.size() && self.splices[index] && is_timestamp(packet.pts))
    if (auto asked = read_splice({packet.data, static_cast<size_t>(packet.size)}); asked && !asked->idle)
      for (auto& x : self.lanes)
        x->key_at(packet.pts);
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

expected<void> transcode::fill(int64_t to_pts) {
  auto& self = *impl_;
  if (!is_timestamp(to_pts))
    return {};
  // What is before all windows costs nothing, however long the source has been away.
  auto at = std::numeric_limits<int64_t>::max();
  for (auto& x : self.windows)
    at = std::min(at, x.from_pts);
  at = std::max(at, self.newest_dts);
  if (at == std::numeric_limits<int64_t>::min())
    at = to_pts - fill_step;
  while (at < to_pts) {
    at = std::min(at + fill_step, to_pts);
    for (size_t i = 0; i < self.lanes.size(); ++i)
      self.order->source_at(i, at);
    for (size_t i = 0; i < self.lanes.size(); ++i)
      if (auto filled = self.lanes[i]->fill(at); !filled)
        return fail(filled.error().code, "output track " + std::to_string(i) + ": " + filled.error().what);
    if (auto done = self.after_input(at); !done)
      return done;
  }
  return {};
}

expected<void> transcode::end_at(int64_t to_pts) {
  auto& self = *impl_;
  for (size_t i = 0; i < self.lanes.size(); ++i)
    if (self.windows[i].to_pts > to_pts && self.lanes[i]->newest() >= to_pts)
      return fail(errc::option, "output track " + std::to_string(i) + " is beyond the end that its window was given");
  for (size_t i = 0; i < self.lanes.size(); ++i) {
    self.windows[i].to_pts = std::min(self.windows[i].to_pts, to_pts);
    self.lanes[i]->end_at(to_pts);
  }
  return self.end_lanes();
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
    self.end(i);
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
