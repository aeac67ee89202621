// What a task is asked to do, and the channels and profiles that operators configure. A channel session sends
// `ingest_work` and `transcode_work` to its tasks.
#pragma once

#include "messages/ids.hpp"
#include "messages/inspect.hpp"
#include "messages/media.hpp"
#include "messages/placement.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

/// The span of a track's timeline that one encode covers: output frames with `from_pts <= pts < to_pts`. However the
/// timeline is split into windows, each frame belongs to exactly one. Copied packets belong to the window that contains
/// their DTS. Ticks; the defaults stand for "from the first random-access point" and "without end".
struct window {
  int64_t from_pts = no_timestamp;
  int64_t to_pts = std::numeric_limits<int64_t>::max();

  bool operator==(const window&) const = default;
};

template <class Inspector>
bool inspect(Inspector& f, window& x) {
  return f.object(x).fields(f.field("from_pts", x.from_pts), f.field("to_pts", x.to_pts));
}

/// How a rendition's video is made. 0 and empty stand for "as in the source" or "the encoder's default".
struct video_profile {
  std::string codec = "copy"; ///< a codec ("h264"), an encoder ("libx264"), "copy" or "none"
  int32_t width = 0;          ///< pixels; if only width or height is set, the other follows from the aspect ratio
  int32_t height = 0;
  /// If both are set: "inside" (square samples, one side shorter), "pad" (black), "stretch".
  std::string fit = "inside";
  rational frame_rate{0, 1};
  std::string pixel_format;
  std::string deinterlace = "auto"; ///< "auto" (interlaced frames only, frame rate kept), "field" (rate doubled), "off"
  int64_t bit_rate = 0;             ///< bit/s
  int64_t max_bit_rate = 0;         ///< bit/s, over a buffer of one second
  double crf = -1;                  ///< constant quality on the encoder's own scale; negative is "not set"
  std::string preset;
  std::string tune;
  std::string profile;
  std::string level;
  std::chrono::milliseconds keyframe_interval{2000};
  int32_t b_frames = -1;                                   ///< negative is "the encoder's default"
  std::map<std::string, std::string> options;              ///< further encoder options from the allow list
  exhaustion_policy on_busy = exhaustion_policy::fallback; ///< if all sessions of the encoder are in use
  std::string fallback_encoder; ///< tried before the rest of the ladder if the encoder is busy
  bool never_software = false;
  std::chrono::milliseconds queue_timeout{0}; ///< for the policy `queue`; 0: as configured for the cluster

  bool operator==(const video_profile&) const = default;
};

template <class Inspector>
bool inspect(Inspector& f, video_profile& x) {
  auto done = f.object(x).fields(
    f.field("codec", x.codec), f.field("width", x.width), f.field("height", x.height), f.field("fit", x.fit),
    f.field("frame_rate", x.frame_rate), f.field("pixel_format", x.pixel_format), f.field("deinterlace", x.deinterlace),
    f.field("bit_rate", x.bit_rate), f.field("max_bit_rate", x.max_bit_rate), f.field("crf", x.crf),
    f.field("preset", x.preset), f.field("tune", x.tune), f.field("profile", x.profile), f.field("level", x.level),
    f.field("keyframe_interval", x.keyframe_interval), f.field("b_frames", x.b_frames), f.field("options", x.options),
    f.field("on_busy", x.on_busy), f.field("fallback_encoder", x.fallback_encoder),
    f.field("never_software", x.never_software), f.field("queue_timeout", x.queue_timeout));
  return done && (!Inspector::is_loading || (is_bounded(x.keyframe_interval) && is_bounded(x.queue_timeout)));
}

/// How a rendition's audio is made; see `video_profile` for the defaults.
struct audio_profile {
  std::string codec = "copy"; ///< a codec ("aac"), an encoder ("libopus"), "copy" or "none"
  int64_t bit_rate = 0;       ///< bit/s
  int32_t sample_rate = 0;    ///< Hz
  std::string channel_layout; ///< "stereo", "5.1"
  std::map<std::string, std::string> options;
  // for channels
  std::vector<std::string> languages; ///< the tracks in these come first, in this order; the first is the default
  std::string others = "keep";        ///< what happens to tracks in other languages: "keep" or "drop"

  bool operator==(const audio_profile&) const = default;
};

template <class Inspector>
bool inspect(Inspector& f, audio_profile& x) {
  return f.object(x).fields(f.field("codec", x.codec), f.field("bit_rate", x.bit_rate),
                            f.field("sample_rate", x.sample_rate), f.field("channel_layout", x.channel_layout),
                            f.field("options", x.options), f.field("languages", x.languages),
                            f.field("others", x.others));
}

/// What clients see while a live source is away.
enum class slate_kind : uint8_t {
  last,  ///< the last picture that was decoded
  image, ///< a picture file
  bars,  ///< colour bars, with the channel's title and the time of day
  none   ///< nothing: the stream stands still
};

/// "last", "image", "bars", "none".
inline std::string_view to_string(slate_kind x) {
  constexpr std::string_view names[] = {"last", "image", "bars", "none"};
  return names[static_cast<size_t>(x)];
}

template <class Inspector>
bool inspect(Inspector& f, slate_kind& x) {
  return inspect_enum(f, x, slate_kind::none);
}

/// The still picture of a rendition, for its transcoder. Sound is silent meanwhile.
struct slate {
  slate_kind kind = slate_kind::last;
  shared_bytes image;  ///< the picture file's content
  std::string title;   ///< on the bars
  int64_t unix_ms = 0; ///< Unix time at timestamp 0, for the time of day on the bars

  bool operator==(const slate&) const = default;
};

template <class Inspector>
bool inspect(Inspector& f, slate& x) {
  return f.object(x).fields(f.field("kind", x.kind), f.field("image", x.image), f.field("title", x.title),
                            f.field("unix_ms", x.unix_ms));
}

/// A rendition that clients can ask for by name.
struct profile {
  std::string name;
  video_profile video;
  audio_profile audio;

  bool operator==(const profile&) const = default;
};

template <class Inspector>
bool inspect(Inspector& f, profile& x) {
  return f.object(x).fields(f.field("name", x.name), f.field("video", x.video), f.field("audio", x.audio));
}

/// A source that clients can watch by name.
struct channel {
  std::string name;
  std::string title;             ///< the display name; `name` if empty
  std::vector<std::string> urls; ///< paths, or URLs as libavformat reads them; the first that works is used
  bool loop = false;             ///< restart a file at its end, on a continuous timeline
  std::string slate{};           ///< a `slate_kind`; empty: as configured for all channels

  bool operator==(const channel&) const = default;
};

template <class Inspector>
bool inspect(Inspector& f, channel& x) {
  return f.object(x).fields(f.field("name", x.name), f.field("title", x.title), f.field("urls", x.urls),
                            f.field("loop", x.loop), f.field("slate", x.slate));
}

/// A fingerprint that recognises a sample of a source when the source is reopened.
struct sample_print {
  int64_t pts = no_timestamp; ///< the sample's place on the timeline, ticks
  uint64_t print = 0;         ///< see core/live/sample_print.hpp

  bool operator==(const sample_print&) const = default;
};

template <class Inspector>
bool inspect(Inspector& f, sample_print& x) {
  return f.object(x).fields(f.field("pts", x.pts), f.field("print", x.print));
}

/// Pull one source. A channel session sends it to a task on the coordinator's machine.
struct ingest_work {
  attempt_id attempt;
  session_id session;
  std::string channel;
  std::string url;
  bool loop = false;
  /// Continue the timeline of an earlier pull: the first sample lies at or after this time.
  int64_t resume_from = no_timestamp;
  std::chrono::milliseconds open_timeout{10'000};
  std::chrono::milliseconds read_timeout{10'000};
  uint64_t credit_bytes = 0;                       ///< bytes that may be in flight
  std::chrono::milliseconds first_byte_timeout{0}; ///< 0 is `open_timeout`; shorter if another URL waits for its turn
  /// Samples of earlier pulls, ascending. If the source sends one again with its old timestamp, the timeline is not
  /// shifted.
  std::vector<sample_print> known{};
  int64_t known_shift = 0;       ///< the offset that had been added to the source's own times by then, ticks
  std::vector<int64_t> passed{}; ///< per track: samples up to this decoding time are not wanted again

  bool operator==(const ingest_work&) const = default;
};

template <class Inspector>
bool inspect(Inspector& f, ingest_work& x) {
  auto done =
    f.object(x).fields(f.field("attempt", x.attempt), f.field("session", x.session), f.field("channel", x.channel),
                       f.field("url", x.url), f.field("loop", x.loop), f.field("resume_from", x.resume_from),
                       f.field("open_timeout", x.open_timeout), f.field("read_timeout", x.read_timeout),
                       f.field("credit_bytes", x.credit_bytes), f.field("first_byte_timeout", x.first_byte_timeout),
                       f.field("known", x.known), f.field("known_shift", x.known_shift), f.field("passed", x.passed));
  return done
         && (!Inspector::is_loading
             || (is_bounded(x.open_timeout) && is_bounded(x.read_timeout) && is_bounded(x.first_byte_timeout)));
}

/// Make one rendition of one window of a stream. A channel session sends it to a task on the worker that the registry
/// chose. A task may get several such works from one session: they get the same source blocks and share a decoder.
struct transcode_work {
  attempt_id attempt;
  session_id session;
  std::string channel;
  stream_format source;
  profile target;
  /// One for each source track; empty stands for everything from the first random-access point on.
  std::vector<window> spans;
  uint64_t credit_bytes = 0; ///< bytes of output that may be in flight
  encoder_seat seat{};       ///< of the lease
  slate still{};             ///< shown while the source is away
  attempt_id beside{};       ///< the attempt of this task whose source blocks it gets; none for the task's first work

  bool operator==(const transcode_work&) const = default;
};

template <class Inspector>
bool inspect(Inspector& f, transcode_work& x) {
  return f.object(x).fields(f.field("attempt", x.attempt), f.field("session", x.session), f.field("channel", x.channel),
                            f.field("source", x.source), f.field("target", x.target), f.field("spans", x.spans),
                            f.field("credit_bytes", x.credit_bytes), f.field("seat", x.seat), f.field("still", x.still),
                            f.field("beside", x.beside));
}

} // namespace troupe
