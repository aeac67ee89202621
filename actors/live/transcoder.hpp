// TRANSCODER: makes one rendition of one window for a channel session, in a task of its own.
//
// A detached actor: it encodes inside its handlers, one source block at a time, so that a stop takes effect between two
// blocks. A source block is acknowledged when its output has been sent. While the sink's credit is used up, nothing is
// acknowledged, so that the sender's credit runs out in turn and no queue grows. If the sink dies, the transcoder ends.
// When it ends itself, it sends a `stream_end` and quits once that has arrived. The reason in it is empty if all
// windows are delivered, or if the source has ended.
#pragma once

#include "actors/live/block_builder.hpp"
#include "core/live/credit.hpp"
#include "encoder/window/transcode.hpp"
#include "messages/actors.hpp"

#include <caf/actor_system.hpp>

#include <chrono>
#include <deque>
#include <optional>
#include <string>

namespace troupe {

struct transcoder_state : av::transcode_sink {
  /// INTERNAL: a tick of the clock.
  using interface = transcoder_actor::extend<caf::result<void>(tick_atom)>;

  static inline const char* name = "transcoder";

  transcoder_state(interface::pointer self, transcode_work work, sample_sink_actor sink, const av::engine& codecs);

  interface::behavior_type make_behavior();

  /// Ends the attempt; the reason is empty for a regular end.
  void end(std::string reason, bool terminal, bool device_failed = false);
  void end(const av::error& x);

  void take(const sample_batch& x);

  /// Passes on the output of the last input; ends if no more can come.
  void after_input();

  /// Sends as much as the credit allows; acknowledges input when nothing is left to send.
  void drain();

  void report();

  // -- av::transcode_sink -----------------------------------------------------

  void on_format(const std::vector<av::track>& tracks) override;
  void on_packet(AVPacket& packet) override;

  interface::pointer self;
  transcode_work work;
  sample_sink_actor sink;
  const av::engine& codecs;
  std::optional<av::transcode> job;
  block_builder blocks;
  std::deque<sample_block> pending; ///< output that waits for credit
  core::credit_window credit;
  uint64_t received = 0;     ///< source batches taken
  uint64_t acknowledged = 0; ///< source batches acknowledged
  caf::strong_actor_ptr source;
  bool ending = false;
  work_statistics statistics;
  int64_t first_pts = no_timestamp; ///< of the output, since `measured_from`
  int64_t last_pts = no_timestamp;
  std::chrono::steady_clock::time_point measured_from;
};

transcoder_actor spawn_transcoder(caf::actor_system& system, transcode_work work, sample_sink_actor sink,
                                  const av::engine& codecs = av::libav_engine());

} // namespace troupe
