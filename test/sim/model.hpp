// A transcoder without real pictures. It takes and gives samples under the contract of messages/actors.hpp.
//
// Pictures are put into presentation order, cut to the window, kept for a few pictures by the encoder and put into
// decoding order again, with B-pictures where the profile asks for them; sound is delayed. The timestamps that come out
// are exactly those that went in. Copied pictures are cut to the window by DTS.
#pragma once

#include "core/plan.hpp"
#include "messages/work.hpp"

#include <cstdint>
#include <deque>
#include <map>
#include <vector>

namespace troupe::sim {

/// How this encoder behaves; part of a seed's world, and may differ from worker to worker.
struct encoder_habits {
  size_t lookahead = 0;   ///< pictures that it keeps before it gives one
  size_t sound_delay = 0; ///< frames of sound that it keeps
  int64_t group = 50;     ///< pictures from one random-access point to the next
  bool sorted = true;     ///< gives pictures and sound in the order of decoding times, if both are ready
};

class transcode_model {
public:
  transcode_model(const transcode_work& work, encoder_habits habits);

  /// Takes a source block.
  void feed(const sample_block& block);

  /// The source has ended: what is kept comes out.
  void finish();

  /// Ends every window at `to_pts`.
  void finish_at(int64_t to_pts);

  /// What came out since the last call.
  std::vector<sample_block> take();

  /// Nothing more will come.
  bool complete() const noexcept {
    return finished_;
  }

  /// The tracks of what comes out.
  const stream_format& output() const noexcept {
    return output_;
  }

private:
  struct lane {
    core::track_action action = core::track_action::copy;
    track_kind kind = track_kind::video;
    uint16_t number = 0; ///< in the output
    window span;
    bool started = false;              ///< the decoder has seen a picture that it can start with
    int64_t first_key = no_timestamp;  ///< pictures shown before that one cannot be made
    std::map<int64_t, sample> decoded; ///< not yet in presentation order
    std::deque<sample> frames;         ///< in presentation order, in the encoder
    int64_t since_key = 0;             ///< pictures since the latest random-access point; 0 before the first
    std::deque<int64_t> times;         ///< of the next pictures in presentation order
    bool times_used = false;           ///< the first picture has its DTS
    std::deque<sample> out;            ///< made, but not yet merged with the other tracks
    int64_t passed = no_timestamp;     ///< everything up to this DTS has been given to `out`
    bool done = false;                 ///< everything of the window has been given to `out`
  };

  void begin(const sample& x);
  void feed(lane& l, const sample& x);
  void copy(lane& l, const sample& x);
  void decode(lane& l, const sample& x);
  void to_encoder(lane& l, const sample& x);
  void flush_decoder(lane& l);
  void encode(lane& l, bool flush);
  void emit(lane& l, sample x, bool key, bool closed);
  void end(lane& l);
  void merge();

  encoder_habits habits_;
  bool reorder_; ///< the profile asks for B-pictures
  stream_format output_;
  std::vector<lane> lanes_; ///< one per source track
  bool open_start_;         ///< the windows begin at the first random-access point
  bool begun_ = false;
  bool closed_ = true; ///< the flag `closed` of the latest picture given
  bool finished_ = false;
  std::vector<sample_block> blocks_;
};

} // namespace troupe::sim
