// Generates and analyses the sound of our test media.
//
// Two steady tones, one per channel, change pitch at each marker. Eight pitches take turns, so a second of sound tells
// which second it is (modulo eight). At each marker a short burst far above the tones starts. A marker is at every
// frame whose number is a multiple of the rounded frame rate. The distance from burst to picture is the offset between
// sound and picture.
#pragma once

extern "C" {
#include <libavutil/rational.h>
}

#include <array>
#include <complex>
#include <cstdint>
#include <span>
#include <vector>

namespace troupe::bench {

inline constexpr int tone_pitches = 8;

/// Frames from one marker to the next: the frame rate rounded to a whole number, at least 1.
int frames_per_marker(AVRational frame_rate);

/// Generates consecutive stretches of the sound from time zero.
class tone_source {
public:
  tone_source(int sample_rate, AVRational frame_rate);

  /// The next samples, -1 to 1, peak 0.7. Both spans have the same length.
  void fill(std::span<float> left, std::span<float> right);

private:
  int sample_rate_;
  double marker_samples_; // from one marker to the next
  int64_t position_ = 0;
  double phase_left_ = 0;
  double phase_right_ = 0;
};

/// A burst found in the sound.
struct tone_marker {
  double seconds = 0; ///< when it starts, on the timeline of the samples given
  int pitch = -1;     ///< index of the pitch after it, -1 if too little sound followed
};

/// Analyses decoded sound.
class tone_reader {
public:
  explicit tone_reader(int sample_rate);

  /// `seconds` is the time of the first sample. All channels have equal lengths. A jump of time against the samples so
  /// far starts a new stretch.
  void listen(double seconds, std::span<const std::vector<float>> channels);

  /// Markers in order; the last one may still lack its pitch.
  const std::vector<tone_marker>& markers() const noexcept {
    return markers_;
  }

  /// Sound in which every channel is below -36 dB, counted in blocks of 10 ms.
  double silent_seconds() const noexcept {
    return static_cast<double>(silent_blocks_) * 0.01;
  }

  /// Channels that ever carried sound.
  int channels_with_sound() const noexcept;

private:
  void restart(double seconds);
  void seek_burst(double sample);
  void end_burst();
  void follow_pitch(double sample);
  void watch_level(std::span<const std::vector<float>> channels, size_t index);

  int sample_rate_;
  bool started_ = false;
  double origin_seconds_ = 0; // time of sample 0 of this stretch
  int64_t position_ = 0;      // samples so far in this stretch

  // The burst: the product with its carrier, summed over its length.
  std::vector<std::complex<double>> window_;
  std::complex<double> window_sum_;
  std::complex<double> carrier_{1, 0};
  std::complex<double> carrier_step_;
  double burst_weight_ = 0; // 0 outside a burst
  double burst_centre_ = 0; // weighted sum of positions, from burst_from_ on
  int64_t burst_from_ = 0;
  int64_t burst_until_ = 0;

  // The pitch after the latest marker.
  std::array<std::complex<double>, tone_pitches> pitch_sum_{};
  std::array<std::complex<double>, tone_pitches> pitch_phase_{};
  std::array<std::complex<double>, tone_pitches> pitch_step_{};
  int64_t pitch_from_ = -1;

  // The level.
  std::vector<double> block_energy_;
  std::vector<bool> heard_;
  int64_t block_filled_ = 0;
  int64_t silent_blocks_ = 0;

  std::vector<tone_marker> markers_;
};

} // namespace troupe::bench
