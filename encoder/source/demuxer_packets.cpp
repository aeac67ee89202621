// Brings packets into form and onto the timeline.
#include "encoder/source/demuxer_impl.hpp"

#include <algorithm>

namespace troupe::av {

namespace {

/// The most packets in a row that cannot be brought into form.
constexpr int unusable_max = 1000;

/// Time without a random-access point after which a live source's intra pictures count as such points, in ticks.
constexpr int64_t intra_wait = 5 * 90'000;

} // namespace

/// Counts a packet before the first random-access point, and gives up after too many.
expected<void> demuxer::impl::wait_for_random_access(track_entry& entry, const AVPacket& data) {
  ++dropped;
  entry.waited_bytes += static_cast<size_t>(data.size);
  auto at = in_ticks(data.dts != AV_NOPTS_VALUE ? data.dts : data.pts, entry.base);
  if (entry.waiting_since == no_pts)
    entry.waiting_since = at;
  auto waited = at == no_pts ? 0 : at - entry.waiting_since;
  // A file is not read at the pace of its pictures: its first one may come late.
  if (input.source().is_live() && (waited > random_access_wait || entry.waited_bytes > random_access_bytes))
    return no_random_access(input.source().name(), entry.codec, "within 15 s of it");
  return {};
}

source_times demuxer::impl::times_of(track_entry& entry, const AVPacket& data, int sample_rate) const {
  source_times result;
  result.pts = in_ticks(data.pts, entry.base);
  result.dts = in_ticks(data.dts, entry.base);
  result.duration = in_ticks(data.duration, entry.base);
  result.hidden = (data.flags & AV_PKT_FLAG_DISCARD) != 0;
  if (entry.parser) {
    auto facts = entry.parser->parse(data);
    result.picture_order = facts.picture_order;
    result.picture_order_reset =
      facts.picture_order && video_normaliser::is_idr(entry.codec, {data.data, static_cast<size_t>(data.size)});
    result.samples = facts.samples;
  }
  if (!entry.is_video && result.samples == 0 && sample_rate > 0)
    result.samples = av_rescale_q(data.duration, entry.base, {1, sample_rate});
  return result;
}

/// True if the packet's place differs from the container's time: then it depends on earlier packets.
bool demuxer::impl::is_displaced(const track_entry& entry, const AVPacket& data, const placement& placed) {
  // A hidden packet may have any PTS. But if its DTS goes back, the container cannot seek by times.
  if ((data.flags & AV_PKT_FLAG_DISCARD) != 0)
    return in_ticks(data.dts, entry.base) < placed.dts;
  auto off = data.pts == AV_NOPTS_VALUE ? no_pts : placed.pts - in_ticks(data.pts, entry.base);
  return off != 0 && (off == no_pts || entry.wrap == 0 || off % entry.wrap != 0);
}

/// True if decoding may begin at this packet if it is an intra picture: in a file, at a live source's very first
/// picture, or after `intra_wait` without a marked random-access point.
bool demuxer::impl::may_join_at_intra(const track_entry& entry, const AVPacket& data) {
  // In a file, waiting for a later point would only lose pictures.
  if (!input.source().is_live())
    return true;
  if (entry.waiting_since == no_pts)
    return from_start && entry.waited_bytes == 0;
  auto at = in_ticks(data.dts != AV_NOPTS_VALUE ? data.dts : data.pts, entry.base);
  return !keep_times && at != no_pts && at - entry.waiting_since > intra_wait;
}

/// Brings a packet into form and onto the timeline. False if it is not to be returned.
expected<bool> demuxer::impl::prepare(AVPacket& out) {
  auto index = static_cast<size_t>(out.stream_index);
  auto& entry = entries[index];
  if (is_encrypted(out))
    return encrypted(input.source().name(), input.stream(index));
  if ((out.flags & AV_PKT_FLAG_CORRUPT) != 0)
    ++counted.corrupt_packets;
  if (!entry.is_video && !keep_times && (out.flags & AV_PKT_FLAG_DISCARD) != 0) {
    ++dropped;
    return false;
  }
  if (entry.normaliser) {
    entry.normaliser->join_at_intra((entry.intra && !keep_times) || (!entry.joined && may_join_at_intra(entry, out)));
    if (auto ok = entry.normaliser->apply(out); !ok) {
      ++counted.corrupt_packets;
      ++dropped;
      if (++unusable > unusable_max)
        return tl::unexpected{std::move(ok.error())};
      return false;
    }
    unusable = 0;
    if ((out.flags & AV_PKT_FLAG_KEY) != 0)
      entry.intra = entry.normaliser->was_intra();
    if (!entry.joined && (out.flags & AV_PKT_FLAG_KEY) == 0) {
      if (auto ok = wait_for_random_access(entry, out); !ok)
        return tl::unexpected{std::move(ok.error())};
      return false;
    }
  }
  entry.joined = true;
  if (entry.is_video && (out.flags & AV_PKT_FLAG_KEY) != 0)
    for (auto& x : entries)
      x.early = false;
  auto placed = times.place(index, times_of(entry, out, made_tracks[index].parameters->sample_rate));
  counted.discontinuities = times.jumps();
  if (!placed) {
    ++dropped;
    return false;
  }
  if ((entry.is_video || index == 0) && out.pts != AV_NOPTS_VALUE) {
    counted.shift = placed->pts - in_ticks(out.pts, entry.base);
    newest = placed->dts;
    wrap = entry.wrap;
  }
  if (entry.is_video && is_displaced(entry, out, *placed))
    ++counted.displaced_packets;
  // A hidden picture stays off the grid: its place is between those of shown pictures.
  auto shown = entry.is_video && (out.flags & AV_PKT_FLAG_DISCARD) == 0;
  out.pts = shown && grid ? grid->snap(placed->pts) : placed->pts;
  out.dts = std::min(placed->dts, out.pts);
  out.duration = placed->duration;
  out.time_base = time_base;
  out.pos = -1;
  if (placed->discontinuity)
    out.flags |= packet_flag_discontinuity;
  return true;
}

} // namespace troupe::av
