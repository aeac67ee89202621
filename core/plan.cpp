#include "core/plan.hpp"

#include "base/language.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <numeric>

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

/// For each track of the source its rank among the sounds: the place of its language in the profile's list. Empty if
/// there is no list.
std::vector<uint16_t> ranks_of(const stream_format& source, const audio_profile& want) {
  std::vector<uint16_t> result;
  if (want.languages.empty())
    return result;
  for (auto& track : source.tracks) {
    auto i = std::find_if(want.languages.begin(), want.languages.end(),
                          [&](const std::string& x) { return base::is_language(track.language, x); });
    result.push_back(track.kind != track_kind::audio ? uint16_t{0}
                                                     : static_cast<uint16_t>(i - want.languages.begin() + 1));
  }
  return result;
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
  result.ranks = ranks_of(source, target.audio);
  auto last = static_cast<uint16_t>(target.audio.languages.size());
  auto found = false;
  auto has_sound = false;
  for (size_t i = 0; i < source.tracks.size(); ++i)
    if (source.tracks[i].kind == track_kind::audio) {
      has_sound = true;
      found = found || (i < result.ranks.size() && result.ranks[i] <= last);
    }
  auto selects = !target.audio.languages.empty() && target.audio.others == "drop";
  if (selects && has_sound && !found && target.audio.codec != "none")
    result.notes.emplace_back("no sound is in a language of the profile: all sounds are kept");
  for (auto& track : source.tracks) {
    auto unwanted = selects && found && result.ranks[result.actions.size()] > last;
    auto video = track.kind == track_kind::video;
    auto& codec = video ? target.video.codec : target.audio.codec;
    auto as_asked = video ? video_is_as_asked(track, target.video) : audio_is_as_asked(track, target.audio);
    auto beside = track.kind == track_kind::subtitle || track.kind == track_kind::data;
    if (beside && held != nullptr && held(track.codec))
      result.carried.push_back({static_cast<uint16_t>(result.actions.size()), track});
    if (codec == "none" || unwanted || (!video && track.kind != track_kind::audio)) {
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

std::vector<uint16_t> places_of(const variant_plan& plan) {
  std::vector<uint16_t> kept;
  for (size_t i = 0; i < plan.actions.size(); ++i)
    if (plan.actions[i] != track_action::drop)
      kept.push_back(i < plan.ranks.size() ? plan.ranks[i] : uint16_t{0});
  std::vector<uint16_t> order(kept.size());
  std::iota(order.begin(), order.end(), uint16_t{0});
  std::stable_sort(order.begin(), order.end(), [&](uint16_t a, uint16_t b) { return kept[a] < kept[b]; });
  std::vector<uint16_t> result(kept.size());
  for (size_t i = 0; i < order.size(); ++i)
    result[order[i]] = static_cast<uint16_t>(i);
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
