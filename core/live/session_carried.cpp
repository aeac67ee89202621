// What clients get besides the plan's tracks, and in which order: subtitles and splice information on their way from
// the source to the clients. They go beside the renditions: no transcode has them, so no change of task can lose them.
#include "core/live/part_of.hpp"
#include "core/live/session.hpp"
#include "core/live/splice_codec.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace troupe::core {

namespace {

constexpr size_t aside_max = 4096;
constexpr uint64_t aside_bytes_max = 8 * 1024 * 1024;

/// How long (ticks) samples are kept for renditions that are behind, and how old one may be that a new client is told.
constexpr int64_t kept_for = 30 * ticks_per_second;
constexpr int64_t told_for = 5 * ticks_per_second;

/// The number of a track that is gone.
constexpr uint16_t no_track = std::numeric_limits<uint16_t>::max();

/// A transcoder is told of at most this many future splices before its first block.
constexpr size_t splices_max = 64;

int64_t end_of(const sample& x) {
  return std::max(x.dts, x.pts + x.duration);
}

bool is_beside(const track_format& x) {
  return x.kind == track_kind::subtitle || x.kind == track_kind::data;
}

/// For each track of `a` its number in `b`: as the n-th of its kind, codec and language.
std::vector<uint16_t> numbers_in(const stream_format& a, const stream_format& b) {
  std::vector<uint16_t> result;
  std::vector<bool> taken(b.tracks.size());
  for (auto& x : a.tracks) {
    size_t i = 0;
    while (
      i < b.tracks.size()
      && (taken[i] || b.tracks[i].kind != x.kind || b.tracks[i].codec != x.codec || b.tracks[i].language != x.language))
      ++i;
    result.push_back(i < b.tracks.size() ? static_cast<uint16_t>(i) : no_track);
    if (i < b.tracks.size())
      taken[i] = true;
  }
  return result;
}

} // namespace

stream_format session::all_tracks(const variant& v) const {
  auto result = v.output;
  auto places = places_of(v.plan);
  if (places.size() == v.output.tracks.size())
    for (size_t i = 0; i < places.size(); ++i)
      result.tracks[places[i]] = v.output.tracks[i];
  for (auto& x : v.plan.carried)
    result.tracks.push_back(x.format);
  return result;
}

void session::open_output(variant& v) {
  v.told = all_tracks(v);
  v.places = places_of(v.plan);
  effects_.open_output(v.target.name, v.told, form_of(v));
}

/// Keeps the samples of a source block that may be carried. Other tracks may be announced already; their numbers count
/// only once the source has changed.
void session::set_aside(const sample_block& block) {
  size_t offset = 0;
  for (auto& s : block.samples) {
    auto bytes = block.bytes.span().subspan(offset, s.size);
    offset += s.size;
    if (s.track >= source_->tracks.size())
      continue;
    auto& format = source_->tracks[s.track];
    if (!is_beside(format)
        || (next_source_ && (s.track >= next_source_->tracks.size() || next_source_->tracks[s.track] != format)))
      continue;
    aside_.push_back({s, shared_bytes{shared_bytes::container(bytes.begin(), bytes.end())}, buffer_.end()});
    aside_bytes_ += s.size;
  }
  while (!aside_.empty()
         && (aside_.size() > aside_max || aside_bytes_ > aside_bytes_max
             || end_of(aside_.front().what) < source_dts_ - kept_for)) {
    aside_bytes_ -= aside_.front().bytes.size();
    aside_.pop_front();
    ++aside_first_;
  }
}

/// Keeps what comes before a source returns: its place on the timeline is known only then.
void session::keep_early(const sample_block& block) {
  auto& tracks = next_source_ ? next_source_->tracks : source_->tracks;
  auto kept = part_of(block, [&](const sample& s) { return s.track < tracks.size() && is_beside(tracks[s.track]); });
  if (!kept.samples.empty())
    early_.push_back(std::move(kept));
  if (early_.size() > aside_max)
    early_.pop_front();
}

/// The source has returned: what came shortly before is announced to all.
void session::set_early_aside(time_point now) {
  if (await_random_access_ || early_.empty())
    return;
  for (auto& block : std::exchange(early_, {})) {
    lift(block, now);
    set_aside(block);
  }
  for (auto& [name, v] : variants_)
    for (auto* a : {&v.current, &v.next})
      if (*a)
        (*a)->in->announce = true;
}

/// The source has other tracks than before.
void session::renumber_aside(const stream_format& before) {
  auto numbers = numbers_in(before, *source_);
  for (auto& x : aside_)
    if (x.what.track < numbers.size())
      x.what.track = numbers[x.what.track];
}

/// The block, behind the splices that the source announced before it and that are still to come.
sample_block session::with_splices(sample_block block, uint64_t number) const {
  auto from = block.samples.front().dts;
  std::vector<const aside*> announced;
  for (auto& x : aside_)
    if (x.block <= number && x.what.pts > from && x.what.track < source_->tracks.size()
        && source_->tracks[x.what.track].codec == splice_codec
        && std::none_of(announced.begin(), announced.end(),
                        [&](const aside* other) { return other->what.pts == x.what.pts; }))
      announced.push_back(&x);
  if (announced.size() > splices_max)
    announced.erase(announced.begin(), announced.end() - splices_max);
  if (announced.empty())
    return block;
  sample_block result;
  shared_bytes::container bytes;
  for (auto* x : announced) {
    result.samples.push_back(x->what);
    bytes.insert(bytes.end(), x->bytes.span().begin(), x->bytes.span().end());
  }
  result.samples.insert(result.samples.end(), block.samples.begin(), block.samples.end());
  bytes.insert(bytes.end(), block.bytes.span().begin(), block.bytes.span().end());
  result.bytes = shared_bytes{std::move(bytes)};
  return result;
}

/// Gives clients what came up to this decoding time of the rendition.
void session::carry(variant& v, int64_t dts) {
  if (v.outdated)
    return;
  v.aside = std::max(v.aside, aside_first_);
  for (; v.aside < aside_first_ + aside_.size(); ++v.aside) {
    auto& [what, bytes, number] = aside_[v.aside - aside_first_];
    if (what.dts > dts)
      return;
    auto i = std::find_if(v.plan.carried.begin(), v.plan.carried.end(),
                          [track = what.track](const carried_track& x) { return x.from == track; });
    if (i == v.plan.carried.end() || end_of(what) < dts - told_for)
      continue;
    sample_block block{{what}, bytes};
    block.samples.front().dts = dts;
    block.samples.front().track =
      static_cast<uint16_t>(v.output.tracks.size() + static_cast<size_t>(i - v.plan.carried.begin()));
    effects_.deliver(v.target.name, block);
  }
}

} // namespace troupe::core
