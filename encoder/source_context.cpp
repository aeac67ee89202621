// All calls into libavformat that can block are here, each between `begin` and a look at what the callback saw.
#include "encoder/source_context.hpp"

#include "encoder/log.hpp"

extern "C" {
#include <libavutil/dict.h>
#include <libavutil/opt.h>
}

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>
#include <thread>
#include <utility>

namespace troupe::av {

namespace {

constexpr int damaged_max = 1000; // reads in a row that fail with "invalid data"
// Analysis ends here although a stream is still silent; the demuxer then looks at its packets itself. Longer would
// hold up a cold channel.
constexpr int64_t analysis_us = 2'000'000;
constexpr int live_frame_rate_probe =
  6; // frames to guess a live source's frame rate from where its headers do not tell

/// Places that a playlist may name, its variants and sound tracks among them: the largest masters have some hundred.
constexpr size_t opened_max = 1000;

/// An option of libavformat's HLS reader.
constexpr const char* keep_connections = "http_persistent";

bool is_hls(const AVFormatContext& x) {
  return x.iformat != nullptr && std::string_view{x.iformat->name} == "hls" && x.priv_data != nullptr;
}

/// Looks at what was opened without taking it.
bool is_master_playlist(AVIOContext& io) {
  constexpr int looked_at = 16 * 1024;
  std::string head(looked_at, '\0');
  auto count = avio_read_partial(&io, reinterpret_cast<unsigned char*>(head.data()), looked_at);
  if (count <= 0)
    return false;
  head.resize(static_cast<size_t>(count));
  // What was read is still in the buffer.
  return avio_seek(&io, -count, SEEK_CUR) >= 0 && head.starts_with("#EXTM3U")
         && head.find("#EXT-X-STREAM-INF") != std::string::npos;
}

struct dictionary {
  dictionary() = default;
  dictionary(const dictionary&) = delete;
  dictionary& operator=(const dictionary&) = delete;
  ~dictionary() {
    av_dict_free(&ptr);
  }

  void set(const char* name, const std::string& value) {
    av_dict_set(&ptr, name, value.c_str(), 0);
  }

  AVDictionary* ptr = nullptr;
};

/// Defaults for the protocols that need some: a burst must not overrun UDP's queue, and RTSP over TCP passes firewalls.
void set_defaults(dictionary& to, const std::string& scheme) {
  if (scheme == "udp") {
    to.set("overrun_nonfatal", "1");
    to.set("buffer_size", "4194304");
  } else if (scheme == "rtsp" || scheme == "rtsps") {
    to.set("rtsp_flags", "prefer_tcp");
  }
}

} // namespace

int source_context::watch::poll(void* self) noexcept {
  auto& x = *static_cast<watch*>(self);
  if (x.stop->load(std::memory_order_relaxed) || !x.refusal.empty())
    return 1;
  if (std::chrono::steady_clock::now() < x.deadline)
    return 0;
  x.expired = true;
  return 1;
}

int source_context::watch::open_named(AVFormatContext* format, AVIOContext** io, const char* url, int flags,
                                      AVDictionary** options) noexcept {
  auto& x = *static_cast<watch*>(format->opaque);
  auto is_first = x.opened++ == 0;
  if (!x.opening)
    return x.open(format, io, url, flags, options);
  // Each playlist has to come by here, and not over a connection that libavformat keeps.
  if (is_hls(*format))
    av_opt_set(format->priv_data, keep_connections, "0", 0);
  if (x.opened > opened_max) {
    x.refusal = "its playlist names more than " + std::to_string(opened_max) + " places";
    return AVERROR_EXIT;
  }
  auto code = x.open(format, io, url, flags, options);
  if (code < 0 || is_first || !is_master_playlist(**io))
    return code;
  x.refusal = "its playlist names a playlist of playlists, or itself; name the inner one as the source";
  avio_closep(io);
  return AVERROR_EXIT;
}

source_context::source_context(const source_options& options, source_address address, const std::atomic<bool>& stop)
  : options_{options}, address_{std::move(address)}, watch_{std::make_unique<watch>()} {
  watch_->stop = &stop;
}

void source_context::begin(std::chrono::milliseconds timeout) {
  watch_->expired = false;
  watch_->deadline = std::chrono::steady_clock::now() + timeout;
}

tl::unexpected<error> source_context::failure(errc fallback, std::string_view step, int code,
                                              std::chrono::milliseconds timeout) const {
  auto what = std::string{step} + " " + address_.shown;
  if (watch_->stop->load())
    return fail(errc::interrupted, what + ": stopped by the caller");
  if (!watch_->refusal.empty())
    return fail(errc::media, what + ": " + watch_->refusal);
  if (watch_->expired)
    return fail(errc::timeout, what + ": nothing within " + std::to_string(timeout.count()) + " ms");
  return fail(fallback, what, code);
}

/// The error for something that was reached but is no media: says what it looks like.
tl::unexpected<error> source_context::not_media(int code) {
  auto what = "open the source " + address_.shown + ": not media";
  auto web = address_.scheme == "http" || address_.scheme == "https";
  if (!web && !address_.is_file())
    return fail(errc::media, what + " (" + av_text(code) + ")");
  begin(std::chrono::milliseconds{2000});
  dictionary options;
  for (const auto& [name, value] : options_.options)
    options.set(name.c_str(), value);
  options.set("protocol_whitelist", address_.protocols);
  AVIOInterruptCB callback{watch::poll, watch_.get()};
  AVIOContext* io = nullptr;
  if (avio_open2(&io, address_.url.c_str(), AVIO_FLAG_READ, &callback, &options.ptr) < 0)
    return fail(errc::media, what + " (" + av_text(code) + ")");
  std::array<char, 512> head = {};
  auto count = avio_read(io, reinterpret_cast<unsigned char*>(head.data()), static_cast<int>(head.size()));
  avio_closep(&io);
  std::string_view bytes{head.data(), static_cast<size_t>(count > 0 ? count : 0)};
  return fail(errc::media, what + " but " + std::string{describe_start(bytes)} + " (" + av_text(code) + ")");
}

tl::unexpected<error> source_context::too_many_streams() const {
  return fail(errc::limit, "open the source " + address_.shown + ": it has more than the "
                             + std::to_string(options_.streams_max)
                             + " streams that are read, fonts and covers included; remove some of them");
}

void source_context::limit_probing(AVFormatContext& format) const {
  format.interrupt_callback = {watch::poll, watch_.get()};
  format.opaque = watch_.get();
  watch_->open = format.io_open;
  watch_->opened = 0;
  format.io_open = watch::open_named;
  format.max_analyze_duration = analysis_us;
  format.max_streams = static_cast<int>(std::min<size_t>(options_.streams_max, 10'000) + 1);
  // The timeline unwraps by itself, over any number of wraps.
  format.correct_ts_overflow = 0;
  format.skip_estimate_duration_from_pts = 1;
  // A file is the same over HTTP as from the disk: all who work at it must find the same.
  if (!address_.is_file() && !options_.keep_times)
    format.fps_probe_size = live_frame_rate_probe;
}

expected<source_context> source_context::open(const source_options& options, const std::atomic<bool>& stop) {
  if (auto ok = check_source_options(options.options); !ok)
    return tl::unexpected{std::move(ok.error())};
  auto address = parse_source(options.url);
  if (!address)
    return tl::unexpected{std::move(address.error())};
  source_context result{options, std::move(*address), stop};
  if (auto ok = result.open_format(); !ok)
    return tl::unexpected{std::move(ok.error())};
  return result;
}

expected<void> source_context::open_format() {
  quiet_logs();
  begin(options_.open_timeout);
  dictionary options;
  set_defaults(options, address_.scheme);
  for (const auto& [name, value] : options_.options)
    options.set(name.c_str(), value);
  options.set("protocol_whitelist", address_.protocols);
  options.set("format_whitelist", source_formats(options_.one_file));
  // Streams of a TS whose numbers change in mid-stream stay the same; other formats leave this one unused.
  options.set("merge_pmt_versions", "1");
  auto* context = checked(avformat_alloc_context());
  limit_probing(*context);
  (void)take_http_status();
  log_capture log;
  // On failure libavformat frees the context.
  watch_->opening = true;
  auto rc = avformat_open_input(&context, address_.url.c_str(), nullptr, &options.ptr);
  watch_->opening = false;
  if (rc < 0 || !watch_->refusal.empty()) {
    if (rc >= 0)
      avformat_close_input(&context);
    // libavformat calls that a lack of memory.
    if (log.text().find("max_streams") != std::string::npos)
      return too_many_streams();
    auto unclear = rc == AVERROR_INVALIDDATA || rc == AVERROR(EINVAL) || rc == AVERROR_EOF;
    if (unclear && !watch_->expired && !watch_->stop->load() && watch_->refusal.empty())
      return not_media(rc);
    if (watch_->expired || watch_->stop->load() || !watch_->refusal.empty())
      return failure(errc::media, "open the source", rc, options_.open_timeout);
    return fail_to_open(errc::media, "open the source " + address_.shown, rc, take_http_status());
  }
  format_.reset(context);
  if (is_hls(*context))
    av_opt_set(context->priv_data, keep_connections, "1", 0);
  for (const AVDictionaryEntry* x = nullptr; (x = av_dict_get(options.ptr, "", x, AV_DICT_IGNORE_SUFFIX)) != nullptr;)
    if (options_.options.contains(x->key))
      return fail(errc::option, "open the source " + address_.shown + ": the option " + x->key
                                  + " does not apply to this kind of source");
  rc = avformat_find_stream_info(format_.get(), nullptr);
  if (format_->nb_streams > options_.streams_max)
    return too_many_streams();
  if (rc < 0 || watch_->expired || watch_->stop->load())
    return failure(errc::media, "find the streams of", rc < 0 ? rc : AVERROR_EXIT, options_.open_timeout);
  // libavformat goes on without the key, and decrypts into noise; or it knows no way to decrypt (ASF).
  for (const auto* words : {"Unable to open key file", "Unable to read key file", "encrypted stream detected"})
    if (log.text().find(words) != std::string::npos)
      return fail(errc::media, "open the source " + address_.shown
                                 + ": it is encrypted, and there is no key for it; give a source without encryption");
  return {};
}

expected<bool> source_context::read(AVPacket& packet) {
  begin(options_.read_timeout);
  for (;;) {
    auto rc = av_read_frame(format_.get(), &packet);
    if (rc >= 0) {
      damaged_ = 0;
      return true;
    }
    if (watch_->stop->load() || watch_->expired)
      return failure(errc::io, "read from", rc, options_.read_timeout);
    // An HTTP response of unknown length ends with its connection, which libavformat reports as an I/O error.
    if (rc == AVERROR_EOF || (rc == AVERROR(EIO) && address_.scheme.starts_with("http") && is_live()))
      return false;
    if (rc == AVERROR(EAGAIN)) {
      if (watch::poll(watch_.get()) != 0)
        return failure(errc::io, "read from", rc, options_.read_timeout);
      std::this_thread::sleep_for(std::chrono::milliseconds{2});
    } else if (rc != AVERROR_INVALIDDATA || ++damaged_ > damaged_max) {
      return failure(errc::media, "read from", rc, options_.read_timeout);
    }
  }
}

expected<void> source_context::rewind() {
  begin(options_.open_timeout);
  auto& format = *format_;
  auto rc = AVERROR(ENOSYS);
  if (format.pb != nullptr && (format.pb->seekable & AVIO_SEEKABLE_NORMAL) != 0) {
    auto flags = format.iformat->flags;
    auto by_byte = (flags & (AVFMT_TS_DISCONT | AVFMT_NOTIMESTAMPS)) != 0 && (flags & AVFMT_NO_BYTE_SEEK) == 0;
    auto start = format.start_time == AV_NOPTS_VALUE ? 0 : format.start_time;
    rc = by_byte ? av_seek_frame(&format, -1, 0, AVSEEK_FLAG_BYTE)
                 : av_seek_frame(&format, -1, start, AVSEEK_FLAG_BACKWARD);
  }
  if (rc >= 0)
    return {};
  std::vector<AVCodecID> before;
  for (unsigned i = 0; i < format.nb_streams; ++i)
    before.push_back(format.streams[i]->codecpar->codec_id);
  std::vector<AVDiscard> discards;
  for (unsigned i = 0; i < format.nb_streams; ++i)
    discards.push_back(format.streams[i]->discard);
  format_.reset();
  if (auto ok = open_format(); !ok)
    return ok;
  for (size_t i = 0; i < before.size(); ++i) {
    if (i >= format_->nb_streams || format_->streams[i]->codecpar->codec_id != before[i])
      return fail(errc::media, "start " + address_.shown + " again: its streams are not what they were");
    format_->streams[i]->discard = discards[i];
  }
  return {};
}

expected<bool> source_context::seek(int stream, int64_t at) {
  begin(options_.open_timeout);
  damaged_ = 0;
  auto code = avformat_seek_file(format_.get(), stream, std::numeric_limits<int64_t>::min(), at, at, 0);
  if (watch_->stop->load() || watch_->expired)
    return failure(errc::io, "seek in", code, options_.open_timeout);
  return code >= 0;
}

bool source_context::is_live() const noexcept {
  const auto& format = *format_;
  if (address_.is_file())
    return false;
  if (is_hls(format))
    return format.duration == AV_NOPTS_VALUE || format.duration <= 0;
  if (format.pb == nullptr)
    return true;
  return (format.pb->seekable & AVIO_SEEKABLE_NORMAL) == 0 && avio_size(format.pb) <= 0;
}

bool source_context::may_jump() const noexcept {
  return (format_->iformat->flags & AVFMT_TS_DISCONT) != 0 || is_live();
}

} // namespace troupe::av
