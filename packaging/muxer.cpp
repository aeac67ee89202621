// libavformat's muxers with a memory writer, and the splice sections that they do not know. No packet is held back:
// libavformat's interleaving queue is never used, and its buffer is flushed with every packet. Each audio frame of a
// transport stream gets its own PES packet.
#include "packaging/muxer.hpp"

#include "encoder/container.hpp"
#include "encoder/format_ptr.hpp"
#include "encoder/log.hpp"
#include "encoder/splice_section.hpp"
#include "packaging/splice_packets.hpp"
#include "packaging/transport_packets.hpp"

extern "C" {
#include <libavutil/dict.h>
#include <libavutil/opt.h>
}

#include <algorithm>
#include <exception>
#include <optional>
#include <utility>

namespace troupe::av {

namespace {

/// A multiple of transport packets, so that none is delivered in two parts.
constexpr int buffer_bytes = 348 * transport_packets::packet_bytes;
// The delay of a transport stream's clock behind the decoding times: how long a player may wait for audio that comes
// later in the stream than its picture. FFmpeg's default.
constexpr int64_t mpegts_delay = 63'000; ///< ticks

/// FFmpeg's muxer numbers tracks from the first PID on, and program tables (PMT) from the second one on.
constexpr int first_pid = 0x100;
constexpr int end_pid = 0x1000;

constexpr int versions = 32; ///< of a table

bool container_takes(const AVOutputFormat& format, bool mpegts, AVCodecID codec) {
  return mpegts ? holds(container::mpegts, codec) : avformat_query_codec(&format, codec, FF_COMPLIANCE_NORMAL) != 0;
}

/// A track's entry in the tables of a transport stream.
struct table_entry {
  int pid = 0;
  AVMediaType kind = AVMEDIA_TYPE_UNKNOWN;
  AVCodecID codec = AV_CODEC_ID_NONE;
  std::string language;
  int sample_rate = 0;
  int channels = 0;

  explicit table_entry(const track& x)
    : kind{x.parameters->codec_type},
      codec{x.parameters->codec_id},
      language{x.language},
      sample_rate{x.parameters->sample_rate},
      channels{x.parameters->ch_layout.nb_channels} {}

  bool is_successor_of(const table_entry& x) const {
    return kind == x.kind && codec == x.codec && language == x.language;
  }

  bool is_splice() const {
    return codec == AV_CODEC_ID_SCTE_35;
  }

  /// Text of subtitles has no place in a transport stream.
  bool is_left_out() const {
    return codec == AV_CODEC_ID_WEBVTT;
  }

  bool operator==(const table_entry&) const = default;
};

} // namespace

struct muxer::impl {
  static int on_write(void* self, uint8_t* data, int size) noexcept;
  expected<void> open(const std::vector<track>& tracks);
  expected<void> add_stream(const track& from, int pid);
  expected<void> start();
  void enter(const std::vector<track>& tracks);
  expected<void> keep_time(const AVPacket& packet);
  template <class Packets>
  expected<void> put(const Packets& packets);
  expected<void> settle(const char* step, int rc);

  std::string format;
  bool mpegts = false;
  writer write;
  std::map<std::string, std::string> options;
  // of a transport stream
  transport_packets packets{mpegts_delay};
  splice_packets splices;
  std::vector<table_entry> entries; ///< by track
  std::vector<table_entry> retired; ///< of earlier tracks: a similar new track gets the PID of one
  int next_pid = first_pid;
  int version = 0;
  int clock_track = 0;
  std::exception_ptr thrown;
  callback_io_ptr io; ///< outlives the context that writes to it
  output_context_ptr context;
  packet_ptr packet = make_packet();
  std::vector<int> streams; ///< libavformat's number by track; -1 for those that it does not write
  std::optional<error> failed;
};

int muxer::impl::on_write(void* self, uint8_t* data, int size) noexcept {
  auto& x = *static_cast<impl*>(self);
  try {
    if (x.mpegts) {
      std::span made{reinterpret_cast<std::byte*>(data), static_cast<size_t>(size)};
      x.splices.announce(made);
      x.packets.finish(made);
    }
    x.write({reinterpret_cast<const std::byte*>(data), static_cast<size_t>(size)});
    return size;
  } catch (...) {
    x.thrown = std::current_exception();
    return AVERROR_EXTERNAL;
  }
}

/// Delivers the buffer, and keeps an error of libavformat or of the caller's writer.
expected<void> muxer::impl::settle(const char* step, int rc) {
  if (rc >= 0) {
    avio_flush(context->pb);
    rc = context->pb->error;
  }
  if (thrown)
    failed = error{errc::io, std::string{step} + " " + format + ": the writer failed"};
  else if (rc < 0)
    failed = fail(errc::encoder, std::string{step} + " " + format, rc).value();
  if (failed)
    return tl::unexpected{*failed};
  return {};
}

expected<void> muxer::impl::add_stream(const track& from, int pid) {
  const auto& p = *from.parameters;
  if (!container_takes(*context->oformat, mpegts, p.codec_id))
    return fail(errc::unsupported, "write " + std::string{avcodec_get_name(p.codec_id)} + " into " + format
                                     + ": the container does not carry this codec; choose another codec or container");
  auto* stream = checked(avformat_new_stream(context.get(), nullptr));
  if (auto rc = avcodec_parameters_copy(stream->codecpar, &p); rc < 0)
    return fail(errc::limit, "add a track to " + format, rc);
  stream->codecpar->codec_tag = 0;
  stream->time_base = time_base;
  if (mpegts)
    stream->id = pid;
  streams.push_back(stream->index);
  if (p.codec_type == AVMEDIA_TYPE_VIDEO) {
    stream->avg_frame_rate = from.frame_rate;
    stream->sample_aspect_ratio = p.sample_aspect_ratio;
  }
  if (!from.language.empty())
    av_dict_set(&stream->metadata, "language", from.language.c_str(), 0);
  return {};
}

/// Gives the tracks of a transport stream their PIDs, and the tables their version.
void muxer::impl::enter(const std::vector<track>& tracks) {
  auto before = entries;
  retired.insert(retired.end(), entries.begin(), entries.end());
  entries.clear();
  for (const auto& x : tracks) {
    table_entry made{x};
    auto known = std::find_if(retired.begin(), retired.end(), [&](const auto& y) { return made.is_successor_of(y); });
    if (known != retired.end()) {
      made.pid = known->pid;
      retired.erase(known);
    } else {
      made.pid = next_pid++;
    }
    entries.push_back(std::move(made));
  }
  if (!before.empty() && before != entries)
    version = (version + 1) % versions;
  auto pictures = [](const table_entry& x) { return x.kind == AVMEDIA_TYPE_VIDEO; };
  std::vector<int> pids;
  for (auto& x : entries)
    if (x.is_splice())
      pids.push_back(x.pid);
  splices.set_pids(std::move(pids));
  auto clock = std::find_if(entries.begin(), entries.end(), pictures);
  clock_track = clock != entries.end() ? static_cast<int>(clock - entries.begin()) : 0;
  packets.set_clock(entries[static_cast<size_t>(clock_track)].pid);
}

expected<void> muxer::impl::start() {
  AVDictionary* dictionary = nullptr;
  for (const auto& [name, value] : options)
    av_dict_set(&dictionary, name.c_str(), value.c_str(), 0);
  if (mpegts) {
    av_dict_set(&dictionary, "mpegts_copyts", "1", 0);
    av_dict_set(&dictionary, "pes_payload_size", "0", 0);
    av_dict_set(&dictionary, "pcr_period", "20", 0);
    av_dict_set_int(&dictionary, "tables_version", version, 0);
    context->max_delay = static_cast<int>(av_rescale_q(mpegts_delay, time_base, AVRational{1, AV_TIME_BASE}));
    context->avoid_negative_ts = 0;
  }
  auto rc = avformat_write_header(context.get(), &dictionary);
  const auto* left = av_dict_get(dictionary, "", nullptr, AV_DICT_IGNORE_SUFFIX);
  auto unknown = left != nullptr ? std::string{left->key} : std::string{};
  av_dict_free(&dictionary);
  if (rc < 0)
    return fail(errc::unsupported, "begin " + format, rc);
  if (!unknown.empty())
    return fail(errc::option, "begin " + format + ": it has no option " + unknown);
  return settle("begin", 0);
}

muxer::muxer(std::unique_ptr<impl> ptr) : impl_{std::move(ptr)} {}

muxer::muxer(muxer&&) noexcept = default;
muxer& muxer::operator=(muxer&&) noexcept = default;
muxer::~muxer() = default;

expected<muxer> muxer::open(const std::string& format, const std::vector<track>& tracks, writer write,
                            const std::map<std::string, std::string>& options) {
  const auto* output = av_guess_format(format.c_str(), nullptr, nullptr);
  if (output == nullptr)
    return fail(errc::unsupported,
                "write the container " + format.substr(0, 64) + ": libavformat has none of this name");
  if (tracks.empty())
    return fail(errc::option, "write " + format + ": no tracks");
  auto self = std::make_unique<impl>();
  self->format = format;
  self->mpegts = format == "mpegts";
  self->write = std::move(write);
  self->options = options;
  if (auto ok = self->open(tracks); !ok)
    return tl::unexpected{std::move(ok.error())};
  return muxer{std::move(self)};
}

/// Begins to write these tracks in place of the earlier ones.
expected<void> muxer::impl::open(const std::vector<track>& tracks) {
  quiet_logs();
  if (auto rc = make_output(context, format.c_str(), {}); rc < 0)
    return fail(errc::unsupported, "write " + format, rc);
  context->flags |= AVFMT_FLAG_CUSTOM_IO | AVFMT_FLAG_FLUSH_PACKETS;
  io = make_io(buffer_bytes, this, nullptr, on_write, nullptr);
  io->seekable = 0;
  context->pb = io.get();
  if (mpegts)
    enter(tracks);
  streams.clear();
  for (size_t i = 0; i < tracks.size(); ++i) {
    if (mpegts && (entries[i].is_splice() || entries[i].is_left_out()))
      streams.push_back(-1);
    else if (auto ok = add_stream(tracks[i], mpegts ? entries[i].pid : 0); !ok)
      return ok;
  }
  return start();
}

expected<void> muxer::change_tracks(const std::vector<track>& tracks) {
  auto& self = *impl_;
  if (self.failed)
    return tl::unexpected{*self.failed};
  if (!self.mpegts || tracks.empty() || self.next_pid + static_cast<int>(tracks.size()) > end_pid)
    return fail(errc::option, "change the tracks of " + self.format + ": it cannot continue with other tracks");
  auto result = self.open(tracks);
  if (!result)
    self.failed = result.error();
  return result;
}

expected<void> muxer::begin_segment() {
  auto& self = *impl_;
  if (self.failed)
    return tl::unexpected{*self.failed};
  if (self.mpegts)
    return self.settle("begin a segment of", av_opt_set(self.context->priv_data, "mpegts_flags", "+resend_headers", 0));
  if ((self.context->oformat->flags & AVFMT_ALLOW_FLUSH) != 0)
    return self.settle("begin a segment of", av_write_frame(self.context.get(), nullptr));
  return {};
}

/// If the clock was not written for too long, writes it before this packet.
expected<void> muxer::impl::keep_time(const AVPacket& x) {
  if (x.dts == no_pts)
    return {};
  return put(packets.before(x.stream_index == clock_track, x.dts, x.duration));
}

template <class Packets>
expected<void> muxer::impl::put(const Packets& made) {
  for (const auto& x : made)
    avio_write(context->pb, reinterpret_cast<const unsigned char*>(x.data()), static_cast<int>(x.size()));
  return made.empty() ? expected<void>{} : settle("write the clock of", 0);
}

expected<void> muxer::pass_time(int64_t ticks) {
  auto& self = *impl_;
  if (self.failed)
    return tl::unexpected{*self.failed};
  return self.mpegts ? self.put(self.packets.idle(ticks)) : expected<void>{};
}

expected<void> muxer::write(const AVPacket& packet) {
  auto& self = *impl_;
  if (self.failed)
    return tl::unexpected{*self.failed};
  auto index = static_cast<unsigned>(packet.stream_index);
  if (packet.stream_index < 0 || index >= self.streams.size())
    return fail(errc::option, "write a packet of track " + std::to_string(packet.stream_index) + " into " + self.format
                                + ": there is no such track");
  if (self.streams[index] < 0)
    return self.entries[index].is_splice() ? self.put(splice_packets::of(
             self.entries[index].pid, splice_at({packet.data, static_cast<size_t>(packet.size)}, packet.pts)))
                                           : expected<void>{};
  auto* out = self.packet.get();
  av_packet_unref(out);
  if (auto rc = av_packet_ref(out, &packet); rc < 0)
    return fail(errc::limit, "keep a packet for " + self.format, rc);
  out->flags &= 0xffff;
  out->pos = -1;
  auto& stream = *self.context->streams[self.streams[index]];
  out->stream_index = stream.index;
  // Subtitles are too rare to tell the time, and have but one.
  auto subtitle = stream.codecpar->codec_type == AVMEDIA_TYPE_SUBTITLE;
  if (self.mpegts && subtitle)
    out->dts = out->pts;
  if (self.mpegts && !subtitle)
    if (auto kept = self.keep_time(packet); !kept)
      return kept;
  av_packet_rescale_ts(out, time_base, stream.time_base);
  auto rc = av_write_frame(self.context.get(), out);
  // The transport stream muxer holds small audio frames until it is flushed.
  if (rc >= 0 && self.mpegts)
    rc = av_write_frame(self.context.get(), nullptr);
  return self.settle("write a packet into", rc);
}

expected<void> muxer::finish() {
  auto& self = *impl_;
  if (self.failed)
    return tl::unexpected{*self.failed};
  auto result = self.settle("end", av_write_trailer(self.context.get()));
  if (!self.failed)
    self.failed = error{errc::option, "write into " + self.format + ": it is finished"};
  return result;
}

} // namespace troupe::av
