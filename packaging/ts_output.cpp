#include "packaging/ts_output.hpp"

#include "encoder/container.hpp"
#include "packaging/samples.hpp"
#include "packaging/transport_packets.hpp"

extern "C" {
#include <libavcodec/codec_desc.h>
}

#include <algorithm>
#include <iterator>
#include <utility>

namespace troupe {

namespace {

/// True if the transport stream's tables and the sound headers for `from` are also correct for `to`.
bool goes_on(const stream_format& from, const stream_format& to) {
  return std::equal(from.tracks.begin(), from.tracks.end(), to.tracks.begin(), to.tracks.end(),
                    [](const track_format& a, const track_format& b) {
                      return a.kind == b.kind && a.codec == b.codec && a.language == b.language
                             && a.sample_rate == b.sample_rate && a.channel_layout == b.channel_layout
                             && (a.kind == track_kind::video || a.extradata == b.extradata);
                    });
}

/// Segments begin with its samples: the first video, or the first audio if there is no video.
std::optional<size_t> leading_track(const stream_format& format) {
  for (auto kind : {track_kind::video, track_kind::audio})
    for (size_t i = 0; i < format.tracks.size(); ++i)
      if (format.tracks[i].kind == kind)
        return i;
  return std::nullopt;
}

} // namespace

bool transport_holds(const std::string& codec) {
  auto* x = avcodec_descriptor_get_by_name(codec.c_str());
  return x != nullptr && (x->id == AV_CODEC_ID_SCTE_35 || av::holds(av::container::mpegts, x->id));
}

av::expected<void> ts_output::set_format(const stream_format& format, bool discontinuity) {
  own_ = format;
  return set_tracks(discontinuity);
}

av::expected<void> ts_output::set_sound(const stream_format& format) {
  sound_ = format;
  return own_.tracks.empty() ? av::expected<void>{} : set_tracks(false);
}

av::expected<void> ts_output::set_tracks(bool discontinuity) {
  auto format = own_;
  places_.clear();
  for (auto& x : sound_.tracks) {
    auto joins = x.kind == track_kind::audio;
    places_.push_back(joins ? std::optional{format.tracks.size()} : std::nullopt);
    if (joins)
      format.tracks.push_back(x);
  }
  // With the same codecs the muxer just continues: new parameter sets come in-band.
  auto same = mux_ && goes_on(format_, format);
  format_ = format;
  lead_ = leading_track(format);
  if (mux_ && discontinuity) {
    discontinuous_ = true;
    grid_.interrupt();
  }
  if (same)
    return {};
  if (mux_)
    return mux_->change_tracks(to_tracks(format));
  auto mux = av::muxer::open("mpegts", to_tracks(format), [this](std::span<const std::byte> bytes) { take(bytes); });
  if (!mux)
    return tl::unexpected{std::move(mux.error())};
  mux_.emplace(std::move(*mux));
  return {};
}

av::expected<void> ts_output::write(const sample_block& block, clock::time_point now,
                                    const std::vector<std::optional<size_t>>* places) {
  if (!mux_)
    return {};
  auto packet = av::make_packet();
  size_t offset = 0;
  chunk_ = {.dts = block.samples.front().dts};
  for (auto& s : block.samples) {
    auto bytes = block.bytes.span().subspan(offset, s.size);
    offset += s.size;
    auto track = places == nullptr          ? std::optional<size_t>{s.track}
                 : s.track < places->size() ? (*places)[s.track]
                                            : std::nullopt;
    if (!track)
      continue;
    auto leads = track == lead_;
    auto moved = s;
    moved.pts += offset_;
    auto number = leads ? grid_.lead(moved) : std::nullopt;
    auto joinable = places == nullptr && s.is_random_access();
    if (joinable || number) {
      next_ = beginning{joinable, number, moved.pts, s.dts};
      (void)mux_->begin_segment();
    }
    borrow(*packet, s, bytes);
    packet->stream_index = static_cast<int>(*track);
    if (auto done = mux_->write(*packet); !done)
      return done;
    duration_ += leads ? s.duration : 0;
  }
  push();
  written_ = now;
  dts_ = block.samples.back().dts;
  return {};
}

void ts_output::take(std::span<const std::byte> bytes) {
  // The clock may be written before the tables: that is the end of the chunk before.
  if (next_ && av::begins_with_tables(bytes)) {
    push();
    chunk_ = *std::exchange(next_, std::nullopt);
  }
  bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
}

void ts_output::push() {
  auto from = std::exchange(chunk_, {});
  auto duration = std::exchange(duration_, 0);
  if (bytes_.empty())
    return;
  shared_bytes bytes{std::exchange(bytes_, {})};
  stream_->push({bytes, from.random_access, from.dts});
  if (from.number)
    pieces_.push_back(
      {.number = from.number, .start = from.start, .discontinuity = std::exchange(discontinuous_, false)});
  else if (!in_segment_)
    return;
  in_segment_ = true;
  pieces_.push_back({.part = media_part{from.start, duration, from.random_access, 0, bytes}});
}

void ts_output::pass_time(clock::time_point now) {
  if (!mux_ || dts_ == no_timestamp)
    return;
  auto passed = std::chrono::duration_cast<std::chrono::milliseconds>(now - written_);
  chunk_ = {.dts = dts_};
  if (mux_->pass_time(passed.count() * ticks_per_second / 1000))
    push();
}

std::vector<transport_piece> ts_output::take_pieces(bool all) {
  if (all)
    return std::exchange(pieces_, {});
  auto last = std::find_if(pieces_.rbegin(), pieces_.rend(), [](auto& x) { return x.number.has_value(); }).base();
  std::vector<transport_piece> result{std::make_move_iterator(pieces_.begin()), std::make_move_iterator(last)};
  pieces_.erase(pieces_.begin(), last);
  return result;
}

} // namespace troupe
