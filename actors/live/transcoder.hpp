// TRANSCODER: makes renditions of one source for a channel session, in a task of their own: one, or several that are
// decoded once. Each is an attempt with its own window, its own output under its own credit, and its own end.
//
// A detached actor: it encodes inside its handlers, one source block at a time, so that a stop takes effect between two
// blocks. A source block is acknowledged when the output of all attempts has been sent. If one attempt has no credit at
// the sink, no source block is acknowledged. Then the sender's credit runs out too, and no queue grows. If the sink
// dies, the transcoder ends. An attempt that ends by itself sends a `stream_end`. The reason in it is empty if all
// windows are delivered, or if the source has ended. The transcoder quits when the end of the last one has arrived.
#pragma once

#include "actors/live/block_builder.hpp"
#include "core/live/credit.hpp"
#include "encoder/window/transcode.hpp"
#include "messages/actors.hpp"

#include <caf/actor_system.hpp>

#include <chrono>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace troupe {

/// As `transcoder_actor`, in this process.
using local_transcoder_actor = transcoder_actor::extend<
  // A further attempt, beside the first one; refused after the first source block. Answers when it is ready.
  caf::result<void>(transcode_work)>;

struct transcoder_state {
  using interface = local_transcoder_actor::extend<
    // INTERNAL: a tick of the clock.
    caf::result<void>(tick_atom)>;

  static inline const char* name = "transcoder";

  transcoder_state(interface::pointer self, transcode_work work, sample_sink_actor sink, const av::engine& codecs);

  interface::behavior_type make_behavior();

  /// One attempt.
  struct lane : av::transcode_sink {
    lane(transcoder_state& of, transcode_work work);

    void on_format(const std::vector<av::track>& tracks) override;
    void on_packet(AVPacket& packet) override;

    transcoder_state& of;
    transcode_work work;
    std::optional<av::transcode> job;
    block_builder blocks;
    std::deque<sample_block> pending; ///< output that waits for credit
    core::credit_window credit;
    bool ending = false;
    work_statistics statistics;
    std::chrono::nanoseconds busy{0};
    int64_t first_pts = no_timestamp; ///< of the output, since `measured_from`
    int64_t last_pts = no_timestamp;
    std::chrono::steady_clock::time_point measured_from;
  };

  void open(lane& x);
  lane* find(attempt_id attempt);

  /// Ends the attempt; the reason is empty for a regular end.
  void end(lane& x, std::string reason, bool terminal, bool device_failed = false);
  void end(lane& x, const av::error& why);

  /// Forgets the attempt; the actor quits with the last one.
  void remove(attempt_id attempt);

  void take(const sample_batch& x);
  void take(lane& x, const sample& s, const AVPacket& packet);

  /// Passes on the output of the last input; ends the attempt if no more can come.
  void after_input(lane& x);

  /// Sends as much as the credit allows.
  void drain(lane& x);

  /// Acknowledges the input when nothing is left to send.
  void acknowledge();

  void report(lane& x);

  interface::pointer self;
  sample_sink_actor sink;
  const av::engine& codecs;
  av::shared_decoders decoders;
  std::optional<std::string> decode_device; ///< on which they are
  attempt_id first;                         ///< the number of the source's batches
  std::vector<std::unique_ptr<lane>> lanes;
  uint64_t received = 0;     ///< source batches taken
  uint64_t acknowledged = 0; ///< source batches acknowledged
  caf::strong_actor_ptr source;
};

local_transcoder_actor spawn_transcoder(caf::actor_system& system, transcode_work work, sample_sink_actor sink,
                                        const av::engine& codecs = av::libav_engine());

} // namespace troupe
