// Messages of the control plane: they let tasks join the cluster, lease them and run them. A `lease_request` is
// answered with a `lease`; a `lease_end` ends it.
#pragma once

#include "messages/daemon.hpp"
#include "messages/ids.hpp"
#include "messages/inspect.hpp"
#include "messages/limits.hpp"
#include "messages/placement.hpp"
#include "messages/work.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace troupe {

/// How a task process introduces itself to the coordinator. `task` and `host` prove which worker started it; they are
/// those of the pass with which it has connected.
struct task_join {
  task_id task;
  worker_id host;
  std::string version;

  bool operator==(const task_join&) const = default;
};

template <class Inspector>
bool inspect(Inspector& f, task_join& x) {
  return f.object(x).fields(f.field("task", x.task), f.field("host", x.host), f.field("version", x.version));
}

enum class work_kind : uint8_t { ingest, transcode, probe, chunk, assemble };

inline std::string_view to_string(work_kind x) {
  constexpr std::string_view names[] = {"ingest", "transcode", "probe", "chunk", "assemble"};
  return names[static_cast<size_t>(x)];
}

/// True for work on a file. Such work waits, without a time limit, for a slot that no live work wants.
constexpr bool is_file_work(work_kind x) {
  return x >= work_kind::probe;
}

template <class Inspector>
bool inspect(Inspector& f, work_kind& x) {
  return inspect_enum(f, x, work_kind::assemble);
}

/// What a task works on: shown in heartbeats, logs and the API.
struct work_label {
  work_kind kind = work_kind::transcode;
  std::string channel;
  std::string profile;
  session_id session;
  attempt_id attempt;
  work_limits limits{}; ///< of the process
  lease_id lease{};     ///< the task was given with this lease

  bool operator==(const work_label&) const = default;
};

template <class Inspector>
bool inspect(Inspector& f, work_label& x) {
  return f.object(x).fields(f.field("kind", x.kind), f.field("channel", x.channel), f.field("profile", x.profile),
                            f.field("session", x.session), f.field("attempt", x.attempt), f.field("limits", x.limits),
                            f.field("lease", x.lease));
}

/// Asks the registry for a task process with a slot. Each entry of `encoders` and `decoders` is an encoder or codec
/// that the worker must have proven. The exception is the entry that `video` names: the encoder ladder resolves it.
/// `refused_by` lists workers that already failed at this work. They are taken only if no other worker can do the work,
/// and never if `elsewhere` is set.
struct lease_request {
  work_label label;
  std::vector<std::string> encoders;
  std::vector<std::string> decoders;
  std::vector<worker_id> refused_by;
  bool elsewhere = false;
  bool last_resort = false; ///< clients would see nothing otherwise: allows a worker that is avoided after failures
  encoder_wish video{};     ///< the registry chooses encoder and device for it, and the lease names them
  uint64_t turn = 0;        ///< for file work: the lowest turn among the waiting requests is served first
  std::string input{};      ///< names what is read: tasks that die of one input count as one failure of their worker
  /// The owner can do without this encoder: the request fails with `encode_failed` if no worker has the encoder any
  /// more.
  bool replaceable = false;
  bool resumes = false; ///< clients already have part of the output: the request waits instead of being refused at once
  /// The process of this lease of the same owner is to make this output as well. The request is granted or refused at
  /// once.
  lease_id beside{};

  bool operator==(const lease_request&) const = default;
};

template <class Inspector>
bool inspect(Inspector& f, lease_request& x) {
  return f.object(x).fields(f.field("label", x.label), f.field("encoders", x.encoders), f.field("decoders", x.decoders),
                            f.field("refused_by", x.refused_by), f.field("elsewhere", x.elsewhere),
                            f.field("last_resort", x.last_resort), f.field("video", x.video), f.field("turn", x.turn),
                            f.field("input", x.input), f.field("replaceable", x.replaceable),
                            f.field("resumes", x.resumes), f.field("beside", x.beside));
}

/// How the work of a lease ended.
struct lease_end {
  std::string reason{};        ///< human-readable; empty for a regular end
  bool process_failed = false; ///< the task's process died or hung: only this counts against its worker
  bool closed = false;         ///< the process lives on, and has said that it closed the lease's encoder

  bool operator==(const lease_end&) const = default;
};

template <class Inspector>
bool inspect(Inspector& f, lease_end& x) {
  return f.object(x).fields(f.field("reason", x.reason), f.field("process_failed", x.process_failed),
                            f.field("closed", x.closed));
}

/// The registry's promise of one slot and one task process. It holds until the lease is released or either side is
/// gone.
struct lease {
  lease_id id;
  task_id task;
  worker_id worker;
  std::string worker_name;
  std::string limits{}; ///< what enforces each limit of the label; human-readable
  encoder_seat seat{};  ///< for the request's `video`
  /// The place that was taken, then rejected candidates with reasons; at most 32.
  std::vector<placement_candidate> looked_at{};

  bool operator==(const lease&) const = default;
};

template <class Inspector>
bool inspect(Inspector& f, lease& x) {
  return f.object(x).fields(f.field("id", x.id), f.field("task", x.task), f.field("worker", x.worker),
                            f.field("worker_name", x.worker_name), f.field("limits", x.limits), f.field("seat", x.seat),
                            f.field("looked_at", x.looked_at));
}

/// How a task process ended, as seen by its host.
struct task_exit {
  std::string how;            ///< empty for a regular end
  bool out_of_memory = false; ///< killed because it used more memory than its limit

  bool operator==(const task_exit&) const = default;
};

template <class Inspector>
bool inspect(Inspector& f, task_exit& x) {
  return f.object(x).fields(f.field("how", x.how), f.field("out_of_memory", x.out_of_memory));
}

} // namespace troupe
