// Packets get their form and their place on the timeline.
//
// A video without any random-access point for `random_access_wait` of media time, or to its end, is refused: showing
// it would take decoding from nowhere.
#include "encoder/demuxer.hpp"

#include "encoder/annexb.hpp"
#include "encoder/picture_unpacker.hpp"
#include "encoder/reference_lookahead.hpp"
#include "encoder/source_tracks.hpp"
#include "encoder/stream_changes.hpp"
#include "encoder/stream_parser.hpp"
#include "encoder/timeline.hpp"

extern "C" {
#include <libavutil/dict.h>
}

#include <algorithm>
#include <array>
#include <chrono>
#include <deque>
#include <optional>
#include <utility>

namespace troupe::av {

namespace {

constexpr int unusable_max = 1000; // packets in a row that cannot be brought into form

/// How many packets a seek reads to find its first picture.
constexpr size_t packets_ahead_max = 10'000;

/// By how much (ticks) a seek aims earlier each time that it lands too late.
constexpr std::array<int64_t, 4> seek_back{0, 3 * 90'000, 15 * 90'000, 60 * 90'000};

/// True for formats that write the presentation time of every packet.
bool has_all_times(const AVInputFormat& format) {
  std::string_view name{format.name};
  return name.find("mp4") != name.npos || name.find("matroska") != name.npos || name == "flv" || name == "live_flv";
}

struct track_entry {
  bool is_video = false;
  bool ignored = false;
  bool joined = false; ///< a random-access point was seen since the start or restart
  AVRational base{1, 1};
  AVCodecID codec = AV_CODEC_ID_NONE;
  int64_t wrap = 0; ///< ticks after which the container's counter starts again; 0 for never
  int64_t waiting_since = no_pts;
  size_t waited_bytes = 0;
  std::optional<video_normaliser> normaliser;
  std::optional<stream_parser> parser;
  std::optional<picture_unpacker> unpacker;
  std::optional<reference_lookahead> lookahead;
};

timeline::limits limits_for(const source_context& source, bool keep_times) {
  timeline::limits result;
  result.keep_presentation = keep_times;
  // Formats with an index mean what they say, however long a pause is.
  if (!source.may_jump())
    result.jump = result.start_spread = 24 * 3600 * int64_t{time_base.den};
  return result;
}

bool can_go_on(errc code) {
  return code == errc::media;
}

timeline_track describe(const AVInputFormat& format, const AVStream& stream, const track& made) {
  const auto& p = *made.parameters;
  timeline_track result;
  result.audio = p.codec_type == AVMEDIA_TYPE_AUDIO;
  result.sample_rate = p.sample_rate;
  result.rounding = std::max<int64_t>(in_ticks(1, stream.time_base) / 2 + 1, 1);
  result.frame_rate = made.frame_rate;
  result.reorder_frames = p.video_delay;
  result.picture_order_step = p.codec_id == AV_CODEC_ID_H264 ? 2 : 1;
  result.order_times = std::string_view{format.name} == "avi";
  if (stream.pts_wrap_bits > 0 && stream.pts_wrap_bits < 48)
    result.wrap = in_ticks(int64_t{1} << stream.pts_wrap_bits, stream.time_base);
  return result;
}

} // namespace

struct demuxer::impl {
  impl(source_context from, const source_options& options)
    : times{limits_for(from, options.keep_times)},
      input{std::move(from), options.tracks_max},
      loop{options.loop},
      grid{options.grid},
      packet{make_packet()} {}

  expected<void> take_new_tracks();
  expected<void> add_track(AVStream& stream);
  expected<bool> at_end();
  void forget();
  expected<bool> seek_before(size_t video, int64_t target, int64_t pts);
  expected<bool> fetch(AVPacket& out);
  expected<bool> next(AVPacket& out);
  expected<bool> prepare(AVPacket& out);
  expected<void> wait_for_random_access(track_entry& entry, const AVPacket& data);
  source_times times_of(track_entry& entry, const AVPacket& data, int sample_rate) const;
  static bool is_displaced(const track_entry& entry, const AVPacket& data, const placement& placed);

  timeline times;
  source_tracks input;
  bool loop = false;
  std::optional<frame_grid> grid;
  packet_ptr packet;
  std::deque<packet_ptr> ready; ///< read and placed while seeking
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
  while (entries.size() < input.size())
    if (auto ok = add_track(input.stream(entries.size())); !ok)
      return ok;
  return {};
}

expected<void> demuxer::impl::add_track(AVStream& stream) {
  auto& format = input.source().format();
  if (is_encrypted(format, stream))
    return encrypted(input.source().name(), stream);
  track made;
  track_entry entry;
  entry.is_video = stream.codecpar->codec_type == AVMEDIA_TYPE_VIDEO;
  entry.base = stream.time_base;
  entry.codec = stream.codecpar->codec_id;
  if (entry.is_video) {
    if (entry.codec == AV_CODEC_ID_MPEG4)
      entry.unpacker.emplace(*stream.codecpar);
    auto normaliser = video_normaliser::open(*stream.codecpar, stream.time_base);
    if (!normaliser)
      return tl::unexpected{std::move(normaliser.error())};
    made.parameters = copy(normaliser->parameters());
    // Transparency is beside the packets; libavformat says what pictures are without it.
    if (auto& format = made.parameters->format; has_alpha(stream) && format == AV_PIX_FMT_YUV420P)
      format = AV_PIX_FMT_YUVA420P;
    entry.normaliser = std::move(*normaliser);
    auto rate = av_guess_frame_rate(&format, &stream, nullptr);
    if (rate.num > 0 && rate.den > 0 && av_q2d(rate) <= 1000)
      made.frame_rate = rate;
    made.grid = grid;
    made.turn = orientation_of(stream);
    if (auto aspect = av_guess_sample_aspect_ratio(&format, &stream, nullptr); aspect.num > 0)
      made.parameters->sample_aspect_ratio = aspect;
    made.aspect_by_container = stream.sample_aspect_ratio.num > 0;
    if (reference_lookahead::is_needed(*format.iformat, *stream.codecpar))
      entry.lookahead.emplace(entry.codec);
    if ((entry.codec == AV_CODEC_ID_H264 || entry.codec == AV_CODEC_ID_HEVC) && !has_all_times(*format.iformat))
      entry.parser.emplace(*made.parameters);
  } else {
    made.parameters = copy(*stream.codecpar);
    entry.parser.emplace(*made.parameters);
  }
  made.language = language_in(stream.metadata);
  made.stream = stream.index;
  auto described = describe(*format.iformat, stream, made);
  entry.wrap = described.wrap;
  times.add_track(described);
  descriptions.push_back(described);
  made_tracks.push_back(std::move(made));
  entries.push_back(std::move(entry));
  return {};
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

/// Brings a packet into form and onto the timeline. False where it is not to be returned.
expected<bool> demuxer::impl::prepare(AVPacket& out) {
  auto index = static_cast<size_t>(out.stream_index);
  auto& entry = entries[index];
  if (is_encrypted(out))
    return encrypted(input.source().name(), input.stream(index));
  if ((out.flags & AV_PKT_FLAG_CORRUPT) != 0)
    ++counted.corrupt_packets;
  if (entry.normaliser) {
    // A live source shows a better place soon.
    auto intra_will_do = !entry.joined && !input.source().is_live();
    if (auto ok = entry.normaliser->apply(out, intra_will_do); !ok) {
      ++counted.corrupt_packets;
      ++dropped;
      if (++unusable > unusable_max)
        return tl::unexpected{std::move(ok.error())};
      return false;
    }
    unusable = 0;
    if (!entry.joined && (out.flags & AV_PKT_FLAG_KEY) == 0) {
      if (auto ok = wait_for_random_access(entry, out); !ok)
        return tl::unexpected{std::move(ok.error())};
      return false;
    }
  }
  entry.joined = true;
  auto placed = times.place(index, times_of(entry, out, made_tracks[index].parameters->sample_rate));
  counted.discontinuities = times.jumps();
  if (!placed) {
    ++dropped;
    return false;
  }
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
  for (auto& x : entries) {
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
  ended = false;
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
    auto more = fetch(*packet);
    if (!more)
      return more;
    if (!*more) {
      auto again = at_end();
      if (!again)
        return again;
      ended = !*again;
      continue;
    }
    if (auto ok = take_new_tracks(); !ok)
      return tl::unexpected{std::move(ok.error())};
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

const source_counters& demuxer::counters() const noexcept {
  return impl_->counted;
}

} // namespace troupe::av
