// What a task is asked to do, and the channels and profiles that people configure.
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

/// The span of a track's timeline that one encode covers: output frames with `from_pts <= pts < to_pts`, each exactly once over any partition of
/// the timeline into windows. Packets that are copied, not encoded, belong to the window that contains their DTS. Ticks; the defaults
/// stand for "from the first random-access point" and "without end".
struct window {
  int64_t from_pts = no_timestamp;
  int64_t to_pts = std::numeric_limits<int64_t>::max();

  bool operator==(const window&) const = default;
};

template <class Inspector>
bool inspect(Inspector& f, window& x) {
  return f.object(x).fields(f.field("from_pts", x.from_pts), f.field("to_pts", x.to_pts));
}

/// How a rendition's video is made. 0 and empty stand for "as the source has it" or "the encoder's default".
struct video_profile {
  std::string codec = "copy"; ///< a codec ("h264"), an encoder ("libx264"), "copy" or "none"
  int32_t width = 0;          ///< pixels; with one of width and height the other follows the aspect
  int32_t height = 0;
  std::string fit =
    "inside"; ///< where both are set: "inside" (square samples, one side shorter), "pad" (black), "stretch"
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
  exhaustion_policy on_busy = exhaustion_policy::fallback; ///< all sessions of the encoder are in use
  std::string fallback_encoder; ///< goes before the rest of the ladder where the encoder is busy
  bool never_software = false;
  std::chrono::milliseconds queue_timeout{0}; ///< for the policy `queue`; 0 is "the cluster's"

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

  bool operator==(const audio_profile&) const = default;
};

template <class Inspector>
bool inspect(Inspector& f, audio_profile& x) {
  return f.object(x).fields(f.field("codec", x.codec), f.field("bit_rate", x.bit_rate),
                            f.field("sample_rate", x.sample_rate), f.field("channel_layout", x.channel_layout),
                            f.field("options", x.options));
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
  std::string title;             ///< what people see; the name where empty
  std::vector<std::string> urls; ///< as libavformat reads them, or paths; the first that works is used
  bool loop = false;             ///< a file starts again at its end, its timeline goes on

  bool operator==(const channel&) const = default;
};

template <class Inspector>
bool inspect(Inspector& f, channel& x) {
  return f.object(x).fields(f.field("name", x.name), f.field("title", x.title), f.field("urls", x.urls),
                            f.field("loop", x.loop));
}

/// By what a sample of a source is known again when the source is pulled anew.
struct sample_print {
  int64_t pts = no_timestamp; ///< where it was on the timeline, ticks
  uint64_t print = 0;         ///< see core/live/sample_print.hpp

  bool operator==(const sample_print&) const = default;
};

template <class Inspector>
bool inspect(Inspector& f, sample_print& x) {
  return f.object(x).fields(f.field("pts", x.pts), f.field("print", x.print));
}

/// Pull one source. Sent by a session to a task on the coordinator's machine.
struct ingest_work {
  attempt_id attempt;
  session_id session;
  std::string channel;
  std::string url;
  bool loop = false;
  int64_t resume_from = no_timestamp; ///< the timeline of an earlier pull goes on: the first sample lies at or after it
  std::chrono::milliseconds open_timeout{10'000};
  std::chrono::milliseconds read_timeout{10'000};
  uint64_t credit_bytes = 0;                       ///< bytes that may be in flight
  std::chrono::milliseconds first_byte_timeout{0}; ///< 0 is `open_timeout`; less where another URL waits for its turn
  std::vector<sample_print>
    known{}; ///< of earlier pulls, ascending: a source that sends one again, at its own time, is not moved
  int64_t known_shift = 0;       ///< what had been added to the source's own times by then, ticks
  std::vector<int64_t> passed{}; ///< and what lies up to these decoding times, by track, is not wanted again

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

/// Make one rendition of one window of a stream. Sent by a session to a task on the worker that the registry chose.
struct transcode_work {
  attempt_id attempt;
  session_id session;
  std::string channel;
  stream_format source;
  profile target;
  std::vector<window>
    spans; ///< one for each source track; none stands for everything from the first random-access point on
  uint64_t credit_bytes = 0; ///< bytes of output that may be in flight
  encoder_seat seat{};       ///< of the lease

  bool operator==(const transcode_work&) const = default;
};

template <class Inspector>
bool inspect(Inspector& f, transcode_work& x) {
  return f.object(x).fields(f.field("attempt", x.attempt), f.field("session", x.session), f.field("channel", x.channel),
                            f.field("source", x.source), f.field("target", x.target), f.field("spans", x.spans),
                            f.field("credit_bytes", x.credit_bytes), f.field("seat", x.seat));
}

} // namespace troupe
