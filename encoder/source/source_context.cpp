// All calls into libavformat that can block. `begin` sets each call's deadline; afterwards `failure` says why it
// failed.
#include "encoder/source/source_context.hpp"

#include "base/mask_url.hpp"
#include "encoder/log.hpp"

extern "C" {
#include <libavutil/dict.h>
#include <libavutil/opt.h>
}

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <limits>
#include <map>
#include <thread>
#include <utility>

namespace troupe::av {

namespace {

constexpr int damaged_max = 1000; // reads in a row that fail with "invalid data"
// Analysis ends here even if a stream is still silent; the demuxer then examines its packets itself. A longer analysis
// would delay the start of a channel.
constexpr int64_t analysis_us = 2'000'000;
constexpr int target_duration_max = 60; // seconds
constexpr size_t playlist_bytes_max = size_t{1} << 20;
constexpr int live_frame_rate_probe = 6; // frames used to guess a live source's frame rate if its headers do not tell

/// The most places that a playlist may name, including variants and sound tracks: the largest master playlists have
/// some hundred.
constexpr size_t opened_max = 1000;

/// An option of libavformat's HLS reader.
constexpr const char* keep_connections = "http_persistent";

bool is_hls(const AVFormatContext& x) {
  return x.iformat != nullptr && std::string_view{x.iformat->name} == "hls" && x.priv_data != nullptr;
}

/// The first bytes of the opened source, without consuming them.
std::string start_of(AVIOContext& io) {
  constexpr int looked_at = 16 * 1024;
  std::string head(looked_at, '\0');
  auto count = avio_read_partial(&io, reinterpret_cast<unsigned char*>(head.data()), looked_at);
  head.resize(static_cast<size_t>(std::max(count, 0)));
  // The bytes are still in the buffer.
  return count <= 0 || avio_seek(&io, -count, SEEK_CUR) >= 0 ? head : std::string{};
}

bool is_master_playlist(std::string_view start) {
  return start.starts_with("#EXTM3U") && start.find("#EXT-X-STREAM-INF") != start.npos;
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

  void set_all(const std::map<std::string, std::string>& values) {
    for (const auto& [name, value] : values)
      set(name.c_str(), value);
  }

  AVDictionary* ptr = nullptr;
};

/// Defaults for some protocols: a burst must not overflow UDP's queue, and RTSP over TCP passes firewalls.
void set_defaults(dictionary& to, const std::string& scheme) {
  if (scheme == "udp") {
    to.set("overrun_nonfatal", "1");
    to.set("buffer_size", "4194304");
  } else if (scheme == "rtsp" || scheme == "rtsps") {
    to.set("rtsp_flags", "prefer_tcp");
  }
}

} // namespace

/// The seconds of the longest segment that a playlist announces; 0 if the text is no playlist, or a master playlist.
int target_duration(std::string_view text) {
  constexpr std::string_view tag = "#EXT-X-TARGETDURATION:";
  auto at = text.starts_with("#EXTM3U") ? text.find(tag) : text.npos;
  auto result = 0;
  if (at != text.npos)
    std::from_chars(text.data() + at + tag.size(), text.data() + text.size(), result);
  return std::clamp(result, 0, target_duration_max);
}

void source_context::watch::look_at(std::string_view start, const char* url) {
  auto seconds = target_duration(start);
  if (seconds == 0)
    return;
  segment = std::max(segment, std::chrono::seconds{seconds});
  playlist = url;
}

int source_context::watch::open_named(AVFormatContext* format, AVIOContext** io, const char* url, int flags,
                                      AVDictionary** options) noexcept {
  auto& x = *static_cast<watch*>(format->opaque);
  auto is_first = x.opened++ == 0;
  // Each playlist has to pass through this callback, not through a connection that libavformat keeps open.
  if (x.opening && is_hls(*format))
    av_opt_set(format->priv_data, keep_connections, "0", 0);
  if (x.opening && x.opened > opened_max) {
    x.refusal = "its playlist names more than " + std::to_string(opened_max) + " places";
    return AVERROR_EXIT;
  }
  auto place = x.gate.pass(url);
  if (!place) {
    x.refusal = "it names " + base::mask_url(url) + ": " + place.error();
    return AVERROR_EXIT;
  }
  auto code = x.open(format, io, place->url.c_str(), flags, options);
  if (code < 0)
    return code;
  auto start = start_of(**io);
  x.look_at(start, url);
  if (!x.opening || is_first || !is_master_playlist(start))
    return code;
  x.refusal = "its playlist names a playlist of playlists, or itself; name the inner one as the source";
  url_io_ptr{std::exchange(*io, nullptr)}.reset();
  return AVERROR_EXIT;
}

int source_context::watch::poll(void* self) noexcept {
  auto& x = *static_cast<watch*>(self);
  // A place that is refused later counts as one that cannot be reached: a live playlist goes on without it.
  if (x.stop->load(std::memory_order_relaxed) || (x.opening && !x.refusal.empty()))
    return 1;
  if (std::chrono::steady_clock::now() < x.deadline)
    return 0;
  x.expired = true;
  return 1;
}

source_context::source_context(const source_options& options, source_address address, const std::atomic<bool>& stop)
  : options_{options}, address_{std::move(address)}, watch_{std::make_unique<watch>(options, stop)} {}

void source_context::begin(std::chrono::milliseconds timeout) {
  watch_->expired = false;
  watch_->refusal.clear();
  watch_->deadline = std::chrono::steady_clock::now() + timeout;
}

tl::unexpected<error> source_context::failure(errc fallback, std::string_view step, int code,
                                              std::chrono::milliseconds timeout) const {
  auto what = std::string{step} + " " + address_.shown;
  if (watch_->stop->load())
    return fail(errc::interrupted, what + ": stopped by the caller");
  if (!watch_->refusal.empty())
    return fail(errc::media, what + ": " + watch_->refusal);
  if (auto why = trouble(); !why.empty())
    return fail(errc::media, what + ": " + why);
  // A timeout leaves its error in the connection, where the next read would find it.
  if (watch_->expired || code == AVERROR_EXIT)
    return fail(errc::timeout, what + ": no usable data within " + std::to_string(timeout.count()) + " ms");
  if (format_)
    return fail(fallback, what, code);
  return fail_to_open(fallback, what, code, take_http_status());
}

std::string source_context::trouble() const {
  return io_ && io_->is_scrambled() ? "it is scrambled; give a source that needs no key" : std::string{};
}

/// Opens a place of the source beside its demuxer. Returns libav*'s code.
int source_context::open_again(url_io_ptr& to, const std::string& url) {
  auto place = watch_->gate.pass(url);
  if (!place)
    return AVERROR(EACCES);
  dictionary options;
  options.set_all(options_.options);
  options.set("protocol_whitelist", address_.protocols);
  return open_io(to, place->url, {watch::poll, watch_.get()}, &options.ptr);
}

/// The error for a source that was reached but is not media; it describes the contents.
tl::unexpected<error> source_context::not_media(int code, const std::string& said) {
  auto what = "open the source " + address_.shown + ": not media";
  auto web = address_.scheme == "http" || address_.scheme == "https";
  if (!web && !address_.is_file())
    return fail(errc::media, what + " (" + av_text(code) + ")");
  begin(std::chrono::milliseconds{2000});
  url_io_ptr io;
  if (open_again(io, address_.url) < 0)
    return fail(errc::media, what + " (" + av_text(code) + ")");
  std::array<char, 512> head = {};
  auto count = avio_read(io.get(), reinterpret_cast<unsigned char*>(head.data()), static_cast<int>(head.size()));
  std::string_view bytes{head.data(), static_cast<size_t>(count > 0 ? count : 0)};
  // The playlist itself is media; the places that it names are not, or cannot be opened.
  auto found = std::string{describe_start(bytes)};
  if (bytes.starts_with("#EXTM3U"))
    found = "a playlist without a segment that can be read" + (said.empty() ? said : " (" + said.substr(0, 200) + ")");
  return fail(errc::media, what + " but " + found + " (" + av_text(code) + ")");
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
  watch_->opened = io_ ? 1 : 0; // the source itself
  format.io_open = watch::open_named;
  format.max_analyze_duration = analysis_us;
  format.max_streams = static_cast<int>(std::min<size_t>(options_.streams_max, 10'000) + 1);
  // The timeline unwraps times itself, over any number of wraps.
  format.correct_ts_overflow = 0;
  format.skip_estimate_duration_from_pts = 1;
  // A file is the same over HTTP as on disk: all workers of a job must find the same streams.
  if (!address_.is_file() && !options_.keep_times)
    format.fps_probe_size = live_frame_rate_probe;
}

expected<source_context> source_context::open(const source_options& options, const std::atomic<bool>& stop) {
  if (auto ok = check_source_options(options.options); !ok)
    return tl::unexpected{std::move(ok.error())};
  auto address = parse_source(options.url, options.access ? options.access->files : base::path_roots{});
  if (!address)
    return tl::unexpected{std::move(address.error())};
  source_context result{options, std::move(*address), stop};
  if (auto ok = result.check(); !ok)
    return tl::unexpected{std::move(ok.error())};
  auto guarded = result.guard();
  if (auto ok = result.open_all(); !ok)
    return tl::unexpected{std::move(ok.error())};
  result.live_ = result.looks_live();
  return result;
}

/// Whether the source may be opened, as far as its URL or path says.
expected<void> source_context::check() const {
  if (auto place = watch_->gate.pass(address_.url); !place)
    return fail(errc::option, "open the source " + address_.shown + ": " + place.error());
  if (!address_.is_file() && watch_->gate.is_closed() && !resolver_guard::works())
    return fail(errc::option, "open the source " + address_.shown
                                + ": this program cannot check its connections, because another library's getaddrinfo "
                                  "comes first; start it without preloaded libraries");
  return {};
}

/// Opens the connection, unless libavformat's demuxer makes its own, and the format on it.
expected<void> source_context::open_all() {
  quiet_logs();
  (void)take_http_status();
  dictionary options;
  set_defaults(options, address_.scheme);
  options.set_all(options_.options);
  options.set("protocol_whitelist", address_.protocols);
  auto first_byte = options_.first_byte_timeout.count() > 0 ? options_.first_byte_timeout : options_.open_timeout;
  if (!address_.scheme.starts_with("rt") || address_.scheme.starts_with("rtm")) {
    begin(std::min(first_byte, options_.open_timeout));
    auto code = 0;
    watch_->opening = true;
    auto place = watch_->gate.pass(address_.url);
    if (!place)
      return fail(errc::option, "open the source " + address_.shown + ": " + place.error());
    io_ = source_io::open(place->url, &options.ptr, {watch::poll, watch_.get()}, !options_.keep_times, code);
    watch_->opening = false;
    if (!io_)
      return failure(errc::media, "open the source", code, std::min(first_byte, options_.open_timeout));
    watch_->look_at(io_->head(), address_.url.c_str());
  }
  begin(options_.open_timeout);
  return open_format(&options.ptr);
}

expected<void> source_context::open_format(AVDictionary** options) {
  av_dict_set(options, "protocol_whitelist", address_.protocols.c_str(), 0);
  av_dict_set(options, "format_whitelist", std::string{source_formats(options_.one_file)}.c_str(), 0);
  // The protocol list limits the places in a playlist from the network, so its segments may have any file extension. A
  // playlist among our own files may only name files with media extensions.
  if (!address_.is_file())
    av_dict_set(options, "extension_picky", "0", 0);
  // If a TS file's PIDs change in mid-stream, libavformat keeps the streams; `ts_parts` cuts a live source there.
  if (options_.keep_times)
    av_dict_set(options, "merge_pmt_versions", "1", 0);
  input_context_ptr context{checked(avformat_alloc_context())};
  limit_probing(*context);
  context->pb = io_ ? io_->context() : nullptr;
  log_capture log;
  auto* known = part_ > 0 && io_ && io_->is_cut() ? av_find_input_format("mpegts") : nullptr;
  watch_->opening = true;
  auto rc = open_input(context, address_.url, known, options);
  watch_->opening = false;
  if (rc < 0 || !watch_->refusal.empty()) {
    context.reset();
    // libavformat reports this as out of memory.
    if (log.text().find("max_streams") != std::string::npos)
      return too_many_streams();
    auto unclear = rc == AVERROR_INVALIDDATA || rc == AVERROR(EINVAL) || rc == AVERROR_EOF;
    if (unclear && !watch_->expired && !watch_->stop->load() && watch_->refusal.empty())
      return not_media(rc, log.text());
    return failure(errc::media, "open the source", rc, options_.open_timeout);
  }
  format_ = std::move(context);
  if (is_hls(*format_))
    av_opt_set(format_->priv_data, keep_connections, "1", 0);
  for (const AVDictionaryEntry* x = nullptr; (x = av_dict_get(*options, "", x, AV_DICT_IGNORE_SUFFIX)) != nullptr;)
    if (part_ == 0 && options_.options.contains(x->key))
      return fail(errc::option, "open the source " + address_.shown + ": the option " + x->key
                                  + " does not apply to this kind of source");
  rc = avformat_find_stream_info(format_.get(), nullptr);
  if (format_->nb_streams > options_.streams_max)
    return too_many_streams();
  if (rc < 0 || watch_->expired || watch_->stop->load())
    return failure(errc::media, "find the streams of", rc < 0 ? rc : AVERROR_EXIT, options_.open_timeout);
  // libavformat continues without the key and decrypts into noise; or it cannot decrypt the format (ASF).
  for (const auto* words : {"Unable to open key file", "Unable to read key file", "encrypted stream detected"})
    if (log.text().find(words) != std::string::npos)
      return fail(errc::media, "open the source " + address_.shown
                                 + ": it is encrypted, and there is no key for it; give a source without encryption");
  return {};
}

/// Opens the streams after a cut, on the same connection.
expected<void> source_context::next_part() {
  format_.reset();
  io_->next_part();
  ++part_;
  begin(options_.open_timeout);
  dictionary options;
  options.set_all(options_.options);
  return open_format(&options.ptr);
}

std::chrono::milliseconds source_context::silence_max() const noexcept {
  constexpr auto segments = 3;
  return std::max<std::chrono::milliseconds>(options_.read_timeout, segments * watch_->segment);
}

expected<bool> source_context::read(AVPacket& packet) {
  auto guarded = guard();
  begin(silence_max());
  for (;;) {
    auto rc = av_read_frame(format_.get(), &packet);
    if (rc >= 0) {
      damaged_ = 0;
      return true;
    }
    if (watch_->stop->load() || watch_->expired)
      return failure(errc::io, "read from", rc, silence_max());
    if (rc == AVERROR_EOF && io_ && io_->at_cut()) {
      if (auto ok = next_part(); !ok)
        return tl::unexpected{std::move(ok.error())};
      begin(silence_max());
      continue;
    }
    // An HTTP response of unknown length ends with its connection, which libavformat reports as an I/O error.
    if (rc == AVERROR_EOF || (rc == AVERROR(EIO) && address_.scheme.starts_with("http") && is_live()))
      return false;
    if (rc == AVERROR(EAGAIN)) {
      if (watch::poll(watch_.get()) != 0)
        return failure(errc::io, "read from", rc, silence_max());
      std::this_thread::sleep_for(std::chrono::milliseconds{2});
    } else if (rc != AVERROR_INVALIDDATA || ++damaged_ > damaged_max) {
      return failure(errc::media, "read from", rc, options_.read_timeout);
    }
  }
}

expected<void> source_context::rewind() {
  auto guarded = guard();
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
  format_.reset();
  io_.reset();
  ++part_;
  return open_all();
}

expected<bool> source_context::seek(int stream, int64_t at) {
  begin(options_.open_timeout);
  auto guarded = guard();
  damaged_ = 0;
  auto code = avformat_seek_file(format_.get(), stream, std::numeric_limits<int64_t>::min(), at, at, 0);
  if (watch_->stop->load() || watch_->expired)
    return failure(errc::io, "seek in", code, options_.open_timeout);
  return code >= 0;
}

bool source_context::can_wait() const noexcept {
  return !address_.is_file() && (address_.scheme.starts_with("http") || address_.scheme.starts_with("rtmp"));
}

bool source_context::is_over() {
  if (!is_hls(*format_))
    return false;
  begin(options_.open_timeout);
  auto guarded = guard();
  url_io_ptr io;
  if (open_again(io, watch_->playlist.empty() ? address_.url : watch_->playlist) < 0)
    return false;
  std::string text(playlist_bytes_max, '\0');
  auto count = avio_read(io.get(), reinterpret_cast<unsigned char*>(text.data()), static_cast<int>(text.size()));
  text.resize(static_cast<size_t>(std::max(count, 0)));
  return text.find("#EXT-X-ENDLIST") != text.npos;
}

bool source_context::looks_live() const noexcept {
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
