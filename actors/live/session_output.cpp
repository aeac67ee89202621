// The renditions of a channel as bytes: samples are muxed once, for all their clients, and time passes while none come.
#include "actors/live/session.hpp"

#include "actors/live/media.hpp"
#include "telemetry/log.hpp"

#include <algorithm>

namespace troupe {

namespace {

/// True if what a transport stream's tables and sound headers say of the one stays true of the other.
bool goes_on(const stream_format& from, const stream_format& to) {
  return std::equal(from.tracks.begin(), from.tracks.end(), to.tracks.begin(), to.tracks.end(),
                    [](const track_format& a, const track_format& b) {
                      return a.kind == b.kind && a.codec == b.codec && a.language == b.language
                             && a.sample_rate == b.sample_rate && a.channel_layout == b.channel_layout
                             && (a.kind != track_kind::audio || a.extradata == b.extradata);
                    });
}

} // namespace

session_state::output& session_state::output_of(const std::string& profile) {
  auto& out = outputs[profile];
  if (!out.stream)
    out.stream = std::make_shared<variant_stream>(config.stream);
  return out;
}

void session_state::open_output(const std::string& profile, const stream_format& format) {
  auto& out = output_of(profile);
  // The same codecs: new parameter sets come in-band.
  if (out.mux && goes_on(out.format, format)) {
    out.format = format;
    return;
  }
  out.format = format;
  if (out.mux) {
    if (auto changed = out.mux->change_tracks(to_tracks(format)); !changed)
      failed_outputs.emplace_back(profile, changed.error().what);
    return;
  }
  // The map's nodes stay where they are, so the writer may hold on to this one.
  auto mux = av::muxer::open("mpegts", to_tracks(format), [&out](std::span<const std::byte> bytes) {
    out.bytes.insert(out.bytes.end(), bytes.begin(), bytes.end());
  });
  if (mux) {
    out.mux.emplace(std::move(*mux));
  } else {
    failed_outputs.emplace_back(profile, mux.error().what);
  }
}

void session_state::deliver(const std::string& profile, const sample_block& block) {
  auto& out = output_of(profile);
  if (!out.mux)
    return;
  auto packet = av::make_packet();
  size_t offset = 0;
  auto first_dts = block.samples.front().dts;
  auto joinable = false;
  for (auto& s : block.samples) {
    auto bytes = block.bytes.span().subspan(offset, s.size);
    offset += s.size;
    if (s.is_random_access()) {
      push(out, joinable, first_dts);
      joinable = true;
      first_dts = s.dts;
      (void)out.mux->begin_segment();
    }
    borrow(*packet, s, bytes);
    if (auto done = out.mux->write(*packet); !done) {
      failed_outputs.emplace_back(profile, done.error().what);
      return;
    }
  }
  push(out, joinable, first_dts);
  out.written = std::chrono::steady_clock::now();
  out.dts = block.samples.back().dts;
}

void session_state::push(output& out, bool random_access, int64_t dts) {
  if (out.bytes.empty())
    return;
  out.stream->push({shared_bytes{std::exchange(out.bytes, {})}, random_access, dts});
}

void session_state::close_output(const std::string& profile, const std::string& reason) {
  auto i = outputs.find(profile);
  if (i == outputs.end())
    return;
  i->second.stream->end(reason);
  outputs.erase(i);
}

void session_state::pass_time(output& out) {
  if (!out.mux || out.dts == no_timestamp)
    return;
  auto passed = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - out.written);
  if (out.mux->pass_time(passed.count() * ticks_per_second / 1000))
    push(out, false, out.dts);
}

void session_state::notice(const std::string& profile, const std::string& what) {
  log::warning(what, {{"channel", channel_name}, {"profile", profile}, {"session", id}});
}

} // namespace troupe
