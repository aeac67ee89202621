// Streams of libavformat become tracks, and their packets get their form and their place on the timeline.
//
// One program is read: that of the best video, with all its audio. Without video, that of the best audio. A stream about which the container
// does not say enough (silent during the analysis, begun in mid-stream, joined in mid-GOP) is probed with its own packets until a decoder knows it.
// A video without any random-access point for `random_access_wait` of media time, or to its end, is refused: showing it would take
// decoding from nowhere.
#include "encoder/demuxer.hpp"

#include "encoder/annexb.hpp"
#include "encoder/source_context.hpp"
#include "encoder/stream_parser.hpp"
#include "encoder/timeline.hpp"

extern "C" {
#include <libavutil/dict.h>
}

#include <algorithm>
#include <deque>
#include <optional>
#include <utility>

namespace troupe::av {

namespace {

constexpr int64_t random_access_wait = 15 * int64_t{time_base.den}; // ticks: longer than any sensible distance of random-access points
constexpr size_t random_access_bytes = size_t{64} << 20; // and where times say nothing
constexpr size_t audio_tracks_max = 16;
constexpr size_t packet_bytes_max = size_t{64} << 20;
constexpr int unusable_max = 1000; // packets in a row that cannot be brought into form

int64_t in_ticks(int64_t x, AVRational base) {
  return x == AV_NOPTS_VALUE ? no_pts : av_rescale_q_rnd(x, base, time_base, static_cast<AVRounding>(AV_ROUND_NEAR_INF | AV_ROUND_PASS_MINMAX));
}

bool is_picture(const AVStream& x) {
  return (x.disposition & (AV_DISPOSITION_ATTACHED_PIC | AV_DISPOSITION_TIMED_THUMBNAILS)) != 0;
}

/// True for formats that write the presentation time of every packet.
bool has_all_times(const AVInputFormat& format) {
  std::string_view name{format.name};
  return name.find("mp4") != name.npos || name.find("matroska") != name.npos || name == "flv" || name == "live_flv";
}

enum class stream_state { ignored, pending, active };

struct stream_entry {
  stream_state state = stream_state::ignored;
  size_t track = 0;
  std::unique_ptr<stream_prober> prober;
};

struct track_entry {
  bool is_video = false;
  bool joined = false; ///< a random-access point was seen since the start or restart
  AVRational base{1, 1};
  int64_t waiting_since = no_pts;
  size_t waited_bytes = 0;
  std::optional<video_normaliser> normaliser;
  std::optional<stream_parser> parser;
};

} // namespace

struct demuxer::impl {
  impl(source_context from, bool loop_)
    : source{std::move(from)}, loop{loop_}, times{limits_for(source)}, packet{make_packet()} {
  }

  static timeline::limits limits_for(const source_context& source) {
    timeline::limits result;
    // Formats with an index mean what they say, however long a pause is.
    if (!source.may_jump())
      result.jump = result.start_spread = 24 * 3600 * int64_t{time_base.den};
    return result;
  }

  void select_streams();
  void take_stream(int index);
  expected<void> add_track(int index);
  expected<void> resolve_video();
  expected<void> probe(int index, const AVPacket& data);
  expected<bool> next_raw(AVPacket& out);
  expected<bool> at_end();
  expected<bool> prepare(AVPacket& out);
  expected<void> wait_for_random_access(track_entry& entry, const AVPacket& data);
  tl::unexpected<error> no_random_access(const char* when) const;
  timeline_track describe(const AVStream& stream, const track& made) const;
  bool is_wanted(int index) const;

  source_context source;
  bool loop = false;
  timeline times;
  packet_ptr packet;
  std::optional<int> program; ///< its id, where the format has programs
  int video_stream = -1;
  std::vector<stream_entry> streams;
  std::vector<track> made_tracks;
  std::vector<track_entry> entries;
  std::deque<packet_ptr> held; ///< packets read while opening
  uint64_t pass_packets = 0;   ///< returned since the start or restart
  int unusable = 0;
  bool ended = false;
  source_counters counted;
};

/// True for a stream of the chosen program (of any, where the format has no programs).
bool demuxer::impl::is_wanted(int index) const {
  const auto& format = source.format();
  const auto& stream = *format.streams[index];
  auto type = stream.codecpar->codec_type;
  if (is_picture(stream) || (type != AVMEDIA_TYPE_VIDEO && type != AVMEDIA_TYPE_AUDIO))
    return false;
  if (type == AVMEDIA_TYPE_VIDEO)
    return index == video_stream;
  if (!program)
    return true;
  for (AVProgram* x = nullptr; (x = av_find_program_from_stream(&source.format(), x, index)) != nullptr;)
    if (x->id == *program)
      return true;
  return false;
}

void demuxer::impl::select_streams() {
  auto& format = source.format();
  auto best = [&](AVMediaType type) {
    auto index = av_find_best_stream(&format, type, -1, -1, nullptr, 0);
    return index >= 0 && !is_picture(*format.streams[index]) ? index : -1;
  };
  video_stream = best(AVMEDIA_TYPE_VIDEO);
  auto leader = video_stream >= 0 ? video_stream : best(AVMEDIA_TYPE_AUDIO);
  if (leader >= 0)
    if (const auto* x = av_find_program_from_stream(&format, nullptr, leader); x != nullptr)
      program = x->id;
  for (unsigned i = 0; i < format.nb_streams; ++i)
    take_stream(static_cast<int>(i));
}

/// Decides what becomes of a stream that libavformat has found.
void demuxer::impl::take_stream(int index) {
  auto& stream = *source.format().streams[index];
  if (streams.size() <= static_cast<size_t>(index))
    streams.resize(static_cast<size_t>(index) + 1);
  auto& entry = streams[static_cast<size_t>(index)];
  auto audio_tracks = std::count_if(streams.begin(), streams.end(),
                                    [](const stream_entry& x) { return x.state != stream_state::ignored; });
  if (!is_wanted(index) || static_cast<size_t>(audio_tracks) > audio_tracks_max) {
    stream.discard = AVDISCARD_ALL;
    return;
  }
  entry.state = stream_state::pending;
  if (is_known(*stream.codecpar))
    return;
  entry.prober = std::make_unique<stream_prober>(*stream.codecpar);
  if (!entry.prober->possible()) {
    entry.state = stream_state::ignored;
    stream.discard = AVDISCARD_ALL;
  }
}

timeline_track demuxer::impl::describe(const AVStream& stream, const track& made) const {
  const auto& p = *made.parameters;
  timeline_track result;
  result.audio = p.codec_type == AVMEDIA_TYPE_AUDIO;
  result.sample_rate = p.sample_rate;
  result.rounding = std::max<int64_t>(in_ticks(1, stream.time_base) / 2 + 1, 1);
  result.frame_rate = made.frame_rate;
  result.reorder_frames = p.video_delay;
  result.picture_order_step = p.codec_id == AV_CODEC_ID_H264 ? 2 : 1;
  if (stream.pts_wrap_bits > 0 && stream.pts_wrap_bits < 48)
    result.wrap = in_ticks(int64_t{1} << stream.pts_wrap_bits, stream.time_base);
  return result;
}

expected<void> demuxer::impl::add_track(int index) {
  auto& format = source.format();
  auto& stream = *format.streams[index];
  track made;
  track_entry entry;
  entry.is_video = stream.codecpar->codec_type == AVMEDIA_TYPE_VIDEO;
  entry.base = stream.time_base;
  if (entry.is_video) {
    auto normaliser = video_normaliser::open(*stream.codecpar, stream.time_base);
    if (!normaliser)
      return tl::unexpected{std::move(normaliser.error())};
    made.parameters = copy(normaliser->parameters());
    entry.normaliser = std::move(*normaliser);
    auto rate = av_guess_frame_rate(&format, &stream, nullptr);
    if (rate.num > 0 && rate.den > 0 && av_q2d(rate) <= 1000)
      made.frame_rate = rate;
    auto codec = stream.codecpar->codec_id;
    if ((codec == AV_CODEC_ID_H264 || codec == AV_CODEC_ID_HEVC) && !has_all_times(*format.iformat))
      entry.parser.emplace(*made.parameters);
  } else {
    made.parameters = copy(*stream.codecpar);
    entry.parser.emplace(*made.parameters);
  }
  if (const auto* x = av_dict_get(stream.metadata, "language", nullptr, 0); x != nullptr)
    made.language = std::string{x->value}.substr(0, 3);
  times.add_track(describe(stream, made));
  auto& slot = streams[static_cast<size_t>(index)];
  slot.state = stream_state::active;
  slot.prober.reset();
  slot.track = made_tracks.size();
  made_tracks.push_back(std::move(made));
  entries.push_back(std::move(entry));
  return {};
}

/// Shows a packet of an unknown stream to its prober; the stream becomes a track when its parameters are known.
expected<void> demuxer::impl::probe(int index, const AVPacket& data) {
  auto& slot = streams[static_cast<size_t>(index)];
  auto& stream = *source.format().streams[index];
  if (slot.prober) {
    auto found = slot.prober->feed(data);
    if (!found)
      return {};
    if (avcodec_parameters_copy(stream.codecpar, found.get()) < 0)
      return fail(errc::limit, "copy the parameters of a stream of " + source.name());
  }
  return add_track(index);
}

tl::unexpected<error> demuxer::impl::no_random_access(const char* when) const {
  const auto& stream = *source.format().streams[video_stream];
  return fail(errc::media, "read " + source.name() + ": the video (" + avcodec_get_name(stream.codecpar->codec_id)
                             + ") has no random-access point " + when + "; " + std::to_string(counted.dropped_packets)
                             + " packets dropped");
}

/// Reads on, and holds what is read, until the video (the first audio, where there is no video) is a track.
expected<void> demuxer::impl::resolve_video() {
  auto unresolved = [this](size_t i) { return streams[i].state == stream_state::pending; };
  for (size_t i = 0; i < streams.size(); ++i)
    if (unresolved(i) && !streams[i].prober)
      if (auto ok = add_track(static_cast<int>(i)); !ok)
        return ok;
  auto leader = static_cast<size_t>(std::max(video_stream, 0));
  size_t bytes = 0;
  int64_t first = no_pts;
  auto waiting = [&] {
    if (video_stream >= 0)
      return unresolved(leader);
    return made_tracks.empty() && std::any_of(streams.begin(), streams.end(), [](const stream_entry& x) {
             return x.state == stream_state::pending;
           });
  };
  while (waiting()) {
    auto x = make_packet();
    auto more = source.read(*x);
    if (!more)
      return tl::unexpected{std::move(more.error())};
    if (!*more)
      break;
    auto index = static_cast<size_t>(x->stream_index);
    if (index >= streams.size() || streams[index].state == stream_state::ignored)
      continue;
    bytes += static_cast<size_t>(x->size);
    auto at = in_ticks(x->dts, source.format().streams[index]->time_base);
    if (first == no_pts)
      first = at;
    if (bytes > random_access_bytes || (at != no_pts && at - first > random_access_wait))
      break;
    if (unresolved(index)) {
      ++counted.dropped_packets;
      if (auto ok = probe(x->stream_index, *x); !ok)
        return ok;
      if (unresolved(index))
        continue;
      --counted.dropped_packets;
    }
    held.push_back(std::move(x));
  }
  if (video_stream >= 0 && unresolved(leader))
    return no_random_access("that a decoder could start from");
  if (made_tracks.empty())
    return fail(errc::media, "read " + source.name() + ": neither video nor audio that can be decoded");
  return {};
}

/// The next packet of a stream that is a track, as libavformat has it.
expected<bool> demuxer::impl::next_raw(AVPacket& out) {
  for (;;) {
    if (!held.empty()) {
      av_packet_move_ref(&out, held.front().get());
      held.pop_front();
    } else {
      auto more = source.read(out);
      if (!more || !*more)
        return more;
    }
    while (streams.size() < source.format().nb_streams)
      take_stream(static_cast<int>(streams.size()));
    auto index = static_cast<size_t>(out.stream_index);
    if (streams[index].state == stream_state::pending)
      if (auto ok = probe(out.stream_index, out); !ok)
        return tl::unexpected{std::move(ok.error())};
    if (streams[index].state == stream_state::active && out.size > 0 && static_cast<size_t>(out.size) < packet_bytes_max)
      return true;
    if (streams[index].state == stream_state::pending)
      ++counted.dropped_packets;
    av_packet_unref(&out);
  }
}

/// Counts a packet before the first random-access point, and gives up when there were too many.
expected<void> demuxer::impl::wait_for_random_access(track_entry& entry, const AVPacket& data) {
  ++counted.dropped_packets;
  entry.waited_bytes += static_cast<size_t>(data.size);
  auto at = in_ticks(data.dts != AV_NOPTS_VALUE ? data.dts : data.pts, entry.base);
  if (entry.waiting_since == no_pts)
    entry.waiting_since = at;
  auto waited = at == no_pts ? 0 : at - entry.waiting_since;
  if (waited > random_access_wait || entry.waited_bytes > random_access_bytes)
    return no_random_access("within 15 s");
  return {};
}

/// Brings a packet into form and onto the timeline. False where it is not to be returned.
expected<bool> demuxer::impl::prepare(AVPacket& out) {
  auto index = streams[static_cast<size_t>(out.stream_index)].track;
  auto& entry = entries[index];
  if ((out.flags & AV_PKT_FLAG_CORRUPT) != 0)
    ++counted.corrupt_packets;
  if (entry.normaliser) {
    if (auto ok = entry.normaliser->apply(out); !ok) {
      ++counted.corrupt_packets;
      ++counted.dropped_packets;
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
  source_times x;
  x.pts = in_ticks(out.pts, entry.base);
  x.dts = in_ticks(out.dts, entry.base);
  x.duration = in_ticks(out.duration, entry.base);
  if (entry.parser) {
    auto facts = entry.parser->parse(out);
    x.picture_order = facts.picture_order;
    x.picture_order_reset = facts.picture_order && video_normaliser::is_idr(made_tracks[index].parameters->codec_id,
                                                           {out.data, static_cast<size_t>(out.size)});
    x.samples = facts.samples;
  }
  if (!entry.is_video && x.samples == 0 && made_tracks[index].parameters->sample_rate > 0)
    x.samples = av_rescale_q(out.duration, entry.base, {1, made_tracks[index].parameters->sample_rate});
  auto placed = times.place(index, x);
  counted.discontinuities = times.jumps();
  if (!placed) {
    ++counted.dropped_packets;
    return false;
  }
  out.stream_index = static_cast<int>(index);
  out.pts = placed->pts;
  out.dts = placed->dts;
  out.duration = placed->duration;
  out.time_base = time_base;
  out.pos = -1;
  if (placed->discontinuity)
    out.flags |= packet_flag_discontinuity;
  return true;
}

/// True where the source goes on from its start, false where it is at its end.
expected<bool> demuxer::impl::at_end() {
  auto joined = [](const track_entry& x) { return !x.is_video || x.joined; };
  if (!std::all_of(entries.begin(), entries.end(), joined))
    return no_random_access("in all of it");
  if (pass_packets == 0)
    return fail(errc::media, "read " + source.name() + ": it ends before the first packet");
  if (!loop)
    return false;
  if (auto ok = source.rewind(); !ok)
    return tl::unexpected{std::move(ok.error())};
  times.restart();
  pass_packets = 0;
  for (auto& x : entries) {
    x.joined = false;
    if (x.normaliser)
      x.normaliser->flush();
    if (x.parser)
      x.parser->flush();
  }
  return true;
}

demuxer::demuxer(std::unique_ptr<impl> ptr) : impl_{std::move(ptr)} {
}

demuxer::demuxer(demuxer&&) noexcept = default;
demuxer& demuxer::operator=(demuxer&&) noexcept = default;
demuxer::~demuxer() = default;

expected<demuxer> demuxer::open(source_options options, const std::atomic<bool>& stop) {
  auto source = source_context::open(options, stop);
  if (!source)
    return tl::unexpected{std::move(source.error())};
  auto self = std::make_unique<impl>(std::move(*source), options.loop);
  self->select_streams();
  if (auto ok = self->resolve_video(); !ok)
    return tl::unexpected{std::move(ok.error())};
  return demuxer{std::move(self)};
}

const std::vector<track>& demuxer::tracks() const noexcept {
  return impl_->made_tracks;
}

expected<bool> demuxer::read(AVPacket& packet) {
  auto& self = *impl_;
  av_packet_unref(&packet);
  while (!self.ended) {
    auto more = self.next_raw(*self.packet);
    if (!more)
      return more;
    if (!*more) {
      auto again = self.at_end();
      if (!again)
        return again;
      self.ended = !*again;
      continue;
    }
    auto ready = self.prepare(*self.packet);
    if (ready && !*ready) {
      av_packet_unref(self.packet.get());
      continue;
    }
    if (!ready)
      return ready;
    if (av_packet_make_refcounted(self.packet.get()) < 0)
      return fail(errc::limit, "keep a packet of " + self.source.name() + ": out of memory");
    ++self.pass_packets;
    ++self.counted.packets;
    self.counted.bytes += static_cast<uint64_t>(self.packet->size);
    av_packet_move_ref(&packet, self.packet.get());
    return true;
  }
  return false;
}

bool demuxer::is_live() const noexcept {
  return impl_->source.is_live();
}

const source_counters& demuxer::counters() const noexcept {
  return impl_->counted;
}

} // namespace troupe::av
