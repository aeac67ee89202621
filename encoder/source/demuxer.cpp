// Reads and seeks. Packets get their form and their place on the timeline.
//
// A video without any random-access point for `random_access_wait` of media time, or to its end, is refused: its
// decoding would lack references.
#include "encoder/source/demuxer_impl.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <deque>
#include <optional>
#include <utility>

namespace troupe::av {

namespace {

/// How many packets a seek reads to find its first picture.
constexpr size_t packets_ahead_max = 10'000;

/// By how much (ticks) a seek aims earlier each time that it lands too late.
constexpr std::array<int64_t, 4> seek_back{0, 3 * 90'000, 15 * 90'000, 60 * 90'000};

bool can_go_on(errc code) {
  return code == errc::media;
}

} // namespace

expected<void> demuxer::impl::take_new_tracks() {
  take_companions();
  for (size_t i = 0; i < input.size(); ++i)
    if (i >= entries.size() || (input.has_stream(i) && entries[i].version != input.version(i)))
      if (auto ok = take_stream(i); !ok)
        return ok;
  return {};
}

/// Sets the track up for its stream: a new track, or one that continues with another stream.
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
  // Jobs identify a file's tracks by stream number: a track keeps its number, whatever stream continues it.
  if (keep_times)
    made.stream = known.stream;
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

/// True if a wanted picture is still to come.
bool demuxer::impl::has_picture() const {
  for (size_t i = 0; i < entries.size(); ++i)
    if (entries[i].is_video && !entries[i].ignored && input.has_stream(i))
      return true;
  return false;
}

/// Holds a packet of a track that waits for the video's next random-access point; false if the packet is not held.
bool demuxer::impl::hold_early(AVPacket& out) {
  return entries[static_cast<size_t>(out.stream_index)].early && has_picture() && early.push(out);
}

/// True if a waiting packet can be returned.
bool demuxer::impl::has_early() const {
  return early.front() != nullptr && !entries[static_cast<size_t>(early.front()->stream_index)].early;
}

/// True if the source restarts, false if it is at its end.
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

/// Forgets everything that the next packets do not continue.
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

/// The next packet as the container has it, or with a better time if a picture's time is known only later.
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

/// Goes to `target` and reads up to the first random-access point. True if that point is not after `pts`.
expected<bool> demuxer::impl::seek_before(size_t video, int64_t target, int64_t pts) {
  auto found = input.seek(video, target);
  if (!found || !*found)
    return found;
  forget();
  from_start = ended = false;
  // A caller that seeks knows that times do not depend on earlier packets, so no distance counts as a jump.
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

const std::vector<track>& demuxer::companions() const noexcept {
  return impl_->companions;
}

bool demuxer::take_companion(AVPacket& packet) {
  av_packet_unref(&packet);
  while (impl_->input.take_companion(packet)) {
    if (impl_->place_companion(packet))
      return true;
    ++impl_->dropped;
    av_packet_unref(&packet);
  }
  return false;
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
      // No picture is left that the waiting packets could follow.
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
    if (early.front() != nullptr && !has_picture())
      for (auto& x : entries)
        x.early = false;
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
      // A fault on the way is no failure: the source is then read from its start.
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
