// Between samples as messages carry them and packets as libav* has them.
#pragma once

#include "encoder/settings.hpp"
#include "encoder/track.hpp"
#include "encoder/window/transcode.hpp"
#include "messages/media.hpp"
#include "messages/work.hpp"

#include <functional>
#include <vector>

namespace troupe {

track_format to_format(const av::track& x);
stream_format to_format(const std::vector<av::track>& tracks);

/// Names that this libav* does not know become "unknown"; opening a decoder or muxer for them then fails with a reason.
av::track to_track(const track_format& x);
std::vector<av::track> to_tracks(const stream_format& x);

/// Points `packet` at a sample's bytes. They stay the block's: the packet must not outlive it.
void borrow(AVPacket& packet, const sample& s, std::span<const std::byte> bytes);

/// How an encoder is set to reach the profile.
av::expected<av::video_settings> to_settings(const video_profile& x);
av::audio_settings to_settings(const audio_profile& x);

/// The same for the encoder and on the device that a lease names. What has no equivalent there is left out, and listed in `left_out`. A seat without an
/// encoder changes nothing.
av::expected<av::video_settings> to_settings(const video_profile& x, const encoder_seat& seat,
                                             std::vector<std::string>* left_out = nullptr);

/// What to do with each source track to reach the profile; `left_out` as above.
av::expected<std::vector<av::track_plan>> to_plan(const stream_format& source, const profile& target,
                                                  const encoder_seat& seat = {},
                                                  std::vector<std::string>* left_out = nullptr);

/// Whether MPEG-TS, in which clients get channels, carries a codec, by libav*'s name.
bool transport_holds(const std::string& codec);

/// Why channels cannot be watched in a profile, whatever their sources are; empty where they can.
std::string misfit(const profile& x);

/// Collects packets into blocks: a new block at each random-access point, at `bytes_max`, and before a sample that is not closed behind one that is:
/// where a block has closed samples, the last one is closed.
///
/// Where there is video, only its random-access points are marked: there a client can join. Without video any audio packet would do; one in half
/// a second is marked.
class block_builder {
public:
  using emit = std::function<void(sample_block)>;

  explicit block_builder(emit out) : out_(std::move(out)) {}

  void set_tracks(const std::vector<av::track>& tracks);

  void add(const AVPacket& packet);

  /// Emits what is collected.
  void flush();

private:
  static constexpr size_t bytes_max = 64 * 1024;

  emit out_;
  bool has_video_ = false;
  std::vector<bool> video_;
  int64_t marked_pts_ = no_timestamp;
  std::vector<sample> samples_;
  shared_bytes::container bytes_;
};

} // namespace troupe
