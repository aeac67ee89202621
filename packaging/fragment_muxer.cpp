// libavformat's mp4 muxer writes into memory. It is opened at the first sample, when all headers are known, and opened
// again when they change.
#include "packaging/fragment_muxer.hpp"

#include "encoder/log.hpp"
#include "packaging/adts.hpp"
#include "packaging/codec_names.hpp"
#include "packaging/parameter_sets.hpp"
#include "packaging/samples.hpp"

extern "C" {
#include <libavutil/dict.h>
#include <libavutil/opt.h>
}

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe {

namespace {

constexpr std::array<std::string_view, 11> held_codecs{"h264", "hevc", "av1", "vp9",  "aac", "ac3",
                                                       "eac3", "mp2",  "mp3", "opus", "flac"};

constexpr int buffer_bytes = 64 * 1024;
constexpr int64_t wait_max = 60 * ticks_per_second; ///< from decoding to presentation
constexpr int64_t pts_max = int64_t{1} << 53;       ///< three thousand years

struct output_closer {
  void operator()(AVFormatContext* ptr) const noexcept {
    if (ptr->pb != nullptr) {
      av_freep(&ptr->pb->buffer);
      avio_context_free(&ptr->pb);
    }
    avformat_free_context(ptr);
  }
};

void set_extradata(AVCodecParameters& p, std::span<const std::byte> bytes) {
  av_freep(&p.extradata);
  p.extradata = static_cast<uint8_t*>(av::checked(av_mallocz(bytes.size() + AV_INPUT_BUFFER_PADDING_SIZE)));
  if (!bytes.empty())
    std::memcpy(p.extradata, bytes.data(), bytes.size());
  p.extradata_size = static_cast<int>(bytes.size());
}

/// The contents of the first box of this type in an init segment. Looks for the name alone: in the init segments that
/// libavformat writes, nothing else before the box has it.
shared_bytes box_in(std::span<const std::byte> init, std::string_view type) {
  auto name = std::as_bytes(std::span{type});
  auto found = std::search(init.begin(), init.end(), name.begin(), name.end());
  if (found == init.end() || found - init.begin() < 4)
    return {};
  ptrdiff_t size = 0; // with the four bytes each of size and name
  for (auto i = found - 4; i != found; ++i)
    size = size << 8 | std::to_integer<ptrdiff_t>(*i);
  if (size < 8 || size > init.end() - found + 4)
    return {};
  return shared_bytes{{found + 4, found - 4 + size}};
}

} // namespace

bool fragments_hold(const std::string& codec) {
  return std::ranges::find(held_codecs, codec) != held_codecs.end();
}

struct fragment_muxer::impl {
  struct times {
    int64_t pts;
    int64_t dts;
    int64_t duration;
  };

  static int on_write(void* self, uint8_t* data, int size);
  bool brings_other_headers(const sample& x, std::span<const std::byte> bytes) const;
  av::expected<void> check_format() const;
  av::expected<void> open(const sample& x, std::span<const std::byte> bytes);
  av::expected<void> set_headers(AVCodecParameters& p, std::span<const std::byte> bytes);
  av::expected<void> open_context(const av::track& track);
  av::expected<times> times_of(const sample& x) const;
  av::expected<void> flush();

  bool is_video() const {
    return format.kind == track_kind::video;
  }

  /// Units of the container's times in a second.
  int timescale() const {
    return is_video() ? static_cast<int>(ticks_per_second) : format.sample_rate;
  }

  /// Packets of these codecs describe themselves in their header, so libavformat writes the init segment after the
  /// first packet.
  bool has_late_init() const {
    return format.codec == "ac3" || format.codec == "eac3";
  }

  track_format format;
  std::unique_ptr<AVFormatContext, output_closer> context;
  av::packet_ptr packet = av::make_packet();
  std::vector<std::byte> out;   ///< written by libavformat and not yet taken
  parameter_sets sets;          ///< in the init segment
  std::optional<uint32_t> adts; ///< `adts_header::stream` that the init segment was made from
  shared_bytes init;
  track_format described; ///< the format with what `init` says
  size_t samples = 0;     ///< in the fragment
  size_t bytes_held = 0;  ///< of those
  int64_t fragments = 0;  ///< so far
  int64_t last_dts = no_timestamp;
};

int fragment_muxer::impl::on_write(void* self, uint8_t* data, int size) {
  auto* first = reinterpret_cast<const std::byte*>(data);
  auto& to = static_cast<impl*>(self)->out;
  to.insert(to.end(), first, first + size);
  return size;
}

bool fragment_muxer::impl::brings_other_headers(const sample& x, std::span<const std::byte> bytes) const {
  if (!context)
    return false;
  if (format.codec == "aac") {
    auto found = adts_of(bytes);
    return found && adts && found->stream != adts;
  }
  if ((x.flags & sample::key) == 0)
    return false;
  auto known = [this](const auto& set) { return std::ranges::find(sets, set) != sets.end(); };
  return !std::ranges::all_of(parameter_sets_in_sample(format.codec, bytes), known);
}

/// The decoder's headers for the init segment: those of the sample, else those of the format.
av::expected<void> fragment_muxer::impl::set_headers(AVCodecParameters& p, std::span<const std::byte> bytes) {
  if (format.codec == "aac") {
    auto found = adts_of(bytes);
    adts = found ? std::optional{found->stream} : std::nullopt;
    if (!found)
      return {};
    auto config = config_of_adts(p, bytes);
    if (!config)
      return tl::unexpected{std::move(config.error())};
    set_extradata(p, *config);
    return {};
  }
  if (format.codec != "h264" && format.codec != "hevc" && format.codec != "av1")
    return {};
  sets = parameter_sets_in_sample(format.codec, bytes);
  if (!is_complete(format.codec, sets))
    for (auto& x : parameter_sets_in_extradata(format.codec, format.extradata.span()))
      if (std::ranges::find(sets, x) == sets.end())
        sets.push_back(std::move(x));
  if (!is_complete(format.codec, sets))
    return av::fail(av::errc::media, "write " + format.codec + " as CMAF: neither the track nor its key picture has the"
                                       + " parameter sets");
  set_extradata(p, to_extradata(format.codec, sets));
  return {};
}

av::expected<void> fragment_muxer::impl::check_format() const {
  if (!fragments_hold(format.codec))
    return av::fail(av::errc::unsupported, "write " + format.codec.substr(0, 64)
                                             + " as CMAF: players do not know it there; choose another codec");
  if (timescale() <= 0)
    return av::fail(av::errc::media, "write " + format.codec + " as CMAF: the track has no sample rate");
  return {};
}

/// Makes the init segment for samples from this one on.
av::expected<void> fragment_muxer::impl::open(const sample& x, std::span<const std::byte> bytes) {
  if (is_video() && (x.flags & sample::key) == 0)
    return av::fail(av::errc::option, "begin a fragment of " + format.codec + ": the first picture is no key picture");
  context.reset();
  out.clear();
  init = {};
  auto track = to_track(format);
  if (auto ok = set_headers(*track.parameters, bytes); !ok)
    return ok;
  if (auto ok = open_context(track); !ok) {
    context.reset();
    return ok;
  }
  if (!has_late_init())
    init = shared_bytes{std::exchange(out, {})};
  described = format;
  if (format.codec == "av1")
    described.extradata = box_in(init.span(), "av1C");
  else if (format.codec == "vp9")
    described.extradata = box_in(init.span(), "vpcC");
  else if (auto* extra = reinterpret_cast<const std::byte*>(track.parameters->extradata); extra != nullptr)
    described.extradata = shared_bytes{{extra, extra + track.parameters->extradata_size}};
  return {};
}

av::expected<void> fragment_muxer::impl::open_context(const av::track& track) {
  av::quiet_logs();
  auto step = "begin CMAF with " + format.codec;
  AVFormatContext* made = nullptr;
  if (auto rc = avformat_alloc_output_context2(&made, nullptr, "mp4", nullptr); rc < 0)
    return av::fail(av::errc::unsupported, step, rc);
  context.reset(made);
  // Without AVFMT_FLAG_BITEXACT the version of libavformat would be in the init segment. FLAC counts as experimental.
  made->flags |= AVFMT_FLAG_CUSTOM_IO | AVFMT_FLAG_BITEXACT;
  made->strict_std_compliance = FF_COMPLIANCE_EXPERIMENTAL;
  made->avoid_negative_ts = AVFMT_AVOID_NEG_TS_DISABLED;
  auto* buffer = static_cast<uint8_t*>(av::checked(av_malloc(buffer_bytes)));
  made->pb = av::checked(avio_alloc_context(buffer, buffer_bytes, 1, this, nullptr, on_write, nullptr));
  made->pb->seekable = 0;
  auto* stream = av::checked(avformat_new_stream(made, nullptr));
  auto& p = *stream->codecpar;
  if (auto rc = avcodec_parameters_copy(&p, track.parameters.get()); rc < 0)
    return av::fail(av::errc::limit, step, rc);
  // A new estimate of the bit rate must not make another init segment.
  p.bit_rate = 0;
  // Apple's players want the tag that says that the parameter sets are in the init segment.
  p.codec_tag = p.codec_id == AV_CODEC_ID_HEVC ? MKTAG('h', 'v', 'c', '1') : 0;
  stream->time_base = {1, timescale()};
  stream->avg_frame_rate = track.frame_rate;
  stream->sample_aspect_ratio = p.sample_aspect_ratio;
  if (!track.language.empty())
    av_dict_set(&stream->metadata, "language", track.language.c_str(), 0);
  AVDictionary* options = nullptr;
  av_dict_set(&options, "movflags", "+frag_custom+empty_moov+default_base_moof+skip_trailer", 0);
  if (has_late_init())
    av_dict_set(&options, "movflags", "+delay_moov", AV_DICT_APPEND);
  av_dict_set_int(&options, "use_editlist", 0, 0);
  av_dict_set_int(&options, "fragment_index", fragments + 1, 0);
  av::log_capture log;
  auto rc = avformat_write_header(made, &options);
  auto left = av_dict_count(options);
  av_dict_free(&options);
  if (rc < 0)
    return av::fail(av::errc::unsupported, step + (log.text().empty() ? "" : " (" + log.text() + ")"), rc);
  if (left > 0 || stream->time_base.num != 1 || stream->time_base.den != timescale())
    return av::fail(av::errc::unsupported, step + ": this libavformat does not take our options");
  avio_flush(made->pb);
  return {};
}

/// A sample's times in the container's units.
av::expected<fragment_muxer::impl::times> fragment_muxer::impl::times_of(const sample& x) const {
  auto refuse = [&](const std::string& why) {
    return av::fail(av::errc::media, "write a sample of " + format.codec + " as CMAF: " + why);
  };
  if (x.pts == no_timestamp || x.pts < -wait_max || x.pts > pts_max)
    return refuse("it has no presentation time, or one out of range");
  auto dts = !is_video() || x.dts == no_timestamp ? x.pts : x.dts;
  if (dts > x.pts || dts < x.pts - wait_max)
    return refuse("it is decoded after it is shown, or long before");
  // Each time is converted by itself, so rounding never adds up.
  auto convert = [this](int64_t ticks) { return av_rescale_q(ticks, av::time_base, AVRational{1, timescale()}); };
  times result{convert(x.pts), convert(dts), 0};
  if (result.dts < 0)
    return refuse("its time is before zero");
  if (last_dts != no_timestamp && result.dts <= last_dts)
    return refuse("its decoding time is not after that of the sample before");
  result.duration = convert(dts + x.duration) - result.dts;
  if (x.duration == 0 && is_video() && format.frame_rate.num > 0)
    result.duration = ticks_per_second * format.frame_rate.den / format.frame_rate.num;
  if (x.duration == 0 && !is_video())
    result.duration = format.frame_size;
  // libavformat would replace a duration of 0 by a guess.
  result.duration = std::max<int64_t>(result.duration, 1);
  return result;
}

av::expected<void> fragment_muxer::impl::flush() {
  auto rc = av_write_frame(context.get(), nullptr);
  avio_flush(context->pb);
  if (rc >= 0)
    rc = context->pb->error;
  if (rc < 0)
    return av::fail(av::errc::media, "end a fragment of " + format.codec, rc);
  return {};
}

fragment_muxer::fragment_muxer(track_format format) : impl_(std::make_unique<impl>()) {
  impl_->format = std::move(format);
  impl_->described = impl_->format;
}

fragment_muxer::fragment_muxer(fragment_muxer&&) noexcept = default;
fragment_muxer& fragment_muxer::operator=(fragment_muxer&&) noexcept = default;
fragment_muxer::~fragment_muxer() = default;

bool fragment_muxer::needs_new_init(const sample& x, std::span<const std::byte> bytes) const {
  return impl_->brings_other_headers(x, bytes);
}

av::expected<void> fragment_muxer::write(const sample& x, std::span<const std::byte> bytes, bool may_change_init) {
  auto& self = *impl_;
  if (!self.context)
    if (auto ok = self.check_format(); !ok)
      return ok;
  if (bytes.empty())
    return av::fail(av::errc::media, "write a sample of " + self.format.codec + " as CMAF: it is empty");
  auto times = self.times_of(x);
  if (!times)
    return tl::unexpected{std::move(times.error())};
  if (bytes.size() > fragment_bytes_max - self.bytes_held)
    return av::fail(av::errc::limit, "write a sample of " + self.format.codec + " as CMAF: the fragment is too large");
  auto changes = may_change_init && self.brings_other_headers(x, bytes);
  if (changes && self.samples > 0)
    return av::fail(av::errc::option, "write a sample of " + self.format.codec
                                        + " with other parameter sets into the same fragment: end the fragment first");
  if (!self.context || changes) {
    if (auto ok = self.open(x, bytes); !ok)
      return ok;
  }
  if (self.samples == 0)
    av_opt_set(self.context->priv_data, "movflags", "+frag_discont", 0);
  auto payload = bytes;
  if (auto header = self.format.codec == "aac" ? adts_of(bytes) : std::nullopt; header) {
    if (!header->single)
      return av::fail(av::errc::unsupported, "write a sample of aac as CMAF: its ADTS header announces several frames");
    payload = bytes.subspan(header->size);
  }
  auto& packet = *self.packet;
  borrow(packet, x, payload);
  packet.stream_index = 0;
  packet.pts = times->pts;
  packet.dts = times->dts;
  packet.duration = times->duration;
  packet.flags = !self.is_video() || (x.flags & sample::key) != 0 ? AV_PKT_FLAG_KEY : 0;
  av::log_capture log;
  if (auto rc = av_write_frame(self.context.get(), &packet); rc < 0) {
    // The fragment has no sample yet, so the next sample can begin with a new init segment.
    if (self.samples == 0)
      self.context.reset();
    return av::fail(
      av::errc::media,
      "write a sample of " + self.format.codec + " as CMAF" + (log.text().empty() ? "" : " (" + log.text() + ")"), rc);
  }
  ++self.samples;
  self.bytes_held += bytes.size();
  self.last_dts = times->dts;
  return {};
}

av::expected<shared_bytes> fragment_muxer::cut() {
  auto& self = *impl_;
  if (self.samples == 0)
    return av::fail(av::errc::option, "end a fragment of " + self.format.codec + ": it has no samples");
  self.samples = self.bytes_held = 0;
  if (auto ok = self.flush(); !ok)
    return tl::unexpected{std::move(ok.error())};
  if (self.init.size() == 0) {
    // If the init segment is late, the first flush writes only that.
    self.init = shared_bytes{std::exchange(self.out, {})};
    if (auto ok = self.flush(); !ok)
      return tl::unexpected{std::move(ok.error())};
  }
  if (self.out.empty())
    return av::fail(av::errc::media, "end a fragment of " + self.format.codec + ": its samples are no whole frames");
  ++self.fragments;
  return shared_bytes{std::exchange(self.out, {})};
}

const shared_bytes& fragment_muxer::init() const noexcept {
  return impl_->init;
}

const track_format& fragment_muxer::format() const noexcept {
  return impl_->described;
}

std::string fragment_muxer::codec() const {
  return codec_name(impl_->described);
}

} // namespace troupe
