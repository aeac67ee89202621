// The source of a session: pulled, lost, and reopened with back-off, trying each URL in turn. The session returns to
// the first URL when it works again.
#include "core/live/session.hpp"

#include "core/live/part_of.hpp"
#include "core/live/sample_print.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace troupe::core {

namespace {

constexpr milliseconds backoff_least{250};
constexpr milliseconds backoff_most{10'000};

/// An ingest that is silent for this much longer than its own read timeout hangs.
constexpr milliseconds ingest_silence{5000};

/// How far (ticks) a source may begin below zero.
constexpr int64_t lift_max = 3600 * ticks_per_second;

/// A pull that has delivered for this long resets the back-off.
constexpr milliseconds pull_settled{5000};

/// The shortest time that a URL gets to send something while another URL waits for its turn.
constexpr milliseconds first_byte_least{1000};
constexpr milliseconds first_byte_most{2500};

/// Random-access points, or audio frames if there are no pictures, by which a reopened source is recognised: more than
/// a minute of them.
constexpr size_t known_pictures_max = 128;
constexpr size_t known_sounds_max = 2048;

/// Number of dropped samples that are remembered: hours of them.
constexpr size_t gone_max = 1'000'000;

/// The pause doubles with each failure, and is shortened by up to a quarter. Each session shortens it differently, so
/// that a thousand sessions do not return at once.
milliseconds backoff(uint32_t failures, uint64_t salt) {
  auto full = std::min(backoff_least * (int64_t{1} << std::min(failures, 10U)), backoff_most);
  auto jitter = (salt * 0x9e3779b97f4a7c15ULL + failures * 0xbf58476d1ce4e5b9ULL) >> 56;
  return full - full * static_cast<int64_t>(jitter) / 1024;
}

/// True for a track of pictures or sound, whose samples have the times of the timeline's end.
bool is_media(const std::vector<track_format>& tracks, uint16_t track) {
  return track < tracks.size() && (tracks[track].kind == track_kind::video || tracks[track].kind == track_kind::audio);
}

/// True if track numbers mean the same in both, as far as both have them.
bool same_places(const stream_format& a, const stream_format& b) {
  auto n = static_cast<std::ptrdiff_t>(std::min(a.tracks.size(), b.tracks.size()));
  return std::equal(a.tracks.begin(), a.tracks.begin() + n, b.tracks.begin(),
                    [](auto& x, auto& y) { return x.kind == y.kind && x.codec == y.codec; });
}

} // namespace

void session::start_ingest(time_point now) {
  if (!ingest_)
    ingest_.emplace(now);
  if (channel_.urls.empty()) {
    fail_everything(ec::source_failed, "the channel " + channel_.name + " has no source URL");
    return;
  }
  ingest_->id = effects_.next_attempt();
  ingest_->state = attempt::phase::leasing;
  ingest_->received = 0;
  ingest_->work = {};
  ingest_->delivers_since.reset();
  ingest_->heard = now;
  ingest_->again_at.reset();
  await_random_access_ = source_.has_value();
  early_.clear();
  rhythm_.restart();
  lease_request request;
  request.label = {work_kind::ingest, channel_.name, {}, id_, ingest_->id};
  request.label.limits.memory_bytes = memory_limit(config_.memory, work_kind::ingest, {});
  effects_.request_lease(request);
}

/// How long a URL may be silent while others wait for their turn: short enough that each has had a turn before clients
/// give up.
milliseconds session::first_byte_timeout() const {
  if (source_ || ingest_->patient || channel_.urls.size() < 2)
    return milliseconds{0};
  auto share = config_.watch_timeout * 3 / 4 / static_cast<int64_t>(channel_.urls.size());
  return std::clamp(share, first_byte_least, first_byte_most);
}

void session::ingest_over(const std::string& why, const lease_end& blame, time_point now) {
  auto& in = *ingest_;
  if (in.id)
    effects_.stop(in.id, blame);
  in.id = {};
  reason_ = why;
  // The pull read samples, but all were recognised as old: the source starts over. The next pull delivers them again.
  if (source_ && !in.delivers_since && in.work.samples_in > 0)
    known_.clear();
  if (in.delivers_since && now - *in.delivers_since >= pull_settled)
    in.failures = 0;
  in.delivers_since.reset();
  if (source_) {
    // Clients stay attached; samples of the old pull are still processed and delivered.
    if (!in.lost_since)
      in.lost_since = now;
    in.again_at = now + backoff(in.failures++, id_.value);
    in.url = (in.url + 1) % channel_.urls.size();
    probed_at_ = now;
    return;
  }
  if (auto limit = first_byte_timeout(); limit.count() > 0 && now - in.began >= limit)
    in.silent = true;
  if (in.url + 1 < channel_.urls.size()) {
    ++in.url;
    probed_at_ = now;
    start_ingest(now);
  } else if (in.silent && !in.patient) {
    // One of the silent URLs may only be slow.
    in.patient = true;
    in.url = 0;
    start_ingest(now);
  } else {
    fail_everything(ec::source_failed, why);
  }
}

void session::source_ended(time_point now) {
  effects_.stop(ingest_->id, {});
  ingest_->id = {};
  ingest_->ended = true;
  if (!source_) {
    fail_everything(ec::source_failed, "the source has ended");
    return;
  }
  for (auto& name : variant_names()) {
    auto i = variants_.find(name);
    if (i == variants_.end())
      continue;
    // Received samples may still be transcoded, even if they are so few that no transcode has begun yet.
    auto& v = i->second;
    auto to_make = v.flowing || v.fed_to > 0 || buffer_.join_point_from(v.tracks_since);
    if (v.plan.passthrough() || v.parked || !to_make)
      remove(i, ec::source_failed, "the source has ended", {});
    else
      pump(v, now);
  }
  if (variants_.empty())
    fail_everything(ec::none, "the source has ended");
}

/// The source stays away for too long. Renditions that show a slate go on, as long as they have clients.
void session::give_up_source() {
  auto why = reason_.empty() ? "the source did not come back" : reason_;
  for (auto& name : variant_names())
    if (auto i = variants_.find(name); !away_since_ || !has_slate(i->second))
      remove(i, ec::source_failed, why, {});
  if (variants_.empty())
    fail_everything(ec::source_failed, why);
}

void session::tick_source(time_point now) {
  if (!ingest_ || ingest_->ended)
    return;
  auto& in = *ingest_;
  tick_slate(now);
  if (in.lost_since && now - *in.lost_since >= config_.source_timeout) {
    give_up_source();
    if (!ingest_)
      return;
  }
  if (in.again_at && now >= *in.again_at) {
    start_ingest(now);
    return;
  }
  if (in.id && in.state == attempt::phase::running && now - in.heard >= config_.read_timeout + ingest_silence) {
    ingest_over("the ingest hangs", {"the ingest hangs"}, now);
    return;
  }
  if (probe_ && now - probe_->heard >= config_.source_return) {
    if (probe_->id)
      effects_.stop(probe_->id, {});
    probe_.reset();
  }
  return_to_first(now);
}

/// While another URL is in use, the first one is tried in parallel from time to time.
void session::return_to_first(time_point now) {
  auto& in = *ingest_;
  if (probe_ || in.url == 0 || !in.id || in.lost_since || now - probed_at_ < config_.source_return)
    return;
  probed_at_ = now;
  probe_.emplace(now);
  probe_->id = effects_.next_attempt();
  lease_request request;
  request.label = {work_kind::ingest, channel_.name, {}, id_, probe_->id};
  request.label.limits.memory_bytes = memory_limit(config_.memory, work_kind::ingest, {});
  effects_.request_lease(request);
}

void session::source_known(time_point now) {
  for (auto& name : variant_names())
    if (auto i = variants_.find(name); i != variants_.end() && !i->second.begun)
      begin(i->second, now);
  ask_together();
}

/// Adds whole seconds to the times if they begin so early that a rendition's times would be below the container's
/// minimum. The offset stays the same for the life of the session, so that all renditions have the same times.
void session::lift(sample_block& x, time_point now) {
  if (!lift_) {
    // If an encoder reorders, its decoding times begin some pictures before the first presentation time.
    constexpr int64_t pictures = 3;
    auto picture = ticks_per_second / 10;
    for (auto& t : source_->tracks)
      if (t.kind == track_kind::video && t.frame_rate.num > 0)
        picture = std::min(ticks_per_second, ticks_per_second * t.frame_rate.den / t.frame_rate.num);
    auto first = std::numeric_limits<int64_t>::max();
    for (auto& s : x.samples)
      if (is_media(source_->tracks, s.track))
        first = std::min(first, s.dts);
    auto least = ticks_of(config_.earliest_dts) + pictures * picture;
    auto missing = config_.earliest_dts.count() > 0 && first < least ? least - std::max(first, -lift_max) : 0;
    lift_ = (missing + ticks_per_second - 1) / ticks_per_second * ticks_per_second;
    clock_ = clock_map{first + *lift_, wall_time(now)};
  }
  if (*lift_ != 0)
    for (auto& s : x.samples) {
      s.pts += *lift_;
      s.dts += *lift_;
    }
}

/// A reopened source begins at a random-access point. Before it, no picture can be decoded, but sound can, unless there
/// is silence in its place already. Subtitles and splices are kept until their time is known. False if nothing of the
/// block is left for the buffer.
bool session::is_awaited(sample_block& x) {
  if (!await_random_access_)
    return true;
  // New tracks begin at a random-access point, even if the source continues.
  auto goes_on = (x.samples.front().flags & sample::continues) != 0 && !away_since_
                 && (!next_source_ || same_places(*source_, *next_source_));
  if (goes_on || x.starts_with_random_access()) {
    await_random_access_ = false;
    if (ingest_->lost_since)
      ++source_restarts_;
    ingest_->lost_since.reset();
    return true;
  }
  if (away_since_ || next_source_) {
    keep_early(x);
    return false;
  }
  auto& tracks = source_->tracks;
  x = part_of(x, [&](const sample& s) { return s.track < tracks.size() && tracks[s.track].kind != track_kind::video; });
  return !x.samples.empty();
}

void session::take_source(const sample_batch& x, time_point now) {
  assert(ingest_ && ingest_->id == x.attempt && x.sequence == ingest_->received + 1);
  auto& in = *ingest_;
  ++in.received;
  in.heard = now;
  effects_.acknowledge({x.attempt, x.sequence});
  if (x.block.samples.empty())
    return;
  if (!in.delivers_since)
    in.delivers_since = now;
  auto block = x.block;
  if (!is_awaited(block))
    return;
  auto joinable = block.starts_with_random_access();
  if (away_since_)
    end_slate(block, now);
  reason_.clear(); // the reason why earlier URLs failed
  if (next_source_ && joinable)
    source_changed(*std::exchange(next_source_, std::nullopt), now);
  auto has_media = std::any_of(block.samples.begin(), block.samples.end(),
                               [&](const sample& s) { return is_media(source_->tracks, s.track); });
  if (!lift_ && !has_media)
    return;
  remember(block);
  lift(block, now);
  samples_in_ += block.samples.size();
  bytes_in_ += block.bytes.size();
  auto leading = leading_track(*source_);
  for (auto& s : block.samples) {
    if (!is_media(source_->tracks, s.track))
      continue;
    newest_pts_ = std::max(newest_pts_, s.pts);
    source_end_ = std::max(source_end_, std::max(s.dts, s.pts) + s.duration);
    if (s.track == leading)
      source_dts_ = s.dts;
  }
  forget_before();
  // Sound alone, before the first picture, does not end a silence: the slate may begin.
  if (has_media && !await_random_access_)
    rhythm_.heard(source_end_, now);
  set_early_aside(now);
  set_aside(block);
  buffer_.append(std::move(block));
  note_gone(); // first, because variants that lose their attempt below must count these samples
  for (auto& name : variant_names())
    if (auto i = variants_.find(name); i != variants_.end()) {
      if (i->second.change_at) {
        release_tail(i->second, false, now);
        flush(i->second, now);
      }
      pump(i->second, now);
    }
  if (joinable)
    release_source();
  note_gone();
}

/// Remembers fingerprints by which a later pull is recognised, and how far this pull has come.
void session::remember(const sample_block& block) {
  assert(source_);
  auto leading = leading_track(*source_);
  auto pictures = source_->tracks.at(leading).kind == track_kind::video;
  passed_.resize(source_->tracks.size(), std::numeric_limits<int64_t>::min());
  size_t offset = 0;
  for (auto& s : block.samples) {
    auto bytes = block.bytes.span().subspan(std::min(offset, block.bytes.size()));
    bytes = bytes.first(std::min<size_t>(bytes.size(), s.size));
    offset += s.size;
    if (s.track < passed_.size())
      passed_[s.track] = std::max(passed_[s.track], s.dts);
    if (s.track == leading && (s.is_random_access() || !pictures))
      known_.push_back({s.pts, print_of(bytes)});
  }
  while (known_.size() > (pictures ? known_pictures_max : known_sounds_max))
    known_.pop_front();
}

void session::note_gone() {
  for (auto& s : buffer_.take_gone())
    gone_.push_back(s);
}

/// Drops source blocks that can no longer be needed: all before what is still to be sent, and before the place where a
/// new attempt would begin.
void session::release_source() {
  auto floor = buffer_.end();
  for (auto& [name, v] : variants_) {
    if (v.outdated && !v.parked)
      floor = std::min(floor, v.tracks_since);
    if (v.plan.passthrough()) {
      floor = std::min(floor, v.cursor.value_or(floor));
      continue;
    }
    for (auto* a : {&v.current, &v.next})
      if (*a && (*a)->in->cursor)
        floor = std::min(floor, v.flowing ? *(*a)->in->cursor : (*a)->in->began);
    if (v.flowing)
      floor = std::min(floor, feed_point(v, spans_after(v)).value_or(floor));
  }
  for (auto& [name, ladder] : ladders_)
    if (is_recent(ladder))
      floor = std::min(floor, *ladder.start);
  if (before_)
    floor = std::min(floor, buffer_.first());
  buffer_.release(floor);
  // Dropped samples are remembered for as long as a variant might still count them as lost.
  auto oldest = std::numeric_limits<int64_t>::max();
  for (auto& [name, v] : variants_)
    if (v.flowing && !v.plan.passthrough())
      for (auto& end : v.ends)
        oldest = std::min(oldest, std::min(end.pts, end.dts));
  while (!gone_.empty() && (std::max(gone_.front().pts, gone_.front().dts) <= oldest || gone_.size() > gone_max))
    gone_.pop_front();
}

} // namespace troupe::core
