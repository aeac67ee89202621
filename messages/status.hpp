// Snapshots for the API, the metrics and the command line. The field names here are the API's field names.
#pragma once

#include "messages/daemon.hpp"
#include "messages/media.hpp"
#include "messages/work.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace troupe {

/// Why a task's work ended. The latest few are kept, so that the API can show the reason.
struct task_end {
  task_id task;
  std::string kind;
  std::string channel;
  std::string profile;
  std::string worker;
  attempt_id attempt;
  std::string reason; ///< empty for a regular end
  int64_t at_ms = 0;  ///< Unix time

  bool operator==(const task_end&) const = default;
};

template <class Inspector>
bool inspect(Inspector& f, task_end& x) {
  return f.object(x).fields(f.field("task", x.task), f.field("kind", x.kind), f.field("channel", x.channel),
                            f.field("profile", x.profile), f.field("worker", x.worker), f.field("attempt", x.attempt),
                            f.field("reason", x.reason), f.field("at_ms", x.at_ms));
}

/// Whether a worker is trusted with tasks after some of them failed there.
struct breaker_status {
  std::string state = "closed"; ///< "closed", "open" (takes no work), "half-open" (takes one task at a time, on trial)
  int64_t until_ms = no_timestamp; ///< Unix time at which the open state ends
  std::string reason;              ///< what opened it; empty while closed
  uint32_t failures = 0;           ///< failed tasks that currently count

  bool operator==(const breaker_status&) const = default;
};

template <class Inspector>
bool inspect(Inspector& f, breaker_status& x) {
  return f.object(x).fields(f.field("state", x.state), f.field("until_ms", x.until_ms), f.field("reason", x.reason),
                            f.field("failures", x.failures));
}

/// One GPU as the registry counts it, across all workers that share it.
struct gpu_status {
  std::string gpu; ///< `gpu_key`
  std::string pci;
  std::string name;
  std::string driver;
  gpu_vendor vendor = gpu_vendor::unknown;
  std::string device; ///< as this worker's encoders name it
  gpu_reading reading;
  std::string encode_limit; ///< sessions: "none", "unlimited", or the number
  std::string decode_limit;
  std::string limit_rule;        ///< the rule that sets the limit
  uint32_t encode_sessions = 0;  ///< held by our leases
  uint32_t decode_sessions = 0;  ///< held by our leases
  uint32_t foreign_sessions = 0; ///< encode sessions of other programs
  std::string blocked;           ///< why it accepts no encode session from this worker now; empty if it does

  bool operator==(const gpu_status&) const = default;
};

template <class Inspector>
bool inspect(Inspector& f, gpu_status& x) {
  return f.object(x).fields(f.field("gpu", x.gpu), f.field("pci", x.pci), f.field("name", x.name),
                            f.field("driver", x.driver), f.field("vendor", x.vendor), f.field("device", x.device),
                            f.field("reading", x.reading), f.field("encode_limit", x.encode_limit),
                            f.field("decode_limit", x.decode_limit), f.field("limit_rule", x.limit_rule),
                            f.field("encode_sessions", x.encode_sessions),
                            f.field("decode_sessions", x.decode_sessions),
                            f.field("foreign_sessions", x.foreign_sessions), f.field("blocked", x.blocked));
}

/// One worker as the registry sees it.
struct daemon_status {
  worker_id id;
  std::string name;
  std::string version;
  std::string address;
  health state = health::healthy;
  std::string reason;   ///< why it is not healthy
  bool drained = false; ///< was told to drain, and no task is working any more
  breaker_status breaker;
  int64_t registered_at_ms = 0;     ///< Unix time
  int64_t last_heartbeat_at_ms = 0; ///< Unix time
  uint64_t heartbeats = 0;
  uint64_t heartbeats_missed = 0;
  uint32_t slots = 0;
  uint32_t slots_used = 0;
  uint64_t tasks_completed = 0;
  uint64_t tasks_failed = 0;
  capabilities can;
  machine_statistics machine;
  std::vector<task_statistics> tasks;
  std::vector<task_end> ended; ///< latest first, at most 16
  std::vector<gpu_status> gpus;

  bool operator==(const daemon_status&) const = default;
};

template <class Inspector>
bool inspect(Inspector& f, daemon_status& x) {
  return f.object(x).fields(
    f.field("id", x.id), f.field("name", x.name), f.field("version", x.version), f.field("address", x.address),
    f.field("state", x.state), f.field("reason", x.reason), f.field("drained", x.drained),
    f.field("breaker", x.breaker), f.field("registered_at_ms", x.registered_at_ms),
    f.field("last_heartbeat_at_ms", x.last_heartbeat_at_ms), f.field("heartbeats", x.heartbeats),
    f.field("heartbeats_missed", x.heartbeats_missed), f.field("slots", x.slots), f.field("slots_used", x.slots_used),
    f.field("tasks_completed", x.tasks_completed), f.field("tasks_failed", x.tasks_failed), f.field("can", x.can),
    f.field("machine", x.machine), f.field("tasks", x.tasks), f.field("ended", x.ended), f.field("gpus", x.gpus));
}

/// A rendition that is refused for a while, because its samples killed several tasks in a row.
struct quarantine_status {
  std::string profile;
  std::string reason;
  int64_t until_ms = 0; ///< Unix time

  bool operator==(const quarantine_status&) const = default;
};

template <class Inspector>
bool inspect(Inspector& f, quarantine_status& x) {
  return f.object(x).fields(f.field("profile", x.profile), f.field("reason", x.reason),
                            f.field("until_ms", x.until_ms));
}

/// A channel that can be watched, whether it runs or not.
struct channel_status {
  std::string name;
  std::string title;
  std::vector<std::string> urls; ///< without credentials
  bool loop = false;
  std::vector<quarantine_status> quarantined;

  bool operator==(const channel_status&) const = default;
};

template <class Inspector>
bool inspect(Inspector& f, channel_status& x) {
  return f.object(x).fields(f.field("name", x.name), f.field("title", x.title), f.field("urls", x.urls),
                            f.field("loop", x.loop), f.field("quarantined", x.quarantined));
}

/// One rendition of a running channel.
struct variant_status {
  std::string profile;
  std::string state; ///< "waiting" (for a worker), "starting", "running", "silent" (no output for a while)
  std::string mode;  ///< "passthrough" or "transcode"
  std::string reason;
  std::string worker;
  attempt_id attempt;
  task_id task; ///< renditions with the same task are made from one decode
  uint32_t clients = 0;
  uint64_t clients_total = 0;
  uint64_t skips = 0;     ///< how often a slow client was moved ahead
  uint64_t lag_bytes = 0; ///< source bytes that the transcoder has not taken yet
  int64_t lag_ms = 0;     ///< media time between the newest source sample and the newest output sample
  uint64_t buffered_bytes = 0;
  uint64_t bytes_out = 0; ///< muxed bytes
  stream_format output;
  work_statistics work;
  uint64_t failovers = 0;      ///< how often another attempt took over, planned moves included
  std::string last_failover;   ///< why: "lost", "stalled", "slow", "drain", "failed"
  int64_t last_gap_ms = 0;     ///< wall time without output at the latest failover
  uint64_t replayed_bytes = 0; ///< source bytes that were sent again
  /// Pictures of the source that no attempt could make, because the source buffer had already dropped them.
  uint64_t frames_lost = 0;
  uint64_t sound_lost = 0;              ///< the same for coded audio frames
  encoder_seat encoder;                 ///< where its video is encoded now
  std::optional<uint32_t> waits_behind; ///< while it waits for an encoder: how many requests are ahead of it
  /// For its present place: that place, then rejected candidates with reasons.
  std::vector<placement_candidate> looked_at;
  std::vector<std::string> notes; ///< what differs from the profile, and why

  bool operator==(const variant_status&) const = default;
};

template <class Inspector>
bool inspect(Inspector& f, variant_status& x) {
  return f.object(x).fields(
    f.field("profile", x.profile), f.field("state", x.state), f.field("mode", x.mode), f.field("reason", x.reason),
    f.field("worker", x.worker), f.field("attempt", x.attempt), f.field("task", x.task), f.field("clients", x.clients),
    f.field("clients_total", x.clients_total), f.field("skips", x.skips), f.field("lag_bytes", x.lag_bytes),
    f.field("lag_ms", x.lag_ms), f.field("buffered_bytes", x.buffered_bytes), f.field("bytes_out", x.bytes_out),
    f.field("output", x.output), f.field("work", x.work), f.field("failovers", x.failovers),
    f.field("last_failover", x.last_failover), f.field("last_gap_ms", x.last_gap_ms),
    f.field("replayed_bytes", x.replayed_bytes), f.field("frames_lost", x.frames_lost),
    f.field("sound_lost", x.sound_lost), f.field("encoder", x.encoder), f.field("waits_behind", x.waits_behind),
    f.field("looked_at", x.looked_at), f.field("notes", x.notes));
}

/// One running channel.
struct session_status {
  session_id id;
  std::string channel;
  std::string state; ///< "starting", "running", "slate", "reconnecting", "ended"
  std::string reason;
  std::string url;           ///< without credentials
  int64_t started_at_ms = 0; ///< Unix time
  stream_format source;
  uint64_t buffered_bytes = 0;
  int64_t buffered_ms = 0;
  uint64_t samples_in = 0;
  uint64_t bytes_in = 0;
  work_statistics ingest;
  uint64_t source_restarts = 0;         ///< how often the source was reopened
  int64_t slate_since_ms = 0;           ///< Unix time since which clients see the slate; 0 if they do not
  uint64_t outages = 0;                 ///< how often the slate was shown
  std::vector<std::string> not_carried; ///< streams of the source that no rendition has
  std::vector<variant_status> variants;

  bool operator==(const session_status&) const = default;
};

template <class Inspector>
bool inspect(Inspector& f, session_status& x) {
  return f.object(x).fields(
    f.field("id", x.id), f.field("channel", x.channel), f.field("state", x.state), f.field("reason", x.reason),
    f.field("url", x.url), f.field("started_at_ms", x.started_at_ms), f.field("source", x.source),
    f.field("buffered_bytes", x.buffered_bytes), f.field("buffered_ms", x.buffered_ms),
    f.field("samples_in", x.samples_in), f.field("bytes_in", x.bytes_in), f.field("ingest", x.ingest),
    f.field("source_restarts", x.source_restarts), f.field("slate_since_ms", x.slate_since_ms),
    f.field("outages", x.outages), f.field("not_carried", x.not_carried), f.field("variants", x.variants));
}

} // namespace troupe
