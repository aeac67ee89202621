// The session's side of a rendition: samples go in, parts and segments come out.
#include "core/live/splice_codec.hpp"
#include "encoder/caption_marks.hpp"
#include "packaging/mp4_boxes.hpp"
#include "packaging/rendition.hpp"

#include <algorithm>
#include <utility>

namespace troupe {

namespace {

/// True if players can go on with the decoder that they have, once it got a new init segment.
bool continues(const track_format& a, const track_format& b) {
  return a.codec == b.codec && a.width == b.width && a.height == b.height && a.sample_rate == b.sample_rate
         && a.channel_layout == b.channel_layout && a.language == b.language;
}

/// The same for a stream with all tracks in one file.
bool continues(const stream_format& a, const stream_format& b) {
  return std::ranges::equal(a.tracks, b.tracks, [](auto& x, auto& y) { return x.kind == y.kind && continues(x, y); });
}

/// "v" for the video, "a0", "a1" for sound.
std::string track_name(const stream_format& format, size_t index) {
  auto kind = format.tracks[index].kind;
  auto end = format.tracks.begin() + static_cast<ptrdiff_t>(index);
  auto before = std::count_if(format.tracks.begin(), end, [&](const track_format& x) { return x.kind == kind; });
  if (kind == track_kind::video)
    return before == 0 ? "v" : "v" + std::to_string(before);
  return "a" + std::to_string(before);
}

/// Added to a source's times in segments, so that their numbers grow over restarts, and are the same for all who pull
/// the source at the same time. A multiple of `segment`, so that the grid stays.
///
/// The clock of a transport stream wraps every 26.5 hours; as many whole turns are added as do not put it ahead of the
/// machine's clock. A source that begins at zero has no clock of its own: it gets the machine's.
int64_t epoch_offset(const clock_map& map, int64_t segment) {
  constexpr int64_t turn = int64_t{1} << 33;
  constexpr int64_t begins_anew = 60 * ticks_per_second;
  // FFmpeg takes a timeline that begins in the first second of 1970 for none.
  auto distance = std::max(map.unix_ms * (ticks_per_second / 1000) - map.pts - ticks_per_second, int64_t{0});
  if (map.pts >= begins_anew)
    distance = distance / turn * turn;
  return distance / segment * segment;
}

/// Captions stand before the coded picture, behind parameter sets and what encoders write about themselves.
bool begins_with_captions(std::span<const std::byte> picture) {
  constexpr size_t looked_at = 4096;
  auto bytes = picture.first(std::min(picture.size(), looked_at));
  return av::holds_captions({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()});
}

bool is_carried(const track_format& x) {
  return (x.kind == track_kind::video || x.kind == track_kind::audio) && fragments_hold(x.codec);
}

size_t leading_lane(const stream_format& format) {
  for (auto kind : {track_kind::video, track_kind::audio})
    for (size_t i = 0; i < format.tracks.size(); ++i)
      if (format.tracks[i].kind == kind && is_carried(format.tracks[i]))
        return i;
  return format.tracks.size();
}

} // namespace

rendition_output::rendition_output(core::client_ring::limits max, std::string name,
                                   std::shared_ptr<rendition_group> group)
  : shared_(std::make_shared<rendition>(max, std::move(name), std::move(group))),
    order_(shared_->group_ != nullptr),
    ts_(shared_->stream()),
    clock_(times_) {}

void rendition_output::begin_delivery(const delivery_times& times, const clock_map& map, segment_beginning at) {
  times_ = times;
  offset_ = epoch_offset(map, times_.segment);
  if (at.from_pts != no_timestamp)
    at.from_pts += offset_;
  clock_ = segment_clock{times_, at};
  ts_.set_grid(times_, offset_, at);
  std::lock_guard guard{shared_->mutex_};
  shared_->times_ = times_;
  shared_->clock_ = {map.pts + offset_, map.unix_ms};
  shared_->tracks_.push_back({.name = std::string{transport_name},
                              .format = {},
                              .codec = {},
                              .window = track_window{times_},
                              .transport = true});
}

av::expected<void> rendition_output::set_format(const stream_format& format, const delivery_times& times,
                                                const clock_map& map, const segment_beginning& at) {
  if (lanes_.empty())
    begin_delivery(times, map, at);
  // In a ladder, all renditions have the same discontinuities.
  order_.add({.tracks = format, .discontinuity = !shared_->group_ && !continues(format_, format)});
  if (auto done = write_transport(order_.take_due(), {}); !done)
    return done;
  auto lanes = enter(format);
  std::vector<size_t> lost;
  for (auto& x : lanes_)
    if (x.mux) {
      lost.push_back(x.track);
      if (auto done = cut(x); !done)
        return done;
    }
  auto changed = false;
  for (auto& x : lanes) {
    changed = changed || x.reopen;
    if (x.reopen)
      if (auto done = cut(x); !done)
        return done;
  }
  if (changed) {
    clock_.interrupt();
    discontinuity_at_ = 0;
    for (auto& x : lanes) {
      // In a ladder, a track that begins here counts what was before it.
      x.discontinuous = !shared_->group_ || x.number.has_value();
      discontinuity_at_ = std::max(discontinuity_at_, x.number.value_or(0) + 1);
    }
    if (shared_->group_)
      discontinuity_at_ = shared_->group_->interrupt(discontinuity_at_ - 1);
  }
  enter_texts(format, lost);
  lanes_ = std::move(lanes);
  format_ = format;
  publish();
  end_tracks(lost);
  return {};
}

/// The lanes of a new format. Those of tracks that remain are taken from the present ones.
std::vector<rendition_output::lane> rendition_output::enter(const stream_format& format) {
  auto lead = leading_lane(format);
  std::vector<lane> result(format.tracks.size());
  std::lock_guard guard{shared_->mutex_};
  auto& tracks = shared_->tracks_;
  shared_->transport_named_ = std::ranges::all_of(format.tracks, [](auto& x) {
    return is_carried(x) || (x.kind != track_kind::video && x.kind != track_kind::audio);
  });
  for (size_t i = 0; i < result.size(); ++i) {
    auto& f = format.tracks[i];
    if (!is_carried(f))
      continue;
    auto name = track_name(format, i);
    auto known = std::ranges::find(tracks, name, &rendition::track::name);
    auto index = static_cast<size_t>(known - tracks.begin());
    if (known == tracks.end())
      tracks.push_back({.name = name, .format = f, .codec = {}, .window = track_window{times_}});
    else if (known->window.ended())
      known->window = track_window{times_};
    auto& x = result[i];
    auto old = std::ranges::find_if(lanes_, [&](const lane& y) { return y.mux && y.track == index; });
    if (old != lanes_.end()) {
      x = std::move(*old);
      old->mux.reset();
    }
    x.track = index;
    x.leads = i == lead;
    x.reopen = x.mux && (x.reopen || !continues(tracks[index].format, f));
    if (!x.mux)
      x.mux.emplace(f);
    tracks[index].format = f;
  }
  return result;
}

av::expected<void> rendition_output::write(const sample_block& block, clock::time_point now) {
  order_.add({.block = block});
  if (auto done = write_transport(order_.take_due(), now); !done)
    return done;
  size_t offset = 0;
  for (auto& s : block.samples) {
    auto bytes = block.bytes.span().subspan(offset, s.size);
    offset += s.size;
    if (s.track < lanes_.size() && format_.tracks[s.track].codec == splice_codec)
      add_splice(s, bytes);
    for (auto& x : texts_)
      if (x.of == s.track)
        x.texts.add(s.pts + offset_, s.duration, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    if (s.track >= lanes_.size() || !lanes_[s.track].mux || (s.flags & sample::hidden) != 0)
      continue;
    auto moved = s;
    moved.pts += offset_;
    // After a failover, the new encoder may have a larger distance from decoding to presentation than the last one.
    auto& to = lanes_[s.track];
    moved.dts = std::min(std::max(s.dts + offset_, to.last_dts + 1), moved.pts);
    if (auto done = add(to, moved, bytes); !done)
      return done;
    if (to.leads)
      cut_subtitles(moved.dts);
  }
  publish();
  end_subtitles();
  return {};
}

av::expected<void> rendition_output::add(lane& to, const sample& x, std::span<const std::byte> bytes) {
  auto begins = to.leads ? clock_.lead(x, format_.tracks[x.track].kind) : clock_.follow(to.number, x);
  if (begins && to.number && *begins <= *to.number)
    begins.reset();
  auto restarts = begins && to.reopen && *begins >= discontinuity_at_ && (x.flags & sample::key) != 0;
  if ((!to.number && !begins) || (to.reopen && !restarts))
    return {};
  if (begins) {
    if (auto done = cut(to); !done)
      return done;
    if (restarts)
      to.mux.emplace(format_.tracks[x.track]);
    to.reopen = false;
    auto last = std::exchange(to.number, begins);
    to.shift = x.pts - x.dts;
    auto discontinuity = to.discontinuous && *begins >= discontinuity_at_;
    if (auto& group = shared_->group_; group && group->is_interrupted(last.value_or(*begins - 1), *begins))
      discontinuity = true;
    if (discontinuity)
      to.discontinuous = false;
    if (to.leads)
      beginnings_.push_back({*begins, x.pts, discontinuity});
    news_.push_back({.track = to.track, .number = begins, .start = x.pts, .discontinuity = discontinuity});
  } else if (!to.empty && to.end - to.start + x.duration > times_.part_target()) {
    if (auto done = cut(to); !done)
      return done;
  }
  if (to.empty) {
    to.start = x.dts + to.shift;
    to.independent = (x.flags & sample::key) != 0;
    to.empty = false;
  }
  if (auto done = to.mux->write(x, bytes, begins.has_value()); !done)
    return done;
  to.captions = to.captions || (format_.tracks[x.track].kind == track_kind::video && begins_with_captions(bytes));
  to.last_dts = x.dts;
  to.end = x.dts + to.shift + x.duration;
  return to.end - to.start >= times_.part ? cut(to) : av::expected<void>{};
}

void rendition_output::add_splice(const sample& x, std::span<const std::byte> section) {
  std::lock_guard guard{shared_->mutex_};
  if (!shared_->splices_.add(section, x.pts + offset_))
    return;
  for (auto& t : shared_->tracks_)
    ++t.version;
}

av::expected<void> rendition_output::cut(lane& from) {
  if (from.empty)
    return {};
  auto bytes = from.mux->cut();
  if (!bytes)
    return tl::unexpected{std::move(bytes.error())};
  from.empty = true;
  media_part part{from.start, from.end - from.start, from.independent,
                  from.independent ? first_sample_end(bytes->span()) : 0, std::move(*bytes)};
  if (from.mux->init() != from.init.bytes)
    from.init = init_segment::of(from.mux->init(), from.mux->codec(), from.mux->format());
  news_.push_back({.track = from.track,
                   .part = std::move(part),
                   .init = from.init,
                   .codec = from.mux->codec(),
                   .captions = from.captions});
  return {};
}

void rendition_output::publish() {
  if (news_.empty())
    return;
  std::vector<std::function<void()>> ready;
  {
    std::lock_guard guard{shared_->mutex_};
    for (auto& x : std::exchange(news_, {})) {
      auto& t = shared_->tracks_[x.track];
      if (x.number && t.window.segments().empty() && shared_->group_)
        t.window.missed(shared_->group_->interruptions_before(*x.number));
      if (x.number)
        t.window.begin(*x.number, x.start, x.discontinuity);
      if (x.part) {
        auto end = x.part->start + x.part->duration;
        t.window.add(std::move(*x.part), x.init);
        t.codec = x.codec;
        t.captions = x.captions;
        if (auto latest = t.window.latest(); shared_->group_ && !t.transport && latest) {
          if (x.whole)
            latest->part.reset();
          shared_->group_->put(shared_->name_, t.name, *latest);
        }
        if (x.whole)
          t.window.close(end);
      }
      ++t.version;
    }
    ready = shared_->take_ready();
  }
  for (auto& wake : ready)
    wake();
}

void rendition_output::end(const std::string& reason) {
  for (auto& x : lanes_)
    if (x.mux)
      (void)cut(x);
  (void)write_transport(order_.take_all(), {});
  take_transport(true);
  finish_subtitles();
  publish();
  shared_->stream_->end(reason);
  std::vector<size_t> all;
  {
    std::lock_guard guard{shared_->mutex_};
    if (shared_->ended_)
      return;
    shared_->ended_ = true;
    for (size_t i = 0; i < shared_->tracks_.size(); ++i)
      all.push_back(i);
  }
  end_tracks(all);
}

void rendition_output::end_tracks(const std::vector<size_t>& tracks) {
  std::vector<std::function<void()>> ready;
  {
    std::lock_guard guard{shared_->mutex_};
    for (auto i : tracks) {
      auto& t = shared_->tracks_[i];
      t.window.end();
      ++t.version;
      if (shared_->group_)
        shared_->group_->remove(shared_->name_, t.name);
    }
    ready = shared_->take_ready();
  }
  for (auto& wake : ready)
    wake();
}

} // namespace troupe
