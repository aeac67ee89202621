// Merges two or three ordered streams of packets by decoding time into libavformat's muxer.
#include "encoder/chunks/assembler.hpp"

#include "base/descriptor.hpp"
#include "encoder/chunks/payload_hash.hpp"
#include "encoder/format_ptr.hpp"
#include "encoder/log.hpp"
#include "encoder/window/exact_times.hpp"

extern "C" {
#include <libavutil/dict.h>
}

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <limits>
#include <memory>
#include <utility>

namespace troupe::av {

namespace {

/// The first decoding time in a transport stream, and how far its clock is behind decoding times: FFmpeg's defaults.
constexpr int64_t transport_start = 126'000;
constexpr int64_t transport_delay_us = 700'000;

/// Where and how the packets of one track of a feed are written.
struct route {
  int output = -1;
  int64_t shift = 0;              ///< ticks added to the chunk's times
  size_t made = 0;                ///< index in the result's streams
  size_t chunk = 0;               ///< of the latest packet, see `chunk_sequence::chunk`
  uint64_t written = 0;           ///< packets
  std::optional<frame_grid> grid; ///< for pictures whose times the container can store exactly
};

/// One of the merged streams of packets: a piece of work, or the subtitles.
struct feed {
  std::optional<chunk_sequence> chunks;
  std::vector<route> routes; ///< for each track of the chunks
  packet_ptr head = make_packet();
  int64_t dts = 0;
  bool ended = false;
};

class assembly {
public:
  assembly(const assembly_job& job, const work_control& control, source_extras extras)
    : job_{job}, control_{control}, extras_{std::move(extras)} {}

  expected<assembly_result> run() {
    auto done = open_chunks()
                  .and_then([this] { return open_output(); })
                  .and_then([this] { return add_streams(); })
                  .and_then([this] { return write_header(); })
                  .and_then([this] { return write_packets(); })
                  .and_then([this] { return finish(); });
    if (!done) {
      output_.reset();
      if (file_)
        ::unlink(job_.output.c_str());
      return tl::unexpected{std::move(done.error())};
    }
    extras_.note_rest();
    result_.others = extras_.list();
    result_.notes = extras_.notes();
    return std::move(result_);
  }

private:
  expected<void> open_chunks();
  expected<void> check_pictures() const;
  expected<void> open_output();
  expected<void> add_streams();
  expected<void> add_track(feed& from, size_t index);
  int64_t common_shift() const;
  int64_t own_shift(const track& x) const;
  expected<void> write_header();
  expected<void> write_packets();
  expected<void> advance(feed& x);
  expected<void> write(feed& x);
  expected<void> finish();
  expected<void> settle(const char* step, int code) const;

  const assembly_job& job_;
  const work_control& control_;
  source_extras extras_;
  std::vector<feed> feeds_;
  output_context_ptr output_;
  base::descriptor file_; ///< the result's descriptor
  uint64_t packets_ = 0;
  uint64_t packets_all_ = 0;
  assembly_result result_;
};

expected<void> assembly::settle(const char* step, int code) const {
  if (code >= 0 && output_->pb != nullptr)
    code = output_->pb->error;
  if (code >= 0)
    return {};
  return fail(errc::encoder, std::string{step} + " " + muxer_name(job_.into) + " at " + job_.output, code);
}

expected<void> assembly::check_pictures() const {
  if (!job_.pictures)
    return {};
  for (const auto& x : feeds_)
    for (const auto& y : x.chunks->tracks())
      if (y.info.parameters->codec_type == AVMEDIA_TYPE_VIDEO && y.packets != *job_.pictures)
        return fail(errc::media, "assemble " + job_.output + ": the chunks have " + std::to_string(y.packets)
                                   + " pictures, the source has " + std::to_string(*job_.pictures));
  return {};
}

expected<void> assembly::open_chunks() {
  for (const auto& x : job_.works) {
    auto chunks = chunk_sequence::open(x, control_);
    if (!chunks)
      return tl::unexpected{std::move(chunks.error())};
    chunks->set_headers_in_band(wants_headers_in_band(job_.into));
    auto& made = feeds_.emplace_back();
    made.chunks = std::move(*chunks);
  }
  if (feeds_.empty())
    return fail(errc::option, "assemble " + job_.output + ": there is nothing to assemble");
  return check_pictures();
}

expected<void> assembly::open_output() {
  // Makes a new file, even if another program put one under this name; from here on only the descriptor is written to.
  auto folder = job_.outputs.open_folder_of(job_.output);
  if (!folder)
    return fail(errc::option, "create " + job_.output + ": " + folder.error().what);
  auto name = std::filesystem::path{job_.output}.filename().string();
  ::unlinkat(folder->get(), name.c_str(), 0);
  file_ = base::descriptor{::openat(folder->get(), name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644)};
  if (!file_) {
    auto code = errno;
    return fail(code == ENOSPC || code == EDQUOT ? errc::io : errc::option,
                "create " + job_.output + ": " + std::strerror(code));
  }
  auto url = "file:/proc/self/fd/" + std::to_string(file_.get());
  if (auto code = make_output(output_, muxer_name(job_.into), url); code < 0)
    return fail(errc::unsupported, std::string{"write "} + muxer_name(job_.into), code);
  output_->avoid_negative_ts = 0;
  // libavformat 5.1 considers FLAC in MP4 experimental.
  output_->strict_std_compliance = FF_COMPLIANCE_EXPERIMENTAL;
  // The file's content depends only on its input.
  output_->flags |= AVFMT_FLAG_BITEXACT;
  if (auto code = open_file(*output_); code < 0)
    return fail(code == AVERROR(ENOSPC) ? errc::io : errc::option, "create " + job_.output, code);
  return {};
}

/// Ticks to add to a track's times, because Matroska subtracts the codec's delay from them.
int64_t assembly::own_shift(const track& x) const {
  const auto& p = *x.parameters;
  auto matroska = job_.into == container::mkv || job_.into == container::webm;
  // libavformat 5.1 writes the delay only for Opus.
  if (!matroska || p.codec_id != AV_CODEC_ID_OPUS)
    return 0;
  return av_rescale_q(p.initial_padding, AVRational{1, 48'000}, time_base);
}

/// Ticks to add to the times of all tracks: they move the source's origin to the container's start time.
int64_t assembly::common_shift() const {
  auto earliest_pts = std::numeric_limits<int64_t>::max();
  auto earliest_dts = earliest_pts;
  for (const auto& x : feeds_)
    for (const auto& y : x.chunks->tracks())
      if (y.packets > 0) {
        earliest_pts = std::min(earliest_pts, y.first_pts + own_shift(y.info) - job_.origin);
        earliest_dts = std::min(earliest_dts, y.first_dts - job_.origin);
      }
  switch (job_.into) {
  case container::mp4:
  case container::mov:
    return -job_.origin;
  case container::mkv:
  case container::webm:
    return std::max<int64_t>(-earliest_pts, 0) - job_.origin;
  case container::mpegts:
    break;
  }
  return transport_start + std::max<int64_t>(-earliest_dts, 0) - job_.origin;
}

expected<void> assembly::add_track(feed& from, size_t index) {
  const auto& times = from.chunks->tracks()[index];
  const auto& p = *times.info.parameters;
  if (!holds(job_.into, p.codec_id))
    return fail(errc::unsupported, std::string{"write "} + avcodec_get_name(p.codec_id) + " into "
                                     + container_name(job_.into)
                                     + ": the container does not hold this codec; choose another codec or container");
  auto& made = *checked(avformat_new_stream(output_.get(), nullptr));
  if (avcodec_parameters_copy(made.codecpar, &p) < 0)
    throw std::bad_alloc{};
  made.codecpar->codec_tag = tag_of(p.codec_id, p.profile);
  made.time_base = time_base;
  auto video = p.codec_type == AVMEDIA_TYPE_VIDEO;
  if (video) {
    made.sample_aspect_ratio = p.sample_aspect_ratio;
    made.avg_frame_rate = times.info.frame_rate;
    // "hvc1" means that the headers are only at the start of the file, which some players require; "avc3" means that
    // they are in the packets.
    auto mp4 = job_.into == container::mp4 || job_.into == container::mov;
    if (mp4 && p.codec_id == AV_CODEC_ID_HEVC && !times.headers_differ)
      made.codecpar->codec_tag = MKTAG('h', 'v', 'c', '1');
    if (mp4 && p.codec_id == AV_CODEC_ID_H264 && times.headers_differ)
      made.codecpar->codec_tag = MKTAG('a', 'v', 'c', '3');
  }
  auto copied = std::find(job_.copied.begin(), job_.copied.end(), times.info.stream) != job_.copied.end();
  extras_.describe(made, times.info.stream, copied);
  if (video && times.hidden > 0 && job_.into != container::mp4 && job_.into != container::mov)
    extras_.note(times.info.stream, "the " + std::to_string(times.hidden)
                                      + " pictures that the source's edit list hides are shown: a copy needs them, and "
                                      + muxer_name(job_.into) + " has no edit list; encode the video, or choose mp4");
  if (!times.info.language.empty())
    av_dict_set(&made.metadata, "language", times.info.language.c_str(), 0);
  auto shift = common_shift();
  auto& to = from.routes[index];
  if (auto grid = find_grid(times.pictures, times.info.frame_rate)) {
    made.avg_frame_rate = grid->rate;
    auto base = exact_time_base(grid->rate);
    if (base && (job_.into == container::mp4 || job_.into == container::mov)) {
      made.time_base = *base;
      to.grid = grid;
    }
  }
  to.output = made.index;
  to.shift = shift + own_shift(times.info);
  to.made = result_.streams.size();
  packets_all_ += times.packets;
  assembled_stream record;
  record.stream = times.info.stream;
  record.output = made.index;
  record.video = video;
  record.copied = copied;
  record.codec = avcodec_get_name(p.codec_id);
  record.packets = times.packets;
  record.first_pts = times.first_pts;
  record.last_pts = times.last_pts;
  record.end_pts = times.end_pts;
  record.pictures = times.pictures;
  if (record.packets > 0)
    for (auto* x : {&record.first_pts, &record.last_pts, &record.end_pts})
      *x += shift;
  for (auto& x : record.pictures)
    x += shift;
  result_.streams.push_back(std::move(record));
  return {};
}

expected<void> assembly::add_streams() {
  struct place {
    int stream;
    size_t feed;
    size_t track;
  };
  std::vector<place> places;
  std::vector<int> used;
  for (size_t i = 0; i < feeds_.size(); ++i) {
    feeds_[i].routes.resize(feeds_[i].chunks->tracks().size());
    for (size_t k = 0; k < feeds_[i].routes.size(); ++k) {
      auto stream = feeds_[i].chunks->tracks()[k].info.stream;
      places.push_back({stream, i, k});
      used.push_back(stream);
    }
  }
  // In the source's order, which players use for numbering.
  std::sort(places.begin(), places.end(), [](const place& a, const place& b) { return a.stream < b.stream; });
  for (const auto& x : places)
    if (auto ok = add_track(feeds_[x.feed], x.track); !ok)
      return ok;
  extras_.add_words(*output_);
  for (const auto& [key, value] : job_.words)
    av_dict_set(&output_->metadata, key.c_str(), value.c_str(), 0);
  return extras_.add_streams(*output_, used);
}

expected<void> assembly::write_header() {
  log_capture log;
  AVDictionary* options = nullptr;
  if (job_.into == container::mp4 || job_.into == container::mov) {
    av_dict_set(&options, "movflags", "+faststart", 0);
    av_dict_set(&options, "movie_timescale", "90000", 0);
  } else if (job_.into == container::mpegts) {
    av_dict_set(&options, "mpegts_copyts", "1", 0);
    output_->max_delay = static_cast<int>(transport_delay_us);
  }
  auto code = avformat_write_header(output_.get(), &options);
  av_dict_free(&options);
  if (code < 0)
    return fail(errc::unsupported,
                std::string{"begin "} + muxer_name(job_.into) + (log.text().empty() ? "" : " (" + log.text() + ")"),
                code);
  return settle("begin", 0).and_then([this] { return extras_.write_covers(*output_); });
}

/// Fetches the next packet of a feed; its time orders it among the packets of the other feeds.
expected<void> assembly::advance(feed& x) {
  auto more = x.chunks ? x.chunks->next(*x.head) : extras_.next(*x.head);
  if (!more)
    return tl::unexpected{std::move(more.error())};
  x.ended = !*more;
  if (x.ended)
    return {};
  auto shift = x.chunks ? x.routes[static_cast<size_t>(x.head->stream_index)].shift : common_shift() + job_.origin;
  x.head->pts += shift;
  x.head->dts += shift;
  x.dts = x.head->dts;
  return {};
}

expected<void> assembly::write(feed& x) {
  auto& packet = *x.head;
  auto output = packet.stream_index;
  const frame_grid* grid = nullptr;
  int64_t shift = 0;
  if (x.chunks) {
    auto& to = x.routes[static_cast<size_t>(packet.stream_index)];
    auto& made = result_.streams[to.made];
    if (to.chunk != x.chunks->chunk())
      made.chunk_starts.push_back(to.written);
    to.chunk = x.chunks->chunk();
    ++to.written;
    made.bytes += static_cast<uint64_t>(packet.size);
    if (made.video && !made.copied)
      extras_.look_at(made.stream, packet);
    const auto& parameters = *x.chunks->tracks()[static_cast<size_t>(packet.stream_index)].info.parameters;
    if (auto crc = payload_crc(parameters, packet))
      made.contents.push_back(*crc);
    output = to.output;
    grid = to.grid ? &*to.grid : nullptr;
    shift = to.shift;
    ++packets_;
  }
  packet.stream_index = output;
  packet.flags &= 0xffff;
  packet.pos = -1;
  auto base = output_->streams[output]->time_base;
  if (grid != nullptr)
    write_exact_times(packet, *grid, shift, base);
  else
    av_packet_rescale_ts(&packet, time_base, base);
  log_capture log;
  auto code = av_write_frame(output_.get(), &packet);
  if (code < 0 && !log.text().empty())
    return fail(code == AVERROR(ENOSPC) ? errc::io : errc::encoder,
                std::string{"write a packet into "} + muxer_name(job_.into) + " (" + log.text() + ")", code);
  return settle("write a packet into", code);
}

expected<void> assembly::write_packets() {
  feeds_.emplace_back();
  for (auto& x : feeds_)
    if (auto ok = advance(x); !ok)
      return ok;
  report_gate gate{control_};
  for (;;) {
    if (gate.stopped())
      return fail(errc::interrupted, "assemble " + job_.output + ": stopped by the caller");
    feed* next = nullptr;
    for (auto& x : feeds_)
      if (!x.ended && (next == nullptr || x.dts < next->dts))
        next = &x;
    if (next == nullptr)
      return {};
    if (auto ok = write(*next); !ok)
      return ok;
    gate.poll([&] {
      return work_progress{packets_, static_cast<uint64_t>(avio_tell(output_->pb)), next->dts + job_.origin,
                           packets_all_ > 0 ? static_cast<double>(packets_) / static_cast<double>(packets_all_) : 0};
    });
    if (auto ok = advance(*next); !ok)
      return ok;
  }
}

expected<void> assembly::finish() {
  log_capture log;
  // A transport stream's last buffered packets are written with the trailer.
  if (auto ok = settle("end", av_write_trailer(output_.get())); !ok)
    return ok;
  if (auto ok = settle("end", close_file(*output_)); !ok)
    return ok;
  struct stat info = {};
  if (::fstat(file_.get(), &info) != 0 || ::fsync(file_.get()) != 0)
    return fail(errc::io, "flush " + job_.output + ": " + std::strerror(errno));
  result_.bytes = static_cast<uint64_t>(info.st_size);
  return {};
}

} // namespace

expected<assembly_result> assemble(const assembly_job& job, const work_control& control) {
  quiet_logs();
  auto extras = source_extras::open(
    job.source, {job.into, job.origin, job.chapters, job.metadata, job.extras, job.names}, job.late, control.stop);
  if (!extras)
    return tl::unexpected{std::move(extras.error())};
  return assembly{job, control, std::move(*extras)}.run();
}

} // namespace troupe::av
