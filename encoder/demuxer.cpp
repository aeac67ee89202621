// Packets get their form and their place on the timeline.
//
// A video without any random-access point for `random_access_wait` of media time, or to its end, is refused: showing
// it would take decoding from nowhere.
#include "encoder/demuxer.hpp"

#include "encoder/annexb.hpp"
#include "encoder/demuxer_track.hpp"
#include "encoder/early_packets.hpp"
#include "encoder/source_tracks.hpp"
#include "encoder/stream_changes.hpp"
#include "encoder/timeline.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <deque>
#include <optional>
#include <utility>

namespace troupe::av {

namespace {

constexpr int unusable_max = 1000; // packets in a row that cannot be brought into form

/// How long a live source may mark no random-access point before any picture without references is taken for one, in ticks.
constexpr int64_t intra_wait = 5 * 90'000;

/// How many packets a seek reads to find its first picture.
constexpr size_t packets_ahead_max = 10'000;

/// By how much (ticks) a seek aims earlier each time that it lands too late.
constexpr std::array<int64_t, 4> seek_back{0, 3 * 90'000, 15 * 90'000, 60 * 90'000};

bool can_go_on(errc code) {
  return code == errc::media;
}

} // namespace

struct demuxer::impl {
  impl(source_context from, const source_options& options)
    : times{limits_for(from, options.keep_times)},
      input{std::move(from), options.tracks_max},
      loop{options.loop},
      keep_times{options.keep_times},
      grid{options.grid},
      packet{make_packet()} {}

  expected<void> take_new_tracks();
  expected<void> take_stream(size_t index);
  bool has_early() const;
  bool hold_early(AVPacket& out);
  expected<bool> at_end();
  void forget();
  expected<bool> seek_before(size_t video, int64_t target, int64_t pts);
  expected<bool> fetch(AVPacket& out);
  expected<bool> next(AVPacket& out);
  expected<bool> prepare(AVPacket& out);
  bool may_join_at_intra(const track_entry& entry, const AVPacket& data) const;
  expected<void> wait_for_random_access(track_entry& entry, const AVPacket& data);
  source_times times_of(track_entry& entry, const AVPacket& data, int sample_rate) const;
  static bool is_displaced(const track_entry& entry, const AVPacket& data, const placement& placed);

  timeline times;
  source_tracks input;
  bool loop = false;
  bool keep_times = false;
  bool from_start = true; ///< no seek was made
  std::optional<frame_grid> grid;
  packet_ptr packet;
  std::deque<packet_ptr> ready; ///< read and placed while seeking
  early_packets early;          ///< as they were read, of tracks that wait for the picture
  uint64_t changes = 0;
  std::vector<timeline_track> descriptions;
  std::vector<track> made_tracks;
  std::vector<track_entry> entries;
  uint64_t pass_packets = 0; ///< returned since the start or restart
  int unusable = 0;
  bool ended = false;
  uint64_t dropped = 0;
  source_counters counted;
};

expected<void> demuxer::impl::take_new_tracks() {
  for (size_t i = 0; i < input.size(); ++i)
    if (i >= entries.size() || entries[i].version != input.version(i))
      if (auto ok = take_stream(i); !ok)
        return ok;
  return {};
}

/// Makes the track what its stream is: a new one, or one that goes on with another stream.
expected<void> demuxer::impl::take_stream(size_t index) {
  auto is_new = index == entries.size();
  if (is_encrypted(input.source().format(), input.stream(index)))
    return encrypted(input.source().name(), input.stream(index));
  auto opened =
    open_track(input.source().format(), input.stream(index), is_new ? AVRational{0, 1} : made_tracks[index].frame_rate);
  if (!opened)
    return tl::unexpected{std::move(opened.error())};
  auto& [made, entry, described] = *opened;
  entry.version = input.version(index);
  made.grid = grid;
  if (is_new) {
    times.add_track(described);
    descriptions.push_back(described);
    made_tracks.push_back(std::move(made));
    entries.push_back(std::move(entry));
    ++changes;
    return {};
  }
  times.change_track(index, described);
  descriptions[index] = described;
  entry.ignored = entries[index].ignored;
  auto& known = made_tracks[index];
  if (goes_on(*known.parameters, *made.parameters)) {
    known.stream = made.stream;
  } else {
    known = std::move(made);
    entry.early = !entry.is_video;
    ++changes;
  }
  entries[index] = std::move(entry);
  return {};
}

/// Keeps a packet of a track that waits for the picture.
bool demuxer::impl::hold_early(AVPacket& out) {
  auto is_seen = [](const track_entry& x) { return x.is_video && !x.ignored; };
  return entries[static_cast<size_t>(out.stream_index)].early && std::any_of(entries.begin(), entries.end(), is_seen)
         && early.push(out);
}

/// True where a packet that waited can be given.
bool demuxer::impl::has_early() const {
  return early.front() != nullptr && !entries[static_cast<size_t>(early.front()->stream_index)].early;
}

/// Counts a packet before the first random-access point, and gives up when there were too many.
expected<void> demuxer::impl::wait_for_random_access(track_entry& entry, const AVPacket& data) {
  ++dropped;
  entry.waited_bytes += static_cast<size_t>(data.size);
  auto at = in_ticks(data.dts != AV_NOPTS_VALUE ? data.dts : data.pts, entry.base);
  if (entry.waiting_since == no_pts)
    entry.waiting_since = at;
  auto waited = at == no_pts ? 0 : at - entry.waiting_since;
  // Nobody waits for a file's pictures at their own pace: the first one may come late.
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

/// Whether its place needs a memory of what came before.
bool demuxer::impl::is_displaced(const track_entry& entry, const AVPacket& data, const placement& placed) {
  // What is hidden may be anywhere, but a container that goes back for it does not find its way by times.
  if ((data.flags & AV_PKT_FLAG_DISCARD) != 0)
    return in_ticks(data.dts, entry.base) < placed.dts;
  auto off = data.pts == AV_NOPTS_VALUE ? no_pts : placed.pts - in_ticks(data.pts, entry.base);
  return off != 0 && (off == no_pts || entry.wrap == 0 || off % entry.wrap != 0);
}

/// Nothing comes before the very first picture, which it could need; and what marks no point to start from in all that time marks none.
bool demuxer::impl::may_join_at_intra(const track_entry& entry, const AVPacket& data) const {
  // Nobody shows a better place of a file later.
  if (!input.source().is_live())
    return true;
  if (entry.waiting_since == no_pts)
    return from_start && entry.waited_bytes == 0;
  auto at = in_ticks(data.dts != AV_NOPTS_VALUE ? data.dts : data.pts, entry.base);
  return !keep_times && at != no_pts && at - entry.waiting_since > intra_wait;
}

/// Brings a packet into form and onto the timeline. False where it is not to be returned.
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
  if ((entry.is_video || index == 0) && out.pts != AV_NOPTS_VALUE)
    counted.shift = placed->pts - in_ticks(out.pts, entry.base);
  if (entry.is_video && is_displaced(entry, out, *placed))
    ++counted.displaced_packets;
  out.pts = entry.is_video && grid ? grid->snap(placed->pts) : placed->pts;
  out.dts = std::min(placed->dts, out.pts);
  out.duration = placed->duration;
  out.time_base = time_base;
  out.pos = -1;
  if (placed->discontinuity)
    out.flags |= packet_flag_discontinuity;
  return true;
}

/// True where the source goes on from its start, false where it is at its end.
expected<bool> demuxer::impl::at_end() {
  for (const auto& x : entries)
    if (x.is_video && !x.ignored && !x.joined)
      return no_random_access(input.source().name(), x.codec, "in all of it");
  if (pass_packets == 0)
    return fail(errc::media, "read " + input.source().name() + ": it ends before the first packet");
  if (!loop)
    return false;
  if (auto ok = input.rewind(); !ok)
    return tl::unexpected{std::move(ok.error())};
  times.restart();
  forget();
  return true;
}

/// What was read so far has nothing to do with what comes next.
void demuxer::impl::forget() {
  pass_packets = 0;
  ready.clear();
  early.clear();
  for (auto& x : entries) {
    x.early = false;
    x.joined = false;
    x.waiting_since = no_pts;
    x.waited_bytes = 0;
    if (x.normaliser)
      x.normaliser->flush();
    if (x.parser)
      x.parser->flush();
    if (x.unpacker)
      x.unpacker->flush();
    if (x.lookahead)
      x.lookahead->flush();
  }
}

/// The next packet as the container has it, or better where a picture's time is known only later.
expected<bool> demuxer::impl::fetch(AVPacket& out) {
  for (;;) {
    for (auto& x : entries)
      if (x.lookahead && x.lookahead->pop(out))
        return true;
    auto more = input.next(out);
    if (!more)
      return more;
    auto waits = [](const track_entry& x) { return x.lookahead && !x.lookahead->empty(); };
    if (!*more) {
      if (std::none_of(entries.begin(), entries.end(), waits))
        return false;
      for (auto& x : entries)
        if (x.lookahead)
          x.lookahead->end();
      continue;
    }
    auto index = static_cast<size_t>(out.stream_index);
    if (index >= entries.size())
      return true;
    auto& entry = entries[index];
    if (entry.unpacker && !entry.unpacker->apply(out)) {
      ++counted.corrupt_packets;
      continue;
    }
    if (!entry.lookahead)
      return true;
    entry.lookahead->push(out);
  }
}

/// Goes to `target` and reads up to the first random-access point. True where that is not after `pts`.
expected<bool> demuxer::impl::seek_before(size_t video, int64_t target, int64_t pts) {
  auto found = input.seek(video, target);
  if (!found || !*found)
    return found;
  forget();
  from_start = ended = false;
  // Whoever seeks knows that the times need no memory: no distance is a jump.
  timeline::limits wide;
  wide.jump = wide.step_back = wide.interleave = wide.start_spread = int64_t{1} << 50;
  wide.keep_presentation = true;
  times = timeline{wide};
  for (const auto& x : descriptions)
    times.add_track(x);
  times.begin_near(target);
  while (ready.size() < packets_ahead_max) {
    auto x = make_packet();
    auto more = next(*x);
    if (!more || !*more)
      return more;
    auto is_video = static_cast<size_t>(x->stream_index) == video;
    auto at = x->pts;
    ready.push_back(std::move(x));
    if (is_video)
      return at <= pts;
  }
  return false;
}

demuxer::demuxer(std::unique_ptr<impl> ptr) : impl_{std::move(ptr)} {}

demuxer::demuxer(demuxer&&) noexcept = default;
demuxer& demuxer::operator=(demuxer&&) noexcept = default;
demuxer::~demuxer() = default;

expected<demuxer> demuxer::open(source_options options, const std::atomic<bool>& stop) {
  auto begin = std::chrono::steady_clock::now();
  auto source = source_context::open(options, stop);
  if (!source)
    return tl::unexpected{std::move(source.error())};
  auto self = std::make_unique<impl>(std::move(*source), options);
  auto spent = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begin);
  if (auto ok = self->input.find(options.open_timeout - std::min(spent, options.open_timeout)); !ok)
    return tl::unexpected{std::move(ok.error())};
  if (auto ok = self->take_new_tracks(); !ok)
    return tl::unexpected{std::move(ok.error())};
  return demuxer{std::move(self)};
}

const std::vector<track>& demuxer::tracks() const noexcept {
  return impl_->made_tracks;
}

std::vector<std::string> demuxer::left_out() const {
  return impl_->input.left_out();
}

size_t demuxer::streams() const noexcept {
  return format().nb_streams;
}

expected<bool> demuxer::impl::next(AVPacket& out) {
  while (!ended) {
    counted.dropped_packets = dropped + input.dropped();
    auto waited = has_early();
    if (waited)
      early.pop(*packet);
    auto more = waited ? expected<bool>{true} : fetch(*packet);
    if (!more)
      return more;
    if (!*more) {
      // No picture comes any more that what waits could come behind.
      if (early.front() != nullptr) {
        for (auto& x : entries)
          x.early = false;
        continue;
      }
      auto again = at_end();
      if (!again)
        return again;
      ended = !*again;
      continue;
    }
    if (auto ok = take_new_tracks(); !ok)
      return tl::unexpected{std::move(ok.error())};
    if (!waited && hold_early(*packet))
      continue;
    auto usable = prepare(*packet);
    if (usable && !*usable) {
      av_packet_unref(packet.get());
      continue;
    }
    if (!usable)
      return usable;
    if (av_packet_make_refcounted(packet.get()) < 0)
      return fail(errc::limit, "keep a packet of " + input.source().name() + ": out of memory");
    ++pass_packets;
    ++counted.packets;
    counted.bytes += static_cast<uint64_t>(packet->size);
    av_packet_move_ref(&out, packet.get());
    return true;
  }
  return false;
}

expected<bool> demuxer::read(AVPacket& packet) {
  av_packet_unref(&packet);
  if (impl_->ready.empty())
    return impl_->next(packet);
  av_packet_move_ref(&packet, impl_->ready.front().get());
  impl_->ready.pop_front();
  return true;
}

void demuxer::ignore(size_t track) {
  impl_->input.ignore(track);
  impl_->entries[track].ignored = true;
}

expected<bool> demuxer::seek(int64_t pts) {
  auto& self = *impl_;
  auto is_wanted = [](const track_entry& x) { return x.is_video && !x.ignored; };
  auto video = std::find_if(self.entries.begin(), self.entries.end(), is_wanted);
  if (video != self.entries.end()) {
    auto index = static_cast<size_t>(video - self.entries.begin());
    for (auto back : seek_back) {
      auto found = self.seek_before(index, pts - back, pts);
      // What goes wrong on the way is no reason to give up: the source is read from its start then.
      if (found && *found)
        return true;
      if (!found && !can_go_on(found.error().code))
        return found;
    }
  }
  return false;
}

const AVFormatContext& demuxer::format() const noexcept {
  return impl_->input.source().format();
}

bool demuxer::is_live() const noexcept {
  return impl_->input.source().is_live();
}

bool demuxer::is_over() {
  return impl_->input.source().is_over();
}

bool demuxer::can_wait() const noexcept {
  return impl_->input.source().can_wait();
}

std::chrono::milliseconds demuxer::silence_max() const noexcept {
  return impl_->input.source().silence_max();
}

uint64_t demuxer::changes() const noexcept {
  return impl_->changes;
}

const source_counters& demuxer::counters() const noexcept {
  return impl_->counted;
}

} // namespace troupe::av
