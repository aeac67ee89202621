// File jobs on the wire: what a client orders, what tasks are asked to do for it, and what they answer.
//
// Everything has a limit that is checked when it is read: a film may have thousands of access points, but no message
// may have millions.
#pragma once

#include "messages/ids.hpp"
#include "messages/inspect.hpp"
#include "messages/job.hpp"
#include "messages/limits.hpp"
#include "messages/media.hpp"
#include "messages/work.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace troupe {

inline constexpr size_t file_streams_max = 1000;      ///< of a source
inline constexpr size_t file_words_max = 256;         ///< metadata entries of a stream
inline constexpr size_t file_cut_points_max = 20'000; ///< of a source; a task that finds more reports only some of them
inline constexpr size_t file_chunks_max = 10'000;     ///< of a job
inline constexpr size_t file_notes_max = 512;         ///< of a result
inline constexpr size_t file_log_lines_max = 256;     ///< of a message
inline constexpr size_t file_log_line_bytes_max = 512;
inline constexpr size_t file_text_bytes_max = 16 * 1024; ///< of a path or a reason

namespace detail {

inline bool is_short(const std::string& x) {
  return x.size() <= file_text_bytes_max;
}

} // namespace detail

/// What a client wants made of a file. It is stored with the job, as JSON, so that a later coordinator can read it.
struct file_order {
  std::string input;  ///< path or URL, as the workers see it
  std::string output; ///< path, as the workers see it
  bool overwrite = false;
  std::string container; ///< "mp4", "mov", "mkv", "webm", "ts"
  video_profile video;
  audio_profile audio;
  /// Wanted length of a chunk; 0: chosen to suit source, encoder and workers.
  std::chrono::milliseconds chunk_duration{0};
  uint64_t chunk_frames = 0; ///< the same in pictures
  work_limits limits{};

  bool operator==(const file_order&) const = default;
};

template <class Inspector>
bool inspect(Inspector& f, file_order& x) {
  auto done = f.object(x).fields(
    f.field("input", x.input), f.field("output", x.output), f.field("overwrite", x.overwrite),
    f.field("container", x.container), f.field("video", x.video), f.field("audio", x.audio),
    f.field("chunk_duration", x.chunk_duration), f.field("chunk_frames", x.chunk_frames), f.field("limits", x.limits));
  return done
         && (!Inspector::is_loading
             || (detail::is_short(x.input) && detail::is_short(x.output) && is_bounded(x.chunk_duration)));
}

/// Version of the content of a chunk file; part of its name. Increase it with every change to the content: jobs then
/// make older chunks again.
inline constexpr uint32_t chunk_version = 2;

/// A chunk file. The job that asks for it chooses number and path.
struct chunk_file {
  uint32_t number = 0;
  std::string path;
  uint64_t bytes = 0;
  std::string sha256; ///< 64 lower-case hexadecimal digits

  bool operator==(const chunk_file&) const = default;
};

template <class Inspector>
bool inspect(Inspector& f, chunk_file& x) {
  return f.object(x).fields(f.field("number", x.number), f.field("path", x.path), f.field("bytes", x.bytes),
                            f.field("sha256", x.sha256));
}

/// Read a source once and describe it. Check which of the finished chunks are still intact.
struct probe_work {
  std::string source;
  std::vector<std::string> encoders; ///< encoders or codecs that the job will need: an unknown one ends the job here
  std::vector<chunk_file> chunks;    ///< made before the job's last restart
  std::string output;                ///< where the result goes, to be checked by the task; empty if that was done
  std::string container{};           ///< of the result: streams that it cannot hold end the job here, or are converted
  bool overwrite = false;            ///< an existing file may be replaced

  bool operator==(const probe_work&) const = default;
};

template <class Inspector>
bool inspect(Inspector& f, probe_work& x) {
  auto done = f.object(x).fields(f.field("source", x.source), f.field("encoders", x.encoders),
                                 f.field("chunks", x.chunks), f.field("output", x.output),
                                 f.field("container", x.container), f.field("overwrite", x.overwrite));
  return done
         && (!Inspector::is_loading
             || (detail::is_short(x.source) && detail::is_short(x.output) && detail::is_short(x.container)
                 && x.encoders.size() <= 16 && x.chunks.size() <= file_chunks_max));
}

/// A stream that begins after the part of the source that libavformat searches for streams. The probe found it and
/// tells the other tasks.
struct late_stream {
  int32_t stream = -1;
  track_format format;
  int32_t disposition = 0; ///< libav*'s flags
  std::map<std::string, std::string> words;

  bool operator==(const late_stream&) const = default;
};

template <class Inspector>
bool inspect(Inspector& f, late_stream& x) {
  auto done = f.object(x).fields(f.field("stream", x.stream), f.field("format", x.format),
                                 f.field("disposition", x.disposition), f.field("words", x.words));
  return done && (!Inspector::is_loading || x.words.size() <= file_words_max);
}

/// Encode or copy one window of a source's video, or of all its audio, into one chunk file.
struct chunk_work {
  std::string source;
  std::string identity;    ///< `source_summary::identity`: the source must still be the same
  std::string destination; ///< path of the chunk file
  uint32_t number = 0;
  chunk_kind kind = chunk_kind::video;
  std::vector<int32_t> streams;
  window span;
  bool exact = false;
  /// Number of pictures that the window has in the source, if the encode keeps that number.
  std::optional<uint64_t> pictures;
  video_profile video;  ///< for video
  audio_profile audio;  ///< for audio
  uint32_t threads = 0; ///< of the encoder; 0: the encoder's own choice
  encoder_seat seat{};  ///< of the lease, for video
  /// Indices of `streams` that are encoded as `converted_to` while the rest is copied.
  std::vector<int32_t> converted{};
  std::string converted_to{};
  rational even_rate{0, 1};         ///< of the source's pictures, see `source_stream_summary`
  int64_t first_pts = no_timestamp; ///< of the video's first picture; unset if there is none
  std::vector<late_stream> late{};  ///< of `streams`

  bool operator==(const chunk_work&) const = default;
};

template <class Inspector>
bool inspect(Inspector& f, chunk_work& x) {
  auto done = f.object(x).fields(
    f.field("source", x.source), f.field("identity", x.identity), f.field("destination", x.destination),
    f.field("number", x.number), f.field("kind", x.kind), f.field("streams", x.streams), f.field("span", x.span),
    f.field("exact", x.exact), f.field("pictures", x.pictures), f.field("video", x.video), f.field("audio", x.audio),
    f.field("threads", x.threads), f.field("seat", x.seat), f.field("converted", x.converted),
    f.field("converted_to", x.converted_to), f.field("even_rate", x.even_rate), f.field("first_pts", x.first_pts),
    f.field("late", x.late));
  return done
         && (!Inspector::is_loading
             || (detail::is_short(x.source) && detail::is_short(x.destination) && x.streams.size() <= file_streams_max
                 && x.converted.size() <= file_streams_max && detail::is_short(x.converted_to) && x.threads <= 1024
                 && x.late.size() <= file_streams_max));
}

/// Join the chunks and the source's other streams into one file, verify it, and publish it.
struct assemble_work {
  std::string source;
  std::string identity;
  int64_t origin = 0; ///< the source time that becomes zero in the result
  std::string container;
  std::vector<chunk_file> video;    ///< in the order of their windows
  std::vector<chunk_file> audio;    ///< in the order of their windows
  std::vector<int32_t> copied;      ///< streams that were not encoded
  std::optional<uint64_t> pictures; ///< number of pictures that the result must have, if known
  std::string staging;              ///< where the file is written, next to `output`
  std::string output;
  bool overwrite = false;
  std::vector<std::string> names{}; ///< `source_summary::names`
  std::vector<late_stream> late{};

  bool operator==(const assemble_work&) const = default;
};

template <class Inspector>
bool inspect(Inspector& f, assemble_work& x) {
  auto done = f.object(x).fields(
    f.field("source", x.source), f.field("identity", x.identity), f.field("origin", x.origin),
    f.field("container", x.container), f.field("video", x.video), f.field("audio", x.audio),
    f.field("copied", x.copied), f.field("pictures", x.pictures), f.field("staging", x.staging),
    f.field("output", x.output), f.field("overwrite", x.overwrite), f.field("names", x.names), f.field("late", x.late));
  return done
         && (!Inspector::is_loading
             || (detail::is_short(x.source) && detail::is_short(x.output) && detail::is_short(x.staging)
                 && x.video.size() <= file_chunks_max && x.audio.size() <= file_chunks_max
                 && x.copied.size() <= file_streams_max && x.names.size() <= file_streams_max
                 && x.late.size() <= file_streams_max));
}

/// How a task reaches the files of its job. The coordinator makes one for each attempt. Without an address, all paths
/// are used as they are.
struct file_access {
  /// URL of the coordinator's HTTP server: "http://host:port", or "http://:port" for the host that the task knows.
  std::string address;
  std::string job;     ///< its id
  std::string attempt; ///< uploads are sent under this attempt
  std::string ticket;  ///< grants access to the job's files and no others
  std::string folder;  ///< of the job's chunks, as the coordinator names it
  /// Random text in the file `marker` of that folder, and in the staging file. A task that reads it there sees the
  /// coordinator's files.
  std::string marker;
  std::string identity;    ///< of the source as the coordinator sees it; empty if it cannot see the source
  bool direct = true;      ///< the task may use a path that provably leads to the coordinator's file
  bool sees_output = true; ///< the coordinator can see the output folder

  bool operator==(const file_access&) const = default;
};

template <class Inspector>
bool inspect(Inspector& f, file_access& x) {
  auto done = f.object(x).fields(f.field("address", x.address), f.field("job", x.job), f.field("attempt", x.attempt),
                                 f.field("ticket", x.ticket), f.field("folder", x.folder), f.field("marker", x.marker),
                                 f.field("identity", x.identity), f.field("direct", x.direct),
                                 f.field("sees_output", x.sees_output));
  return done
         && (!Inspector::is_loading
             || (detail::is_short(x.address) && detail::is_short(x.job) && detail::is_short(x.attempt)
                 && detail::is_short(x.ticket) && detail::is_short(x.folder) && detail::is_short(x.marker)
                 && detail::is_short(x.identity)));
}

/// One unit of work on a file. A job sends it to a task; the answers carry its attempt.
struct file_work {
  attempt_id attempt;
  std::variant<probe_work, chunk_work, assemble_work> work;
  job_id job = {}; ///< job of the work, for a task that lost its coordinator and found the next one
  file_access access = {};
  uint32_t disk_refuse = 0; ///< percent: the work does not start if less of the target disk is free

  bool operator==(const file_work&) const = default;
};

template <class Inspector>
bool inspect(Inspector& f, file_work& x) {
  return f.object(x).fields(f.field("attempt", x.attempt), f.field("work", x.work), f.field("job", x.job),
                            f.field("access", x.access), f.field("disk_refuse", x.disk_refuse));
}

/// A stream of a source, as far as a plan needs it.
struct source_stream_summary {
  int32_t stream = -1;
  bool video = false; ///< otherwise audio
  std::string codec;
  std::string language;
  int32_t width = 0;
  int32_t height = 0;
  uint64_t packets = 0; ///< for video: pictures
  int64_t first_pts = no_timestamp;
  int64_t end_pts = no_timestamp;
  std::string instead{}; ///< a codec to convert to, if the result's container cannot hold the stream as it is
  /// Rate of a video whose pictures are at `first_pts + n / even_rate`; 0 if they are not evenly spaced.
  rational even_rate{0, 1};

  bool operator==(const source_stream_summary&) const = default;
};

template <class Inspector>
bool inspect(Inspector& f, source_stream_summary& x) {
  auto done =
    f.object(x).fields(f.field("stream", x.stream), f.field("video", x.video), f.field("codec", x.codec),
                       f.field("language", x.language), f.field("width", x.width), f.field("height", x.height),
                       f.field("packets", x.packets), f.field("first_pts", x.first_pts), f.field("end_pts", x.end_pts),
                       f.field("instead", x.instead), f.field("even_rate", x.even_rate));
  return done && (!Inspector::is_loading || (detail::is_short(x.codec) && detail::is_short(x.instead)));
}

/// Where a source may be cut.
struct source_cut {
  int64_t pts = 0;
  uint64_t pictures_before = 0;

  bool operator==(const source_cut&) const = default;
};

template <class Inspector>
bool inspect(Inspector& f, source_cut& x) {
  return f.object(x).fields(f.field("pts", x.pts), f.field("pictures_before", x.pictures_before));
}

/// What a probe found.
struct source_summary {
  std::string identity; ///< changes with the source, as far as its size, time, start and end show
  std::string format;
  int64_t bytes = -1; ///< -1 if unknown
  int64_t origin = 0; ///< ticks
  int64_t end = 0;
  bool exact = false;
  bool countable = false;
  std::vector<source_stream_summary> streams; ///< the streams that can be encoded; at most one is video
  std::vector<source_cut> cuts;               ///< in order; the first one is where the video begins
  std::vector<uint32_t> whole_chunks;         ///< numbers of the requested chunks that are intact
  std::vector<std::string> names{};           ///< names of all streams in libavformat's order; human-readable
  std::vector<late_stream> late{};
  std::vector<std::string> notes{}; ///< where the source is cut off or damaged: the result has the same defects

  bool operator==(const source_summary&) const = default;
};

template <class Inspector>
bool inspect(Inspector& f, source_summary& x) {
  auto done = f.object(x).fields(
    f.field("identity", x.identity), f.field("format", x.format), f.field("bytes", x.bytes),
    f.field("origin", x.origin), f.field("end", x.end), f.field("exact", x.exact), f.field("countable", x.countable),
    f.field("streams", x.streams), f.field("cuts", x.cuts), f.field("whole_chunks", x.whole_chunks),
    f.field("names", x.names), f.field("late", x.late), f.field("notes", x.notes));
  return done
         && (!Inspector::is_loading
             || (x.streams.size() <= file_streams_max && x.cuts.size() <= file_cut_points_max
                 && x.whole_chunks.size() <= file_chunks_max && x.names.size() <= file_streams_max
                 && x.late.size() <= file_streams_max && x.notes.size() <= file_notes_max));
}

/// A finished chunk.
struct chunk_done {
  uint64_t bytes = 0;
  std::string sha256;
  uint64_t frames = 0; ///< pictures, or packets of audio
  int64_t first_pts = 0;
  int64_t last_pts = 0;
  bool sought = false; ///< the window was reached by seeking: it must have as many pictures as the index says
  /// Number of pictures that a decoder makes of the window, if they are decoded.
  std::optional<uint64_t> source_pictures{};
  uint64_t damaged = 0; ///< packets and pictures of the window in which the decoder found errors

  bool operator==(const chunk_done&) const = default;
};

template <class Inspector>
bool inspect(Inspector& f, chunk_done& x) {
  return f.object(x).fields(f.field("bytes", x.bytes), f.field("sha256", x.sha256), f.field("frames", x.frames),
                            f.field("first_pts", x.first_pts), f.field("last_pts", x.last_pts),
                            f.field("sought", x.sought), f.field("source_pictures", x.source_pictures),
                            f.field("damaged", x.damaged));
}

/// A published file.
struct file_published {
  uint64_t bytes = 0;
  uint64_t pictures = 0;
  uint64_t sounds = 0;            ///< packets of audio
  int64_t duration = 0;           ///< ticks
  std::vector<std::string> notes; ///< what the result has in another form than the source, or lacks, and why
  std::string identity = {};      ///< of the file, if the task moved it into place (base/identity.hpp)

  bool operator==(const file_published&) const = default;
};

template <class Inspector>
bool inspect(Inspector& f, file_published& x) {
  auto done =
    f.object(x).fields(f.field("bytes", x.bytes), f.field("pictures", x.pictures), f.field("sounds", x.sounds),
                       f.field("duration", x.duration), f.field("notes", x.notes), f.field("identity", x.identity));
  return done && (!Inspector::is_loading || (x.notes.size() <= file_notes_max && detail::is_short(x.identity)));
}

/// Why the work was not done, in libav*'s words.
struct file_failure {
  bool terminal = false;       ///< the same work would fail again on any worker
  bool source_changed = false; ///< the source is not the one that was probed
  std::string reason;
  /// The seat's device did not open or failed later, or no decoder accepts its output: the media is not at fault, and
  /// another device may succeed.
  bool device_failed = false;

  bool operator==(const file_failure&) const = default;
};

template <class Inspector>
bool inspect(Inspector& f, file_failure& x) {
  auto done = f.object(x).fields(f.field("terminal", x.terminal), f.field("source_changed", x.source_changed),
                                 f.field("reason", x.reason), f.field("device_failed", x.device_failed));
  return done && (!Inspector::is_loading || detail::is_short(x.reason));
}

/// A log message of the media libraries: one line of printable ASCII.
struct file_log_line {
  int64_t at_ms = 0;  ///< since 1970, UTC
  bool error = false; ///< otherwise a warning
  std::string text;

  bool operator==(const file_log_line&) const = default;
};

template <class Inspector>
bool inspect(Inspector& f, file_log_line& x) {
  auto done = f.object(x).fields(f.field("at_ms", x.at_ms), f.field("error", x.error), f.field("text", x.text));
  return done && (!Inspector::is_loading || x.text.size() <= file_log_line_bytes_max);
}

/// How one unit of work ended. The last message of a file worker.
struct file_result {
  attempt_id attempt;
  std::variant<source_summary, chunk_done, file_published, file_failure> outcome;
  std::vector<file_log_line> log = {}; ///< since the last progress message

  bool operator==(const file_result&) const = default;
};

template <class Inspector>
bool inspect(Inspector& f, file_result& x) {
  auto done = f.object(x).fields(f.field("attempt", x.attempt), f.field("outcome", x.outcome), f.field("log", x.log));
  return done && (!Inspector::is_loading || x.log.size() <= file_log_lines_max);
}

/// Sent by a file worker twice a second, even if there is no progress.
struct file_progress {
  attempt_id attempt;
  uint64_t frames = 0;
  uint64_t bytes = 0;
  double done = 0;                     ///< share of this unit of work, 0 to 1
  std::vector<file_log_line> log = {}; ///< since the previous message

  bool operator==(const file_progress&) const = default;
};

template <class Inspector>
bool inspect(Inspector& f, file_progress& x) {
  auto done = f.object(x).fields(f.field("attempt", x.attempt), f.field("frames", x.frames), f.field("bytes", x.bytes),
                                 f.field("done", x.done), f.field("log", x.log));
  return done && (!Inspector::is_loading || x.log.size() <= file_log_lines_max);
}

} // namespace troupe
