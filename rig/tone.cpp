// The burst is a 3 kHz carrier under a raised cosine of 30 ms. Multiplied with its carrier and summed over the latest
// 30 ms, it gives a hump. The hump is symmetric about the moment when the sum covers the burst exactly, for any phase
// and level. So its centre is accurate to a fraction of a millisecond. A burst that is cut by the start of the sound
// crosses the threshold too soon after it, and is left out.
#include "rig/tone.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace troupe::bench {

namespace {

constexpr double pi = std::numbers::pi;
constexpr double burst_hz = 3000;
constexpr double burst_seconds = 0.03;
constexpr double burst_level = 0.5;
constexpr double tone_level = 0.2;

double left_hz(int pitch) {
  return 400 + 50.0 * pitch;
}

// Never equal to a pitch of the left channel, nor so near that both would beat slowly when mixed.
double right_hz(int pitch) {
  return 2 * left_hz(pitch) + 25;
}

std::complex<double> turn(double hz, int sample_rate) {
  return std::polar(1.0, -2 * pi * hz / sample_rate);
}

} // namespace

int frames_per_marker(AVRational frame_rate) {
  return std::max(1, static_cast<int>(std::lround(av_q2d(frame_rate))));
}

tone_source::tone_source(int sample_rate, AVRational frame_rate)
  : sample_rate_(sample_rate),
    marker_samples_(frames_per_marker(frame_rate) * static_cast<double>(sample_rate) / av_q2d(frame_rate)) {}

void tone_source::fill(std::span<float> left, std::span<float> right) {
  for (size_t i = 0; i < left.size(); ++i, ++position_) {
    auto marker = std::floor(static_cast<double>(position_) / marker_samples_);
    auto pitch = static_cast<int>(std::fmod(marker, tone_pitches));
    auto since = (static_cast<double>(position_) - marker * marker_samples_) / sample_rate_;
    auto burst = 0.0;
    if (since < burst_seconds)
      burst = burst_level * 0.5 * (1 - std::cos(2 * pi * since / burst_seconds)) * std::sin(2 * pi * burst_hz * since);
    left[i] = static_cast<float>(tone_level * std::sin(phase_left_) + burst);
    right[i] = static_cast<float>(tone_level * std::sin(phase_right_) + burst);
    phase_left_ = std::fmod(phase_left_ + 2 * pi * left_hz(pitch) / sample_rate_, 2 * pi);
    phase_right_ = std::fmod(phase_right_ + 2 * pi * right_hz(pitch) / sample_rate_, 2 * pi);
  }
}

tone_reader::tone_reader(int sample_rate)
  : sample_rate_(sample_rate),
    window_(static_cast<size_t>(std::lround(burst_seconds * sample_rate))),
    carrier_step_(turn(burst_hz, sample_rate)) {
  for (int pitch = 0; pitch < tone_pitches; ++pitch)
    pitch_step_[static_cast<size_t>(pitch)] = turn(left_hz(pitch), sample_rate);
}

void tone_reader::restart(double seconds) {
  started_ = true;
  origin_seconds_ = seconds;
  position_ = 0;
  std::fill(window_.begin(), window_.end(), std::complex<double>{});
  window_sum_ = {};
  burst_weight_ = 0;
  burst_centre_ = 0;
  pitch_from_ = -1;
  block_filled_ = 0;
  std::fill(block_energy_.begin(), block_energy_.end(), 0.0);
}

void tone_reader::listen(double seconds, std::span<const std::vector<float>> channels) {
  if (channels.empty())
    return;
  // Containers round timestamps (MPEG-TS to 1/90000 s, Matroska to 1 ms): only a larger step is a jump.
  auto expected_seconds = origin_seconds_ + static_cast<double>(position_) / sample_rate_;
  if (!started_ || std::abs(seconds - expected_seconds) > 0.003)
    restart(seconds);
  block_energy_.resize(channels.size());
  heard_.resize(std::max(heard_.size(), channels.size()));
  for (size_t i = 0; i < channels[0].size(); ++i, ++position_) {
    double mix = 0;
    for (auto& channel : channels)
      mix += channel[i];
    mix /= static_cast<double>(channels.size());
    seek_burst(mix);
    follow_pitch(mix);
    watch_level(channels, i);
  }
}

void tone_reader::seek_burst(double sample) {
  // The sum over a whole burst of level 1 is a quarter of its length. Surround mixes and quiet encodes keep a third of
  // the level.
  auto level_min = burst_level / 3 * 0.25 * static_cast<double>(window_.size());
  auto& oldest = window_[static_cast<size_t>(position_) % window_.size()];
  auto product = sample * carrier_;
  window_sum_ += product - oldest;
  oldest = product;
  carrier_ *= carrier_step_;
  if ((position_ & 0xFFF) == 0)
    carrier_ /= std::abs(carrier_);
  auto level = std::abs(window_sum_);
  if (level > level_min) {
    if (burst_weight_ == 0)
      burst_from_ = position_;
    burst_weight_ += level * level;
    burst_centre_ += level * level * static_cast<double>(position_ - burst_from_);
    burst_until_ = position_;
  }
  // The burst is over once it has left the window.
  if (burst_weight_ > 0 && position_ - burst_until_ > static_cast<int64_t>(window_.size()) / 2)
    end_burst();
}

void tone_reader::end_burst() {
  auto length = static_cast<double>(window_.size());
  auto start = static_cast<double>(burst_from_) + burst_centre_ / burst_weight_ + 1 - length;
  auto whole = static_cast<double>(burst_from_) > 0.35 * length;
  burst_weight_ = 0;
  burst_centre_ = 0;
  if (!whole)
    return;
  markers_.push_back({origin_seconds_ + start / sample_rate_, -1});
  pitch_from_ = position_;
  pitch_sum_ = {};
  pitch_phase_.fill({1, 0});
}

void tone_reader::follow_pitch(double sample) {
  if (pitch_from_ < 0)
    return;
  for (size_t i = 0; i < pitch_sum_.size(); ++i) {
    pitch_sum_[i] += sample * pitch_phase_[i];
    pitch_phase_[i] *= pitch_step_[i];
  }
  // Half a second is enough to distinguish pitches 50 Hz apart.
  if (position_ - pitch_from_ < sample_rate_ / 2)
    return;
  auto strongest =
    std::max_element(pitch_sum_.begin(), pitch_sum_.end(), [](auto a, auto b) { return std::norm(a) < std::norm(b); });
  markers_.back().pitch = static_cast<int>(strongest - pitch_sum_.begin());
  pitch_from_ = -1;
}

void tone_reader::watch_level(std::span<const std::vector<float>> channels, size_t index) {
  constexpr double level_min = 0.016; // -36 dB
  for (size_t channel = 0; channel < channels.size(); ++channel)
    block_energy_[channel] += static_cast<double>(channels[channel][index]) * channels[channel][index];
  if (++block_filled_ < sample_rate_ / 100)
    return;
  bool silent = true;
  for (size_t channel = 0; channel < channels.size(); ++channel) {
    if (std::sqrt(block_energy_[channel] / static_cast<double>(block_filled_)) >= level_min) {
      silent = false;
      heard_[channel] = true;
    }
    block_energy_[channel] = 0;
  }
  silent_blocks_ += silent ? 1 : 0;
  block_filled_ = 0;
}

int tone_reader::channels_with_sound() const noexcept {
  return static_cast<int>(std::count(heard_.begin(), heard_.end(), true));
}

} // namespace troupe::bench
