// The path of one source track through a transcode: source packets in, packets of the rendition out, all inside the
// window.
#pragma once

#include "encoder/codec/engine.hpp"
#include "encoder/codec/shared_decoder.hpp"
#include "encoder/window/transcode.hpp"

#include <functional>
#include <memory>

namespace troupe::av {

/// Receives the packets of a lane in decoding order. May move the packet's reference away.
using lane_output = std::function<void(AVPacket&)>;

/// The legal calls are those of `transcode`.
class lane {
public:
  virtual ~lane() = default;

  /// The output's format; null until it is known. No packet comes earlier.
  virtual const track* format() const = 0;

  /// Takes the format from the track's parameters alone, because no frame came in time. An error if they do not
  /// suffice.
  virtual expected<void> settle() = 0;

  /// Ticks before the window's start from which the lane must be fed.
  virtual int64_t preroll() const = 0;

  virtual expected<void> send(const AVPacket& packet) = 0;

  /// The first picture at or after this time is to be a random-access point. If the source goes away and returns before
  /// that time, it must be told again, because the source's times may have moved.
  virtual void key_at(int64_t pts) {
    (void)pts;
  }

  /// The source has nothing before `to_pts`: its absence is filled up to there with a still picture or silence. The
  /// source returns at a random-access point, at `to_pts` or later.
  virtual expected<void> fill(int64_t to_pts) = 0;

  virtual expected<void> finish() = 0;

  /// True when every packet of the window has been given to the output.
  virtual bool complete() const = 0;

  /// The latest time that must stay in the window: of frames already with the encoder, or of packets already delivered.
  /// The lowest int64_t if there are none yet.
  virtual int64_t newest() const = 0;

  /// Lowers the window's end to a time after `newest()`.
  virtual void end_at(int64_t to_pts) = 0;
};

/// The range of a lane, its counters, its output, and where its codecs come from.
struct lane_context {
  time_window window;
  transcode_counters& counters; ///< shared by all lanes of a transcode
  lane_output output;
  const engine& codecs;
  shared_decoders* decoders = nullptr; ///< of this source; null: the lane has a decoder of its own
  size_t index = 0;                    ///< of the source track
};

std::unique_ptr<lane> make_copy_lane(const track& source, lane_context context);
expected<std::unique_ptr<lane>> make_video_lane(const track& source, const video_settings& settings,
                                                lane_context context);
expected<std::unique_ptr<lane>> make_audio_lane(const track& source, const audio_settings& settings,
                                                lane_context context);

} // namespace troupe::av
