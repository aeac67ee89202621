// libavformat's muxers behind a memory writer. Nothing is held back: libavformat's interleaving queue is never used,
// its buffer is flushed with every packet, and a transport stream's audio frames each get their own PES packet.
#include "encoder/muxer.hpp"

extern "C" {
#include <libavutil/dict.h>
#include <libavutil/opt.h>
}

#include <algorithm>
#include <array>
#include <exception>
#include <optional>
#include <utility>

namespace troupe::av {

namespace {

constexpr int buffer_bytes = 64 * 1024;
// By how much a transport stream's clock is behind the decoding times: what a player may have to wait for audio that
// comes later in the stream than its picture. FFmpeg's own default.
constexpr int64_t mpegts_delay_us = 700'000;

/// The codecs for which libavformat 5.1 writes a stream type that receivers know; the others it would write as
/// private data that nobody can read.
constexpr std::array mpegts_codecs{
  AV_CODEC_ID_MPEG1VIDEO, AV_CODEC_ID_MPEG2VIDEO, AV_CODEC_ID_MPEG4,    AV_CODEC_ID_H264,  AV_CODEC_ID_HEVC,
  AV_CODEC_ID_CAVS,       AV_CODEC_ID_DIRAC,      AV_CODEC_ID_VC1,      AV_CODEC_ID_MP1,   AV_CODEC_ID_MP2,
  AV_CODEC_ID_MP3,        AV_CODEC_ID_AAC,        AV_CODEC_ID_AAC_LATM, AV_CODEC_ID_AC3,   AV_CODEC_ID_EAC3,
  AV_CODEC_ID_DTS,        AV_CODEC_ID_TRUEHD,     AV_CODEC_ID_OPUS,     AV_CODEC_ID_S302M,
};

struct output_closer {
  void operator()(AVFormatContext* ptr) const noexcept {
    if (ptr->pb != nullptr) {
      av_freep(&ptr->pb->buffer);
      avio_context_free(&ptr->pb);
    }
    avformat_free_context(ptr);
  }
};

bool container_takes(const AVOutputFormat& format, bool mpegts, AVCodecID codec) {
  if (mpegts)
    return std::find(mpegts_codecs.begin(), mpegts_codecs.end(), codec) != mpegts_codecs.end();
  return avformat_query_codec(&format, codec, FF_COMPLIANCE_NORMAL) != 0;
}

} // namespace

struct muxer::impl {
  static int on_write(void* self, uint8_t* data, int size) noexcept;
  expected<void> add_stream(const track& from);
  expected<void> start(const std::map<std::string, std::string>& options);
  expected<void> settle(const char* step, int rc);

  std::string format;
  bool mpegts = false;
  writer write;
  std::exception_ptr thrown;
  std::unique_ptr<AVFormatContext, output_closer> context;
  packet_ptr packet = make_packet();
  std::optional<error> failed;
};

int muxer::impl::on_write(void* self, uint8_t* data, int size) noexcept {
  auto& x = *static_cast<impl*>(self);
  try {
    x.write({reinterpret_cast<const std::byte*>(data), static_cast<size_t>(size)});
    return size;
  } catch (...) {
    x.thrown = std::current_exception();
    return AVERROR_EXTERNAL;
  }
}

/// Hands the buffer over, and remembers a failure: of libavformat's, or of the caller's writer.
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

expected<void> muxer::impl::add_stream(const track& from) {
  const auto& p = *from.parameters;
  if (!container_takes(*context->oformat, mpegts, p.codec_id))
    return fail(errc::unsupported, "write " + std::string{avcodec_get_name(p.codec_id)} + " into " + format
                                     + ": the container does not carry this codec; choose another of the two");
  auto* stream = checked(avformat_new_stream(context.get(), nullptr));
  if (auto rc = avcodec_parameters_copy(stream->codecpar, &p); rc < 0)
    return fail(errc::limit, "add a track to " + format, rc);
  stream->codecpar->codec_tag = 0;
  stream->time_base = time_base;
  if (p.codec_type == AVMEDIA_TYPE_VIDEO) {
    stream->avg_frame_rate = from.frame_rate;
    stream->sample_aspect_ratio = p.sample_aspect_ratio;
  }
  if (!from.language.empty())
    av_dict_set(&stream->metadata, "language", from.language.c_str(), 0);
  return {};
}

expected<void> muxer::impl::start(const std::map<std::string, std::string>& options) {
  AVDictionary* dictionary = nullptr;
  for (const auto& [name, value] : options)
    av_dict_set(&dictionary, name.c_str(), value.c_str(), 0);
  if (mpegts) {
    av_dict_set(&dictionary, "mpegts_copyts", "1", 0);
    av_dict_set(&dictionary, "pes_payload_size", "0", 0);
    context->max_delay = static_cast<int>(mpegts_delay_us);
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
  AVFormatContext* context = nullptr;
  if (auto rc = avformat_alloc_output_context2(&context, output, nullptr, nullptr); rc < 0)
    return fail(errc::unsupported, "write " + format, rc);
  self->context.reset(context);
  context->flags |= AVFMT_FLAG_CUSTOM_IO | AVFMT_FLAG_FLUSH_PACKETS;
  auto* buffer = static_cast<uint8_t*>(checked(av_malloc(buffer_bytes)));
  context->pb = checked(avio_alloc_context(buffer, buffer_bytes, 1, self.get(), nullptr, impl::on_write, nullptr));
  context->pb->seekable = 0;
  for (const auto& x : tracks)
    if (auto ok = self->add_stream(x); !ok)
      return tl::unexpected{std::move(ok.error())};
  if (auto ok = self->start(options); !ok)
    return tl::unexpected{std::move(ok.error())};
  return muxer{std::move(self)};
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

expected<void> muxer::write(const AVPacket& packet) {
  auto& self = *impl_;
  if (self.failed)
    return tl::unexpected{*self.failed};
  auto index = static_cast<unsigned>(packet.stream_index);
  if (packet.stream_index < 0 || index >= self.context->nb_streams)
    return fail(errc::option, "write a packet of track " + std::to_string(packet.stream_index) + " into " + self.format
                                + ": there is no such track");
  auto* out = self.packet.get();
  av_packet_unref(out);
  if (auto rc = av_packet_ref(out, &packet); rc < 0)
    return fail(errc::limit, "keep a packet for " + self.format, rc);
  out->flags &= 0xffff;
  out->pos = -1;
  av_packet_rescale_ts(out, time_base, self.context->streams[index]->time_base);
  auto rc = av_write_frame(self.context.get(), out);
  // Small audio frames wait inside the transport stream muxer until told otherwise.
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
