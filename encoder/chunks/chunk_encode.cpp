// Runs demuxer, window and chunk file in one loop.
#include "encoder/chunks/chunk_encode.hpp"

#include "encoder/chunks/chunk_check.hpp"
#include "encoder/chunks/chunk_file.hpp"
#include "encoder/chunks/chunk_rate.hpp"
#include "encoder/log.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace troupe::av {

namespace {

constexpr int64_t no_begin = std::numeric_limits<int64_t>::min();
constexpr int64_t no_end = std::numeric_limits<int64_t>::max();

track_plan with_headers_outside(track_plan plan) {
  if (auto* video = std::get_if<video_settings>(&plan); video != nullptr)
    video->in_band_headers = false;
  if (auto* audio = std::get_if<audio_settings>(&plan); audio != nullptr)
    audio->in_band_headers = false;
  return plan;
}

const track_plan& plan_of(const chunk_job& job, int stream) {
  return std::find_if(job.streams.begin(), job.streams.end(), [stream](auto& x) { return x.stream == stream; })->plan;
}

double share_done(const time_window& window, int64_t position) {
  if (window.from_pts == no_begin || window.to_pts == no_end || position == no_pts)
    return 0;
  auto whole = static_cast<double>(window.to_pts - window.from_pts);
  return std::clamp(static_cast<double>(position - window.from_pts) / whole, 0.0, 1.0);
}

/// Writes the window's packets, counts them, and has them decoded again.
class chunk_sink : public transcode_sink {
public:
  chunk_sink(const chunk_job& job, const work_control& control, chunk_writer writer)
    : job_{job}, control_{control}, gate_{control}, writer_{std::move(writer)} {}

  void on_format(const std::vector<track>& tracks) override {
    std::vector<bool> encoded;
    auto cores = 0;
    for (const auto& x : tracks) {
      const auto& plan = plan_of(job_, x.stream);
      encoded.push_back(!std::holds_alternative<copy_track>(plan));
      if (const auto* video = std::get_if<video_settings>(&plan); video != nullptr)
        cores = video->device.empty() ? video->threads : 0;
      chunk_track made;
      made.stream = x.stream;
      made.video = x.parameters->codec_type == AVMEDIA_TYPE_VIDEO;
      made.codec = avcodec_get_name(x.parameters->codec_id);
      tracks_.push_back(std::move(made));
    }
    keep(writer_.begin(tracks));
    check_.emplace(tracks, encoded, cores);
  }

  void on_packet(AVPacket& packet) override {
    auto& x = tracks_[static_cast<size_t>(packet.stream_index)];
    auto first = x.packets == 0;
    ++x.packets;
    x.bytes += static_cast<uint64_t>(packet.size);
    x.first_pts = first ? packet.pts : std::min(x.first_pts, packet.pts);
    x.last_pts = first ? packet.pts : std::max(x.last_pts, packet.pts);
    x.end_pts = first ? packet.pts + packet.duration : std::max(x.end_pts, packet.pts + packet.duration);
    if (!good_)
      return;
    keep(writer_.write(packet));
    check_->take(packet);
    if (check_->failed())
      finish_check();
    // One packet of the source may be a still that becomes thousands of pictures.
    report();
  }

  void report() {
    gate_.poll([this] { return work_progress{frames(), bytes(), position(), share_done(job_.window, position())}; });
  }

  /// Collects the decoders' verdict on all that was encoded.
  void finish_check() {
    if (check_ && good_)
      keep(check_->finish(control_.stop));
  }

  const expected<void>& good() const noexcept {
    return good_;
  }

  uint64_t bytes() const noexcept {
    return writer_.size();
  }

  /// Pictures, or packets of sound if there are no pictures.
  uint64_t frames() const noexcept {
    uint64_t pictures = 0;
    uint64_t sounds = 0;
    for (const auto& x : tracks_)
      (x.video ? pictures : sounds) += x.packets;
    return pictures > 0 ? pictures : sounds;
  }

  int64_t position() const noexcept {
    auto result = no_pts;
    for (const auto& x : tracks_)
      result = std::max(result, x.last_pts);
    return result;
  }

  std::vector<chunk_track>& tracks() noexcept {
    return tracks_;
  }

  expected<std::string> commit() {
    return writer_.commit();
  }

private:
  void keep(expected<void> result) {
    if (good_ && !result)
      good_ = std::move(result);
  }

  const chunk_job& job_;
  const work_control& control_;
  report_gate gate_;
  chunk_writer writer_;
  std::optional<chunk_check> check_;
  std::vector<chunk_track> tracks_;
  expected<void> good_;
};

/// A plan for each track of the demuxer; an error if the job names a stream that it does not have.
expected<std::vector<track_plan>> plan_for(const chunk_job& job, const std::vector<track>& tracks) {
  std::vector<track_plan> result(tracks.size(), drop_track{});
  for (const auto& x : job.streams) {
    auto at = std::find_if(tracks.begin(), tracks.end(), [&x](const track& y) { return y.stream == x.stream; });
    if (at == tracks.end())
      return fail(errc::media,
                  "encode stream " + std::to_string(x.stream) + ": the source has no such video or audio stream");
    result[static_cast<size_t>(at - tracks.begin())] = with_headers_outside(x.plan);
  }
  return result;
}

/// The source's tracks, and those that will appear later.
std::vector<track> tracks_of(const chunk_job& job, const demuxer& source) {
  auto result = clone(source.tracks());
  for (const auto& x : job.late) {
    auto same = [&x](const auto& y) { return y.stream == x.info->stream; };
    if (std::any_of(job.streams.begin(), job.streams.end(), same) && std::none_of(result.begin(), result.end(), same)) {
      result.push_back(x.info->clone());
      result.back().grid = job.source.grid;
    }
  }
  return result;
}

/// Changes a packet's track number from the source's to that in `tracks`. False if the track is not among them.
bool rename_track(AVPacket& packet, const demuxer& source, const std::vector<track>& tracks) {
  auto stream = source.tracks()[static_cast<size_t>(packet.stream_index)].stream;
  auto at = std::find_if(tracks.begin(), tracks.end(), [stream](const track& x) { return x.stream == stream; });
  packet.stream_index = static_cast<int>(at - tracks.begin());
  return at != tracks.end();
}

/// True if only pictures are encoded: then nothing depends on earlier parts of the source.
bool may_seek(const chunk_job& job) {
  return job.exact && job.window.from_pts != no_begin
         && std::all_of(job.streams.begin(), job.streams.end(),
                        [](const stream_plan& x) { return std::holds_alternative<video_settings>(x.plan); });
}

expected<void> pump(demuxer& source, const std::vector<track>& tracks, transcode& work, chunk_sink& sink,
                    const work_control& control) {
  auto packet = make_packet();
  while (!work.complete()) {
    if (control.stop.load(std::memory_order_relaxed))
      return fail(errc::interrupted, "encode a chunk: stopped by the caller");
    auto more = source.read(*packet);
    if (!more)
      return tl::unexpected{std::move(more.error())};
    if (!*more)
      break;
    if (!rename_track(*packet, source, tracks))
      continue;
    if (auto sent = work.send(*packet); !sent)
      return sent;
    if (!sink.good())
      return sink.good();
    sink.report();
  }
  if (auto done = work.finish(); !done)
    return done;
  sink.finish_check();
  return sink.good();
}

expected<chunk_result> attempt(const chunk_job& job, bool by_seeking, const work_control& control) {
  auto options = job.source;
  options.keep_times = true;
  options.tracks_max = chunk_tracks_max;
  auto source = demuxer::open(options, control.stop);
  if (!source)
    return tl::unexpected{std::move(source.error())};
  auto tracks = tracks_of(job, *source);
  auto plan = plan_for(job, tracks);
  if (!plan)
    return tl::unexpected{std::move(plan.error())};
  auto writer = chunk_writer::create(job.output, job.tag);
  if (!writer)
    return tl::unexpected{std::move(writer.error())};
  // With exact times, the other tracks need not be read: the times are the same without them.
  if (job.exact)
    for (size_t i = 0; i < source->tracks().size(); ++i)
      if (std::holds_alternative<drop_track>((*plan)[i]))
        source->ignore(i);
  chunk_sink sink{job, control, std::move(*writer)};
  auto work = transcode::open(tracks, *plan, std::vector(tracks.size(), job.window), sink, *job.codecs);
  if (!work)
    return tl::unexpected{std::move(work.error())};
  if (by_seeking) {
    auto found = source->seek(work->preroll_from());
    if (!found)
      return tl::unexpected{std::move(found.error())};
    if (!*found)
      return attempt(job, false, control);
  }
  if (auto done = pump(*source, tracks, *work, sink, control); !done)
    return tl::unexpected{std::move(done.error())};
  chunk_result result;
  result.counters = work->counters();
  result.tracks = std::move(sink.tracks());
  result.sought = by_seeking;
  auto hash = sink.commit();
  if (!hash)
    return tl::unexpected{std::move(hash.error())};
  result.sha256 = std::move(*hash);
  result.bytes = sink.bytes();
  return result;
}

bool is_as_expected(const chunk_job& job, const chunk_result& made) {
  return !job.pictures || std::all_of(made.tracks.begin(), made.tracks.end(), [&job](const chunk_track& x) {
    return !x.video || x.packets == *job.pictures;
  });
}

expected<chunk_result> encode_once(const chunk_job& job, const work_control& control) {
  auto result = attempt(job, may_seek(job), control);
  if (result && result->sought && !is_as_expected(job, *result))
    return attempt(job, false, control);
  return result;
}

/// The settings of the chunk's pictures, if they have an average rate as their target.
video_settings* rated(chunk_job& job) {
  for (auto& x : job.streams)
    if (auto* settings = std::get_if<video_settings>(&x.plan); settings != nullptr)
      return settings->bit_rate > 0 && settings->crf < 0 ? settings : nullptr;
  return nullptr;
}

} // namespace

expected<chunk_result> encode_chunk(const chunk_job& job, const work_control& control) {
  if (job.streams.empty())
    return fail(errc::option, "encode a chunk: no stream is named");
  auto result = encode_once(job, control);
  auto again = job;
  auto* settings = rated(again);
  chunk_rate rate{settings != nullptr ? settings->bit_rate : 0};
  while (result) {
    auto made = std::find_if(result->tracks.begin(), result->tracks.end(), [](auto& x) { return x.video; });
    auto next = made == result->tracks.end() ? std::nullopt : rate.again(made->bytes, made->end_pts - made->first_pts);
    if (!next)
      break;
    auto kbit_s = static_cast<double>(made->bytes) * 8 * 90 / static_cast<double>(made->end_pts - made->first_pts);
    work_log::say("encoded again, because its bit rate missed the target: it was " + std::to_string(std::lround(kbit_s))
                  + " kbit/s");
    settings->bit_rate = *next;
    if (settings->max_bit_rate > 0)
      settings->max_bit_rate = std::max(settings->max_bit_rate, *next);
    result = encode_once(again, control);
  }
  return result;
}

} // namespace troupe::av
