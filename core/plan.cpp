#include "core/plan.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace troupe::core {

namespace {

bool same_or_unset(int32_t wanted, int32_t have) {
  return wanted == 0 || wanted == have;
}

bool interlaced(const track_format& x) {
  return !x.field_order.empty() && x.field_order != "progressive";
}

/// Whether the source's shape is what the profile asks for, which is square samples and an upright picture.
bool shape_is_as_asked(const track_format& have, const video_profile& want) {
  auto square = have.sample_aspect.num <= 0 || have.sample_aspect.num == have.sample_aspect.den;
  auto sized = want.width != 0 || want.height != 0;
  return have.turn == 0 && (square || !sized) && same_or_unset(want.width, have.width)
         && same_or_unset(want.height, have.height);
}

bool video_is_as_asked(const track_format& have, const video_profile& want) {
  auto rate = want.frame_rate.num == 0 || std::abs(want.frame_rate.value() - have.frame_rate.value()) < 1e-3;
  return want.codec == have.codec && shape_is_as_asked(have, want) && rate
         && (want.pixel_format.empty() || want.pixel_format == have.pixel_format)
         && (want.deinterlace == "off" || !interlaced(have)) && want.bit_rate == 0 && want.max_bit_rate == 0
         && want.crf < 0 && want.options.empty();
}

bool audio_is_as_asked(const track_format& have, const audio_profile& want) {
  return want.codec == have.codec && same_or_unset(want.sample_rate, have.sample_rate)
         && (want.channel_layout.empty() || want.channel_layout == have.channel_layout) && want.bit_rate == 0
         && want.options.empty();
}

void add_once(std::vector<std::string>& names, const std::string& name) {
  if (std::find(names.begin(), names.end(), name) == names.end())
    names.push_back(name);
}

} // namespace

profile encoding_of(const profile& target) {
  auto result = target;
  if (target.video.codec == "copy") {
    result.video.codec = "h264";
    result.video.pixel_format = "yuv420p";
    result.video.preset = "veryfast";
    result.video.b_frames = 0;
  }
  if (target.audio.codec == "copy")
    result.audio.codec = "aac";
  return result;
}

variant_plan plan_variant(const stream_format& source, const profile& target, codec_test held) {
  variant_plan result;
  auto made = encoding_of(target);
  for (auto& track : source.tracks) {
    auto video = track.kind == track_kind::video;
    auto& codec = video ? target.video.codec : target.audio.codec;
    auto as_asked = video ? video_is_as_asked(track, target.video) : audio_is_as_asked(track, target.audio);
    auto beside = track.kind == track_kind::subtitle || track.kind == track_kind::data;
    if (beside && held != nullptr && held(track.codec))
      result.carried.push_back({static_cast<uint16_t>(result.actions.size()), track});
    if (codec == "none" || (!video && track.kind != track_kind::audio)) {
      result.actions.push_back(track_action::drop);
    } else if ((codec == "copy" || as_asked) && (held == nullptr || held(track.codec))) {
      result.actions.push_back(track_action::copy);
    } else {
      auto& into = video ? made.video.codec : made.audio.codec;
      result.actions.push_back(track_action::encode);
      result.encodes_video = result.encodes_video || video;
      if (codec == "copy")
        add_once(result.notes, std::string{to_string(track.kind)} + " " + track.codec + " is converted to " + into
                                 + ": the container does not carry it");
      add_once(result.encoders, into);
      add_once(result.decoders, track.codec);
    }
  }
  return result;
}

stream_format passthrough_format(const stream_format& source, const variant_plan& plan) {
  assert(plan.actions.size() == source.tracks.size());
  stream_format result;
  for (size_t i = 0; i < source.tracks.size(); ++i)
    if (plan.actions[i] != track_action::drop)
      result.tracks.push_back(source.tracks[i]);
  return result;
}

encoder_wish wish_of(const video_profile& x) {
  return {x.codec, x.on_busy, x.fallback_encoder, x.never_software, x.queue_timeout};
}

picture_work pictures_of(const stream_format& source, const video_profile& target) {
  picture_work result;
  for (auto& x : source.tracks)
    if (x.kind == track_kind::video) {
      result.decoded = int64_t{x.width} * x.height;
      result.encoded = pixels_of(target.width, target.height, x.width, x.height);
      result.codec = target.codec;
    }
  return result;
}

uint16_t leading_track(const stream_format& x) noexcept {
  auto i = std::find_if(x.tracks.begin(), x.tracks.end(), [](auto& t) { return t.kind == track_kind::video; });
  return i == x.tracks.end() ? 0 : static_cast<uint16_t>(i - x.tracks.begin());
}

} // namespace troupe::core
