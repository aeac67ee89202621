#include "packaging/ts_output.hpp"

#include "encoder/container.hpp"
#include "packaging/samples.hpp"

extern "C" {
#include <libavcodec/codec_desc.h>
}

#include <algorithm>
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

} // namespace

bool transport_holds(const std::string& codec) {
  auto* x = avcodec_descriptor_get_by_name(codec.c_str());
  return x != nullptr && (x->id == AV_CODEC_ID_SCTE_35 || av::holds(av::container::mpegts, x->id));
}

av::expected<void> ts_output::set_format(const stream_format& format) {
  // The codecs are the same: new parameter sets come in-band.
  auto same = mux_ && goes_on(format_, format);
  format_ = format;
  if (same)
    return {};
  if (mux_)
    return mux_->change_tracks(to_tracks(format));
  auto mux = av::muxer::open("mpegts", to_tracks(format), [this](std::span<const std::byte> bytes) {
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  });
  if (!mux)
    return tl::unexpected{std::move(mux.error())};
  mux_.emplace(std::move(*mux));
  return {};
}

av::expected<void> ts_output::write(const sample_block& block, clock::time_point now) {
  if (!mux_)
    return {};
  auto packet = av::make_packet();
  size_t offset = 0;
  auto first_dts = block.samples.front().dts;
  auto joinable = false;
  for (auto& s : block.samples) {
    auto bytes = block.bytes.span().subspan(offset, s.size);
    offset += s.size;
    if (s.is_random_access()) {
      push(joinable, first_dts);
      joinable = true;
      first_dts = s.dts;
      (void)mux_->begin_segment();
    }
    borrow(*packet, s, bytes);
    if (auto done = mux_->write(*packet); !done)
      return done;
  }
  push(joinable, first_dts);
  written_ = now;
  dts_ = block.samples.back().dts;
  return {};
}

void ts_output::push(bool random_access, int64_t dts) {
  if (!bytes_.empty())
    stream_->push({shared_bytes{std::exchange(bytes_, {})}, random_access, dts});
}

void ts_output::pass_time(clock::time_point now) {
  if (!mux_ || dts_ == no_timestamp)
    return;
  auto passed = std::chrono::duration_cast<std::chrono::milliseconds>(now - written_);
  if (mux_->pass_time(passed.count() * ticks_per_second / 1000))
    push(false, dts_);
}

} // namespace troupe
